"""Words of pictures of cuts, in the room that there is for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.reports.busiest_option import CutChoice, CutPart
from experiments.reports.text_room import FittedRow, all_fit, fit_row, text_width, wrap_name
from idn_gym.commands.tables import Quantity
from idn_gym.core.arrays import Floats
from idn_gym.rendering.labels import si
from idn_gym.text_tables import significant

WORD_POINTS = 6.0
"""[points] of words in panels, the smallest letters of print"""

LONGEST_LINE = 90.0
"""[points] of a turned line"""


class CutBar(NamedTuple):
    """What was played at one value of the key."""

    label: str
    """the value, in words"""
    choice: CutChoice | None
    """what serves most; None: nobody is served"""
    delay: Floats
    """(4,) [s] of a served request as in `DELAY_PARTS`, nan where nobody was served"""
    dropped: float
    """share of the requests of the episode"""

    @property
    def total(self) -> float:
        """[ms] of a served request."""
        return 1e3 * float(self.delay.sum())


class CutWords(NamedTuple):
    """Words of all bars (n,), from left to right."""

    models: FittedRow
    """names in the catalogue, and operating points of models with early exits"""
    dropped: FittedRow
    """shares of requests; empty where none is dropped"""
    totals: FittedRow
    """delays [ms]; empty where nobody is served"""
    labels: FittedRow
    """values of what changes"""
    tags: tuple[tuple[str, ...], ...] | None
    """bytes that cross each cut; None: no room"""

    @property
    def height(self) -> float:
        """[points] of all rows outside of panels."""
        return self.models.height + self.dropped.height + self.labels.height


def cut_words(bars: Sequence[CutBar], slot: float, wide: float) -> CutWords:
    """Find what can be said of bars.

    Args:
        bars: (n,) from left to right.
        slot: width that each of them has for words [points].
        wide: width of a bar [points].
    """
    near, lost = 0.9 * slot, [str(Quantity(bar.dropped, "share")) if bar.dropped else "" for bar in bars]
    totals = [significant(bar.total) if np.isfinite(bar.total) else "" for bar in bars]
    labels = [bar.label for bar in bars]
    return CutWords(
        models=fit_row(_models(bars, near), _models(bars, LONGEST_LINE), near, WORD_POINTS),
        dropped=fit_row(
            [text and f"{text}\ndropped" for text in lost],
            [text and f"{text} dropped" for text in lost],
            near,
            WORD_POINTS,
        ),
        totals=fit_row(totals, totals, near, WORD_POINTS),
        labels=fit_row(labels, labels, near, 8.0),
        tags=_tags([bar.choice.parts if bar.choice else () for bar in bars], slot, wide),
    )


def _models(bars: Sequence[CutBar], room: float) -> list[str]:
    words = []
    for bar in bars:
        name = wrap_name(bar.choice.model, room, WORD_POINTS) if bar.choice else ""
        exits = bar.choice is not None and len(bar.choice.leaving) > 1
        words.append(f"{name}\n({bar.choice.point})" if bar.choice and exits else name)
    return words


def _tags(
    options: Sequence[Sequence[CutPart]], slot: float, wide: float
) -> tuple[tuple[str, ...], ...] | None:
    """Bytes, in two lines where one is wider than a bar."""
    tags = []
    for parts in options:
        texts = ["0 B" if part.unused else si(part.size, "B") for part in parts if part.crosses]
        tags.append(
            tuple(t if text_width(t, WORD_POINTS) + 4.0 <= wide else t.replace(" ", "\n") for t in texts)
        )
    return tuple(tags) if all_fit([t for texts in tags for t in texts], slot - 4.0, WORD_POINTS) else None
