"""Dependent rounding (DepRound): fractions that trade size in pairs until all but one are whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Ints, Residents
from idn_gym.core.decoding import Pairs
from idn_gym.core.kernel import njit_inline
from idn_gym.core.places import place_of

INTEGRAL = 1e-6
"""Fractions this close to 0 or 1 count as integral."""

SIDE_BY_SIDE = 4
"""Rows that are rounded together: a trade waits for the one before it in its row, not for other rows'."""


class Rounding(NamedTuple):
    """Work space for A rows of I fractions, A = SIDE_BY_SIDE."""

    place: Ints  # (A,) of the slot in `Draw.uniforms`
    x: Floats  # (A, I) as far as they have come; open ones stand in `share`
    item: Ints  # (I,) those that are rounded up
    open: Ints  # (A,) item of the node that is still fractional, or -1
    share: Floats  # (A,) its fraction
    size: Floats  # (A,) [bytes] its size
    spare: Ints  # (A,) item that had no trade, whose uniform is left for the last one


def make_rounding(count: int) -> Rounding:
    """Room for `count` fractions per row."""
    item, (place, opened, spare) = np.zeros(count, np.int64), np.zeros((3, SIDE_BY_SIDE), np.int64)
    share, size = np.zeros((2, SIDE_BY_SIDE))
    return Rounding(place, np.zeros((SIDE_BY_SIDE, count)), item, opened, share, size, spare)


@njit_inline
def round_dependently(
    pairs: Pairs, uniforms: Floats, slot: Ints, y: Floats, work: Rounding, wanted: Residents
) -> None:
    """Round y to 0 or 1 by pairwise trades that keep every mean and each node's used size.

    Each fractional item of a node meets the one that is still open (`trade`). The one item that may stay
    fractional is drawn with its own probability.

    Each uniform is used once: item i's for the trade between i and the open item, or, where there was
    no open item and so no trade, for whatever is still open at the end.

    Args:
        pairs: the items.
        uniforms: (B, T, I), as `Draw.uniforms`.
        slot: (B,).
        y: (B, I) fractions.
        work: for I fractions.
        wanted: (B, N, M) written to; of two segments of a model it gets the larger.
    """
    count = len(pairs.node)
    for begin in range(0, len(wanted), SIDE_BY_SIDE):
        rows = min(SIDE_BY_SIDE, len(wanted) - begin)
        for a in range(rows):
            work.place[a], work.open[a] = place_of(slot[begin + a], uniforms.shape[1]), -1
        for i in range(count):
            size = max(1.0, pairs.segment_bytes[pairs.segment[i]])
            for a in range(rows):
                _meet(work, a, i, y[begin + a, i], size, uniforms[begin + a, work.place[a], i])
            if i + 1 == count or pairs.node[i + 1] != pairs.node[i]:
                for a in range(rows):
                    if work.open[a] >= 0:
                        uniform = uniforms[begin + a, work.place[a], work.spare[a]]
                        work.x[a, work.open[a]] = 1.0 if uniform < work.share[a] else 0.0
                        work.open[a] = -1
        for a in range(rows):
            _ask_for(pairs, work, a, begin + a, wanted)


@njit_inline
def _meet(work: Rounding, a: int, i: int, share: float, size: float, uniform: float) -> None:
    """Let item i, of that fraction and size, trade with the open one, or be the open one if none is."""
    work.x[a, i] = share
    if share < INTEGRAL or share > 1.0 - INTEGRAL:
        return
    other = work.open[a]
    if other < 0:
        work.open[a], work.share[a], work.size[a], work.spare[a] = i, share, size, i
        return
    other_size = work.size[a]
    mine, others = trade(share, work.share[a], size, other_size, uniform)
    work.x[a, i], work.x[a, other] = mine, others
    i_open = 0.0 < mine < 1.0  # from here on by choice of values: which one is open, nothing foretells
    work.open[a] = i if i_open else (other if 0.0 < others < 1.0 else -1)
    work.share[a] = mine if i_open else others
    work.size[a] = size if i_open else other_size


@njit_inline
def _ask_for(pairs: Pairs, work: Rounding, a: int, b: int, wanted: Residents) -> None:
    """Write what is rounded up into row b."""
    count = 0
    for i in range(len(pairs.node)):  # without a branch, which x in no order would mislead
        work.item[count] = i
        count += int(work.x[a, i] > 0.5)
    for k in range(count):
        v, s = pairs.node[work.item[k]], pairs.segment[work.item[k]]
        held = wanted[b, v, pairs.segment_model[s]]
        if held == EMPTY or pairs.segment_bytes[s] > pairs.segment_bytes[held]:
            wanted[b, v, pairs.segment_model[s]] = s


@njit_inline
def trade(x_i: float, x_j: float, size_i: float, size_j: float, uniform: float) -> tuple[float, float]:
    """Move size between two fractions until one is 0 or 1: the pair step of DepRound, with sizes.

    With A = min(s_i (1 - x_i), s_j x_j) and B = min(s_i x_i, s_j (1 - x_j)), weight A moves from j to i with
    probability B / (A + B), else B from i to j (after Byrka et al.).

    Returns:
        Both fractions afterwards.
    """
    to_i = min(size_i * (1.0 - x_i), size_j * x_j)
    to_j = min(size_i * x_i, size_j * (1.0 - x_j))
    moved = to_i if uniform * (to_i + to_j) < to_j else -to_j
    return _settled(x_i + moved / size_i), _settled(x_j - moved / size_j)


@njit_inline
def _settled(x: float) -> float:
    if x < INTEGRAL:
        return 0.0
    return 1.0 if x > 1.0 - INTEGRAL else x
