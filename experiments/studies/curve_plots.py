"""Pictures of studies with lines: measures over slots, and over a key of the grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation, Transform

from experiments.reports.agent_styles import Styles
from experiments.reports.direct_labels import LABEL_SIZE, fit_title, label_ends
from experiments.reports.style import COLUMN_INCHES, PageColumns, line_widths, slot_label
from experiments.studies.config import Figure
from experiments.studies.measures import MEASURES, cell_label, key_label
from experiments.studies.results import Plays, by_training
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import UNKNOWN, Interval, half_width, mean_interval, paired_difference

BAR_STEP = 1.5
"""[points] between the bars of agents at one place of a sweep."""

MOST_BANDS = 4
"""Agents of a course whose intervals are areas; those of more have thin lines at their ends, as areas would
cover each other."""

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
    rows = -(-len(named) // (5 if columns == "two" else 2))
    ncols = -(-len(named) // max(1, rows))  # 6 names, of which 5 would fit, are 3 and 3
    drawn.legend(named.values(), named.keys(), loc="outside lower center", ncols=max(1, ncols))


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
    return f"{measure.name} minus {versus}'s{measure.unit_label}"


def drawn_agents(figure: Figure, agents: Iterable[str]) -> list[str]:
    """Agents with lines of their own; that which others are measured against is the line at zero."""
    return [agent for agent in agents if agent != figure.versus]


def interval_of(figure: Figure, plays: Plays, agent: str, cell: dict[str, Any], name: str) -> Interval:
    """Mean and interval of a measure as it is shown, or of its difference seed by seed."""
    values = MEASURES[name].shown(plays.values(figure.part, agent, cell, name))
    if np.isnan(values).any():
        return UNKNOWN
    if figure.versus is None:
        return Interval(*MEASURES[name].possible(mean_interval(values)))
    others = MEASURES[name].shown(plays.values(figure.part, figure.versus, cell, name))
    return UNKNOWN if np.isnan(others).any() else paired_difference(values, others)


def plot_course(figure: Figure, plays: Plays, agents: Styles, names: dict[str, str]) -> Any:
    """One panel per metric and grid cell: value over slots, mean over seeds, 95 % at each slot.

    Panels of a metric have one axis of values.
    """
    cells = plays.cells(figure.part)
    drawn, grid = panels(len(figure.y), len(cells), figure.columns)
    for row, name in zip(grid, figure.y, strict=True):
        for axes, cell in zip(row, cells, strict=True):
            if axes is not row[0]:
                axes.sharey(row[0])
            _draw_course(axes, figure, plays, agents, cell, name)
            inches = COLUMN_INCHES[figure.columns] / axes.get_gridspec().ncols
            axes.set_title(fit_title(cell_label(cell, names), inches))
            first = axes.get_subplotspec().colspan.start == 0
            axes.tick_params(labelleft=first)
            if first:
                axes.set_ylabel(measure_label(name, figure.versus))
    name_lines(drawn, grid, figure.columns)
    return drawn


def _draw_course(
    axes: Any, figure: Figure, plays: Plays, agents: Styles, cell: dict[str, Any], name: str
) -> None:
    shown = drawn_agents(figure, agents)
    widths = line_widths(len(shown))
    for agent, width in zip(shown, widths, strict=True):
        courses = _courses(figure, plays, agent, cell, name)
        if np.isnan(courses).all():
            continue
        spaced = np.geomspace if figure.window is None else np.linspace
        slots = np.unique(spaced(1, courses.shape[-1], 120 if figure.window is None else 480).astype(int))
        some, style = courses[..., slots - 1], agents[agent]
        mean, half = some.mean(axis=(0, 1)), half_width(np.moveaxis(some, -1, 0))
        axes.plot(slots, mean, color=style.colour, ls=style.line, lw=width, label=agent)
        ends = np.array([mean - half, mean + half])
        ends = ends if figure.versus else MEASURES[name].possible(ends)
        if len(shown) <= MOST_BANDS:
            axes.fill_between(slots, *ends, color=style.colour, alpha=0.15, lw=0)
        else:
            axes.plot(slots, ends.T, color=style.colour, lw=0.4, label=f"_95 % of {agent}")
        proven = [play.series.proven for play in plays.of(figure.part, agent, cell)]
        if name == "fractional_regret" and all(bound is not None for bound in proven):
            bound = np.mean([bound[slots - 1] for bound in proven if bound is not None], axis=0)
            axes.plot(slots, bound, color=style.colour, ls=":", lw=1.4, label=f"{agent}: at most")
    _draw_reference(axes, figure, agents)
    if "regret" not in name and figure.window is None:
        axes.set_xscale("log")  # learning is over within a few slots out of thousands
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(slot_label(plays.of(figure.part, shown[0], cell)[0].unit.scenario.slot_seconds))


def _draw_reference(axes: Any, figure: Figure, agents: Styles) -> None:
    """The line at zero of the agent that others are measured against."""
    if figure.versus is not None:
        style = agents[figure.versus]
        axes.axhline(0.0, color=style.colour, ls=style.line, lw=0.8, label=figure.versus)


def _courses(figure: Figure, plays: Plays, agent: str, cell: dict[str, Any], name: str) -> Floats:
    """(trainings, seeds, slots) of a measure as it is shown, or of its difference seed by seed."""

    def courses(label: str) -> Floats:
        mine = plays.of(figure.part, label, cell)
        found = MEASURES[name].shown(np.stack([play.course(name, figure.window) for play in mine]))
        return by_training(mine, found)

    found = courses(agent)
    return found if figure.versus is None else found - courses(figure.versus).mean(axis=0)


def plot_sweep(figure: Figure, plays: Plays, agents: Styles, names: dict[str, str]) -> Any:
    """One panel per metric over the values of a grid key, or the points of an axis."""
    assert figure.x is not None
    drawn, grid = panels(1, len(figure.y), figure.columns)
    xs = [cell[figure.x] for cell in plays.cells(figure.part)]
    for axes, name in zip(grid[0], figure.y, strict=True):
        _draw_sweep(axes, figure, plays, agents, name)
        axes.set_xlabel(key_label(figure.x, names))
        axes.set_ylabel(measure_label(name, figure.versus))
        if not isinstance(xs[0], str) and min(xs) > 0 and max(xs) >= 20 * min(xs):
            axes.set_xscale("log")
    name_lines(drawn, grid, figure.columns)
    return drawn


def _draw_sweep(axes: Any, figure: Figure, plays: Plays, agents: Styles, name: str) -> None:
    """Lines with bars; agents of `Figure.outside` last, when the others have set the axis."""
    assert figure.x is not None
    shown, cells = drawn_agents(figure, agents), plays.cells(figure.part)
    xs = [cell[figure.x] for cell in cells]
    axes.margins(x=0.1)  # room for marks that are drawn beside their place
    _draw_reference(axes, figure, agents)
    within: tuple[float, float] | None = None
    for agent in sorted(shown, key=lambda agent: agent in figure.outside):
        if agent in figure.outside and within is None:
            within = axes.get_ylim()
        mean, low, high = np.array([interval_of(figure, plays, agent, cell, name) for cell in cells]).T
        style = agents[agent]
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
            artist.set_transform(_beside(axes, shown.index(agent) - (len(shown) - 1) / 2))
        if within is not None:
            axes.set_ylim(within)
            _point_beyond(axes, xs, mean, style.colour, figure.outside.index(agent))


def _point_beyond(axes: Any, xs: Sequence[Any], ys: Floats, colour: str, place: int) -> None:
    """Arrows with numbers above and below points beyond the axis; of several agents in rows."""
    low, high = axes.get_ylim()
    for x, y in zip(xs, ys, strict=True):
        if not low <= y <= high:
            axes.annotate(
                f"{y:.3g} {'↑' if y > high else '↓'}",
                (x, float(y > high)),
                (0.0, 2.0 + 1.25 * LABEL_SIZE * place),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=LABEL_SIZE,
                color=colour,
                ha="center",
                va="bottom",
            )


def _beside(axes: Any, steps: float) -> Transform:
    """Data as drawn a little aside, so that bars at one place do not cover each other."""
    inches = ScaledTranslation(steps * BAR_STEP / 72.0, 0.0, axes.get_figure().dpi_scale_trans)
    moved: Transform = axes.transData + inches
    return moved
