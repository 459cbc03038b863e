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
from idn_gym.scenarios.build import build_instance
from idn_gym.scenarios.compile import Compiled
from idn_gym.strict import number

LEAST = 1e-9
"""A move must save this share of the cost, so that rounding errors never make a search go in circles."""


@dataclass(frozen=True)
class SearchConfig:
    """How long and on what to search."""

    restarts: int = number(5, least=1)
    """local searches; the first starts at the greedy placement, the others at randomised ones"""
    noise: float = number(0.5, least=0)
    """standard deviation of the log of the factor on each segment's gain in a randomised start"""
    budget: int = number(20_000, least=0)
    """moves tried per restart, each on all sampled slots"""
    episodes: int = number(32, least=1)
    slots: int = number(8, least=1)
    """per episode, evenly spread"""
    seed: int = number(0, least=0)


class Search:
    """A placement, its cost, and moves that change it.

    A move is a list of (node, model, segment or EMPTY).
    """

    def __init__(self, compiled: Compiled, instance: Instance, slots: int) -> None:
        """Start at what repositories pin.

        Args:
            compiled: the scenario.
            instance: episodes to search on.
            slots: how many slots of each episode to look at.
        """
        horizon = instance.draw.demand.shape[1]
        sample = np.unique(np.linspace(0, horizon - 1, slots).astype(np.int64))
        self.tables = compiled.tables
        self.class_costs = ClassCosts(instance, compiled.scales, sample)
        self.items = [(int(v), int(s)) for v, s in np.argwhere(compiled.placeable)]
        self.tried = 0
        self._concerned = {}
        for v, s in self.items:
            m = int(self.tables.segment_model[s])
            key = (v, int(self.tables.model_task[m]))
            if key not in self._concerned:
                self._concerned[key] = self.class_costs.concerned(v, m)
        self._everybody = np.ones(len(self.tables.class_task), np.bool_)
        pins = self.tables.pinned
        pinned = np.where(pins == EMPTY, 0.0, self.tables.segment_bytes[pins]).sum(axis=1)
        self._free = self.tables.node_memory - pinned
        self.start(pins)

    def start(self, placement: Ints) -> None:
        """Go to a placement that fits."""
        tables = self.tables
        self.placement = placement.copy()
        self.costs = self.class_costs.costs(placement, self._everybody)
        held = np.where((placement == EMPTY) | (tables.pinned != EMPTY), 0.0, tables.segment_bytes[placement])
        self.loaded = held.sum(axis=1)

    @property
    def cost(self) -> float:
        """Mean scalar cost per slot on the sample."""
        return float(self.costs.sum() + self.loaded.sum() * self.class_costs.byte_cost)

    def size(self, segment: int) -> float:
        """Bytes of a segment; nothing takes none."""
        return 0.0 if segment == EMPTY else float(self.tables.segment_bytes[segment])

    def extra(self, node: int, segment: int) -> float:
        """Bytes that loading the segment adds; it takes the place of its model's."""
        return self.size(segment) - self.size(self.placement[node, self.tables.segment_model[segment]])

    def room(self, node: int) -> float:
        """Free bytes."""
        return float(self._free[node] - self.loaded[node])

    def load(self, node: int, segment: int) -> list[tuple[int, int, int]]:
        """The move that loads a segment."""
        return [(node, int(self.tables.segment_model[segment]), segment)]

    def gain(self, move: list[tuple[int, int, int]]) -> tuple[float, Floats]:
        """Cost that the move saves, and the classes' costs after it."""
        self.tried += 1
        trial = self.placement.copy()
        classes = np.zeros_like(self._everybody)
        extra = 0.0
        for v, m, s in move:
            extra += self.size(s) - self.size(trial[v, m])
            trial[v, m] = s
            classes |= self._concerned[v, int(self.tables.model_task[m])]
        costs = np.where(classes, self.class_costs.costs(trial, classes), self.costs)
        return float(self.costs.sum() - costs.sum()) - extra * self.class_costs.byte_cost, costs

    def apply(self, move: list[tuple[int, int, int]], costs: Floats) -> None:
        """Carry out a move whose `gain` gave these costs."""
        for v, m, s in move:
            self.loaded[v] += self.size(s) - self.size(self.placement[v, m])
            self.placement[v, m] = s
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
        if search.extra(v, s) > search.room(v):
            continue
        gain, costs = search.gain(search.load(v, s))
        if gain <= LEAST * search.cost:
            continue
        key = (-_rate(search, i, gain, factors), i)
        if heap and key > heap[0]:
            heapq.heappush(heap, key)
        else:
            search.apply(search.load(v, s), costs)


