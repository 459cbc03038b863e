"""The pictures of a study, one function per kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from experiments.reports.plots import COLOURS, PLOT_STYLE, PLOT_WIDTH, save_figure
from experiments.studies.config import BASELINE, Figure
from experiments.studies.day_plot import draw_day
from experiments.studies.results import Play, Plays, by_training
from idn_gym.evaluation.intervals import UNKNOWN, Interval, half_width, mean_interval
from idn_gym.files import file_name
from idn_gym.scenarios.compile import compile_scenario

LABELS = {
    "ntag": "gain per request",
    "share": "share of the hindsight bound",
    "regret": "regret",
    "rounding_regret": "regret, factor 1 - 1/e",
    "fractional_regret": "regret of the fractions",
    "fractional_regret_most": "regret of the fractions, at most",
    "behind_greedy": "behind the clairvoyant greedy",
    "of_greedy": "share of the clairvoyant greedy's gain",
    "second_half": "gain per request, second half",
    "saved": "saved of the static cost",
    "of_dynamic": "of dynamic optimum, least",
    "of_dynamic_most": "of dynamic optimum, most",
    "dynamic_regret": "dynamic regret, at least",
    "dynamic_regret_most": "dynamic regret, at most",
    "competitive": "competitive ratio, at least",
    "competitive_most": "competitive ratio, at most",
    "headroom": "headroom, at least",
    "headroom_most": "headroom, at most",
    "update": "loaded per slot [memory]",
    "accuracy": "accuracy",
    "latency": "latency [s]",
    "energy": "energy [J]",
    "traffic": "traffic [byte-hops]",
    "drop_rate": "dropped",
    "late_rate": "late",
    "wait": "wait [s]",
    "node_load": "node load",
    "node_load_max": "load of the busiest node",
    "link_load_max": "load of the busiest link",
    "lifetime": "first battery empty after [s]",
    "fairness": "fairness over devices",
    "airtime": "airtime per request [s]",
    "cost": "cost per slot",
}
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


def plot_figure(figure: Figure, plays: Plays, out: Path) -> Path:
    """Write one figure as PNG; returns its path."""
    agents = list(figure.agents or (name for name in plays.labels(figure.part) if name != BASELINE))
    with plt.rc_context({**PLOT_STYLE, "axes.grid.axis": "both"}):
        drawn = {
            "course": plot_course,
            "sweep": plot_sweep,
            "frontier": plot_frontier,
            "dots": plot_dots,
            "tiers": plot_tiers,
            "day": plot_day,
        }[figure.kind](figure, plays, agents)
        if figure.title:
            drawn.suptitle(figure.title, fontsize=9, x=0.01, ha="left")
        return save_figure(drawn, out / f"{file_name(figure.name)}.png")


def _colours(agents: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Colour, marker and line of each agent; where colours run out, lines are broken."""
    count = len(COLOURS)
    return {
        agent: (COLOURS[i % count], MARKS[(i // count + i) % len(MARKS)], ("-", "--", ":")[i // count % 3])
        for i, agent in enumerate(agents)
    }


def _legend(drawn: Any, grid: Any) -> None:
    named: dict[str, Any] = {}
    for axes in grid.flat:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    drawn.legend(named.values(), named.keys(), loc="outside lower center", ncols=min(5, max(1, len(named))))


def _panels(columns: int, rows: int = 1) -> tuple[Any, Any]:
    return plt.subplots(
        rows, columns, figsize=(PLOT_WIDTH, 0.9 + 2.3 * rows), layout="constrained", squeeze=False
    )


def plot_course(figure: Figure, plays: Plays, agents: list[str]) -> Any:
    """One panel per metric and grid cell: running value over slots, mean over seeds, 95 % at each slot."""
    cells = plays.cells(figure.part)
    drawn, grid = _panels(len(cells), len(figure.y))
    styles = _colours(agents)
    for row, name in zip(grid, figure.y, strict=True):
        for axes, cell in zip(row, cells, strict=True):
            for agent in agents:
                mine = plays.of(figure.part, agent, cell)
                courses = np.stack([play.course(name) for play in mine])
                if np.isnan(courses).all():
                    continue
                slots = np.unique(np.geomspace(1, courses.shape[1], 120).astype(int))
                colour, _, line = styles[agent]
                mean = courses[:, slots - 1].mean(axis=0)
                half = half_width(np.moveaxis(by_training(mine, courses[:, slots - 1]), -1, 0))
                axes.plot(slots, mean, color=colour, ls=line, lw=1.1, label=agent)
                axes.fill_between(slots, mean - half, mean + half, color=colour, alpha=0.15, lw=0)
                proven = [play.series.proven for play in mine]
                if name == "fractional_regret" and all(bound is not None for bound in proven):
                    bound = np.mean([bound[slots - 1] for bound in proven if bound is not None], axis=0)
                    axes.plot(slots, bound, color=colour, ls=":", lw=1.4, label=f"{agent}: at most")
            if "regret" not in name:
                axes.set_xscale("log")  # learning is over within a few slots out of thousands
            axes.set_xlabel("slot")
            axes.set_title(_name(cell))
        row[0].set_ylabel(LABELS[name])
    _legend(drawn, grid)
    return drawn


def _name(cell: dict[str, Any]) -> str:
    return ", ".join(f"{key.split('.')[-1]} {value}" for key, value in cell.items())


def plot_sweep(figure: Figure, plays: Plays, agents: list[str]) -> Any:
    """One panel per metric over the values of a grid key, or the points of an axis."""
    assert figure.x is not None
    drawn, grid = _panels(len(figure.y))
    styles = _colours(agents)
    cells = plays.cells(figure.part)
    for axes, name in zip(grid[0], figure.y, strict=True):
        for agent in agents:
            intervals = [_interval(plays, figure.part, agent, cell, name) for cell in cells]
            xs = [cell[figure.x] for cell in cells]
            colour, mark, line = styles[agent]
            mean, low, high = np.array(intervals).T
            axes.errorbar(
                xs,
                mean,
                [mean - low, high - mean],
                color=colour,
                ls=line,
                marker=mark,
                ms=3,
                lw=1.0,
                label=agent,
            )
        axes.set_xlabel(figure.x)
        axes.set_ylabel(LABELS[name])
        if not isinstance(xs[0], str) and min(xs) > 0 and max(xs) >= 20 * min(xs):
            axes.set_xscale("log")
    _legend(drawn, grid)
    return drawn


def _interval(plays: Plays, part: str, agent: str, cell: dict[str, Any], name: str) -> Interval:
    values = plays.values(part, agent, cell, name)
    return UNKNOWN if np.isnan(values).any() else mean_interval(values)


def plot_frontier(figure: Figure, plays: Plays, agents: list[str]) -> Any:
    """Metric x against metric y, one line per agent along the grid, values of the grid beside the points."""
    assert figure.x is not None
    drawn, grid = _panels(len(figure.y))
    styles = _colours(agents)
    cells = plays.cells(figure.part)
    for axes, name in zip(grid[0], figure.y, strict=True):
        for agent in agents:
            xs, ys = (
                [_interval(plays, figure.part, agent, cell, column)[0] for cell in cells]
                for column in (figure.x, name)
            )
            colour, mark, line = styles[agent]
            axes.plot(xs, ys, color=colour, ls=line, marker=mark, ms=3.5, lw=1.0, label=agent)
            for k, (place, names) in enumerate(_places(xs, ys, cells).items()):
                beside = (3, 4 if k % 2 else -8)
                axes.annotate(
                    names, place, xytext=beside, textcoords="offset points", fontsize=6, color=colour
                )
        axes.margins(0.15)
        axes.locator_params(axis="x", nbins=5)
        axes.set(xlabel=LABELS[figure.x], ylabel=LABELS[name])
    _legend(drawn, grid)
    return drawn


def _places(
    xs: Sequence[float], ys: Sequence[float], cells: Sequence[dict[str, Any]]
) -> dict[tuple[float, float], str]:
    """Text beside each point of an agent; empty if the agent does not vary along the grid."""
    found: dict[tuple[float, float], list[str]] = {}
    for x, y, cell in zip(xs, ys, cells, strict=True):
        found.setdefault((x, y), []).append(_name(cell))
    return {place: "; ".join(names) for place, names in found.items()} if len(found) > 1 else {}


def plot_dots(figure: Figure, plays: Plays, agents: list[str]) -> Any:
    """Per grid cell one panel per metric: mean and interval of each agent, largest in the first on top."""
    cells = plays.cells(figure.part)
    drawn, grid = plt.subplots(
        len(cells),
        len(figure.y),
        figsize=(PLOT_WIDTH, len(cells) * (0.9 + 0.2 * len(agents))),
        layout="constrained",
        squeeze=False,
        sharex="col",
        sharey="row",
    )
    for row, cell in zip(grid, cells, strict=True):
        found = {
            agent: [_interval(plays, figure.part, agent, cell, name) for name in figure.y] for agent in agents
        }
        order = sorted(agents, key=lambda agent: -np.nan_to_num(found[agent][0].estimate))
        for k, axes in enumerate(row):
            for y, agent in enumerate(order):
                mid, low, high = found[agent][k]
                axes.plot([low, high], [y, y], color=COLOURS[0], lw=1.6)
                axes.plot(mid, y, "o", color=COLOURS[0], ms=4)
            axes.set(yticks=range(len(order)), yticklabels=order, ylim=(len(order) - 0.5, -0.5))
        row[0].set_title(_name(cell), loc="left")
    for axes, name in zip(grid[-1], figure.y, strict=True):
        axes.set_xlabel(LABELS[name])
        axes.locator_params(axis="x", nbins=4)
    return drawn


def plot_tiers(figure: Figure, plays: Plays, agents: list[str]) -> Any:
    """Per grid cell and agent: models by tier, as mean number of copies on a node of the tier.

    All panels have the same rows and columns; a place is left white where an agent has no such model or tier.
    """
    cells = plays.cells(figure.part)
    found = {
        (a, c): _by_tier(plays.of(figure.part, agent, cell))
        for a, agent in enumerate(agents)
        for c, cell in enumerate(cells)
    }
    tiers, models = (
        list(dict.fromkeys(pair[i] for copies in found.values() for pair in copies)) for i in (0, 1)
    )
    drawn, grid = plt.subplots(
        len(agents),
        len(cells),
        figsize=(PLOT_WIDTH, 0.6 + 1.7 * len(agents)),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for (a, c), copies in found.items():
        axes, most = grid[a, c], max(copies.values(), default=0.0)
        shown = np.array([[copies.get((tier, model), np.nan) for tier in tiers] for model in models])
        image = axes.imshow(shown, aspect="auto", cmap="cividis", vmin=0.0, vmax=most or 1.0)
        axes.set_xticks(range(len(tiers)), tiers, rotation=60, ha="right")
        axes.set_yticks(range(len(models)), models, fontsize=5)
        name = f"{agents[a]}, {_name(cells[c])}" if cells[c] else agents[a]
        axes.set_title(name)
        axes.grid(False)
        if most:
            drawn.colorbar(image, ax=axes, shrink=0.8)
        else:
            axes.text(
                0.5, 0.5, "nothing placed", transform=axes.transAxes, color="w", ha="center", fontsize=6
            )
    drawn.supxlabel("mean number of copies on a node of the tier (copies for different tasks count apart)")
    return drawn


def plot_day(figure: Figure, plays: Plays, agents: list[str]) -> Any:
    """The first episode of the first cell."""
    cell = plays.cells(figure.part)[0]
    return draw_day([plays.of(figure.part, agent, cell)[0] for agent in agents])


def _by_tier(plays: Sequence[Play]) -> dict[tuple[str, str], float]:
    """Copies on a node, by tier and model; models of a task and its copies together."""
    compiled = compile_scenario(plays[0].unit.scenario)
    names = compiled.names
    resident = np.mean([play.series.resident for play in plays], axis=0)
    resident = np.where(compiled.tables.pinned >= 0, 0.0, resident)
    movable = [v for v in range(len(names.nodes)) if compiled.tables.node_movable[v]]
    copies: dict[tuple[str, str], float] = {}
    for v in movable:
        nodes = sum(names.tiers[u] == names.tiers[v] for u in movable)
        for m, model in enumerate(names.models):
            place = names.tiers[v], model.split("@")[0]
            copies[place] = copies.get(place, 0.0) + float(resident[v, m]) / nodes
    return copies
