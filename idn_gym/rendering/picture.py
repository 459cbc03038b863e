"""An episode as an image: the network with what is placed on it, and a panel with the last slot."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats
from idn_gym.rendering.labels import si
from idn_gym.rendering.panel import PANEL, draw_legend, draw_panel
from idn_gym.rendering.scene import Item, LinkView, NodeView, Scene, look
from idn_gym.rendering.sheet import ALARM, INK, LINE, MUTED, PAPER, TRACK, Sheet, heat, hues
from idn_gym.simulation import Simulation

SIZES = ((12, 1280, 720), (10**9, 1600, 900))
"""Most nodes, width and height [pixels] of a picture; a scenario keeps its size for ever."""

LEGEND = 58
"""Height of the strip below the network [pixels]."""

ABOVE, BELOW, GAP = 15, 14, 12
"""Room around a node for the text of its uplink, its arrivals, and the next node [pixels]."""


class Frame(NamedTuple):
    """Where a node is drawn [pixels]."""

    x: float
    y: float
    width: float
    height: float


def render_rgb(simulation: Simulation, row: int, figures: Floats | None) -> npt.NDArray[np.uint8]:
    """Draw the network, what is placed where, the loads and the last slot's figures.

    Args:
        simulation: the simulation, after a reset or a step.
        row: which of its episodes.
        figures: (len(METRICS),) of the last slot, or None before the first.

    Returns:
        (height, width, 3), of one size per scenario.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
    """
    scene = look(simulation, row, figures)
    width, height = next((w, h) for most, w, h in SIZES if len(scene.nodes) <= most)
    sheet = Sheet(width, height)
    colors = dict(zip(scene.dnns, hues(len(scene.dnns)), strict=True))
    shades = dict(zip(scene.tiers, _shades(len(scene.tiers)), strict=True))
    frames = _frames(scene, width - PANEL, height - LEGEND)
    for link in scene.links:
        _draw_link(sheet, link, frames)
    for node, frame in zip(scene.nodes, frames, strict=True):
        _draw_node(sheet, node, frame, shades[node.tier], colors)
    _label_links(sheet, scene, frames)
    draw_legend(sheet, colors, height - LEGEND, width - PANEL)
    draw_panel(sheet, scene, simulation.compiled.scales, shades, width - PANEL, height)
    return sheet.pixels()


def _shades(count: int) -> list[tuple[float, float, float]]:
    """Header colours of the tiers, dark at the repositories."""
    dark, light = np.array([0.13, 0.18, 0.25]), np.array([0.50, 0.57, 0.65])
    return [tuple(dark + (light - dark) * i / max(1, count - 1)) for i in range(count)]


def _frames(scene: Scene, width: float, height: float) -> list[Frame]:
    plan = scene.plan
    pitch = height / plan.rows
    tall = min(150.0, pitch - ABOVE - BELOW - max(18.0, 0.2 * pitch))
    frames = []
    for x, row, room in zip(plan.x, plan.row, plan.width, strict=True):
        wide = min(240.0, room * width - GAP)
        frames.append(Frame(GAP / 2 + x * (width - GAP) - wide / 2, pitch * (row + 0.5) - tall / 2, wide, tall))
    return frames


def _draw_link(sheet: Sheet, link: LinkView, frames: list[Frame]) -> None:
    low, high = sorted((frames[link.source], frames[link.target]), key=lambda frame: -frame.y)
    start, end = (low.x + low.width / 2, low.y), (high.x + high.width / 2, high.y + high.height)
    sheet.curve(start, end, heat(link.load), 1.2 + 5.0 * min(1.0, link.load))


def _label_links(sheet: Sheet, scene: Scene, frames: list[Frame]) -> None:
    """Rate and load of each node's first uplink, right above the node."""
    done = set()
    for link in scene.links:
        if link.source in done:
            continue
        done.add(link.source)
        frame = frames[link.source]
        rate = si(8 * link.rate, "bit/s")
        text = f"{rate}  {link.load:.0%}" if frame.width >= 100 else f"{rate[:-5].replace(' ', '')} {link.load:.0%}"
        color = ALARM if link.load > 0.9 else MUTED
        backing = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}
        x, y = frame.x + frame.width / 2, frame.y - ABOVE / 2
        sheet.text(x, y, text, 10, color, ha="center", bbox=backing)


