"""Lazy greedy: load what saves most per byte.

Because segments complement each other (a head is worth more where a tail is near), and because they
differ in size, greedy is no bound here, only a start.
"""

from __future__ import annotations

import heapq

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.optimum.search.moves import LEAST_SHARE, Search, SearchConfig
from idn_gym.optimum.static import cheapest_kept
from idn_gym.scenarios.compile import Compiled


def greedy_placement(compiled: Compiled, instance: Instance, config: SearchConfig) -> Residents:
    """The greedy placement (N, M) on sampled slots of the instance, if its episodes cost less with it."""
    search = Search(compiled, instance, config.slots, config.one_per_task)
    greedy(search)
    return cheapest_kept(instance, compiled.scales, [search.placement], compiled.objectives)


def greedy(search: Search, factors: Floats | None = None, first: Floats | None = None) -> Floats:
    """Load what saves most per byte until nothing that fits saves anything.

    Gains are measured again only when an item is about to be taken (lazy greedy), and those that
    saved nothing get another chance after every pass.

    Args:
        search: is moved from where it stands.
        factors: (items,) on the gains per byte; None: 1.
        first: (items,) gains at the start, where they are known already.

    Returns:
        (items,) the gains at the start.
    """
    count = len(search.items)
    factors = np.ones(count) if factors is None else factors
    if first is None:
        first = np.array([search.gain(search.load(v, s))[0] for v, s in search.items])
    gains = first
    while True:
        heap = [(-_rate(search, i, gains[i], factors), i) for i in range(count) if gains[i] > 0.0]
        heapq.heapify(heap)
        before = search.cost
        _take(search, heap, factors)
        if search.cost >= before * (1.0 - LEAST_SHARE):
            return first
        gains = np.array([_gain_if_fits(search, v, s) for v, s in search.items])


def _take(search: Search, heap: list[tuple[float, int]], factors: Floats) -> None:
    while heap:
        _, i = heapq.heappop(heap)
        v, s = search.items[i]
        move = search.load(v, s)
        if search.extra(move) > search.room(v):
            continue
        gain, costs = search.gain(move)
        if gain <= LEAST_SHARE * search.cost:
            continue
        key = (-_rate(search, i, gain, factors), i)
        if heap and key > heap[0]:
            heapq.heappush(heap, key)
        else:
            search.apply(move, costs)


def _rate(search: Search, i: int, gain: float, factors: Floats) -> float:
    return gain * float(factors[i]) / max(1.0, search.extra(search.load(*search.items[i])))


def _gain_if_fits(search: Search, v: int, s: int) -> float:
    move = search.load(v, s)
    held = search.placement[v, search.tables.segment_model[s]] == s
    return 0.0 if held or search.extra(move) > search.room(v) else search.gain(move)[0]
