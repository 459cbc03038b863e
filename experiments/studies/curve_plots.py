"""Pictures of studies with lines: measures over slots, over a key of the grid, and against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation, Transform

from experiments.reports.agent_styles import agent_styles
from experiments.reports.direct_labels import LABEL_SIZE, PointLabel, fit_title, label_ends, label_points
from experiments.reports.style import COLUMN_INCHES, PageColumns
from experiments.studies.config import Figure
from experiments.studies.measures import MEASURES, cell_label, key_label
from experiments.studies.results import Plays, by_training
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import UNKNOWN, Interval, half_width, mean_interval, paired_difference

BAR_STEP = 1.5
"""[points] between the bars of agents at one place of a sweep."""

NEEDED_INCHES = 1.8
"""Width of a panel at least; panels that do not fit side by side stand below each other."""


def panels(rows: int, across: int, columns: PageColumns, high: float = 2.3) -> tuple[Any, Any]:
    """A figure with a grid of panels: `rows` x `across`, or one below the other where the page is narrow.

    Args:
        rows: panels above each other.
        across: panels side by side.
        columns: of the page that it takes.
        high: height of a panel [inches].

    Returns:
        The figure, and the panels in the order of rows (rows, across).
    """
    width = COLUMN_INCHES[columns]
    side = min(across, max(1, int(width / NEEDED_INCHES)))
    per_measure = -(-across // side)
    side = -(-across // per_measure)  # 4 panels, of which 3 would fit, are 2 and 2
    lines = rows * per_measure
    drawn, grid = plt.subplots(
        lines, side, figsize=(width, 0.9 + high * lines), layout="constrained", squeeze=False
    )
    places = grid.reshape(rows, per_measure * side)
    for axes in places[:, across:].flat:
        axes.set_visible(False)
    return drawn, places[:, :across]


def legend_below(drawn: Any, grid: Any, columns: PageColumns) -> None:
    """One legend of all that panels name, below them."""
    named: dict[str, Any] = {}
    for axes in grid.flat:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    most = 5 if columns == "two" else 2
    drawn.legend(
        named.values(), named.keys(), loc="outside lower center", ncols=min(most, max(1, len(named)))
    )


def name_lines(drawn: Any, grid: Any, columns: PageColumns) -> None:
    """Name lines at the ends of the last panel of each row, or in a legend where they are many."""
    rightmost = {}
    for axes in grid.flat:
        rightmost[axes.get_subplotspec().rowspan.start] = axes
    if not all([label_ends(axes) for axes in rightmost.values()]):
        for axes in rightmost.values():
            for text in list(axes.texts):
                text.remove()
        legend_below(drawn, grid, columns)


def measure_label(name: str, versus: str | None = None) -> str:
    """What an axis says of a measure, or of its difference from that of an agent."""
    measure = MEASURES[name]
    if versus is None:
        return measure.label
    unit = "" if measure.unit == "1" else f" [{measure.unit}]"
    return f"{measure.name} minus {versus}'s{unit}"


def drawn_agents(figure: Figure, agents: Sequence[str]) -> list[str]:
    """Agents with lines of their own; that which others are measured against is the line at zero."""
    return [agent for agent in agents if agent != figure.versus]


def interval_of(figure: Figure, plays: Plays, agent: str, cell: dict[str, Any], name: str) -> Interval:
    """Mean and interval of a measure as it is shown, or of its difference seed by seed."""
    values = MEASURES[name].shown(plays.values(figure.part, agent, cell, name))
    if np.isnan(values).any():
        return UNKNOWN
    if figure.versus is None:
        return mean_interval(values)
    others = MEASURES[name].shown(plays.values(figure.part, figure.versus, cell, name))
    return UNKNOWN if np.isnan(others).any() else paired_difference(values, others)


def plot_course(figure: Figure, plays: Plays, agents: list[str], names: dict[str, str]) -> Any:
    """One panel per metric and grid cell: value over slots, mean over seeds, 95 % at each slot."""
    cells = plays.cells(figure.part)
    drawn, grid = panels(len(figure.y), len(cells), figure.columns)
    for row, name in zip(grid, figure.y, strict=True):
        for axes, cell in zip(row, cells, strict=True):
            _draw_course(axes, figure, plays, agents, cell, name)
            inches = COLUMN_INCHES[figure.columns] / axes.get_gridspec().ncols
            axes.set_title(fit_title(cell_label(cell, names), inches))
            if axes.get_subplotspec().colspan.start == 0:
                axes.set_ylabel(measure_label(name, figure.versus))
    name_lines(drawn, grid, figure.columns)
    return drawn


def _draw_course(
    axes: Any, figure: Figure, plays: Plays, agents: list[str], cell: dict[str, Any], name: str
) -> None:
    styles = agent_styles(agents)
    for agent in drawn_agents(figure, agents):
        courses = _courses(figure, plays, agent, cell, name)
        if np.isnan(courses).all():
            continue
        spaced = np.geomspace if figure.window is None else np.linspace
        slots = np.unique(spaced(1, courses.shape[-1], 120 if figure.window is None else 480).astype(int))
        shown, style = courses[..., slots - 1], styles[agent]
        mean, half = shown.mean(axis=(0, 1)), half_width(np.moveaxis(shown, -1, 0))
        axes.plot(slots, mean, color=style.colour, ls=style.line, lw=1.1, label=agent)
        axes.fill_between(slots, mean - half, mean + half, color=style.colour, alpha=0.15, lw=0)
        proven = [play.series.proven for play in plays.of(figure.part, agent, cell)]
        if name == "fractional_regret" and all(bound is not None for bound in proven):
            bound = np.mean([bound[slots - 1] for bound in proven if bound is not None], axis=0)
            axes.plot(slots, bound, color=style.colour, ls=":", lw=1.4, label=f"{agent}: at most")
    if figure.versus is not None:
        axes.axhline(0.0, color=styles[figure.versus].colour, lw=0.8, label=f"_{figure.versus}")
    if "regret" not in name and figure.window is None:
        axes.set_xscale("log")  # learning is over within a few slots out of thousands
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("slot")


def _courses(figure: Figure, plays: Plays, agent: str, cell: dict[str, Any], name: str) -> Floats:
    """(trainings, seeds, slots) of a measure as it is shown, or of its difference seed by seed."""

    def courses(label: str) -> Floats:
        mine = plays.of(figure.part, label, cell)
        found = MEASURES[name].shown(np.stack([play.course(name, figure.window) for play in mine]))
        return by_training(mine, found)

    found = courses(agent)
    return found if figure.versus is None else found - courses(figure.versus).mean(axis=0)


def plot_sweep(figure: Figure, plays: Plays, agents: list[str], names: dict[str, str]) -> Any:
    """One panel per metric over the values of a grid key, or the points of an axis."""
    assert figure.x is not None
    drawn, grid = panels(1, len(figure.y), figure.columns)
    styles = agent_styles(agents)
    cells = plays.cells(figure.part)
    shown = drawn_agents(figure, agents)
    for axes, name in zip(grid[0], figure.y, strict=True):
        for place, agent in enumerate(shown):
            xs = [cell[figure.x] for cell in cells]
            intervals = [interval_of(figure, plays, agent, cell, name) for cell in cells]
            mean, low, high = np.array(intervals).T
            style = styles[agent]
            line, _, bars = axes.errorbar(
                xs,
                mean,
                [mean - low, high - mean],
                color=style.colour,
                ls=style.line,
                marker=style.mark,
                ms=3.5,
                lw=1.0,
            )
            line.set_label(agent)
            for artist in (line, *bars):  # after axes have taken their limits from the data
                artist.set_transform(_beside(axes, place - (len(shown) - 1) / 2))
        if figure.versus is not None:
            axes.axhline(0.0, color=styles[figure.versus].colour, lw=0.8, label=f"_{figure.versus}")
        axes.set_xlabel(key_label(figure.x, names))
        axes.set_ylabel(measure_label(name, figure.versus))
        if not isinstance(xs[0], str) and min(xs) > 0 and max(xs) >= 20 * min(xs):
            axes.set_xscale("log")
    name_lines(drawn, grid, figure.columns)
    return drawn


def _beside(axes: Any, steps: float) -> Transform:
    """Data as drawn a little aside, so that bars at one place do not cover each other."""
    inches = ScaledTranslation(steps * BAR_STEP / 72.0, 0.0, axes.get_figure().dpi_scale_trans)
    moved: Transform = axes.transData + inches
    return moved


def plot_frontier(figure: Figure, plays: Plays, agents: list[str], names: dict[str, str]) -> Any:
    """Metric x against metric y: one line per agent along the grid, or a point where there is no grid.

    Bars are the 95 % intervals of both means. Values of the grid stand beside points where there is room, and
    those of the first one are hollow. Points without a grid have the agent's name beside them.
    """
    assert figure.x is not None
    drawn, grid = panels(1, len(figure.y), figure.columns)
    styles = agent_styles(agents)
    cells = plays.cells(figure.part)
    for axes, name in zip(grid[0], figure.y, strict=True):
        for agent in agents:
            (xs, *x_ends), (ys, *y_ends) = (
                np.transpose([interval_of(figure, plays, agent, cell, column) for cell in cells])
                for column in (figure.x, name)
            )
            style = styles[agent]
            bars = [abs(np.array(ends) - mean) for mean, ends in ((ys, y_ends), (xs, x_ends))]
            axes.errorbar(xs, ys, *bars, fmt="none", ecolor=style.colour, elinewidth=0.6, alpha=0.6)
            axes.plot(xs, ys, color=style.colour, ls=style.line, marker=style.mark, ms=4, lw=1.0, label=agent)
            if len(cells) > 1:
                axes.plot(xs[0], ys[0], style.mark, ms=4, mfc="white", mec=style.colour)
        axes.margins(0.15)
        axes.locator_params(axis="x", nbins=5)
        axes.set(xlabel=measure_label(figure.x), ylabel=measure_label(name))
    _name_points(drawn, grid, figure, plays, agents, names)
    return drawn


def _name_points(
    drawn: Any, grid: Any, figure: Figure, plays: Plays, agents: list[str], names: dict[str, str]
) -> None:
    assert figure.x is not None
    cells, styles = plays.cells(figure.part), agent_styles(agents)
    if len(cells) > 1:
        legend_below(drawn, grid, figure.columns)
        inches = COLUMN_INCHES[figure.columns] / grid[0, 0].get_gridspec().ncols
        note = f"along a line: {_steps(cells, names)}; the first is hollow"
        grid[0, 0].set_title(fit_title(note, inches, LABEL_SIZE), fontsize=LABEL_SIZE)
    without = []
    for axes, name in zip(grid[0], figure.y, strict=True):
        labels = []
        for agent in agents:
            xs, ys = (
                [interval_of(figure, plays, agent, cell, column)[0] for cell in cells]
                for column in (figure.x, name)
            )
            if len(cells) == 1:
                labels.append(PointLabel(agent, xs[0], ys[0], styles[agent].colour))
            else:
                places = _places(xs, ys, cells).items()
                labels += [PointLabel(text, *place, styles[agent].colour) for place, text in places]
        without += label_points(axes, [one for one in labels if np.isfinite((one.x, one.y)).all()])
    if len(cells) == 1 and without:
        legend_below(drawn, grid, figure.columns)


def _steps(cells: Sequence[dict[str, Any]], names: dict[str, str]) -> str:
    """What moves along a line: its key, and its values in order."""
    if all(len(cell) == 1 for cell in cells):
        key = next(iter(cells[0]))
        return f"{key_label(key, names)} {', '.join(str(cell[key]) for cell in cells)}"
    return " - ".join(cell_label(cell, names) for cell in cells)


def _places(
    xs: Sequence[float], ys: Sequence[float], cells: Sequence[dict[str, Any]]
) -> dict[tuple[float, float], str]:
    """What to write beside each point of an agent; nothing where it does not move along the grid."""
    found: dict[tuple[float, float], list[str]] = {}
    for x, y, cell in zip(xs, ys, cells, strict=True):
        found.setdefault((x, y), []).append(", ".join(map(str, cell.values())))
    return {place: "; ".join(names) for place, names in found.items()} if len(found) > 1 else {}
