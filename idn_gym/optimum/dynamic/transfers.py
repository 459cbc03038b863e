"""Moves between placements where loading takes time: what they are expected to take, and what they do take.

A sequence here holds a wish until its loads end. Its moves are priced by an estimate first: until the loads
end the old placement serves, from then on the new one. The moves of the best sequence are then played and
priced as they came out, and the program runs again, until all moves of its best sequence are known. So the
result is the best among such sequences as far as estimates do not exceed the truth.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, INSTANT, Floats, Ints, Residents, Tables
from idn_gym.core.geometry import bytes_to_load
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.sequences import EVERY_NODE, best_path


def load_slots(tables: Tables, placements: Residents, nodes: slice = EVERY_NODE) -> Floats:
    """Slots, in fractions, that moving from each placement (row) to each other (column) takes (K, K).

    Nodes load side by side over the slowest link of their paths at its nominal rate, each as if it were
    alone, and then start what they have loaded; 0 where loading is instant.

    Args:
        tables: the scenario's tables.
        placements: (K, n, M), of n nodes.
        nodes: which nodes these are.
    """
    slots = np.zeros((len(placements), len(placements)))
    if tables.loading == INSTANT:
        return slots
    pace = seconds_per_byte(tables)[nodes][:, tables.model_task]
    free, start = tables.pinned[nodes] == EMPTY, tables.start_seconds[nodes]
    for i in range(len(placements)):
        missing = np.where(free, bytes_to_load(tables, placements, placements[i]), 0.0)
        starting = np.where(missing > 0.0, start, 0.0).max(2)
        seconds = ((missing * pace).sum(2) + starting).max(1)
        slots[i] = seconds / tables.slot_seconds
    return slots


def load_rates(tables: Tables, rate: Floats) -> Floats:
    """Rate that loads may take from links with rates (..., E) [bytes/s]; see `core.loading.link_budget`."""
    own = rate / tables.link_rate * tables.link_down_rate
    found: Floats = np.where(tables.link_down_rate > 0.0, own, tables.loading_share * rate)
    return found


def seconds_per_byte(tables: Tables) -> Floats:
    """Time of loads by a device of a node, for models of a task (N, K) [s/byte]; 0 without any link."""
    starts, ends = tables.load_start[:-1], tables.load_start[1:]
    paces = 1.0 / load_rates(tables, tables.link_rate)[tables.load_link]
    slowest = [paces[first:last].max(initial=0.0) for first, last in zip(starts, ends, strict=True)]
    # All devices of a cohort load at once, each in its share of the links.
    return np.array(slowest).reshape(len(tables.node_memory), -1) * tables.node_count[:, None]


class ExpectedMoves:
    """Costs and lengths of moves as `best_path` takes them, called with a slot: estimates, until known."""

    def __init__(self, steady: Floats, switch: Floats, slots: Floats) -> None:
        """Estimate.

        Args:
            steady: (T, K) of `steady_costs`.
            switch: (K, K) of `switch_costs`.
            slots: (K, K) of `load_slots`.
        """
        self.horizon = len(steady)
        self._steady, self._switch = steady, switch
        self._length = np.clip(np.ceil(slots), 1, self.horizon).astype(np.int64)
        self._late = np.clip(slots - (self._length - 1), 0.0, 1.0)
        """share of the last slot in which the old placement still serves"""
        self._sums = np.concatenate([np.zeros((1, steady.shape[1])), np.cumsum(steady, axis=0)])
        self._column = np.arange(steady.shape[1])
        self._known: dict[int, dict[tuple[int, int], tuple[float, int]]] = {}

    def __call__(self, t: int) -> tuple[Floats, Ints]:
        last = np.minimum(t + self._length - 1, self.horizon - 1)
        row, column = self._column[:, None], self._column[None]
        cost = self._switch + self._sums[last, row] - self._sums[t][:, None]
        cost += self._late * self._steady[last, row] + (1.0 - self._late) * self._steady[last, column]
        length = self._length
        if t in self._known:
            length = length.copy()
            for (i, j), (price, taken) in self._known[t].items():
                cost[i, j], length[i, j] = price, taken
        return cost, length

    def note(self, t: int, i: int, j: int, costs: Floats) -> None:
        """Cost in each slot of the move from i to j that begins in slot t."""
        self._known.setdefault(t, {})[i, j] = float(costs.sum()), len(costs)

    def unknown(self, path: Ints) -> list[tuple[int, int, int]]:
        """Moves of a path that are only estimated: slot, from and to; a stay is none."""
        moves, t, i = [], 0, 0
        while t < len(path):
            j = int(path[t])
            known = self._known.get(t, {}).get((i, j))
            if i != j and known is None:
                moves.append((t, i, j))
            t, i = t + (known[1] if known else int(self._length[i, j])), j
        return moves


def best_held_sequence(
    player: SequencePlayer,
    placements: Residents,
    steady: Floats,
    switch: Floats,
) -> Ints:
    """The best sequence that holds a wish until its loads end: which placement to wish for (T,).

    Args:
        player: of the row; when its time is over, the best sequence played until then is returned.
        placements: (K, N, M), the pins first.
        steady: (T, K) of `steady_costs`.
        switch: (K, K) of `switch_costs`.
    """
    moves = ExpectedMoves(steady, switch, load_slots(player.row.tables, placements))
    found: tuple[float, Ints] | None = None
    while True:
        path, _ = best_path(len(steady), steady.shape[1], moves)
        player.clock.look_at(steady.size * steady.shape[1])
        reached = float(player.play(placements[path]).sum())
        if found is None or reached < found[0]:
            found = reached, path
        unknown = moves.unknown(path)
        if not unknown or player.clock.over():
            return found[1]
        for t, i, j in unknown:
            moves.note(t, i, j, player.move_costs(placements[i], placements[j], t))