def _draw_node(sheet: Sheet, node: NodeView, frame: Frame, shade: Any, colors: dict[str, Any]) -> None:
    x, y, width, height = frame
    big = height > 90 and width > 130
    header, bar, font = (18.0, 18.0, 11.5) if big else (14.0, 13.0, 10.0)
    sheet.box(x, y, width, height, PAPER, LINE, linewidth=1)
    sheet.box(x, y, width, header, shade)
    sheet.text(x + 4, y + header / 2, node.name, font, PAPER, width=width - 8, weight="bold")
    inner, left = width - 8, x + 4
    at = y + header + 4
    _draw_memory(sheet, node, Frame(left, at, inner, bar), colors)
    at += bar + 4
    _draw_load(sheet, node, Frame(left, at, inner, 5))
    at += 5 + 8
    _caption(sheet, node, left, at, inner)
    _draw_list(sheet, node, Frame(left, at + 7, inner, y + height - at - 8), colors)
    if node.arrivals is not None:
        text = f"{node.arrivals:.3g} req/s"
        text += f", {node.dropped:.0%} dropped" if node.dropped >= 0.005 and width >= 130 else ""
        color = ALARM if node.dropped >= 0.005 else INK
        sheet.text(x + width / 2, y + height + BELOW / 2, text, 10, color, ha="center")


def _caption(sheet: Sheet, node: NodeView, x: float, y: float, width: float) -> None:
    memory = f"{si(node.used, 'B').split()[0]}/{si(node.memory, 'B')}"
    load = f"{node.busy:.2g} busy" if node.load is None else f"{node.load:.0%}"
    if width >= 88:
        sheet.text(x, y, memory, 9.5, MUTED)
        sheet.text(x + width, y, load, 9.5, MUTED, ha="right")
    else:
        sheet.text(x + width / 2, y, load, 9.5, MUTED, ha="center")


def _draw_memory(sheet: Sheet, node: NodeView, frame: Frame, colors: dict[str, Any]) -> None:
    """One block per segment, as wide as its bytes; filled where the DNN's layers are, top to bottom."""
    x, y, width, height = frame
    sheet.box(x, y, width, height, TRACK)
    scale = width / max(node.nominal_memory, node.used, 1.0)
    lost = max(0.0, node.nominal_memory - node.memory) * scale
    if lost > 0.5:
        sheet.box(x + width - lost, y, lost, height, PAPER, LINE, hatch="////", linewidth=0)
    for item in node.items:
        wide = max(2.0, item.size * scale)
        draw_segment(sheet, item, Frame(x, y, wide, height), colors[item.dnn])
        x += wide


def draw_segment(sheet: Sheet, item: Item, frame: Frame, color: Any) -> None:
    """A block with its DNN's colour where the segment's layers are, pale elsewhere."""
    x, y, width, height = frame
    thin = 0.8 if width > 3 else 0.0
    if item.last - item.first < 1.0:
        sheet.box(x, y, width - thin, height, color, alpha=0.3)
    top, bottom = y + item.first * height, y + item.last * height
    sheet.box(x, top, width - thin, bottom - top, color)


def _draw_load(sheet: Sheet, node: NodeView, frame: Frame) -> None:
    x, y, width, height = frame
    sheet.box(x, y, width, height, TRACK)
    if node.load is None:
        return
    if node.offered < 0.995:
        lost = (1.0 - max(0.0, node.offered)) * width
        sheet.box(x + width - lost, y, lost, height, PAPER, LINE, hatch="//////", linewidth=0)
    if node.load > 0:
        sheet.box(x, y, max(1.5, min(1.0, node.load) * width), height, heat(node.load))


def _draw_list(sheet: Sheet, node: NodeView, frame: Frame, colors: dict[str, Any]) -> None:
    """Names of the segments, as far as there is room."""
    x, y, width, height = frame
    lines = int(height // 13)
    if width < 110 or lines < 1 or not node.items:
        return
    if len(node.items) == node.pinned > lines:
        sheet.text(x, y + 6, f"all {node.pinned} models, pinned", 10, INK, width=width)
        return
    shown = node.items if len(node.items) <= lines else node.items[: lines - 1]
    for i, item in enumerate(shown):
        draw_segment(sheet, item, Frame(x, y + 13 * i + 1, 10, 10), colors[item.dnn])
        sheet.text(x + 15, y + 13 * i + 6.5, item.name, 10, INK, width=width - 15)
    if len(shown) < len(node.items):
        rest = len(node.items) - len(shown)
        sheet.text(x + 15, y + 13 * len(shown) + 6.5, f"and {rest} more", 10, MUTED, width=width - 15)
