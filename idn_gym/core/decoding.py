"""From numbers to a wished segment per (node, model): filling a memory, rounding fractions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Draw, Floats, Ints, Residents, Tables, place_of
from idn_gym.core.geometry import free_bytes, load_if_fits
from idn_gym.core.kernel import kernel, njit_inline, njit_no_alloc

INTEGRAL = 1e-6
"""Fractions this close to 0 or 1 count as integral."""


@njit_no_alloc
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
    """Whether each item fits into its node's memory of the slot, all else but the pins evicted.

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


@kernel
def fill_by_score(
    tables: Tables, draw: Draw, slot: Ints, node: Ints, segment: Ints, scores: Floats, wanted: Residents
) -> None:
    """Load items in falling order of score while they fit, one per model; 0 and below stay out."""
    free = np.empty(len(tables.node_memory))
    for b in range(len(wanted)):
        t = place_of(slot[b], draw.memory.shape[1])
        for v in range(len(free)):
            free[v] = free_bytes(draw.memory, tables.node_reserved, b, t, v)
        order = np.argsort(-scores[b], kind="mergesort")
        for k in range(len(order)):
            i = order[k]
            if not scores[b, i] > 0.0:
                break
            v, s = node[i], segment[i]
            if load_if_fits(tables, b, v, s, free[v], wanted):
                free[v] -= tables.segment_bytes[s]


class Worth(NamedTuple):
    """What `fill_by_share` reads of the tables; handing over all of them costs more than the work."""

    saving: Floats  # (N, S) [cost] nominal saving of the segment alone; 0 where it may not be placed
    size: Floats  # (S,) [bytes]
    model: Ints  # (S,)
    reserved: Floats  # (N,) [bytes] of pinned segments


@njit_no_alloc
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


@kernel
def round_dependently(
    tables: Tables, draw: Draw, slot: Ints, node: Ints, segment: Ints, y: Floats, wanted: Residents
) -> None:
    """Round y to 0 or 1 by pairwise trades that keep every mean and each node's used size.

    Each fractional item of a node meets the one that is still open (`trade`). The one item that may stay
    fractional is drawn with its own probability.

    Each uniform is used once: item i's for the trade between i and the open item, or, where there was
    no open item and so no trade, for whatever is still open at the end.
    """
    for b in range(len(wanted)):
        t = place_of(slot[b], draw.uniforms.shape[1])
        x = y[b].copy()
        open_item, spare = -1, -1
        for i in range(len(node)):
            if open_item >= 0 and node[open_item] != node[i]:
                _close(x, open_item, draw.uniforms[b, t, spare])
                open_item = -1
            if x[i] < INTEGRAL or x[i] > 1.0 - INTEGRAL:
                x[i] = round(x[i])
                continue
            if open_item < 0:
                open_item, spare = i, i
                continue
            size_i = max(1.0, tables.segment_bytes[segment[i]])
            size_j = max(1.0, tables.segment_bytes[segment[open_item]])
            open_item = trade(x, i, open_item, size_i, size_j, draw.uniforms[b, t, i])
        if open_item >= 0:
            _close(x, open_item, draw.uniforms[b, t, spare])
        for i in range(len(node)):
            if x[i] > 0.5:
                v, s = node[i], segment[i]
                held = wanted[b, v, tables.segment_model[s]]
                if held == EMPTY or tables.segment_bytes[s] > tables.segment_bytes[held]:
                    wanted[b, v, tables.segment_model[s]] = s


@njit_inline
def trade(x: Floats, i: int, j: int, size_i: float, size_j: float, uniform: float) -> int:
    """Move size between two fractions until one is 0 or 1: the pair step of DepRound, with sizes.

    With A = min(s_i (1 - x_i), s_j x_j) and B = min(s_i x_i, s_j (1 - x_j)), weight A moves from j to i with
    probability B / (A + B), else B from i to j (after Byrka et al.).

    Returns:
        Which of the two is still fractional, or -1.
    """
    to_i = min(size_i * (1.0 - x[i]), size_j * x[j])
    to_j = min(size_i * x[i], size_j * (1.0 - x[j]))
    if uniform * (to_i + to_j) < to_j:
        x[i] += to_i / size_i
        x[j] -= to_i / size_j
    else:
        x[i] -= to_j / size_i
        x[j] += to_j / size_j
    left = -1
    for k in (j, i):
        if x[k] < INTEGRAL:
            x[k] = 0.0
        elif x[k] > 1.0 - INTEGRAL:
            x[k] = 1.0
        else:
            left = k
    return left


@njit_inline
def _close(x: Floats, i: int, uniform: float) -> None:
    x[i] = 1.0 if uniform < x[i] else 0.0
