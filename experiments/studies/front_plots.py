"""Pictures of fronts: two objectives at a time, all of them at once, and hypervolumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.reports.agent_styles import AgentStyle, Styles
from experiments.reports.style import COLOURS, GRID_STYLE, PLOT_WIDTH, save_figure
from experiments.studies.fronts import Fronts
from idn_gym.core.arrays import Bools, Floats
from idn_gym.evaluation.intervals import half_width
from idn_gym.evaluation.pareto import non_dominated_sorted
from idn_gym.files import file_name
from idn_gym.objective_records import OBJECTIVES, TABLE

AXES = {
    "accuracy": ("accuracy [%]", 100.0),
    "latency": ("latency [ms]", -1e3),
    "energy": ("energy [J]", -1.0),
    "traffic": ("traffic [kB-hops]", -1e-3),
    "update": ("update [%]", -100.0),
}
"""Heading and factor from rewards; all but accuracy are shown as costs."""

PAIRS = (("latency", "accuracy"), ("energy", "accuracy"), ("energy", "traffic"))
TRADED = [i for i, objective in enumerate(TABLE) if objective.per == "request"]
"""Objectives whose weights the preferences of a front vary."""


def plot_fronts(fronts: Fronts, rows: Sequence[dict[str, Any]], out: Path, styles: Styles) -> list[Path]:
    """Write all pictures of a comparison; returns the paths of the PNGs."""
    drawings: dict[str, Callable[[], Figure]] = {
        "pairs": lambda: plot_pairs(fronts, styles),
        "parallel": lambda: plot_parallel(fronts),
        "hypervolume": lambda: plot_hypervolume(rows, styles, fronts.volume()),
    }
    paths = []
    with plt.rc_context(GRID_STYLE):
        for name, make in drawings.items():
            figure = make()
            paths.append(save_figure(figure, out / f"{file_name(fronts.front.name)}-{name}.png"))
    return paths


def _column(points: Floats, name: str) -> Floats:
    return np.asarray(points[..., OBJECTIVES.index(name)] * AXES[name][1])


def plot_pairs(fronts: Fronts, styles: Styles) -> Figure:
    """Fronts of all agents in two objectives at a time.

    Points are means over runs that no other of the same agent dominates. Those that none of its own dominates
    in the two objectives are joined by steps, which part what the agent attains from what it does not; the
    others are pale. Bars are 95 % intervals over episodes and runs, of the points that no other of any agent
    dominates in the two objectives: with bars at all points none could be told from another.
    """
    agents = list(fronts.front.drawn or fronts.agents)
    drawn = {agent: _kept_points(fronts, agent) for agent in agents}
    figure, grid = plt.subplots(1, len(PAIRS), figsize=(PLOT_WIDTH, 3.1), layout="constrained")
    for axes, (across, up) in zip(grid, PAIRS, strict=True):
        two = [OBJECTIVES.index(across), OBJECTIVES.index(up)]
        best = non_dominated_sorted(np.concatenate([mean for mean, _ in drawn.values()])[:, two])
        for agent, (mean, error) in drawn.items():
            style = styles[agent]
            x, y = _column(mean, across), _column(mean, up)
            _draw_front(axes, x, y, _on_front(mean[:, two]), style, agent)
            barred = (mean[:, None, two] == best).all(axis=2).any(axis=1)
            widths = (np.abs(_column(error[barred], name)) for name in (across, up))
            for way, width in zip(("xerr", "yerr"), widths, strict=True):
                axes.errorbar(x[barred], y[barred], **{way: width}, fmt="none", lw=0.7, ecolor=style.colour)
        _draw_envelope(axes, fronts, across, up)
        axes.set_xlabel(AXES[across][0])
        axes.set_ylabel(AXES[up][0])
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(agents)))
    return figure


def _on_front(points: Floats) -> Bools:
    """(P,) which of the points (P, 2) no other one dominates."""
    best = non_dominated_sorted(points)
    found: Bools = (points[:, None] == best).all(axis=2).any(axis=1)
    return found


def _draw_front(axes: Axes, x: Floats, y: Floats, on: Bools, style: AgentStyle, agent: str) -> None:
    """Steps through the points of the front, by rising x, which is a cost on every one of `PAIRS`."""
    order = np.argsort(x[on], kind="stable")
    axes.plot(
        x[on][order],
        y[on][order],
        marker=style.mark,
        ms=4,
        mew=0,
        lw=0.9,
        drawstyle="steps-post",
        color=style.colour,
        label=agent,
    )
    axes.plot(x[~on], y[~on], style.mark, ms=3, mew=0, color=style.colour, alpha=0.25)


def _kept_points(fronts: Fronts, agent: str) -> tuple[Floats, Floats]:
    """(P, 5) points of an agent that none of its own dominates, and half their intervals' widths."""
    runs = np.stack([run.mean for run in fronts.returns[agent]])  # (R, K, E, 5)
    mean = runs.mean(axis=(0, 2))
    kept = [k for k in range(len(mean)) if (mean[k] == non_dominated_sorted(mean)).all(axis=1).any()]
    return mean[kept], half_width(np.moveaxis(runs, (0, 2), (-2, -1)))[kept]


