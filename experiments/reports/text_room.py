"""Words that fit into the room that they have: measured, wrapped, turned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

LINE = 1.25
"""Height of a line over that of its letters."""


class FittedRow(NamedTuple):
    """Texts that stand beside each other, one per slot of equal width."""

    texts: tuple[str, ...]
    rotation: int
    """[degrees] 0 or 90"""
    height: float
    """[points] that the tallest takes"""


def text_width(text: str, size: float) -> float:
    """Width [points] of the longest line of a text in letters of `size` [points]."""
    font = FontProperties(size=size)
    lines = text.split("\n")
    return float(max(text_to_path.get_text_width_height_descent(line, font, False)[0] for line in lines))


def wrap_name(name: str, room: float, size: float) -> str:
    """A name in lines of at most `room` [points], broken only behind ``_``, ``-`` and ``.``, not respelt."""
    lines = [""]
    for piece in re.findall(r"[^_.-]*[_.-]*", name):
        if lines[-1] and text_width(lines[-1] + piece, size) > room:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def all_fit(texts: Sequence[str], room: float, size: float) -> bool:
    """Whether each of them can stand in `room` [points] without being turned."""
    return all(text_width(text, size) <= room for text in texts)


def fit_row(level: Sequence[str], turned: Sequence[str], room: float, size: float) -> FittedRow:
    """The first texts if all of them fit beside each other, otherwise the second ones, turned.

    Turned texts are drawn in one line where their slots are too narrow for more.

    Args:
        level: (n,) to be read without turning the page.
        turned: (n,) the same, from bottom to top.
        room: width of a slot [points].
        size: of the letters [points].
    """
    line = LINE * size
    if all_fit(level, room, size):
        return FittedRow(tuple(level), 0, line * max(text.count("\n") + 1 for text in level))
    if any((text.count("\n") + 1) * line > room for text in turned):
        turned = [re.sub(r"(?<=[_.-])\n", "", text).replace("\n", " ") for text in turned]
    return FittedRow(tuple(turned), 90, max(text_width(text, size) for text in turned))


def fit_legend(axes: Any, handles: Sequence[Any], room: float, size: float, most: int = 6) -> None:
    """Put a legend into the middle of a panel that has nothing else, with as many columns as fit.

    Args:
        axes: the panel, which is switched off.
        handles: what the legend explains, with their labels.
        room: [points].
        size: of the letters [points].
        most: columns.
    """
    axes.axis("off")
    renderer = axes.figure.canvas.get_renderer()
    for columns in range(min(most, len(handles)), 0, -1):
        legend = axes.legend(
            handles=handles,
            loc="center",
            ncols=columns,
            fontsize=size,
            borderaxespad=0.0,
            handlelength=1.4,
            columnspacing=1.2,
        )
        if legend.get_tightbbox(renderer).width * 72 / axes.figure.dpi <= room:
            return
