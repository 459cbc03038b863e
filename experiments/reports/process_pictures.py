"""Pictures of what moves in an episode of a scenario: lines where columns are few, else shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from experiments.reports.scenario_processes import DOWN, DrawnProcess
from experiments.reports.style import COLOURS, PLOT_STYLE, PLOT_WIDTH
from idn_gym.core.arrays import Floats, Ints

MOST_LINES = 4
"""Different columns that are drawn as lines."""

MOST_TICKS = 12
"""Rows of a panel of shades that have their names beside them."""

HIGH, AROUND, ROW, ROW_WIDTH = 1.65, 0.68, 0.14, 2.6
"""[inches] of a panel with its title and slots, of these alone, of a row of an outage, and its width"""

USUAL = 0.99
"""Quantile at which shades end if a few values are more than twice as large; these are as dark."""


def picture_processes(title: str, slot_seconds: float, drawn: Sequence[DrawnProcess]) -> Figure:
    """One panel per process, two in a row, those of what is down last.

    Args:
        title: of the whole.
        slot_seconds: [s] length of a slot.
        drawn: at least one process.
    """
    ordered = sorted(drawn, key=lambda process: process.unit == DOWN)
    with plt.rc_context(PLOT_STYLE):
        heights = [max(map(_height, ordered[k : k + 2])) for k in range(0, len(ordered), 2)]
        figure, grid = plt.subplots(
            len(heights),
            2,
            figsize=(PLOT_WIDTH, 0.4 + sum(heights)),
            layout="constrained",
            squeeze=False,
            height_ratios=heights,
        )
        for axes in grid.flat[len(drawn) :]:
            axes.set_axis_off()
        for axes, process in zip(grid.flat, ordered, strict=False):
            _draw_panel(axes, process)
            if _height(process) < HIGH:  # no higher than its rows, whatever stands beside it
                axes.set_box_aspect((_height(process) - AROUND) / ROW_WIDTH)
                axes.set_anchor("NW")
            if len(process.values) > 1:
                axes.set_xlabel(f"slot of {_length(slot_seconds)}")
        figure.suptitle(title, fontsize=9)
    return figure


def _height(process: DrawnProcess) -> float:
    """Of a panel with its title and slots [inches]; one of outages is as high as it has rows."""
    rows = len(_that_fail(process).names)
    return min(HIGH, AROUND + ROW * rows) if process.unit == DOWN else HIGH


def _draw_panel(axes: Any, process: DrawnProcess) -> None:
    axes.set_title(process.title, fontsize=8, loc="left")
    if len(process.values) == 1:
        axes.bar(range(len(process.names)), process.values[0], color=COLOURS[0])
        axes.set(xlabel=process.things, ylabel=process.unit, xticks=[])
        return
    first, group = alike_columns(process.values)
    if process.unit == DOWN:
        _draw_shades(axes, _that_fail(process))
    elif len(first) <= MOST_LINES:
        _draw_lines(axes, process, first, group)
    else:
        _draw_shades(axes, process)


def _that_fail(process: DrawnProcess) -> DrawnProcess:
    """The same without what never fails, if anything does."""
    fails = [bool(column.any()) for column in process.values.T]
    if not any(fails):
        return process
    names = tuple(name for name, here in zip(process.names, fails, strict=True) if here)
    return process._replace(values=process.values[:, fails], names=names)


def alike_columns(values: Floats) -> tuple[Ints, Ints]:
    """The first of each set of identical columns, in order, and the set of each column."""
    _, first, group = np.unique(values, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[group.ravel()]


def _draw_lines(axes: Any, process: DrawnProcess, first: Ints, group: Ints) -> None:
    if process.nominal is not None:
        axes.axhline(process.nominal, color=COLOURS[-1], linewidth=0.6, linestyle=(0, (4, 3)))
    for i, column in enumerate(first):
        others = int((group == i).sum()) - 1
        label = process.names[column] + (f" and {others} more" if others else "")
        if others and len(first) == 1:
            label = f"all {others + 1} {process.things}"
        axes.plot(
            process.values[:, column], color=COLOURS[i], drawstyle="steps-post", label=label, linewidth=0.9
        )
    top = max(float(process.values.max()), process.nominal or 0.0) * (1.3 if len(first) <= 2 else 1.5)
    axes.set(ylabel=process.unit, xlim=(0, len(process.values)), ylim=(0, top or 1.0))  # with room for names
    axes.legend(fontsize=5.5, frameon=False, ncols=2, loc="upper right")


def _draw_shades(axes: Any, process: DrawnProcess) -> None:
    values, count = process.values, len(process.names)
    most, usual = float(values.max()) or 1.0, float(np.quantile(values, USUAL))
    most = usual if 0.0 < usual < most / 2 else most
    shades = axes.pcolormesh(values.T, cmap="Blues", vmin=0.0, vmax=most, rasterized=True)
    if process.unit != DOWN:
        beyond = "max" if values.max() > most else "neither"
        bar = axes.figure.colorbar(shades, ax=axes, pad=0.01, aspect=12, extend=beyond)
        bar.set_label(process.unit)
    axes.invert_yaxis()
    if count <= MOST_TICKS:
        ticks = np.arange(count)
    else:
        ticks = np.linspace(0, count - 1, MOST_TICKS).round().astype(np.int64)
        axes.set_ylabel(f"{count:,} {process.things}")
    axes.set_yticks(ticks + 0.5, [process.names[i] for i in ticks], fontsize=5.5)


def _length(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
