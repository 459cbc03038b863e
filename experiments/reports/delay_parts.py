"""Delay by part: where the seconds of a served request go, slot by slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.reports.quality_course import QualityCourse
from experiments.reports.style import COLOURS
from idn_gym.core.arrays import Floats, Ints, Outcome

DELAY_PARTS = ("computing where requests enter", "links", "computing further on", "waiting")
"""What the mean latency of a served request adds up from."""

PART_COLOURS = dict(zip(DELAY_PARTS, (COLOURS[0], COLOURS[4], COLOURS[2], COLOURS[3]), strict=True))


class EpisodeCourse(NamedTuple):
    """What a policy did in an episode of T slots."""

    label: str
    scalar: Floats
    """(T,) reward"""
    wished: Ints
    """(T, N, M) segments that it wished, or that were there; or `EMPTY`"""
    parts: Floats | None = None
    """(T, 4) [s] of a served request, as in `DELAY_PARTS`, nan where nobody was served; None: not known"""
    quality: QualityCourse | None = None
    """accuracies and versions; None: not known, or nothing is hidden"""


def delay_parts(outcome: Outcome, row: int = 0) -> Floats:
    """Mean seconds of a served request (4,), as in `DELAY_PARTS`, in one slot; nan where nobody was served.

    What neither computing nor waiting takes is time on links: propagation, transmission, and pauses between
    frames. Only where capacity is shared does an outcome tell who computes.
    """
    served = outcome.served[row].sum()
    if served <= 0.0:
        return np.full(len(DELAY_PARTS), np.nan)
    near, far = outcome.spent[row, :, 0].sum(), outcome.spent[row, :, 1:].sum()
    wait = outcome.wait[row].sum()
    latency = outcome.latency[row].sum()
    links = latency - near - far - wait
    links = links if links > 1e-9 * latency else 0.0
    return np.array([near, links, far, wait]) / served


def stack_parts(axes: Any, places: Sequence[float] | Floats, parts: Floats, width: float) -> None:
    """Stacked bars of delays [ms].

    Args:
        axes: the panel.
        places: (n,) of the bars.
        parts: (n, 4) [s].
        width: of a bar.
    """
    low = np.zeros(len(parts))
    for (name, colour), high in zip(PART_COLOURS.items(), 1e3 * np.nan_to_num(parts).T, strict=True):
        axes.bar(places, high, width, bottom=low, color=colour, label=name, lw=0)
        low = low + high
