"""Moves between placements where loading takes time: what they are expected to take, and what they do take.

A sequence here holds a wish until its loads end. Its moves are priced by an estimate first: until the loads
end the old placement serves, from then on the new one. The moves of the best sequence are then played and
priced as they came out, and the programme runs again, until all moves of its best sequence are known. So the
result is the best among such sequences as far as estimates do not exceed the truth.
"""

from __future__ import annotations

import time

import numpy as np

from idn_gym.core.arrays import EMPTY, INSTANT, Floats, Ints, Residents, Tables
from idn_gym.core.geometry import bytes_to_load
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.sequences import best_path


def load_slots(tables: Tables, placements: Residents) -> Floats:
    """Slots, in fractions, that moving from each placement (row) to each other (column) takes (K, K).

    Nodes load side by side over the slowest link of their paths at its nominal rate, each as if it were
    alone, and then start what they have loaded; 0 where loading is instant.

    Args:
        tables: the scenario's tables.
        placements: (K, N, M).
    """
    slots = np.zeros((len(placements), len(placements)))
    if tables.loading == INSTANT:
        return slots
    pace = _seconds_per_byte(tables)[:, tables.model_task]
    free = tables.pinned == EMPTY
    for i in range(len(placements)):
        missing = np.where(free, bytes_to_load(tables, placements, placements[i]), 0.0)
        starting = np.where(missing > 0.0, tables.start_seconds, 0.0).max(2)
        seconds = ((missing * pace).sum(2) + starting).max(1)
        slots[i] = seconds / tables.slot_seconds
    return slots


def _seconds_per_byte(tables: Tables) -> Floats:
    """Of a load by a node of a model of a task (N, K) [s/byte]; 0 where it crosses no link."""
    shared, down = tables.loading_share * tables.link_rate, tables.link_down_rate
    rate = np.where(down > 0.0, down, shared)
    starts, ends = tables.load_start[:-1], tables.load_start[1:]
    paces = 1.0 / rate[tables.load_link]
    slowest = [paces[first:last].max(initial=0.0) for first, last in zip(starts, ends, strict=True)]
    return np.array(slowest).reshape(len(tables.node_memory), -1)


def expected_moves(steady: Floats, switch: Floats, slots: Floats) -> tuple[Floats, Ints]:
    """Costs (T, K, K) and lengths (K, K) of moves as `best_path` takes them.

    Args:
        steady: (T, K) of `steady_costs`.
        switch: (K, K) of `switch_costs`.
        slots: (K, K) of `load_slots`.
    """
    horizon = len(steady)
    length = np.clip(np.ceil(slots), 1, horizon).astype(np.int64)
    sums = np.concatenate([np.zeros((1, steady.shape[1])), np.cumsum(steady, axis=0)])
    cost = np.empty((horizon, *switch.shape))
    late = np.clip(slots - (length - 1), 0.0, 1.0)  # share of the last slot in which the old one still serves
    row, column = np.indices(switch.shape)
    for t in range(horizon):
        last = np.minimum(t + length - 1, horizon - 1)
        waiting = sums[last, row] - sums[t, row]
        cost[t] = switch + waiting + late * steady[last, row] + (1.0 - late) * steady[last, column]
    return cost, length


def best_held_sequence(
    player: SequencePlayer,
    placements: Residents,
    steady: Floats,
    switch: Floats,
    end: float = np.inf,
) -> Ints:
    """The best sequence that holds a wish until its loads end: which placement to wish for (T,).

    Args:
        player: of the row.
        placements: (K, N, M), the pins first.
        steady: (T, K) of `steady_costs`.
        switch: (K, K) of `switch_costs`.
        end: processor time [s] at which to stop; the best sequence that was played until then is returned.
    """
    tables = player.row.tables
    cost, length = expected_moves(steady, switch, load_slots(tables, placements))
    if tables.loading == INSTANT:
        return best_path(cost, length)[0]
    lengths = np.repeat(length[None], len(steady), axis=0)
    known: set[tuple[int, int, int]] = set()
    found: tuple[float, Ints] | None = None
    while True:
        path, _ = best_path(cost, lengths)
        reached = float(player.play(placements[path]).sum())
        if found is None or reached < found[0]:
            found = reached, path
        moves = [move for move in moves_of(path, lengths) if move not in known]
        if not moves or time.process_time() > end:
            return found[1]
        for t, i, j in moves:
            costs = player.move_costs(placements[i], placements[j], t)
            cost[t, i, j], lengths[t, i, j] = costs.sum(), len(costs)
            known.add((t, i, j))


def moves_of(path: Ints, length: Ints) -> list[tuple[int, int, int]]:
    """The moves of a sequence that are no stays: slot, from and to; `length` as for `best_path`."""
    moves, t, i = [], 0, 0
    while t < len(path):
        j = int(path[t])
        if i != j:
            moves.append((t, i, j))
        t, i = t + int(length[t, i, j]), j
    return moves