def _draw_envelope(axes: Axes, fronts: Fronts, across: str, up: str) -> None:
    """Envelope in two objectives that no policy exceeds, for any values of the others."""
    if fronts.envelopes is None:
        return
    envelope, ends = fronts.envelopes.over(np.arange(fronts.episodes)), axes.axis()
    i, j = OBJECTIVES.index(across), OBJECTIVES.index(up)
    at = np.linspace(*ends[:2], 2_001) / AXES[across][1]
    most = envelope.height(j, i, at)
    axes.plot(at * AXES[across][1], most * AXES[up][1], color="black", lw=1.0, label="no policy passes")
    axes.axis(ends)


def plot_parallel(fronts: Fronts) -> Figure:
    """All objectives at once: one panel per agent, one line per non-dominated point of its first run.

    Heights are places in the box between dropping everything (0) and answering everything for nothing (1).
    """
    agents = list(fronts.front.drawn or fronts.agents)
    columns = min(4, len(agents))
    rows = -(-len(agents) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(PLOT_WIDTH, 0.4 + 1.6 * rows),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    hue = [TRADED[np.argmax(weights[TRADED])] for weights in fronts.weights]
    for axes, agent in zip(grid.flat, agents, strict=False):
        points = fronts.points(agent)[0]
        kept = {tuple(point) for point in non_dominated_sorted(points)}
        placed = fronts.box.place(points)
        for k, point in enumerate(points):
            if tuple(point) in kept:
                axes.plot(range(len(OBJECTIVES)), placed[k], color=COLOURS[hue[k]], lw=0.9, alpha=0.8)
        axes.set_title(agent)
        axes.set_xticks(range(len(OBJECTIVES)), OBJECTIVES, rotation=30, ha="right")
    for axes in grid.flat[len(agents) :]:
        axes.set_visible(False)
    handles = [Line2D([], [], color=COLOURS[i], label=f"mostly {OBJECTIVES[i]}") for i in TRADED]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def plot_hypervolume(rows: Sequence[dict[str, Any]], styles: Styles, envelope: float = np.nan) -> Figure:
    """Hypervolume of every agent with its interval, best on top, and that of the outer envelope.

    Args:
        rows: one per agent.
        styles: of the agents.
        envelope: what no policy passes; nan: nothing is known.
    """
    figure, axes = plt.subplots(figsize=(PLOT_WIDTH, 0.8 + 0.22 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        colour, mark, _ = styles[row["agent"]]
        axes.plot([row["hypervolume_low"], row["hypervolume_high"]], [y, y], color=colour, lw=1.6)
        axes.plot(row["hypervolume"], y, mark, color=colour, ms=4.5)
    if not np.isnan(envelope):
        axes.axvline(envelope, color="black", lw=1.0)
        axes.text(envelope, 0.02, "no policy passes ", ha="right", transform=axes.get_xaxis_transform())
    axes.set_yticks(range(len(rows)), [row["agent"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("hypervolume, share of the box (higher is better)")
    return figure
