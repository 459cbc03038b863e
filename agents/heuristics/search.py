"""Search for a placement that is kept for whole episodes: lazy greedy, then local moves.

Costs are measured on sampled slots, and only for the classes that a move may concern. Because segments
complement each other (a head is worth more where a tail is near), greedy is no bound here, only a start.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints
from idn_gym.evaluation.static import ClassCosts
from idn_gym.scenarios.compile import Compiled
from idn_gym.strict import number

LEAST = 1e-9
"""A move must save this share of the cost, so that rounding errors never make a search go in circles."""


Move = list[tuple[int, int, int]]
"""Changes (node, model, segment or EMPTY)."""


@dataclass(frozen=True)
class SearchConfig:
    """How long and on what to search."""

    restarts: int = number(5, least=1)
    """local searches; the first starts at the greedy placement, the others at randomised ones"""
    noise: float = number(0.5, least=0)
    """standard deviation of the log of the factor on each segment's gain in a randomised start"""
    budget: float = number(1e7, least=0)
    """batches served per restart, after its start"""
    episodes: int = number(32, least=1)
    slots: int = number(8, least=1)
    """per episode, evenly spread"""
    sample: int = number(12_000, least=1)
    """batches to look at for one cost; where there are more, episodes are left out, but for the first four"""
    one_per_task: bool = False
    """at most one segment per node and task, which is what the codec "placement" can say"""
    seed: int = number(0, least=0)

    def seeds(self, classes: int) -> range:
        """Seeds of the episodes to search on, for so many request classes."""
        return range(min(self.episodes, max(4, self.sample // (self.slots * classes))))


class Search:
    """A placement, its cost on sampled slots, and what moves would save.

    Attributes:
        items: (node, segment) pairs that may be loaded.
        placement: (N, M), changed by `apply` alone.
        served: batches served so far.
    """

    def __init__(
        self, compiled: Compiled, instance: Instance, slots: int, one_per_task: bool = False
    ) -> None:
        """Start at what repositories pin.

        Args:
            compiled: the scenario.
            instance: episodes to search on.
            slots: how many slots of each episode to look at.
            one_per_task: see `SearchConfig`.
        """
        self.one_per_task = one_per_task
        tables = self.tables = compiled.tables
        sample = np.unique(np.linspace(0, instance.draw.demand.shape[1] - 1, slots).astype(np.int64))
        self._sample = ClassCosts(instance, compiled.scales, sample)
        self.items = [(int(v), int(s)) for v, s in np.argwhere(compiled.placeable)]
        places = {(v, int(tables.segment_model[s])) for v, s in self.items}
        self._concerned = {place: self._sample.concerned(*place) for place in places}
        pins = tables.pinned
        held = np.where(pins == EMPTY, 0.0, tables.segment_bytes[pins]).sum(axis=1)
        self._free = tables.node_memory - held
        self.start(pins)

    def start(self, placement: Ints) -> None:
        """Go to a placement that fits."""
        tables = self.tables
        self._sample.resident[:] = placement
        self.costs = self._sample.costs(np.ones(len(tables.class_task), np.bool_))
        free = (placement == EMPTY) | (tables.pinned != EMPTY)
        self.loaded = np.where(free, 0.0, tables.segment_bytes[placement]).sum(axis=1)

    @property
    def placement(self) -> Ints:
        return self._sample.resident[0]

    @property
    def served(self) -> int:
        return self._sample.served

    @property
    def cost(self) -> float:
        """Mean scalar cost per slot on the sample."""
        return float(self.costs.sum() + self.loaded.sum() * self._sample.byte_cost)

    def size(self, segment: int) -> float:
        """Bytes of a segment; nothing takes none."""
        return 0.0 if segment == EMPTY else float(self.tables.segment_bytes[segment])

    def extra(self, move: Move) -> float:
        """Bytes that a move adds."""
        return sum(self.size(s) - self.size(self.placement[v, m]) for v, m, s in move)

    def room(self, node: int) -> float:
        """Free bytes."""
        return float(self._free[node] - self.loaded[node])

    def load(self, node: int, segment: int) -> Move:
        """The move that loads a segment; it takes the place of its model's, or of its task's."""
        tables, m = self.tables, int(self.tables.segment_model[segment])
        move = [(node, m, segment)]
        if self.one_per_task:
            rivals = (tables.model_task == tables.model_task[m]) & (self.placement[node] != EMPTY)
            rivals &= tables.pinned[node] == EMPTY
            move += [(node, int(n), EMPTY) for n in np.flatnonzero(rivals) if n != m]
        return move

    def gain(self, move: Move) -> tuple[float, Floats]:
        """Cost that the move saves, and the classes' costs after it."""
        resident = self._sample.resident
        before = [int(resident[0, v, m]) for v, m, _ in move]
        classes = np.zeros(len(self.costs), np.bool_)
        for v, m, s in move:
            classes |= self._concerned[v, m]
            resident[:, v, m] = s
        costs = np.where(classes, self._sample.costs(classes), self.costs)
        for (v, m, _), s in zip(move, before, strict=True):
            resident[:, v, m] = s
        return float(self.costs.sum() - costs.sum()) - self.extra(move) * self._sample.byte_cost, costs

    def apply(self, move: Move, costs: Floats) -> None:
        """Carry out a move whose `gain` gave these costs."""
        for v, m, s in move:
            self.loaded[v] += self.size(s) - self.size(self.placement[v, m])
            self._sample.resident[:, v, m] = s
        self.costs = costs


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
        if search.cost >= before * (1.0 - LEAST):
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
        if gain <= LEAST * search.cost:
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


def improve(search: Search, rng: np.random.Generator, budget: float) -> None:
    """Add, replace, remove and swap, first improvement in random order, until nothing helps."""
    last = search.served + budget
    improved = True
    while improved and search.served < last:
        improved = False
        for i in rng.permutation(2 * len(search.items)):
            if search.served >= last:
                break
            for move in _moves(search, *search.items[i // 2], removal=bool(i % 2), rng=rng):
                gain, costs = search.gain(move)
                if gain > LEAST * search.cost:
                    search.apply(move, costs)
                    improved = True
                    break


def _moves(search: Search, v: int, s: int, removal: bool, rng: np.random.Generator) -> list[Move]:
    """Ways to take a segment away, or to bring it in."""
    m = int(search.tables.segment_model[s])
    if removal:
        return [[(v, m, EMPTY)]] if search.placement[v, m] == s else []
    if search.placement[v, m] == s:
        return []
    load = search.load(v, s)
    missing = search.extra(load) - search.room(v)
    if missing <= 0.0:
        return [load]
    held = (search.placement[v] != EMPTY) & (search.tables.pinned[v] == EMPTY)
    held[[n for _, n, _ in load]] = False
    others = [int(n) for n in rng.permutation(np.flatnonzero(held))]
    large = [n for n in others if search.size(search.placement[v, n]) >= missing]
    if large:
        return [[(v, n, EMPTY), *load] for n in large]
    for count in range(2, len(others) + 1):
        if sum(search.size(search.placement[v, n]) for n in others[:count]) >= missing:
            return [[*((v, n, EMPTY) for n in others[:count]), *load]]
    return []


def greedy_placement(compiled: Compiled, instance: Instance, config: SearchConfig) -> Ints:
    """The greedy placement (N, M) on sampled slots of the instance."""
    search = Search(compiled, instance, config.slots, config.one_per_task)
    greedy(search)
    return search.placement.copy()


def best_placement(compiled: Compiled, instance: Instance, config: SearchConfig) -> Ints:
    """The best of several local searches (N, M) on sampled slots of the instance."""
    search = Search(compiled, instance, config.slots, config.one_per_task)
    rng = np.random.default_rng(config.seed)
    first: Floats | None = None
    best: tuple[float, Ints] | None = None
    for restart in range(config.restarts):
        search.start(search.tables.pinned)
        factors = np.exp(rng.normal(0.0, config.noise if restart else 0.0, len(search.items)))
        first = greedy(search, factors, first)
        improve(search, rng, config.budget)
        if best is None or search.cost < best[0]:
            best = (search.cost, search.placement.copy())
    assert best is not None
    return best[1]
