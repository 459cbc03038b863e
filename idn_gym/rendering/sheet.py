"""A page measured in pixels, drawn by matplotlib without its global state."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled

INK, MUTED, LINE, TRACK, PAPER = "#1f2933", "#6b7785", "#cbd2d9", "#e8ecf0", "#ffffff"
"""Text, second-rank text, frames, empty bars, background."""

ALARM = "#c0392b"

HUES = (
    "#4e79a7",
    "#f28e2b",
    "#59a14f",
    "#b07aa1",
    "#76b7b2",
    "#edc948",
    "#9c755f",
    "#ff9da7",
    "#2f4b7c",
    "#a0a832",
)
"""Colours of the first ten DNNs; more are spread over the colour circle."""

HEAT = ((0.0, (0.66, 0.73, 0.80)), (0.5, (0.36, 0.60, 0.62)), (0.8, (0.95, 0.65, 0.20)), (1.0, (0.75, 0.22, 0.17)))
"""Colour of a load: grey-blue when idle, amber when busy, red when full."""


class Sheet:
    """A page; the origin is its top left corner, and a font size of 10 is 10 pixels."""

    def __init__(self, width: int, height: int) -> None:
        """Open an empty page.

        Raises:
            DependencyNotInstalled: matplotlib is missing.
        """
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise DependencyNotInstalled(
                f'{error.name} is not installed; run `pip install "idn-gym[render]"`'
            ) from error
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=PAPER)
        self._canvas = FigureCanvasAgg(figure)
        self._axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.set_axis_off()

    def box(self, x: float, y: float, width: float, height: float, fill: Any, edge: Any = "none", **look: Any) -> None:
        """A rectangle from its top left corner."""
        from matplotlib.patches import Rectangle

        self._axes.add_artist(Rectangle((x, y), width, height, facecolor=fill, edgecolor=edge, **look))

    def text(self, x: float, y: float, text: str, size: float, color: Any = INK, width: float = np.inf, **look: Any) -> None:
        """A line of text around (x, y), left-aligned and vertically centred unless told otherwise.

        It is cut so as to take about `width` pixels at most.
        """
        room = int(width / (0.56 * size)) if np.isfinite(width) else len(text)
        cut = text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
        look = {"va": "center_baseline", "ha": "left", "zorder": 3, **look}
        self._axes.text(x, y, cut, fontsize=size, color=color, parse_math=False, **look)

    def curve(self, start: tuple[float, float], end: tuple[float, float], color: Any, width: float) -> None:
        """A line that leaves and arrives upright."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        middle = (start[1] + end[1]) / 2
        path = Path([start, (start[0], middle), (end[0], middle), end], [1, 4, 4, 4])
        self._axes.add_artist(
            PathPatch(path, facecolor="none", edgecolor=color, linewidth=width, capstyle="round", zorder=0.5)
        )

    def area(self, x: Sequence[float] | Any, low: float, high: Any, color: Any) -> None:
        """A filled line chart between the height `low` and the heights `high`."""
        self._axes.fill_between(x, low, high, color=color, linewidth=0, zorder=2)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The page as (height, width, 3)."""
        self._canvas.draw()
        return np.asarray(self._canvas.buffer_rgba())[..., :3].copy()


def heat(load: float) -> tuple[float, float, float]:
    """Colour of a load, as red, green and blue in 0..1."""
    at = [stop for stop, _ in HEAT]
    return tuple(float(np.interp(load, at, [color[c] for _, color in HEAT])) for c in range(3))  # type: ignore[return-value]


def hues(count: int) -> list[Any]:
    """One colour for each of `count` DNNs."""
    if count <= len(HUES):
        return list(HUES[:count])
    return [colorsys.hls_to_rgb(i / count, (0.42, 0.58)[i % 2], 0.55) for i in range(count)]
