"""The side panel of a picture, with the last slot's metrics, and the key below the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from idn_gym.rendering.card import Colors, Frame, draw_segment
from idn_gym.rendering.labels import FIGURES, si
from idn_gym.rendering.palette import ALARM, BACK, GOOD, INK, LINE, LOST, MUTED, PLAIN, TRACK, Rgb, heat, hues
from idn_gym.rendering.scene import Picture, ResidentSegment
from idn_gym.rendering.sheet import Sheet
from idn_gym.scenarios.config import Scales

PANEL, KEY = 290, 36
"""Width of the panel, height of the key [pixels]."""

MARGIN, FONT, SPACE, LINE_HEIGHT = 18, 12.0, 24.0, 21.0

NAME_AT, COUNT = 19, 18
"""From the start of a legend's line to its name, and what the count behind it takes [pixels]."""


def draw_panel(
    sheet: Sheet,
    scene: Picture,
    scales: Scales,
    area: Frame,
    tints: Colors,
    caption: str = "",
) -> None:
    """Fill the panel.

    Args:
        sheet: the page.
        scene: the episode.
        scales: of the scenario; a full bar is one scale.
        area: the panel's place.
        tints: header colour of each tier.
        caption: words beside the slot.
    """
    sheet.box(*area, BACK)
    x, width = area.x + MARGIN, area.width - 2 * MARGIN
    sheet.text(x, 28, scene.name, 20, INK, width, bold=True, least=15)
    sheet.text(x, 54, f"slot {scene.slot} of {scene.horizon}", FONT, MUTED)
    sheet.text(x + width, 54, caption, FONT, INK, width - 110, side=1.0)
    sheet.box(x, 65, width, 4, TRACK)
    sheet.box(x, 65, width * scene.slot / scene.horizon, 4, PLAIN)
    y = _draw_demand(sheet, scene, x, 90, width)
    y = _draw_metrics(sheet, scene, scales, x, y + SPACE, width)
    y = _draw_tiers(sheet, scene, tints, x, y + SPACE, width)
    _draw_models(sheet, scene, Frame(x, y + SPACE, width, area.height - y - SPACE))


def _draw_demand(sheet: Sheet, scene: Picture, x: float, y: float, width: float) -> float:
    """Requests of the slots played so far; what comes is not shown."""
    sheet.text(x, y, "requests per second", FONT, INK, bold=True)
    low, high = y + 58, y + 14
    if len(scene.demand):
        sheet.text(x + width, y, f"{scene.demand[-1]:.4g}", FONT, INK, side=1.0)
        share = np.repeat(scene.demand / max(1e-9, float(scene.demand.max())), 2)
        slots = np.repeat(np.arange(scene.slot + 1), 2)[1:-1]
        steps = np.column_stack([x + width * slots / scene.horizon, low - (low - high) * share])
        sheet.shape(np.vstack([[x, low], steps, [steps[-1, 0], low]]), heat(0.1))
    sheet.box(x, low, width, 1, LINE)
    return low


def _draw_metrics(sheet: Sheet, scene: Picture, scales: Scales, x: float, y: float, width: float) -> float:
    sheet.text(x, y, "last slot", FONT, INK, bold=True)
    sheet.text(x + width, y, "per request;  + what drops add", FONT - 1, MUTED, side=1.0)
    for figure in FIGURES:
        y += LINE_HEIGHT
        sheet.text(x, y, figure.label, FONT, INK)
        sheet.box(x, y + 8, width, 3, TRACK)
        if scene.metrics is None:
            continue
        full = 1.0 if figure.scale is None else float(getattr(scales, figure.scale))
        share = min(1.0, scene.metrics[figure.key] / full)
        sheet.text(x + width, y, figure.text(scene.metrics), FONT, INK, side=1.0)
        sheet.box(x, y + 8, width * share, 3, GOOD if figure.key == "accuracy" else PLAIN)
        if figure.penalty is not None:
            added = min(1.0 - share, scene.metrics[figure.penalty] / full)
            sheet.box(x + width * share, y + 8, width * added, 3, ALARM)
    return y + 10


