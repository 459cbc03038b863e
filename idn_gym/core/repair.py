"""Repair of requested placements: on each node, as many of the requested segments as fit into memory."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, INSTANT, Draw, Outcome, Residents, State, Tables
from idn_gym.core.geometry import bytes_to_load, free_bytes, load_if_fits
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment
from idn_gym.core.selection import Selection, begin_selection, take_best
from idn_gym.core.workspace import Scratch


@njit_inline
def place(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    wanted: Residents,
    before: State,
    after: Residents,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Repair the wishes of row `b`; where loading is instant, book the bytes that are newly resident."""
    for v in range(len(tables.node_memory)):
        if tables.node_movable[v]:
            outcome.refused[b] += repair_node(tables, draw, b, t, v, wanted, before, after, scratch)
        else:
            for m in range(len(tables.model_task)):
                after[b, v, m] = tables.pinned[v, m]
        if tables.loading == INSTANT:
            new = new_bytes(tables, b, v, before.resident, after, scratch)
            outcome.loaded[b, v] += tables.node_count[v] * new


@njit_inline
def repair_node(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    v: int,
    wanted: Residents,
    before: State,
    after: Residents,
    scratch: Scratch,
) -> int:
    """Write into `after` the wished segments of a node that fit; return how many do not.

    What was resident already comes first, or on its way, then the larger nominal saving per byte.
    """
    for m in range(len(tables.model_task)):
        after[b, v, m] = wanted[b, v, m] if tables.pinned[v, m] == EMPTY else tables.pinned[v, m]
    count = 0
    for m in range(len(tables.model_task)):  # without a branch, which few wishes among many would mislead
        scratch.item[count] = m
        count += int(after[b, v, m] != tables.pinned[v, m])
    size = 0.0
    for k in range(count):
        size += tables.segment_bytes[after[b, v, scratch.item[k]]]
    free = free_bytes(draw.memory, tables.node_reserved, b, t, v)
    if size <= free:
        return 0
    for k in range(count):
        after[b, v, scratch.item[k]] = EMPTY
    work = Selection(scratch.item, scratch.worth, scratch.most)
    return _fill_node(tables, b, v, count, free, wanted, before, after, work)


@njit_inline
def _fill_node(
    tables: Tables,
    b: int,
    v: int,
    count: int,
    free: float,
    wanted: Residents,
    before: State,
    after: Residents,
    work: Selection,
) -> int:
    """Load the `count` models of `work` in the order of repair while they fit; return how many do not."""
    refused = 0
    for turn in range(2):
        left = 0
        least = np.inf
        for k in range(count):
            m = work.item[k]
            s = wanted[b, v, m]
            kept = held_segment(before, b, v, m) == s
            work.worth[k] = -np.inf
            if kept == (turn == 0):
                work.worth[k] = tables.segment_value[v, s]
                least = min(least, tables.segment_bytes[s])
                left += 1
        begin_selection(work, count)
        while left > 0 and least <= free:
            m = take_best(work, count)
            left -= 1
            if load_if_fits(tables, b, v, wanted[b, v, m], free, after):
                free -= tables.segment_bytes[wanted[b, v, m]]
            else:
                refused += 1
        refused += left
    return refused


@njit_inline
def new_bytes(tables: Tables, b: int, v: int, before: Residents, after: Residents, scratch: Scratch) -> float:
    """Bytes on each device of a node that were not there before."""
    changed = 0
    for m in range(len(tables.model_task)):
        changed |= after[b, v, m] ^ before[b, v, m]
    if changed == 0:
        return 0.0
    count = 0
    for m in range(len(tables.model_task)):
        scratch.item[count] = m
        count += int(after[b, v, m] != before[b, v, m])
    loaded = 0.0
    for k in range(count):
        m = scratch.item[k]
        loaded += bytes_to_load(tables, after[b, v, m], before[b, v, m])
    return loaded
