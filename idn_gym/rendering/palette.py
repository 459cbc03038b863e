"""Colours of the picture."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable

import numpy as np

Rgb = tuple[float, ...]

INK, MUTED, LINE, TRACK, PAPER = "#1f2933", "#66717e", "#c3ccd5", "#e6eaee", "#ffffff"
"""Text, second-rank text, frames, empty bars, background."""

BACK, PLAIN, GOOD, LOST, ALARM = "#f4f6f8", "#5b7083", "#3a7d5d", "#aeb6bf", "#b83227"
"""Panel, neutral bars, bars where more is better, lost capacity, what must not be overlooked."""

HUES = tuple("#4e79a7 #f28e2b #59a14f #b07aa1 #76b7b2 #edc948 #9c755f #ff9da7 #2f4b7c #a0a832".split())
"""Up to ten DNNs, or tasks; more are spread over the colour circle."""

FIRST_HUE = 0.58
"""On the colour circle: blue, since red is the colour of alarms."""

HEAT = {0.0: (0.68, 0.75, 0.81), 0.5: (0.36, 0.60, 0.62), 0.8: (0.95, 0.65, 0.20), 1.0: (0.75, 0.22, 0.17)}
"""Loads: grey-blue when idle, amber when busy, red when full."""


def heat(load: float) -> Rgb:
    """Colour of a load, as red, green and blue in 0..1."""
    return tuple(float(np.interp(load, list(HEAT), [color[c] for color in HEAT.values()])) for c in range(3))


def hues(count: int) -> list[Rgb]:
    """One colour for each of `count` DNNs or tasks; those that follow each other are far apart."""
    if count <= len(HUES):
        return [_read(color) for color in HUES[:count]]
    stride = next(step for step in range(round(0.618 * count), count) if math.gcd(step, count) == 1)
    places = [i * stride % count for i in range(count)]
    return [colorsys.hls_to_rgb(FIRST_HUE + place / count, (0.42, 0.58)[place % 2], 0.55) for place in places]


def dnn_of(model: str) -> str:
    """Copies of a task hold models of their own, called model@task, which share a colour."""
    return model.split("@")[0]


def dnn_hues(models: Iterable[str]) -> dict[str, Rgb]:
    """The colour of each DNN of a scenario's models, in their order."""
    dnns = list(dict.fromkeys(map(dnn_of, models)))
    return dict(zip(dnns, hues(len(dnns)), strict=True))


def shades(count: int) -> list[Rgb]:
    """Header colours of the tiers, dark at the repositories."""
    dark, light = np.array([0.13, 0.18, 0.25]), np.array([0.48, 0.55, 0.63])
    return [tuple(float(c) for c in dark + (light - dark) * i / max(1, count - 1)) for i in range(count)]


def whiter(color: Rgb, share: float) -> Rgb:
    """The same colour with a share of white."""
    return tuple(share + (1.0 - share) * c for c in color)


def pale(color: Rgb) -> Rgb:
    """The same colour washed out."""
    return whiter(color, 0.7)


def ink_on(color: Rgb) -> str:
    """Of text on a colour: dark on bright ones, white on the others (luma of ITU-R BT.601)."""
    return INK if np.dot(color, (0.299, 0.587, 0.114)) > 0.6 else PAPER


def _read(color: str) -> Rgb:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
