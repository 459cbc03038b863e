"""Real networks as maps: what nodes hold, how loaded links are, and what is down, in one slot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, ScaledTranslation

from experiments.reports.delay_parts import EpisodeCourse
from experiments.reports.direct_labels import PointLabel, fit_title, label_points
from experiments.reports.episode_events import down_in
from experiments.reports.style import COLUMN_INCHES, PageColumns
from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance
from idn_gym.rendering.layout import lay_out
from idn_gym.rendering.model_colours import model_colours
from idn_gym.rendering.palette import ALARM, INK
from idn_gym.scenarios.compile import Compiled

Positions = Mapping[str, tuple[float, float]]

TIER_MARKS = ("s", "o", "^", "D", "v")

LOAD_COLOURS = LinearSegmentedColormap.from_list("loads", ["#b4b4b4", "#000000"])
"""From a grey that is seen on white paper to black; colours are those of models."""

LINE_WIDTHS = (0.8, 2.6)
"""[points] of a link without load and of the most loaded one"""

SQUARE, ACROSS, BELOW_NODE = 4.0, 4, 6.5
"""Side of a model's square, squares beside each other, distance of the first from its node [points]."""

MAP_MARGIN = 0.09
"""Around the nodes, as a share of their extent."""

PINNED = "all models"

KM_PER_DEGREE = 111.2
"""of latitude"""

BAR_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
"""[km]"""


class Ground(NamedTuple):
    """Where nodes are on paper."""

    at: Floats
    """(N, 2) places"""
    stretch: float
    """height of a unit upwards over width of a unit across"""
    km: float | None
    """of a unit across; None: not known"""


def lay_ground(compiled: Compiled, places: Positions) -> Ground:
    """Places of nodes, and the shape of a map of them that is true at its middle (equirectangular)."""
    at = np.array([places[name] for name in compiled.names.nodes])
    if not (np.abs(at) <= (180, 90)).all():
        return Ground(at, 1.0, None)
    narrow = math.cos(math.radians(float(at[:, 1].min() + at[:, 1].max()) / 2))
    return Ground(at, 1.0 / narrow, KM_PER_DEGREE * narrow)


