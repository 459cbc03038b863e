"""The side panel of a picture, with the last slot's figures, and the legend below the network."""

from __future__ import annotations

from collections import Counter
from typing import Any

from idn_gym.core.arrays import Floats
from idn_gym.rendering.labels import FIGURES
from idn_gym.rendering.scene import Scene
from idn_gym.rendering.sheet import INK, LINE, MUTED, TRACK, Sheet, heat

PANEL = 290
"""Width of the panel [pixels]."""

MARGIN, CELL = 18, 150

_BACK, _GOOD, _PLAIN = "#f5f7f9", "#3a7d5d", "#5b7083"


def draw_panel(sheet: Sheet, scene: Scene, scales: Floats, shades: dict[str, Any], x: float, height: float) -> None:
    """Fill the page's right side from `x` on.

    Args:
        sheet: the page.
        scene: the episode.
        scales: (5,) of error, latency, energy, traffic and update; a full bar is one scale.
        shades: header colour of each tier.
        x: left edge [pixels].
        height: of the page [pixels].
    """
    sheet.box(x, 0, PANEL, height, _BACK)
    left, width = x + MARGIN, PANEL - 2 * MARGIN
    sheet.text(left, 30, scene.name, 20, INK, weight="bold", width=width)
    sheet.text(left, 56, f"slot {scene.slot} of {scene.horizon}", 12, MUTED)
    sheet.box(left, 68, width, 4, TRACK)
    sheet.box(left, 68, width * scene.slot / scene.horizon, 4, _PLAIN)
    y = _draw_demand(sheet, scene, left, 96, width)
    y = _draw_figures(sheet, scene, scales, left, y + 26, width)
    _draw_tiers(sheet, scene, shades, left, y + 26, width)


def _draw_demand(sheet: Sheet, scene: Scene, x: float, y: float, width: float) -> float:
    """Requests of the slots played so far; what comes is not shown."""
    sheet.text(x, y, "requests per second", 12, INK, weight="bold")
    low, high = y + 74, y + 16
    sheet.box(x, low, width, 1, LINE)
    if len(scene.demand):
        top = max(float(scene.demand.max()), 1e-9)
        steps = [x + width * (t + side) / scene.horizon for t in range(scene.slot) for side in (0, 1)]
        heights = [low - (low - high) * float(rate) / top for rate in scene.demand for _ in (0, 1)]
        sheet.area(steps, low, heights, "#9fb3c8")
        sheet.text(x + width, y, f"{scene.demand[-1]:.4g} now", 12, INK, ha="right")
    return low


def _draw_figures(sheet: Sheet, scene: Scene, scales: Floats, x: float, y: float, width: float) -> float:
    sheet.text(x, y, "last slot, per request", 12, INK, weight="bold")
    for i, (label, key, shown, scale) in enumerate(FIGURES):
        line = y + 24 + 25 * i + (8 if i >= 5 else 0)
        sheet.text(x, line, label, 12, INK)
        sheet.box(x, line + 9, width, 4, TRACK)
        if scene.figures is None:
            sheet.text(x + width, line, "-", 12, MUTED, ha="right")
            continue
        value = scene.figures[key]
        share = min(1.0, value / (1.0 if scale is None else float(scales[scale])))
        color = _GOOD if key in ("accuracy", "split_rate", "early_rate") else heat(share)
        sheet.text(x + width, line, shown(value), 12, INK, ha="right")
        sheet.box(x, line + 9, width * share, 4, color)
    return line + 13


def _draw_tiers(sheet: Sheet, scene: Scene, shades: dict[str, Any], x: float, y: float, width: float) -> None:
    sheet.text(x, y, "tiers", 12, INK, weight="bold")
    for i, tier in enumerate(scene.tiers):
        devices = Counter(node.device for node in scene.nodes if node.tier == tier)
        names = ", ".join(f"{count} {device}" for device, count in devices.items())
        sheet.box(x, y + 14 + 20 * i, 12, 12, shades[tier])
        sheet.text(x + 19, y + 20 + 20 * i, f"{tier}: {names}", 11, INK, width=width - 19)


def draw_legend(sheet: Sheet, colors: dict[str, Any], y: float, width: float) -> None:
    """Colours of the DNNs, how heads and tails look, and what the bars mean."""
    sheet.box(0, y, width, 1, LINE)