def _rate(search: Search, i: int, gain: float, factors: Floats) -> float:
    return gain * float(factors[i]) / max(1.0, search.extra(*search.items[i]))


def _gain_if_fits(search: Search, v: int, s: int) -> float:
    held = search.placement[v, search.tables.segment_model[s]] == s
    return 0.0 if held or search.extra(v, s) > search.room(v) else search.gain(search.load(v, s))[0]


def improve(search: Search, rng: np.random.Generator, budget: int) -> None:
    """Add, replace, remove and swap, first improvement in random order, until nothing helps."""
    last = search.tried + budget
    improved = True
    while improved and search.tried < last:
        improved = False
        for i in rng.permutation(2 * len(search.items)):
            if search.tried >= last:
                break
            for move in _moves(search, *search.items[i // 2], removal=bool(i % 2), rng=rng):
                gain, costs = search.gain(move)
                if gain > LEAST * search.cost:
                    search.apply(move, costs)
                    improved = True
                    break


def _moves(
    search: Search, v: int, s: int, removal: bool, rng: np.random.Generator
) -> list[list[tuple[int, int, int]]]:
    """Ways to take a segment away, or to bring it in."""
    tables = search.tables
    m = int(tables.segment_model[s])
    if removal:
        return [[(v, m, EMPTY)]] if search.placement[v, m] == s else []
    if search.placement[v, m] == s:
        return []
    load, missing = search.load(v, s), search.extra(v, s) - search.room(v)
    if missing <= 0.0:
        return [load]
    others = [
        int(n)
        for n in np.flatnonzero((search.placement[v] != EMPTY) & (tables.pinned[v] == EMPTY))
        if n != m
    ]
    swaps = [[(v, n, EMPTY), *load] for n in others if search.size(search.placement[v, n]) >= missing]
    if swaps:
        return swaps
    out: list[tuple[int, int, int]] = []
    for n in rng.permutation(others):
        out.append((v, int(n), EMPTY))
        missing -= search.size(search.placement[v, n])
        if missing <= 0.0:
            return [[*out, *load]]
    return []


def greedy_placement(compiled: Compiled, instance: Instance, config: SearchConfig) -> Ints:
    """The greedy placement (N, M) on sampled slots of the instance."""
    search = Search(compiled, instance, config.slots)
    greedy(search)
    return search.placement


def best_placement(compiled: Compiled, instance: Instance, config: SearchConfig) -> Ints:
    """The best of several local searches (N, M) on sampled slots of the instance."""
    search = Search(compiled, instance, config.slots)
    rng = np.random.default_rng(config.seed)
    first: Floats | None = None
    found: list[tuple[float, Ints]] = []
    for restart in range(config.restarts):
        search.start(search.tables.pinned)
        factors = np.exp(rng.normal(0.0, config.noise if restart else 0.0, len(search.items)))
        first = greedy(search, factors, first)
        improve(search, rng, config.budget)
        found.append((search.cost, search.placement))
    return min(found, key=lambda pair: pair[0])[1]


def search_instance(compiled: Compiled, config: SearchConfig, split: str, preference: object) -> Instance:
    """Episodes 0, 1, ... of a split, to search on."""
    return build_instance(compiled.scenario, range(config.episodes), split, preference)
