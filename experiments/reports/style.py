"""What all figures share: sizes of print, colours that colour-blind readers tell apart, three formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter, LogFormatter, ScalarFormatter

from idn_gym.files import atomically
from idn_gym.rendering.letters import drawable, families

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

PageColumns = Literal["one", "two"]

COLUMN_INCHES: dict[PageColumns, float] = {"one": 3.5, "two": 7.16}
"""Width of one and of two columns of IEEE's transactions [inches]."""

PLOT_WIDTH = COLUMN_INCHES["two"]
"""[inches]"""

COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#000000",
    "#7f7f7f",
    "#332288",
    "#882255",
    "#999933",
)
"""Okabe and Ito's palette, grey, and three dark ones of Tol's muted palette."""

PLOT_STYLE: dict[RcKeyType, Any] = {
    "figure.dpi": 200,
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "figure.labelsize": 8,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}

GRID_STYLE: dict[RcKeyType, Any] = {**PLOT_STYLE, "axes.grid.axis": "both"}

FORMATS: dict[str, dict[str, None]] = {
    "png": {},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
"""Endings of what is written of a figure; metadata that would differ from run to run are left out."""

_WRITING: dict[RcKeyType, Any] = {"pdf.fonttype": 42, "svg.hashsalt": "idn-gym"}
"""Letters as outlines that printers take (no Type 3 fonts), and the same bytes for the same figure."""


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and, beside it, as PDF and SVG, each whole or not at all, and free it.

    Names are drawn as they are, in whatever script, and never read as formulas.

    Args:
        figure: to write.
        path: of the PNG; the others have its name with their own ending.

    Returns:
        The path.
    """
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter):
            axis.set_major_formatter(_Legible(axis.get_major_formatter()))
        axis.get_ticklabels()  # so that they have their texts below
    for text in figure.findobj(Text):
        text.set_fontfamily(families(text.get_text()))
        text.set_text(_legible(text.get_text()))
    with plt.rc_context(_WRITING):
        for ending, metadata in FORMATS.items():

            def write(file: Any, ending: str = ending, metadata: dict[str, None] = metadata) -> None:
                figure.savefig(file, format=ending, metadata=metadata)

            atomically(figure_file(path, ending), write)
    plt.close(figure)
    return figure_file(path, "png")


def figure_file(path: Path, ending: str) -> Path:
    """Where a figure is in a format; an ending that is of another format is replaced."""
    known = path.suffix.lower().removeprefix(".") in FORMATS
    return path.with_suffix(f".{ending}") if known else path.with_name(f"{path.name}.{ending}")


def line_widths(lines: int) -> list[float]:
    """From broad to narrow [points], so that each of several lines that coincide can be seen."""
    return [float(width) for width in np.linspace(1.6, 0.8, lines)] if lines > 1 else [1.1]


def slot_label(seconds: float) -> str:
    """What an axis of slots says, with their length."""
    unit, length = next(
        (unit, length)
        for unit, length in (("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3))
        if seconds >= length
    )
    return f"slot of {seconds / length:.3g} {unit}"


class _Legible(Formatter):
    """Labels of ticks, which are written again when the figure is drawn."""

    def __init__(self, names: Formatter) -> None:
        self.names = names

    def __call__(self, x: float, pos: int | None = None) -> str:
        return _legible(str(self.names(x, pos)))  # a fixed formatter gives what it was given

    def set_locs(self, locs: Any) -> None:
        self.names.set_locs(locs)


def _legible(text: str) -> str:
    return "\n".join(map(drawable, text.split("\n"))).replace(r"\$", "$").replace("$", r"\$")
