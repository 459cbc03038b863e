"""From what is wished to what a slot places: on each node, as much of it as fits into memory."""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, INSTANT, Draw, Outcome, Residents, State, Tables
from idn_gym.core.geometry import bytes_to_load, free_bytes, load_if_fits, placed_bytes
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment


@njit_inline
def place(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    wanted: Residents,
    before: State,
    after: Residents,
    outcome: Outcome,
) -> None:
    """Repair the wishes of row `b`; where loading is instant, book the bytes that are newly resident."""
    for v in range(len(tables.node_memory)):
        if tables.node_movable[v]:
            outcome.refused[b] += repair_node(tables, draw, b, t, v, wanted, before, after)
        else:
            for m in range(len(tables.model_task)):
                after[b, v, m] = tables.pinned[v, m]
        if tables.loading == INSTANT:
            for m in range(len(tables.model_task)):
                if after[b, v, m] != before.resident[b, v, m]:
                    outcome.loaded[b, v] += bytes_to_load(tables, after[b, v, m], before.resident[b, v, m])


@njit_inline
def repair_node(
    tables: Tables, draw: Draw, b: int, t: int, v: int, wanted: Residents, before: State, after: Residents
) -> int:
    """Write into `after` the wished segments of a node that fit; return how many do not.

    What was resident already comes first, or on its way, then the larger nominal saving per byte.
    """
    free = free_bytes(draw.memory, tables.node_reserved, b, t, v)
    size = 0.0
    for m in range(len(tables.model_task)):
        pin = tables.pinned[v, m]
        after[b, v, m] = pin
        if wanted[b, v, m] != EMPTY:  # most are, and the rest takes longer
            size += placed_bytes(tables.segment_bytes, wanted[b, v, m], pin)
    if size <= free:
        for m in range(len(tables.model_task)):
            if tables.pinned[v, m] == EMPTY:
                after[b, v, m] = wanted[b, v, m]
        return 0
    return _fill_node(tables, b, v, free, wanted, before, after)


@njit_inline
def _fill_node(
    tables: Tables, b: int, v: int, free: float, wanted: Residents, before: State, after: Residents
) -> int:
    models = len(tables.model_task)
    refused = 0
    last_kept = True
    last_value = 0.0
    last_model = -1
    for _ in range(models):
        best = -1
        best_kept = False
        best_value = 0.0
        for m in range(models):
            s = wanted[b, v, m]
            if s == EMPTY or tables.pinned[v, m] != EMPTY:
                continue
            kept = held_segment(before, b, v, m) == s
            value = tables.segment_value[v, s]
            if last_model >= 0 and not _after(kept, value, m, last_kept, last_value, last_model):
                continue
            if best < 0 or _after(best_kept, best_value, best, kept, value, m):
                best, best_kept, best_value = m, kept, value
        if best < 0:
            break
        if load_if_fits(tables, b, v, wanted[b, v, best], free, after):
            free -= tables.segment_bytes[wanted[b, v, best]]
        else:
            refused += 1
        last_kept, last_value, last_model = best_kept, best_value, best
    return refused


@njit_inline
def _after(kept: bool, value: float, m: int, kept0: bool, value0: float, m0: int) -> bool:
    """Whether item (kept, value, m) comes strictly after item 0 in the order of repair."""
    if kept != kept0:
        return kept0
    if value != value0:
        return value < value0
    return m > m0
