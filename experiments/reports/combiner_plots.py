"""The picture of a combiner's episode: whom it followed, what that cost, and what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from agents.hybrid.course import CombinerCourse
from experiments.reports.agent_styles import agent_styles
from experiments.reports.style import COLOURS, GRID_STYLE, PLOT_WIDTH, save_figure

COMBINER = "#000000"
"""Colour of the combiner itself."""


def draw_combiner(path: Path, course: CombinerCourse, row: int = 0) -> Path:
    """Draw one episode: weights above cost; where there is a promise, slack and its threshold below.

    Args:
        path: of the picture.
        course: what happened.
        row: which episode.
    """
    promised = not np.isnan(course.slack[:, row]).any()
    with plt.rc_context(GRID_STYLE):
        figure, axes = plt.subplots(
            2 + promised,
            1,
            sharex=True,
            figsize=(PLOT_WIDTH, 4.2 + 1.6 * promised),
            layout="constrained",
        )
        _draw_weights(axes[0], course, row)
        _draw_costs(axes[1], course, row)
        if promised:
            slots = np.arange(1, len(course.slack) + 1)
            axes[2].plot(slots, course.slack[:, row], color=COLOURS[0], lw=1.2, label="slack")
            axes[2].plot(
                slots, course.threshold[:, row], color=COLOURS[1], lw=1.0, ls="--", label="threshold"
            )
            axes[2].axhline(0.0, color=COLOURS[7], lw=0.8)
            axes[2].set_ylabel("slack [cost]")
            axes[2].legend()
        axes[-1].set_xlabel("slot")
        return save_figure(figure, path)


def _draw_weights(axes: Any, course: CombinerCourse, row: int) -> None:
    """Weights as areas; whom the combiner followed as a line of marks on top."""
    slots = np.arange(1, len(course.weights) + 1)
    colours = expert_colours(course.experts)
    axes.stackplot(
        slots, course.weights[:, row].T, colors=colours, labels=course.experts, alpha=0.55, lw=0, step="mid"
    )
    for i, colour in enumerate(colours):
        played = slots[course.played[:, row] == i]
        axes.plot(played, np.full(len(played), 1.04), "|", color=colour, ms=6)
    axes.set(ylim=(0.0, 1.08), ylabel="weight; marks: followed")
    axes.legend(ncols=3, loc="lower left", frameon=True, fontsize=7)


def expert_colours(experts: Sequence[str]) -> list[str]:
    """That of their style, or a free one where it is that of another or of the combiner."""
    styles = agent_styles(experts)
    taken = [COMBINER]
    for name in experts:
        wanted = (styles[name].colour, *COLOURS)
        taken.append(next((colour for colour in wanted if colour not in taken), wanted[0]))
    return taken[1:]


def _draw_costs(axes: Any, course: CombinerCourse, row: int) -> None:
    """Mean cost per slot so far, of the combiner, of its experts and of the bound."""
    slots = np.arange(1, len(course.cost) + 1)
    virtual = np.cumsum(course.virtual[:, row], axis=0) / slots[:, None]
    for i, (name, colour) in enumerate(zip(course.experts, expert_colours(course.experts), strict=True)):
        axes.plot(slots, virtual[:, i], color=colour, lw=0.9, label=name)
    cost = np.cumsum(course.cost[:, row]) / slots
    axes.plot(slots, cost, color=COMBINER, lw=1.5, label="combiner")
    if np.isnan(course.slack[:, row]).any():  # it is drawn whom to follow
        mean = np.cumsum((course.weights * course.virtual)[:, row].sum(axis=1)) / slots
        axes.plot(slots, mean, color=COMBINER, lw=1.0, ls=":", label="mean of all draws, changes free")
    top = 1.15 * max(float(virtual[len(slots) // 20 :].max()), float(cost.max()))
    if not np.isnan(course.bound[:, row]).any():
        bound = course.bound[:, row] / slots
        axes.plot(slots, bound, color=COLOURS[7], lw=1.0, ls="--", label="bound of the mean")
        top = max(top, 1.1 * float(bound[-1]))
    axes.set(ylim=(0.0, top), ylabel="cost per slot so far")
    lines = {line.get_label(): line for line in axes.get_lines() if line.get_label() not in course.experts}
    axes.legend(lines.values(), lines.keys(), loc="upper right", fontsize=7)
