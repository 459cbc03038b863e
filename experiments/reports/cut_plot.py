"""Where is it cut? Blocks by node, and delay by part, over the rate of a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.reports.busiest_option import CutPart
from experiments.reports.cut_words import WORD_POINTS, CutBar, CutWords, cut_words
from experiments.reports.delay_parts import stack_parts
from experiments.reports.direct_labels import fit_title
from experiments.reports.style import COLUMN_INCHES, PageColumns
from experiments.reports.text_room import LINE, fit_legend
from idn_gym.core.arrays import Floats
from idn_gym.rendering.layout import spread_apart

BAR_WIDTH = 0.74

PANEL_GAP = 0.4
"""Bars of free room between scenarios."""

THINNEST = 0.04
"""Share of its height at which a panel draws parts that have less of the MACs."""


class CutPanels(NamedTuple):
    """One scenario: a panel above and one below."""

    name: str
    bars: tuple[CutBar, ...]


def draw_cuts(
    panels: Sequence[CutPanels],
    axis: str,
    colours: Mapping[str, str],
    title: str,
    note: str,
    columns: PageColumns = "two",
    limit: float | None = None,
) -> Any:
    """Above, the blocks of the option that serves most, by node; below, the delay of a request by part.

    Over the blocks are the model and, where it has early exits, its operating point; over the delays what
    they add up to, and the share of requests that are dropped. Scenarios stand side by side and share axes.

    Args:
        panels: of each scenario, with bars for the same values.
        axis: what changes.
        colours: of the nodes that serve.
        title: of the figure.
        note: to be printed below.
        columns: of the page.
        limit: [ms] at which the axis of delays ends; longer bars are cut there.
    """
    inches, bars = COLUMN_INCHES[columns], [bar for panel in panels for bar in panel.bars]
    slot = 72 * (inches - 0.65) / (len(bars) + PANEL_GAP * len(panels))
    words = cut_words(bars, slot, BAR_WIDTH * slot)
    size = (inches, words.height / 72 + (3.9 if columns == "two" else 4.4))
    figure = plt.figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=[0.01, 1, 0.01])
    above, below = _panel_rows(figure, grid[1].subgridspec(2, len(panels)))
    top = limit or max([1e-9, *(bar.total for bar in bars if np.isfinite(bar.total))])
    start = 0
    for blocks, delays, panel in zip(above, below, panels, strict=True):
        mine = slice(start, start + len(panel.bars))
        _draw_blocks(blocks, panel.bars, colours)
        _name_models(blocks, panel.name, words, mine)
        _draw_delays(delays, panel.bars, top)
        _name_delays(delays, panel.bars, top, words, mine)
        delays.set_xlabel(axis)
        start = mine.stop
    above[0].set_ylabel("share of MACs [%],\nfirst block on top")
    below[0].set_ylabel("mean delay of a\nserved request [ms]")
    letters = 7.0 if columns == "two" else WORD_POINTS
    parts = [part for bar in bars if bar.choice for part in bar.choice.parts]
    handles = _block_handles(parts, colours, words.tags is not None)
    fit_legend(figure.add_subplot(grid[0]), handles, 72 * inches - 10, letters)
    handles = below[0].get_legend_handles_labels()[0]
    fit_legend(figure.add_subplot(grid[2]), handles, 72 * inches - 10, letters)
    figure.suptitle(fit_title(title, inches), fontsize=8, x=0.01, ha="left")
    figure.supxlabel(fit_title(note, 1.25 * inches, WORD_POINTS), fontsize=WORD_POINTS, x=0.01, ha="left")
    _tag_cuts(figure, above, panels, words)
    return figure


def drawn_shares(shares: Sequence[float]) -> Floats:
    """Heights of parts (n,) that add up to 1, none of them too thin to be seen."""
    found = np.asarray(shares, float)
    thin = found < THINNEST
    room = 1.0 - THINNEST * thin.sum()
    heights: Floats = np.where(thin, THINNEST, found * room / max(1e-12, found[~thin].sum()))
    return heights


def _panel_rows(figure: Any, grid: Any) -> list[list[Any]]:
    """Panels of each row, side by side with one vertical axis."""
    rows: list[list[Any]] = [[], []]
    for r, row in enumerate(rows):
        for k in range(grid.ncols):
            row.append(figure.add_subplot(grid[r, k], sharey=row[0] if row else None))
            row[k].tick_params(labelleft=k == 0)
    return rows


def _spans(parts: Sequence[CutPart]) -> tuple[Floats, Floats]:
    """Where each part starts and how high it is (n,) [%]."""
    heights = 100 * drawn_shares([part.macs for part in parts])
    return np.cumsum(heights) - heights, heights


def _draw_blocks(axes: Any, bars: Sequence[CutBar], colours: Mapping[str, str]) -> None:
    for x, bar in enumerate(bars):
        if bar.choice is None:
            axes.text(x, 50, "nobody served", ha="center", va="center", fontsize=WORD_POINTS, rotation=90)
            continue
        for part, start, height in zip(bar.choice.parts, *_spans(bar.choice.parts), strict=True):
            colour = colours[part.node]
            look = {"color": "white", "ec": colour, "hatch": "////"} if part.unused else {"color": colour}
            axes.bar(x, height, BAR_WIDTH, bottom=start, lw=0, **look)
            if part.crosses:
                axes.plot([x - 0.46, x + 0.46], [start] * 2, color="black", lw=1.2, clip_on=False)
    axes.set(xlim=(-0.5 - PANEL_GAP / 2, len(bars) - 0.5 + PANEL_GAP / 2), ylim=(100.0, 0.0))
    axes.grid(False)


def _name_models(axes: Any, name: str, words: CutWords, mine: slice) -> None:
    texts = words.models.texts[mine]
    axes.set_xticks(range(len(texts)), texts, fontsize=WORD_POINTS, rotation=words.models.rotation)
    axes.tick_params(axis="x", top=False, bottom=False, labeltop=True, labelbottom=False, pad=2)
    axes.set_title(name)


def _draw_delays(axes: Any, bars: Sequence[CutBar], top: float) -> None:
    """Delays by part, up to `top` [ms]."""
    ends = np.minimum(np.cumsum([bar.delay for bar in bars], axis=1), 1e-3 * top)
    stack_parts(axes, range(len(bars)), np.diff(ends, axis=1, prepend=0.0), BAR_WIDTH)
    for x, bar in enumerate(bars):
        if bar.total > top:
            axes.plot([x - 0.44, x + 0.44], [0.91 * top, 0.95 * top], color="white", lw=2.0)


def _name_delays(axes: Any, bars: Sequence[CutBar], top: float, words: CutWords, mine: slice) -> None:
    """What delays add up to, the values, and above the panel what was dropped."""
    totals, dropped, labels = words.totals, words.dropped, words.labels
    for x, (bar, total) in enumerate(zip(bars, totals.texts[mine], strict=True)):
        y = min(bar.total, top) if total else 0.0
        axes.annotate(
            total,
            (x, y),
            (0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=WORD_POINTS,
            rotation=totals.rotation,
        )
    xlim = (-0.5 - PANEL_GAP / 2, len(bars) - 0.5 + PANEL_GAP / 2)
    axes.set(xlim=xlim, ylim=(0.0, top * (1.4 if totals.rotation else 1.18)))
    axes.set_xticks(range(len(bars)), labels.texts[mine], rotation=labels.rotation)
    mark = axes.secondary_xaxis("top")
    mark.set_xticks(range(len(bars)), dropped.texts[mine], fontsize=WORD_POINTS, rotation=dropped.rotation)
    mark.tick_params(length=0, pad=1)
    mark.spines["top"].set_visible(False)


def _tag_cuts(figure: Any, above: Sequence[Any], panels: Sequence[CutPanels], words: CutWords) -> None:
    """Write the bytes that cross beside their cuts, so that no tag covers another."""
    figure.draw_without_rendering()  # heights of panels are known now
    tags = iter(words.tags or ())
    for axes, panel in zip(above, panels, strict=True):
        point = 100 * figure.dpi / (72 * axes.get_window_extent().height)
        for (x, bar), texts in zip(enumerate(panel.bars), tags, strict=False):
            if not texts or bar.choice is None:
                continue
            starts, _ = _spans(bar.choice.parts)
            cuts = starts[[part.crosses for part in bar.choice.parts]]
            tall = point * (4.0 + LINE * WORD_POINTS * max(text.count("\n") + 1 for text in texts))
            side = tall / 2 if cuts[-1] + tall <= 100.0 else -tall / 2
            places = spread_apart(cuts + side, tall, tall / 2, 100.0 - tall / 2)
            for text, y in zip(texts, places, strict=True):
                box = {"boxstyle": "square,pad=0.15", "fc": "white", "lw": 0}
                axes.text(x, y, text, ha="center", va="center_baseline", fontsize=WORD_POINTS, bbox=box)


def _block_handles(parts: Sequence[CutPart], colours: Mapping[str, str], tagged: bool) -> list[Any]:
    """What the legend above explains."""
    handles: list[Any] = [Patch(color=colour, label=f"on {node}") for node, colour in colours.items()]
    if any(part.crosses for part in parts):
        words = "cut, with bytes per request (mean)" if tagged else "cut"
        handles.append(Line2D([], [], color="black", lw=1.2, label=words))
    if any(part.unused for part in parts):
        handles.append(Patch(fc="white", ec="#7f7f7f", lw=0, hatch="////", label="no request gets there"))
    return handles