def _draw_tiers(sheet: Sheet, scene: Picture, tints: Colors, x: float, y: float, width: float) -> float:
    sheet.text(x, y, "tiers", FONT, INK, bold=True)
    for tier in scene.tiers:
        y += 18
        devices = Counter(node.device for node in scene.nodes if node.tier == tier)
        names = ", ".join(f"{count} {device}" for device, count in devices.items())
        sheet.box(x, y - 6, 12, 12, tints[tier])
        sheet.text(x + 19, y, f"{tier}: {names}", FONT - 1, INK, width - 19)
    return y + 4


def _draw_models(sheet: Sheet, scene: Picture, area: Frame) -> None:
    """Legend of DNNs or tasks, with what a policy has placed of each; many short ones in two columns."""
    x, y, width, height = area
    key, lines = scene.colours.key, max(1, int((height - 18) // 18))
    half = (width - MARGIN) / 2
    longest = max(sheet.length(name, FONT - 1) for name in key)
    two = len(key) > lines and longest <= half - NAME_AT - COUNT
    sheet.text(x, y, scene.colours.of, FONT, INK, bold=True)
    title = "segments placed" + ("" if two else ",  bytes")
    sheet.text(x + width, y, title, FONT - 1, MUTED, side=1.0)
    places = lines * (1 + two)
    shown = list(key) if len(key) <= places else list(key)[: places - 1]
    sizes: dict[str, list[float]] = {}
    for item in (item for node in scene.nodes for item in node.items if not item.pinned):
        sizes.setdefault(item.told, []).append(item.size)
    for i, name in enumerate(shown):
        left = x + (half + MARGIN) * (i // lines)
        line = Frame(left, y + 18 * (i % lines + 1), half if two else width, 12)
        _draw_model(sheet, name, key[name], sizes.get(name, []), line, not two)
    if len(shown) < len(key):
        left = x + (half + MARGIN) * two + NAME_AT
        sheet.text(left, y + 18 * lines, f"and {len(key) - len(shown)} more", FONT - 1, MUTED)


def _draw_model(
    sheet: Sheet, name: str, colours: Sequence[Rgb], sizes: Sequence[float], line: Frame, roomy: bool
) -> None:
    """A line of the legend; its square has all shades that the name has."""
    x, y, width, side = line
    for i, colour in enumerate(colours):
        sheet.box(x + i * side / len(colours), y - side / 2, side / len(colours), side, colour)
    right = x + width
    if roomy and sizes:
        sheet.text(right, y, si(sum(sizes), "B"), FONT - 1, INK, side=1.0)
    right -= 60 if roomy else 0
    if sizes:
        sheet.text(right, y, str(len(sizes)), FONT - 1, INK, side=1.0)
    sheet.text(x + NAME_AT, y, name, FONT - 1, INK, right - x - NAME_AT - COUNT)


def draw_key(sheet: Sheet, area: Frame) -> None:
    """Legend of blocks, bars and lines."""
    x, middle, size = area.x + MARGIN, area.y + area.height / 2, FONT - 1
    sheet.box(area.x, area.y, area.width, 1, LINE)
    x += sheet.text(x, middle, "memory:", size, MUTED) + 8
    shapes = (("whole DNN", 0.0, 1.0, 1.0), ("head", 0.0, 0.4, 1.0), ("tail", 0.4, 1.0, 1.0))
    for label, first, last, loaded in (*shapes, ("loading", 0.0, 1.0, 0.4)):
        item = ResidentSegment("", "", "", hues(1)[0], "", first, last, 0.0, False, loaded)
        draw_segment(sheet, item, Frame(x, middle - 8, 16, 16))
        x += 20 + sheet.text(x + 20, middle, label, size, INK) + 14
    sheet.box(x, middle - 8, 16, 16, LOST)
    x += 20 + sheet.text(x + 20, middle, "not available", size, INK) + 30
    text = "load of nodes (bars) and links (lines, rate above):  0"
    x += sheet.text(x, middle, text, size, MUTED) + 6
    for i in range(60):
        sheet.box(x + 2 * i, middle - 4, 2.2, 8, heat(i / 59))
    sheet.text(x + 126, middle, "100 %", size, MUTED)
