"""Decoding of numbers to a requested segment per (node, model), by filling memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Residents
from idn_gym.core.geometry import free_bytes, load_if_fits
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.places import place_of
from idn_gym.core.selection import Selection, begin_selection, take_best


@njit_inline
def keep_placeable(segment_model: Ints, placeable: Bools, wanted: Residents) -> None:
    """Take out of `wanted` what its node may not load or what belongs to another model."""
    for b in range(wanted.shape[0]):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                s = wanted[b, v, m]
                if s != EMPTY and (segment_model[s] != m or not placeable[v, s]):
                    wanted[b, v, m] = EMPTY


@njit_no_alloc
def items_that_fit(
    memory: Floats, slot: Ints, node: Ints, size: Floats, reserved: Floats, fits: Bools
) -> None:
    """Whether each item fits into its node's memory of the slot, with everything but pinned models evicted.

    Args:
        memory: (B, T, N) [bytes].
        slot: (B,).
        node: (items,).
        size: (items,) [bytes]; 0 for nothing.
        reserved: (N,) [bytes] of what each node pins.
        fits: (B, items), written to.
    """
    for b in range(len(slot)):
        t = place_of(slot[b], memory.shape[1])
        for i in range(len(node)):
            fits[b, i] = size[i] <= 0.0 or size[i] <= free_bytes(memory, reserved, b, t, node[i])


class Pairs(NamedTuple):
    """Pairs (node, segment), node by node, and what is read of the tables for them.

    Handing over all of the tables costs more than the work. Fields as in `Tables`, but for the first two.
    """

    node: Ints  # (I,)
    segment: Ints  # (I,)
    segment_model: Ints  # (S,)
    segment_bytes: Floats  # (S,) [bytes]
    node_reserved: Floats  # (N,) [bytes]


@njit_inline
def fill_by_score(
    pairs: Pairs, memory: Floats, slot: Ints, scores: Floats, work: Selection, wanted: Residents
) -> None:
    """Load pairs in falling order of score while they fit, one per model; 0 and below stay out.

    Args:
        pairs: what the scores are for.
        memory: (B, T, N) [bytes].
        slot: (B,).
        scores: (B, I); of equal ones the first comes first.
        work: room for as many pairs as a node has.
        wanted: (B, N, M) written to.
    """
    for b in range(len(wanted)):
        t = place_of(slot[b], memory.shape[1])
        first = 0
        while first < len(pairs.node):
            free = free_bytes(memory, pairs.node_reserved, b, t, pairs.node[first])
            first = _fill_from(pairs, b, first, free, scores, work, wanted)


@njit_inline
def _fill_from(
    pairs: Pairs, b: int, first: int, free: float, scores: Floats, work: Selection, wanted: Residents
) -> int:
    """Fill the node whose pairs begin at `first`; return where those of the next one begin."""
    v = pairs.node[first]
    count = 0
    least = np.inf
    i = first
    while i < len(pairs.node) and pairs.node[i] == v:
        size = pairs.segment_bytes[pairs.segment[i]]
        fits = scores[b, i] > 0.0 and size <= free
        work.item[count] = pairs.segment[i]  # without a branch, which scores in no order would mislead
        work.worth[count] = scores[b, i]
        count += int(fits)
        least = min(least, size if fits else np.inf)
        i += 1
    begin_selection(work, count)
    left = count
    while left > 0 and least <= free:
        s = take_best(work, count)
        left -= 1
        if load_if_fits(pairs, b, v, s, free, wanted):
            free -= pairs.segment_bytes[s]
    return i


class Worth(NamedTuple):
    """Tables that `fill_by_share` reads; passing all tables would cost more than the work."""

    saving: Floats  # (N, S) [cost] nominal saving of the segment alone; 0 where it may not be placed
    size: Floats  # (S,) [bytes]
    model: Ints  # (S,)
    reserved: Floats  # (N,) [bytes] of pinned segments


@njit_inline
def fill_by_share(
    worth: Worth,
    memory: Floats,
    slot: Ints,
    node: Ints,
    task: Ints,
    task_start: Ints,
    scores: Floats,
    order: Ints,
    wanted: Residents,
) -> None:
    """Give each task of a node the best segment that fits into its share of the memory.

    Pairs (node, task) come node by node. Segments of task k are task_start[k] up to task_start[k + 1].
    `order` is work space for as many pairs as a node has.
    """
    for b in range(len(wanted)):
        t = place_of(slot[b], memory.shape[1])
        first = 0
        while first < len(node):
            v = node[first]
            last = first
            count = 0
            total = 0.0
            while last < len(node) and node[last] == v:
                if scores[b, last] > 0.0:
                    total += scores[b, last]
                    _insert(scores, b, last, count, order)
                    count += 1
                last += 1
            free = free_bytes(memory, worth.reserved, b, t, v)
            room = 0.0
            for k in range(count):
                i = order[k]
                room += free * scores[b, i] / total
                s = _best_that_fits(worth, v, task_start[task[i]], task_start[task[i] + 1], room)
                if s != EMPTY:
                    wanted[b, v, worth.model[s]] = s
                    room -= worth.size[s]
            first = last


@njit_inline
def _insert(scores: Floats, b: int, i: int, count: int, order: Ints) -> None:
    """Put pair i behind those of the `count` in `order` that score as much or more."""
    k = count
    while k > 0 and scores[b, order[k - 1]] < scores[b, i]:
        order[k] = order[k - 1]
        k -= 1
    order[k] = i


@njit_inline
def _best_that_fits(worth: Worth, v: int, first: int, last: int, room: float) -> int:
    best = EMPTY
    most = 0.0
    for s in range(first, last):
        if worth.saving[v, s] > most and worth.size[s] <= room:
            best, most = s, worth.saving[v, s]
    return best
