"""Panels of what is asked for at a node, and of the models that policies keep there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.patches import Patch

from experiments.reports.delay_parts import EpisodeCourse
from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Tables
from idn_gym.rendering.palette import Rgb, dnn_hues, dnn_of
from idn_gym.scenarios.compile import Compiled

MOST_TASK_NAMES = 15
"""tasks with names beside the heat map, as many as its height has room for; else every second, third, ..."""

MOST_MODEL_NAMES = 12
"""models in the key: those that are kept longest"""

LANES = 12
"""lines of a task's row; models of a task that are kept at once share them"""

SMALL_LETTERS = 5.5
"""[points]"""

TITLE_LETTERS = 15
"""letters of a name that a panel is wide"""


def draw_asked(axes: Any, asked: Floats, compiled: Compiled, node: int) -> Any:
    """Heat map of requests per second by task (T, K) that pass through a node; returns the image."""
    roots = PowerNorm(0.5, vmin=0.0, vmax=float(asked.max()) or 1.0)  # few tasks are asked for by far most
    image = axes.imshow(asked.T, aspect="auto", cmap="cividis", norm=roots, interpolation="none")
    axes.set_title(f"asked for through\n{compiled.names.nodes[node]}", fontsize=6.5)
    names = compiled.names.tasks
    named = range(0, len(names), math.ceil(len(names) / MOST_TASK_NAMES))
    axes.set_yticks(named, [names[k] for k in named], fontsize=SMALL_LETTERS)
    axes.set_xlabel("slot")
    axes.grid(False)
    return image


def draw_scale(panel: Any, image: Any) -> None:
    """The scale of the heat map of demand, at the top of a panel of its own."""
    panel.axis("off")
    scale = panel.inset_axes((0.0, 0.75, 1.0, 0.2))
    panel.figure.colorbar(image, cax=scale, orientation="horizontal")
    scale.set_xlabel("requests/s", fontsize=6.5, labelpad=1)
    scale.tick_params(labelsize=SMALL_LETTERS)


def draw_kept(axes: Any, course: EpisodeCourse, compiled: Compiled, node: int) -> None:
    """The models that a policy keeps at a node, in the rows of their tasks, each in its colour."""
    tables = compiled.tables
    kept = kept_models(course.wished, tables, node)
    hues = dnn_hues(compiled.names.models)
    tiles = kept_tiles(kept, tables, [hues[dnn_of(model)] for model in compiled.names.models])
    count = len(compiled.names.tasks)
    axes.imshow(tiles, aspect="auto", interpolation="none", extent=(-0.5, len(kept) - 0.5, count - 0.5, -0.5))
    for line in range(1, count):
        axes.axhline(line - 0.5, color="#e5e5e5", lw=0.4)
    if not kept.any():
        axes.text(0.5, 0.5, "nothing kept", transform=axes.transAxes, ha="center", va="center", fontsize=7)
    # Names stay whole where they are not wider than a panel.
    broken = len(course.label) > TITLE_LETTERS
    title = fill(f"kept by {course.label}", TITLE_LETTERS, break_on_hyphens=broken)
    axes.set_title(title, fontsize=6.5)
    axes.set_yticks([])
    axes.set_xlabel("slot")
    axes.grid(False)


def draw_models_key(panel: Any, courses: Sequence[EpisodeCourse], compiled: Compiled, node: int) -> None:
    """Key of the models that any of the policies keeps at a node, in a panel of its own."""
    panel.axis("off")
    slots: dict[str, int] = {}
    for course in courses:
        counts = kept_models(course.wished, compiled.tables, node).sum(axis=0)
        for model, count in zip(compiled.names.models, counts, strict=True):
            if count:
                slots[dnn_of(model)] = slots.get(dnn_of(model), 0) + int(count)
    hues: Mapping[str, Any] = dnn_hues(compiled.names.models)
    longest = sorted(slots, key=lambda dnn: -slots[dnn])[:MOST_MODEL_NAMES]
    handles = [Patch(color=hue, lw=0, label=dnn) for dnn, hue in hues.items() if dnn in longest]
    if len(slots) > len(longest):
        handles.append(Patch(alpha=0.0, label=f"and {len(slots) - len(longest)} more"))
    if handles:
        wide = panel.get_subplotspec().colspan
        inches = panel.figure.get_figwidth() * len(wide) / panel.get_gridspec().ncols
        letters = max(len(str(handle.get_label())) for handle in handles)
        across = max(1, int(inches / (0.05 * letters + 0.35)))
        panel.legend(
            handles=handles,
            fontsize=SMALL_LETTERS,
            ncols=min(across, len(handles)),
            loc="upper left",
            borderaxespad=0.0,
            handlelength=1.2,
        )


def kept_models(wished: Ints, tables: Tables, node: int) -> Bools:
    """Whether something of a model (T, M) is wished at a node, what is pinned left out."""
    found: Bools = (wished[:, node] != EMPTY) & (tables.pinned[node] == EMPTY)
    return found


def kept_tiles(kept: Bools, tables: Tables, colours: Sequence[Rgb]) -> Floats:
    """An image (K * LANES, T, 3): in each slot, the models (T, M) kept for a task share its row."""
    paint = np.array(colours)
    tiles = np.ones((LANES * (int(tables.model_task.max()) + 1), len(kept), 3))
    for k in np.unique(tables.model_task):
        models = np.flatnonzero(tables.model_task == k)
        for t in np.flatnonzero(kept[:, models].any(axis=1)):
            here = models[kept[t, models]]
            tiles[k * LANES : (k + 1) * LANES, t] = paint[here[np.arange(LANES) * len(here) // LANES]]
    return tiles