def draw_network_maps(
    compiled: Compiled,
    places: Positions,
    instance: Instance,
    courses: Sequence[EpisodeCourse],
    loads: Sequence[Floats],
    slot: int,
    title: str,
    columns: PageColumns = "two",
) -> Any:
    """A map per policy: nodes where they are, the models that they hold, links as dark as they are loaded.

    All is of one slot; what is down in it is marked.

    Args:
        compiled: the scenario.
        places: of its nodes.
        instance: one episode of it.
        courses: of this episode, one per policy.
        loads: of links (T, E), one per policy.
        slot: of the episode, from 0.
        title: of the whole.
        columns: of the page.
    """
    ground, wide = lay_ground(compiled, places), COLUMN_INCHES[columns]
    across = 1 if columns == "one" else math.ceil(len(courses) / math.ceil(len(courses) / 3))
    low, high = ground.at.min(axis=0), ground.at.max(axis=0)
    room = np.maximum(1e-9, high - low) * (1 + 2 * MAP_MARGIN)
    tall = min(7.5, max(0.45, ground.stretch * float(room[1] / room[0])) * 0.95 * wide / across)
    rows = -(-len(courses) // across)
    figure, grid = plt.subplots(
        rows, across, figsize=(wide, 1.3 + (0.2 + tall) * rows), layout="constrained", squeeze=False
    )
    figure.suptitle(title, fontsize=8, x=0.01, ha="left")
    now = [of_links[slot] for of_links in loads]
    down = [found[slot] for found in down_in(instance)]
    for axes in grid.flat[len(courses) :]:
        axes.set_axis_off()
    for axes, one, load in zip(grid.flat, courses, now, strict=False):
        axes.set(aspect=ground.stretch, xlim=_wider(low[0], high[0]), ylim=_wider(low[1], high[1]))
        lines = _draw_links(axes, compiled, ground, load, float(np.max(now)), down[1])
        axes.set_axis_off()
        axes.set_title(fit_title(f"placed by {one.label}", wide / across), loc="left", fontsize=7.5)
    _draw_keys(figure, compiled, [one.wished[slot] != EMPTY for one in courses], down, columns)
    bar = figure.colorbar(lines, ax=list(grid.flat), location="bottom", shrink=0.6, aspect=40, pad=0.02)
    bar.set_label(f"load of a link in slot {slot} [%]", fontsize=7)
    bar.ax.tick_params(labelsize=6)
    for _ in range(2):  # the title has its place after one pass, the panels below it after another
        figure.draw_without_rendering()
    figure.set_layout_engine("none")  # panels stay where names are fitted to them
    for axes, one in zip(grid.flat, courses, strict=False):
        held = one.wished[slot] != EMPTY
        squares = _draw_nodes(axes, compiled, ground, held, down[0])
        _draw_bar(axes, ground)
        _name_nodes(axes, compiled, ground, held, squares)
    return figure


def _wider(low: float, high: float) -> tuple[float, float]:
    more = MAP_MARGIN * max(1e-9, high - low)
    return low - more, high + more


def _draw_links(
    axes: Any, compiled: Compiled, ground: Ground, loads: Floats, most: float, down: Bools
) -> LineCollection:
    """Lines, of the two directions of a link that with more load on top."""
    ends = np.array(lay_out(compiled).ends)
    order = np.argsort(loads, kind="stable")
    low, high = LINE_WIDTHS
    shares = loads[order] / (most or 1.0)
    lines = LineCollection(
        list(ground.at[ends[order]]),
        array=100.0 * loads[order],
        cmap=LOAD_COLOURS,
        linewidths=low + (high - low) * shares,
        zorder=1,
    )
    lines.set_clim(0.0, 100.0 * most or 1.0)
    axes.add_collection(lines)
    # Dashes of two directions would fill each other's gaps.
    for e in {tuple(sorted(ends[e])): e for e in np.flatnonzero(down)}.values():
        axes.plot(*ground.at[ends[e]].T, color="white", lw=2.0, zorder=1.5)
        axes.plot(*ground.at[ends[e]].T, color=ALARM, lw=1.4, ls=(0, (3, 2)), zorder=1.6)
    return lines


def _draw_nodes(axes: Any, compiled: Compiled, ground: Ground, held: Bools, down: Bools) -> list[Bbox]:
    """Marks of nodes with squares of models below them; returns the places of the latter [pixels]."""
    tiers, at = list(dict.fromkeys(compiled.names.tiers)), ground.at
    for v, tier in enumerate(compiled.names.tiers):
        axes.plot(*at[v], _mark(tiers, tier), color=INK, ms=4.0, mew=0.0, zorder=3)
    axes.plot(*at[down].T, "x", color=ALARM, ms=8.0, mew=1.8, zorder=4)
    of_models = model_colours(compiled)
    told, order = of_models.told, list(of_models.key)
    shown = [sorted(np.flatnonzero(held[v]), key=lambda m: order.index(told[m])) for v in range(len(at))]
    shown = [[] if _holds_all(compiled, v) else models for v, models in enumerate(shown)]
    scale = axes.figure.dpi_scale_trans
    for i in range(max(map(len, shown))):
        nodes = [v for v, models in enumerate(shown) if len(models) > i]
        for row in {min(len(shown[v]), ACROSS) for v in nodes}:
            mine = [v for v in nodes if min(len(shown[v]), ACROSS) == row]
            right = (i % ACROSS - (row - 1) / 2) * (SQUARE + 0.6)
            below = BELOW_NODE + (i // ACROSS) * (SQUARE + 0.6)
            place = axes.transData + ScaledTranslation(right / 72, -below / 72, scale)
            axes.scatter(
                *at[mine].T,
                s=SQUARE**2,
                marker="s",
                c=[of_models.colours[shown[v][i]] for v in mine],
                lw=0,
                transform=place,
                zorder=2.5,
            )
    return [_square_box(axes, at[v], len(models)) for v, models in enumerate(shown) if models]


def _square_box(axes: Any, at: Floats, count: int) -> Bbox:
    x, y = axes.transData.transform(at)
    point, side = axes.figure.dpi / 72, SQUARE + 0.6
    wide, rows = min(count, ACROSS) * side, -(-count // ACROSS)
    return Bbox.from_extents(
        x - wide / 2 * point,
        y - (BELOW_NODE - side / 2 + rows * side) * point,
        x + wide / 2 * point,
        y - (BELOW_NODE - side / 2) * point,
    )


def _holds_all(compiled: Compiled, node: int) -> bool:
    return bool((compiled.tables.pinned[node] != EMPTY).all())


def _name_nodes(axes: Any, compiled: Compiled, ground: Ground, held: Bools, squares: list[Bbox]) -> None:
    """Names beside nodes: of those first that hold most, and clear of links where there is room."""
    names, at = compiled.names.nodes, ground.at
    order = np.argsort(-held.sum(axis=1), kind="stable")
    labels = [
        PointLabel(
            f"{names[v]}: {PINNED}" if _holds_all(compiled, v) else names[v],
            float(at[v, 0]),
            float(at[v, 1]),
            INK,
        )
        for v in order
    ]
    ends = np.array(lay_out(compiled).ends)
    label_points(axes, labels, 4.5, squares, lines=at[ends])


def _draw_bar(axes: Any, ground: Ground) -> None:
    """A scale bar of about a fifth of the width, at the bottom left."""
    if ground.km is None:
        return
    low, high = axes.get_xlim()
    length = max((km for km in BAR_LENGTHS if km <= 0.25 * (high - low) * ground.km), default=None)
    if length is None:
        return
    share = length / ground.km / (high - low)
    axes.plot([0.0, share], [0.0, 0.0], color=INK, lw=1.2, transform=axes.transAxes, clip_on=False)
    axes.text(share / 2, 0.01, f"{length} km", transform=axes.transAxes, ha="center", va="bottom", fontsize=6)


def _draw_keys(
    figure: Any, compiled: Compiled, holding: Sequence[Bools], down: Sequence[Bools], columns: PageColumns
) -> None:
    """Tiers, DNNs or tasks of models that anybody holds (N, M), and what is down."""
    tiers = list(dict.fromkeys(compiled.names.tiers))
    handles = [
        Line2D([], [], color=INK, marker=_mark(tiers, tier), ls="", ms=4, label=tier) for tier in tiers
    ]
    free = [v for v in range(len(compiled.names.nodes)) if not _holds_all(compiled, v)]
    held = np.any([held[free] for held in holding], axis=(0, 1))
    colours = model_colours(compiled)
    key: Mapping[str, Any] = colours.key
    there = {name for name, here in zip(colours.told, held, strict=True) if here}
    handles += [
        Line2D([], [], color=shades[0], marker="s", ls="", ms=SQUARE, mew=0, label=name)
        for name, shades in key.items()
        if name in there
    ]
    if down[0].any():
        handles.append(Line2D([], [], color=ALARM, marker="x", ls="", ms=6, mew=1.5, label="node down"))
    if down[1].any():
        handles.append(Line2D([], [], color=ALARM, ls=(0, (3, 2)), lw=1.4, label="link down"))
    letters = max(len(str(handle.get_label())) for handle in handles)
    across = max(1, int(COLUMN_INCHES[columns] / (0.055 * letters + 0.4)))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(across, len(handles)),
        fontsize=6.5,
        columnspacing=1.2,
    )


def _mark(tiers: Sequence[str], tier: str) -> str:
    return TIER_MARKS[tiers.index(tier) % len(TIER_MARKS)]
