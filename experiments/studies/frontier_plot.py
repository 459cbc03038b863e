"""The picture of measures against each other: what agents trade for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from experiments.reports.agent_styles import Styles
from experiments.reports.direct_labels import LABEL_SIZE, PointLabel, fit_title, label_points
from experiments.reports.style import COLUMN_INCHES, line_widths
from experiments.studies.config import Figure
from experiments.studies.curve_plots import legend_below, measure_label, panels
from experiments.studies.measures import MEASURES, cell_label, key_label
from experiments.studies.results import Plays
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import UNKNOWN, Interval, around, half_width, mean_interval

NEAR_POINTS = 25.0
"""[points] Values of the grid that are no further apart are written once."""

Points = Mapping[str, list[tuple[Interval, Interval]]]
"""By agent, x and y in every cell."""


def plot_frontier(figure: Figure, plays: Plays, agents: Styles, names: dict[str, str]) -> Any:
    """Metric x against metric y: one line per agent along the grid, or a point where there is no grid.

    Bars are the intervals of `paired_intervals`. The first and the last value of the grid stand beside their
    points where there is room, and points of the first one are hollow. Points without a grid have the agent's
    name beside them.
    """
    assert figure.x is not None
    drawn, grid = panels(1, len(figure.y), figure.columns)
    cells = plays.cells(figure.part)
    across, found = paired_intervals(figure, plays, agents, figure.x), []
    for axes, name in zip(grid[0], figure.y, strict=True):
        up = paired_intervals(figure, plays, agents, name)
        found.append({agent: list(zip(across[agent], up[agent], strict=True)) for agent in agents})
        _draw_points(axes, found[-1], agents)
        axes.locator_params(axis="x", nbins=5)
        axes.set(xlabel=measure_label(figure.x), ylabel=measure_label(name))
    if len(cells) > 1:
        legend_below(drawn, grid, figure.columns)
    notes = [f"along a line, {_steps(cells, names)}; the first is hollow"] if len(cells) > 1 else []
    notes += (
        ["bars: distance from the mean of all points, seed by seed"] if len(agents) * len(cells) > 1 else []
    )
    inches = COLUMN_INCHES[figure.columns] / grid[0, 0].get_gridspec().ncols
    grid[0, 0].set_title(fit_title("; ".join(notes), inches, LABEL_SIZE), fontsize=LABEL_SIZE)
    unnamed = []
    for axes, points in zip(grid[0], found, strict=True):
        if len(cells) > 1:
            label_points(axes, _grid_labels(axes, points, cells), drawn=_all(points), lines=_strokes(points))
        else:
            unnamed += label_points(axes, _names(points, agents), lines=_strokes(points))
    if unnamed:
        legend_below(drawn, grid, figure.columns)
    return drawn


def paired_intervals(figure: Figure, plays: Plays, agents: Styles, name: str) -> dict[str, list[Interval]]:
    """Means of a measure in every cell, as it is shown, with intervals of their distance from the whole mean.

    What a seed does to all points alike, as by the tasks that it draws, does not widen them. A single point
    has the interval of its mean.
    """
    cells = plays.cells(figure.part)
    values = {
        (agent, k): MEASURES[name].shown(plays.values(figure.part, agent, cell, name))
        for agent in agents
        for k, cell in enumerate(cells)
    }
    known = {place: found for place, found in values.items() if not np.isnan(found).any()}
    paired = len(known) > 1 and len({found.shape[1] for found in known.values()}) == 1
    common = np.mean([found.mean(axis=0) for found in known.values()], axis=0)[None] if paired else None

    def interval(place: tuple[str, int]) -> Interval:
        if place not in known:
            return UNKNOWN
        mine = known[place]
        return mean_interval(mine) if common is None else around(mine.mean(), float(half_width(mine, common)))

    return {agent: [interval((agent, k)) for k in range(len(cells))] for agent in agents}


def _draw_points(axes: Any, points: Points, agents: Styles) -> None:
    """Lines and bars of all agents, on axes that leave room for words."""
    for (agent, style), width in zip(agents.items(), line_widths(len(agents)), strict=True):
        (xs, *x_ends), (ys, *y_ends) = np.transpose(points[agent], (1, 2, 0))
        bars = [abs(np.array(ends) - mean) for mean, ends in ((ys, y_ends), (xs, x_ends))]
        axes.errorbar(xs, ys, *bars, fmt="none", ecolor=style.colour, elinewidth=0.6, alpha=0.6)
        axes.plot(xs, ys, color=style.colour, ls=style.line, marker=style.mark, ms=4, lw=width, label=agent)
        if len(xs) > 1:
            axes.plot(xs[0], ys[0], style.mark, ms=4, mfc="white", mec=style.colour)
    axes.margins(0.08)


def _names(points: Points, agents: Styles) -> list[PointLabel]:
    """The agents beside their points."""
    at = {agent: (mine[0][0].estimate, mine[0][1].estimate) for agent, mine in points.items()}
    return [PointLabel(a, *place, agents[a].colour) for a, place in at.items() if np.isfinite(place).all()]


def _grid_labels(axes: Any, points: Points, cells: Sequence[Mapping[str, Any]]) -> list[PointLabel]:
    """First and last value of the grid beside the points of agents that move along it, once in a place."""
    labels: list[PointLabel] = []
    axes.figure.draw_without_rendering()  # limits are known now
    for mine in points.values():
        at = [(x.estimate, y.estimate) for x, y in mine]
        for k in (0, -1) if len(set(at)) > 1 else ():
            label = PointLabel(", ".join(map(str, cells[k].values())), *at[k], "black")
            alike = [(other.x, other.y) for other in labels if other.text == label.text]
            pixels = axes.transData.transform([at[k], *alike])
            near = np.hypot(*(pixels[1:] - pixels[0]).T) < NEAR_POINTS * axes.figure.dpi / 72
            if np.isfinite(at[k]).all() and not near.any():
                labels.append(label)
    return labels


def _all(points: Points) -> list[tuple[float, float]]:
    """Places of all points."""
    found = [(x.estimate, y.estimate) for mine in points.values() for x, y in mine]
    return [at for at in found if np.isfinite(at).all()]


def _strokes(points: Points) -> list[Floats]:
    """Ends (2, 2) of the bars, and of the lines from point to point."""
    found: list[Floats] = []
    for mine in points.values():
        found += [np.array(ends) for ends in pairwise((x.estimate, y.estimate) for x, y in mine)]
        found += [np.array([(low, y.estimate), (high, y.estimate)]) for (_, low, high), y in mine]
        found += [np.array([(x.estimate, low), (x.estimate, high)]) for x, (_, low, high) in mine]
    return [ends for ends in found if np.isfinite(ends).all()]


def _steps(cells: Sequence[dict[str, Any]], names: dict[str, str]) -> str:
    """What moves along a line: its key, and its values in order."""
    if all(len(cell) == 1 for cell in cells):
        key = next(iter(cells[0]))
        return f"{key_label(key, names)}: {', '.join(str(cell[key]) for cell in cells)}"
    return " - ".join(cell_label(cell, names) for cell in cells)
