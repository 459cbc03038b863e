"""Segments as intervals of blocks on the memory of nodes: what covers what, what is loaded, what is free.

Of a segment that comes byte by byte, bytes come in the order of the blocks, those that the node has already
left out; only their number is kept.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Residents, Tables
from idn_gym.core.kernel import njit_inline, rule

LOAD_ROUNDING = 1e-9
"""Share of a segment, or of what it lacks, that sums of bytes may be off by.

Loads that meet on a link end together, however small they are: what is not there at all must not wait.
"""


class Intervals(Protocol):
    """The part of `Tables` that says which blocks a segment has; `covers` needs no more than that."""

    @property
    def segment_first(self) -> Ints:
        """(S,) first block."""
        ...

    @property
    def segment_last(self) -> Ints:
        """(S,) one past the last block."""
        ...


class Segments(Protocol):
    """The part of `Tables` that says how large segments are; `load_if_fits` needs no more than that."""

    @property
    def segment_model(self) -> Ints:
        """(S,) model of the segment."""
        ...

    @property
    def segment_bytes(self) -> Floats:
        """(S,) [bytes] of the segment."""
        ...


class Sizes(Intervals, Segments, Protocol):
    """The part of `Tables` that says how many bytes blocks have."""

    @property
    def block_bytes(self) -> Floats:
        """(M, max blocks + 1) [bytes] of all blocks before the index."""
        ...


@rule
def covers(spans: Intervals, held: Any, part: Any) -> Any:
    """Whether a resident segment, or EMPTY, contains all blocks of a segment of the same model."""
    return (
        (held != EMPTY)
        & (spans.segment_first[held] <= spans.segment_first[part])
        & (spans.segment_last[held] >= spans.segment_last[part])
    )


@rule
def shared_bytes(spans: Sizes, one: Any, other: Any) -> Any:
    """Bytes of the blocks that two segments of one model have in common; none where one is EMPTY."""
    first = np.maximum(spans.segment_first[one], spans.segment_first[other])
    last = np.maximum(first, np.minimum(spans.segment_last[one], spans.segment_last[other]))
    model = spans.segment_model[one]
    both = (one != EMPTY) & (other != EMPTY)
    return both * (spans.block_bytes[model, last] - spans.block_bytes[model, first])


@rule
def held_bytes(size: Floats, held: Any) -> Any:
    """Bytes of a segment, none of EMPTY; `size` is (S,) as `Tables.segment_bytes`."""
    return (held != EMPTY) * size[held]


@rule
def placed_bytes(size: Floats, held: Any, pin: Any) -> Any:
    """Bytes that a segment, or EMPTY, takes of what pins leave; none where it is the pinned one itself."""
    return (pin == EMPTY) * held_bytes(size, held)


@rule
def bytes_to_load(spans: Sizes, new: Any, held: Any) -> Any:
    """Bytes of a segment, or EMPTY, that a node lacks which holds a segment of its model, or EMPTY."""
    # Sums of blocks are rounded: what is held already may seem larger than the whole.
    return np.maximum(0.0, held_bytes(spans.segment_bytes, new) - shared_bytes(spans, new, held))


@njit_inline
def has_block(tables: Tables, s: int, k: int) -> bool:
    """Whether a segment, or EMPTY, contains block k of its model."""
    return bool(s != EMPTY and tables.segment_first[s] <= k < tables.segment_last[s])


@njit_inline
def staying_bytes(tables: Tables, wish: int, old: int, arrived: float, goal: int) -> float:
    """Of the bytes that have arrived for a request that changes, those that belong to the new one.

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


def covered_parts(tables: Tables, placement: Residents) -> Bools:
    """Whether each part (Q,) lies inside the segment of a placement (N, M) at its node."""
    held = placement[tables.part_node, tables.segment_model[tables.part_segment]]
    covered: Bools = covers(tables, held, tables.part_segment)
    return covered


def block_shares(tables: Tables) -> tuple[Floats, Floats]:
    """First block of each segment (S,), and one past its last, over the blocks of its model."""
    blocks = tables.model_blocks[tables.segment_model]
    return tables.segment_first / blocks, tables.segment_last / blocks


def whole_models(tables: Tables) -> Bools:
    """Segments (S,) that contain all blocks of their model."""
    blocks = tables.model_blocks[tables.segment_model]
    whole: Bools = (tables.segment_first == 0) & (tables.segment_last == blocks)
    return whole


@njit_inline
def free_bytes(memory: Floats, reserved: Floats, b: int, t: int, v: int) -> float:
    """Memory of a node in slot `t` that pinned models leave; below 0 where it has shrunk that far.

    Args:
        memory: (B, T, N) [bytes], as `Draw.memory`.
        reserved: (N,) [bytes], as `Tables.node_reserved`.
        b: row.
        t: place of the slot.
        v: node.
    """
    return float(memory[b, t, v] - reserved[v])


def nominal_free_bytes(tables: Tables) -> Floats:
    """Nominal memory of every node (N,) that pinned models leave [bytes]."""
    free: Floats = np.maximum(0.0, tables.node_memory - tables.node_reserved)
    return free


@njit_inline
def load_if_fits(sizes: Segments, b: int, v: int, s: int, free: float, placed: Residents) -> bool:
    """One step of every filling of a memory: load a segment if it fits and its model has none yet.

    Args:
        sizes: of segments.
        b: row.
        v: node.
        s: segment.
        free: [bytes] left on the node.
        placed: (B, N, M) written to.

    Returns:
        Whether it is loaded.
    """
    m = sizes.segment_model[s]
    if placed[b, v, m] != EMPTY or sizes.segment_bytes[s] > free:
        return False
    placed[b, v, m] = s
    return True
