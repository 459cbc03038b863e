"""A page measured in pixels, drawn by matplotlib without its global state.

Everything, text included, becomes one collection of paths in drawing order. That is many times faster
than one artist per box and word, and lets text be measured exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled

from idn_gym.core.arrays import Floats
from idn_gym.rendering.letters import FONT, drawable, family, installed

Color = str | tuple[float, ...]

TRANSPARENT = (0.0, 0.0, 0.0, 0.0)

MOVE, LINE, CURVE, CLOSE = 1, 2, 4, 79
"""Codes of matplotlib's paths."""


class Sheet:
    """A page; the origin is its top left corner, and a font size of 10 is 10 pixels."""

    def __init__(self, width: int, height: int) -> None:
        """Open an empty page.

        Args:
            width: [pixels].
            height: [pixels].

        Raises:
            DependencyNotInstalled: matplotlib is missing.
        """
        try:
            import matplotlib.backends.backend_agg  # noqa: F401  (only to see whether it is there)
        except ImportError as error:
            raise DependencyNotInstalled(
                f'{error.name} is not installed; run `pip install "idn-gym[render]"`'
            ) from error
        self.width, self.height = width, height
        self._paths: list[Any] = []
        self._fills: list[Color] = []
        self._edges: list[Color] = []
        self._widths: list[float] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: Color,
        edge: Color = TRANSPARENT,
        line: float = 0.0,
    ) -> None:
        """A rectangle from its top left corner."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        self._add(np.array(corners), [MOVE, LINE, LINE, LINE, CLOSE], fill, edge, line)

    def shape(self, points: Floats, fill: Color) -> None:
        """A filled polygon from its corners (n, 2)."""
        self._add(points, [MOVE, *[LINE] * (len(points) - 1)], fill, TRANSPARENT, 0.0)

    def thread(
        self, start: tuple[float, float], bend: float, end: tuple[float, float], ink: Color, line: float
    ) -> None:
        """A line that leaves upright, is above its end at the height `bend`, and goes straight from there."""
        middle = (start[1] + bend) / 2
        points = [start, (start[0], middle), (end[0], middle), (end[0], bend), end]
        self._add(np.array(points), [MOVE, CURVE, CURVE, CURVE, LINE], TRANSPARENT, ink, line)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        ink: Color,
        width: float = np.inf,
        side: float = 0.0,
        bold: bool = False,
        least: float = np.inf,
    ) -> float:
        """A line of text, shrunk and then cut where it would be wider than `width`.

        Args:
            x: left end, or what `side` says.
            y: middle of the small letters.
            text: what to write.
            size: of the font [pixels].
            ink: colour.
            width: most it may take [pixels].
            side: 0: `x` is the left end; 0.5: the middle; 1: the right end.
            bold: whether in bold.
            least: font size down to which the text shrinks before it is cut.

        Returns:
            The width taken [pixels].
        """
        text, size = _fit(drawable(text), size, bold, width, least)
        long = _length(text, size, bold)
        pen, points, codes = x - side * long, [], []
        for vertices, own, advance in (_glyph(letter, bold) for letter in text):
            points.append(vertices * (size, -size) + (pen, y + 0.27 * size))
            codes.append(own)
            pen += size * advance
        if text.strip():
            self._add(np.concatenate(points), np.concatenate(codes), ink, TRANSPARENT, 0.0)
        return long

    def length(self, text: str, size: float, bold: bool = False) -> float:
        """Width of a line of text [pixels]."""
        return _length(drawable(text), size, bold)

    def first_fitting(self, texts: Sequence[str], size: float, width: float) -> str:
        """The first of some texts that is no wider than `width`, or none: ``""``."""
        return next((text for text in texts if self.length(text, size) <= width), "")

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The page as (height, width, 3)."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.collections import PathCollection
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        drawing = PathCollection(
            self._paths,
            facecolors=self._fills,
            edgecolors=self._edges,
            linewidths=self._widths,
            transform=Affine2D().scale(1.0, -1.0).translate(0.0, self.height),
        )
        figure.add_artist(drawing)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _add(self, points: Floats, codes: Any, fill: Color, edge: Color, line: float) -> None:
        from matplotlib.path import Path

        self._paths.append(Path(points, codes))
        self._fills.append(fill)
        self._edges.append(edge)
        self._widths.append(line)


def _length(text: str, size: float, bold: bool) -> float:
    return size * sum(_glyph(letter, bold)[2] for letter in text)


@lru_cache(maxsize=4096)
def _fit(text: str, size: float, bold: bool, width: float, least: float) -> tuple[str, float]:
    """Shrink a text to the size `least`, then leave out its middle, until it is no wider than `width`."""
    long = _length(text, size, bold)
    if long > width and least < size:
        size = max(least, size * width / long)
    shown = text
    for kept in range(len(text) - 1, 0, -1):
        if _length(shown, size, bold) <= width * 1.0001:
            break
        tail = kept * 2 // 5
        shown = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
    return shown, size


@lru_cache(maxsize=1024)
def _glyph(letter: str, bold: bool) -> tuple[Floats, npt.NDArray[np.uint8], float]:
    """Outline (n, 2), codes (n,) and width of a letter of size 1, in a font that has it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    name = family(letter) or FONT
    heavy = bold and ord(letter) < 0x1D400  # its bold has no mathematical letters
    font = FontProperties(family=FONT, weight="bold" if heavy else "normal", size=100)
    if name != FONT:  # matplotlib would take another of its family where this weight is missing, and say so
        font = FontProperties(fname=installed()[name], size=100)
    advance, _, _ = text_to_path.get_text_width_height_descent(letter, font, False)
    vertices, codes = text_to_path.get_text_path(font, letter)
    scale = 1.0 / text_to_path.FONT_SCALE
    return np.reshape(vertices, (-1, 2)) * scale, np.array(codes, np.uint8), float(advance) / 100.0
