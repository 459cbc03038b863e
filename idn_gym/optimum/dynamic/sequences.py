"""The best sequence among candidate placements, by dynamic programming.

What a slot costs with a candidate that is resident in full, and what moving from one to another costs once,
make it exact for instant loading where every candidate fits into the memory of every slot. Loading that
takes time goes through `transfers`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Ints, Residents
from idn_gym.core.geometry import bytes_to_load
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.scenarios.compile import Compiled

EVERY_NODE = slice(None)


def steady_costs(player: SequencePlayer, placements: Residents) -> Floats:
    """Scalar cost of all slots of a row with each placement resident in full, loading left out.

    Args:
        player: of the row.
        placements: (K, N, M).

    Returns:
        (T, K)
    """
    costs = [player.steady_costs(placement, np.arange(player.slots)) for placement in placements]
    return np.stack(costs, axis=1) if costs else np.zeros((player.slots, 0))


def switch_costs(
    compiled: Compiled, placements: Residents, weights: Floats | None = None, nodes: slice = EVERY_NODE
) -> Floats:
    """Cost of each move between placements (row to column), paid once for its loads (K, K).

    Args:
        compiled: the scenario.
        placements: (K, n, M), of n nodes.
        weights: (D,) preference; the balanced one if None.
        nodes: which nodes these are.
    """
    tables = compiled.tables
    prices = byte_prices(compiled, weights)[:, tables.model_task]
    prices = np.where(tables.pinned == EMPTY, prices, 0.0)[nodes]
    costs = np.zeros((len(placements), len(placements)))
    for i in range(len(placements)):
        costs[i] = (bytes_to_load(tables, placements, placements[i]) * prices).sum((1, 2))
    return costs


def best_sequence(steady: Floats, switch: Floats, start: int = 0) -> Ints:
    """Placement to request in each slot (T,), where loading is instant.

    Args:
        steady: (T, K) of `steady_costs`.
        switch: (K, K) of `switch_costs`.
        start: what is resident when the first slot begins.
    """
    once = np.ones(switch.shape, np.int64)
    return best_path(len(steady), steady.shape[1], lambda t: (switch + steady[t], once), start)[0]


def best_path(
    slots: int, count: int, moves: Callable[[int], tuple[Floats, Ints]], start: int = 0
) -> tuple[Ints, float]:
    """The cheapest way through time, from move to move: the placement of each slot (T,), and the cost of all.

    Args:
        slots: T of them.
        count: of placements, K.
        moves: tells of the moves that begin in a slot, from a placement that is resident then (row) to
            another one (column): costs (K, K), with those of all slots that they take, and how many slots
            these are (K, K), at least 1.
        start: what is resident when the first slot begins.
    """
    value = np.full((slots + 1, count), np.inf)
    value[0, start] = 0.0
    came = np.zeros((slots + 1, count, 2), np.int64)  # slot and placement that a move came from
    for t in range(slots):
        cost, length = moves(t)
        arriving = value[t][:, None] + cost
        for taken in np.unique(length).tolist():
            mine = np.where(length == taken, arriving, np.inf)
            source, to = mine.argmin(0), min(slots, t + taken)
            found = mine[source, np.arange(count)]
            better = found < value[to]
            value[to, better] = found[better]
            came[to, better, 0], came[to, better, 1] = t, source[better]
    path = np.zeros(slots, np.int64)
    t, j = slots, int(value[slots].argmin())
    while t > 0:
        before, i = came[t, j].tolist()
        path[before:t] = j
        t, j = before, i
    return path, float(value[slots].min())
