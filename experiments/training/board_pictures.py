"""Pictures that a training run puts on its TensorBoard page, as (height, width, 3) bytes each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.reports.style import COLOURS
from idn_gym.core.arrays import Floats
from idn_gym.objective_records import TABLE, Objective
from idn_gym.scenarios.compile import Compiled

Pixels = npt.NDArray[np.uint8]

DPI = 150
"""The page shows pictures in narrow cards, so they are small in inches and their text is large in them."""

FEW_NUMBERS = 24
"""Up to so many nodes and models have their numbers on the heat map; others show their tasks' names."""

PLANES = (("latency", "accuracy"), ("traffic", "energy"))
"""Objectives on the two axes of each projection of the front, where both are in force."""

UNITS = {"accuracy": ("accuracy [%]", 100.0), "latency": ("latency [ms]", -1e3)}
UNITS |= {"energy": ("energy [J]", -1.0), "traffic": ("traffic [kB-hops]", -1e-3)}
"""Label of an objective and factor from its reward, per nominal request."""


def placement_picture(compiled: Compiled, resident: Floats) -> Pixels:
    """Placement of each model as a heat map of nodes by models; lines separate the tasks.

    Args:
        compiled: the scenario.
        resident: (N, M) share of the slots in which something of the model was on the node.
    """
    nodes, names = np.flatnonzero(compiled.tables.node_movable), compiled.names
    percent = 100.0 * resident[nodes]
    high, wide = percent.shape
    few = wide <= FEW_NUMBERS and high <= FEW_NUMBERS
    figure, axes = _open(2.4 + min(6.0, 0.45 * wide), 2.0 + min(5.5, 0.32 * high))
    image = axes.imshow(percent, cmap="Blues", vmin=0.0, vmax=100.0, aspect="auto", interpolation="nearest")
    if few:
        for v, m in np.argwhere(percent >= 0.5):
            shade = "white" if percent[v, m] > 60.0 else "black"
            axes.text(m, v, f"{percent[v, m]:.0f}", ha="center", va="center", color=shade)
    else:
        figure.colorbar(image, ax=axes, shrink=0.8)
    first = compiled.tables.task_model
    columns = (
        (range(wide), names.models)
        if wide <= FEW_NUMBERS
        else ((first[:-1] + first[1:] - 1) / 2, names.tasks)
    )
    axes.set_xticks(*columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(high), [names.nodes[v] for v in nodes])
    axes.vlines(first[1:-1] - 0.5, -0.5, high - 0.5, color="#b0b0b0", lw=0.6)
    axes.tick_params(length=0)
    axes.set_title("share of slots in which a model is resident [%]", loc="left", fontsize="medium")
    return _pixels(figure)


def front_picture(preferences: Floats, points: Floats, objectives: Sequence[Objective] = TABLE) -> Pixels:
    """Two projections of what one policy reaches under each preference.

    A point's colour mixes those of the objectives by its preference's weights.

    Args:
        preferences: (K, D).
        points: (K, D) mean reward vectors per slot.
        objectives: those in force.
    """
    names = [objective.name for objective in objectives]
    asked = [d for d, objective in enumerate(objectives) if objective.per == "request"]
    colours = [_rgb(COLOURS[i % len(COLOURS)]) for i in range(len(asked))]
    weights = preferences[:, asked] / preferences[:, asked].sum(axis=1, keepdims=True)
    mixed = weights @ np.array(colours)
    planes = [plane for plane in PLANES if set(plane) <= set(names)] or [(names[-1], names[0])]
    figure, panels = _open(6.4, 3.4, len(planes))
    grid = np.atleast_1d(panels)
    for axes, plane in zip(grid, planes, strict=True):
        labels, factors = zip(*(UNITS.get(name, (name, 1.0)) for name in plane), strict=True)
        x, y = (points[:, names.index(name)] * f for name, f in zip(plane, factors, strict=True))
        axes.scatter(x, y, s=60, c=mixed, edgecolors="white", linewidths=0.6, clip_on=False)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.grid(color="#e5e5e5")
        axes.set_axisbelow(True)
    for d, colour in zip(asked, colours, strict=True):
        grid[0].scatter([], [], s=60, color=[colour], label=f"{names[d]} alone")
    figure.legend(loc="outside upper center", ncols=len(colours), frameon=False, handletextpad=0.1)
    return _pixels(figure)


def _open(width: float, height: float, panels: int = 1) -> tuple[Figure, Any]:
    """A figure without pyplot's global state; sizes in inches."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, panels)


def _pixels(figure: Figure) -> Pixels:
    canvas: Any = figure.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
