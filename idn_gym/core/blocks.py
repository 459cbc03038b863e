"""Blocks of a segment that comes byte by byte: which are there, which are missing, which are shared.

Bytes come in the order of the blocks, those that the node has already left out; only their number is kept.
"""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, Tables
from idn_gym.core.kernel import njit_inline

LOAD_ROUNDING = 1e-9
"""Share of a segment, or of what it lacks, that sums of bytes may be off by.

Loads that meet on a link end together, however small they are: what is not there at all must not wait.
"""


@njit_inline
def has_block(tables: Tables, s: int, k: int) -> bool:
    """Whether a segment, or EMPTY, contains block k of its model."""
    return bool(s != EMPTY and tables.segment_first[s] <= k < tables.segment_last[s])


@njit_inline
def staying_bytes(tables: Tables, wish: int, old: int, arrived: float, goal: int) -> float:
    """Of the bytes that have come for a wish that changes, those that are part of the new one.

    Bytes come in the order of the blocks, those that the old segment has left out.
    """
    m = tables.segment_model[wish]
    staying = 0.0
    for k in range(tables.segment_first[wish], tables.segment_last[wish]):
        if not has_block(tables, old, k):
            here = min(arrived, tables.block_bytes[m, k + 1] - tables.block_bytes[m, k])
            arrived -= here
            if has_block(tables, goal, k):
                staying += here
    return staying


@njit_inline
def common_segment(tables: Tables, one: int, other: int) -> int:
    """The segment of the blocks that two segments of a model share; EMPTY if no option could use it."""
    first = max(tables.segment_first[one], tables.segment_first[other])
    last = min(tables.segment_last[one], tables.segment_last[other])
    for s in range(len(tables.segment_model)):
        if tables.segment_model[s] == tables.segment_model[one]:
            if tables.segment_first[s] == first and tables.segment_last[s] == last:
                return s
    return EMPTY


@njit_inline
def missing_blocks(tables: Tables, wish: int, old: int, need: float) -> tuple[int, int]:
    """First of the blocks that have not come in whole, and one past the last; the last ones come last."""
    m = tables.segment_model[wish]
    first, last = tables.segment_last[wish], tables.segment_first[wish]
    left = need
    for i in range(tables.segment_last[wish] - tables.segment_first[wish]):
        k = tables.segment_last[wish] - 1 - i
        if left <= LOAD_ROUNDING * need:
            break
        if not has_block(tables, old, k):
            first, last = k, max(last, k + 1)
            left -= tables.block_bytes[m, k + 1] - tables.block_bytes[m, k]
    return first, last
