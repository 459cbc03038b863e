"""Lazy greedy: load what saves most per byte.

Because segments complement each other (a head is worth more where a tail is near), and because they
differ in size, greedy is no bound here, only a start.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.optimum.search.moves import LEAST_SHARE, Move, NodeSegment, Search, SearchConfig
from idn_gym.optimum.static import cheapest_kept
from idn_gym.scenarios.compile import Compiled

Bundles = Sequence[list[NodeSegment]]
"""Lists of segments on nodes, each loaded in one move."""


def greedy_placement(compiled: Compiled, instance: Instance, config: SearchConfig) -> Residents:
    """The greedy placement (N, M) on sampled slots of the instance, if its episodes cost less with it."""
    search = Search(compiled, instance, config.slots, config.one_per_task)
    greedy(search)
    return cheapest_kept(instance, compiled.scales, [search.placement], compiled.objectives)


def greedy(
    search: Search,
    factors: Floats | None = None,
    first: Floats | None = None,
    bundles: Bundles | None = None,
    per_byte: bool = True,
    end: float = np.inf,
) -> Floats:
    """Load what saves most per byte until nothing that fits saves anything.

    Gains are measured again only when a bundle is about to be taken (lazy greedy), and those that
    saved nothing get another chance after every pass.

    Args:
        search: is moved from where it stands.
        factors: (bundles,) on the gains per byte; None: 1.
        first: (bundles,) gains at the start, where they are known already.
        bundles: what may be loaded, each in one move; None: every item by itself.
        per_byte: false: load what saves most, however large it is.
        end: [s] of `time.process_time` at which to stop; what is not measured by then saves nothing.

    Returns:
        (bundles,) the gains at the start.
    """
    bundles = [[item] for item in search.items] if bundles is None else bundles
    factors = np.ones(len(bundles)) if factors is None else factors
    if first is None:
        first = _measure(bundles, end, lambda bundle: search.gain(_loads(search, bundle))[0])
    gains = first
    order = _Order(search, bundles, factors, per_byte, end)
    while True:
        heap = [(-order.rate(i, gain), i) for i, gain in enumerate(gains.tolist()) if gain > 0.0]
        heapq.heapify(heap)
        before = search.cost
        order.take(heap)
        if search.cost >= before * (1.0 - LEAST_SHARE) or time.process_time() > end:
            return first
        gains = _measure(bundles, end, lambda bundle: _gain_if_fits(search, bundle))


def _measure(bundles: Bundles, end: float, gain: Callable[[list[NodeSegment]], float]) -> Floats:
    return np.array([gain(bundle) if time.process_time() < end else 0.0 for bundle in bundles])


class _Order:
    """Sort key of bundles: their known savings."""

    def __init__(self, search: Search, bundles: Bundles, factors: Floats, per_byte: bool, end: float) -> None:
        self._search, self._bundles, self._factors = search, bundles, factors
        self._per_byte, self._end = per_byte, end

    def rate(self, i: int, gain: float) -> float:
        """Saving of a bundle, per byte that it adds if that is what counts."""
        extra = self._search.extra(_loads(self._search, self._bundles[i])) if self._per_byte else 1.0
        return gain * float(self._factors[i]) / max(1.0, extra)

    def take(self, heap: list[tuple[float, int]]) -> None:
        """Load bundles while they save, best first; the heap has (minus the rate, bundle)."""
        search = self._search
        while heap and time.process_time() < self._end:
            _, i = heapq.heappop(heap)
            move = _loads(search, self._bundles[i])
            if not search.fits(move):
                continue
            gain, costs = search.gain(move)
            if gain <= LEAST_SHARE * search.cost:
                continue
            key = (-self.rate(i, gain), i)
            if heap and key > heap[0]:
                heapq.heappush(heap, key)
            else:
                search.apply(move, costs)


def _loads(search: Search, bundle: list[NodeSegment]) -> Move:
    return [change for v, s in bundle for change in search.load(v, s)]


def _gain_if_fits(search: Search, bundle: list[NodeSegment]) -> float:
    move = _loads(search, bundle)
    held = all(search.placement[v, m] == s for v, m, s in move)
    return 0.0 if held or not search.fits(move) else search.gain(move)[0]
