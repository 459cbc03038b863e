"""Base of the placement searches: costs on sampled slots, and savings of moves.

Costs are measured again only for the classes that a move may concern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, Floats, Instance, Residents
from idn_gym.core.geometry import held_bytes, nominal_free_bytes, placed_bytes
from idn_gym.optimum.load_prices import update_prices
from idn_gym.optimum.static import ClassCosts
from idn_gym.scenarios.compile import Compiled

LEAST_SHARE = 1e-9
"""A move must save this share of the cost, so that rounding errors never make a search go in circles."""


NodeSegment = tuple[int, int]
"""A segment on a node: (node, segment)."""

Move = list[tuple[int, int, int]]
"""Changes (node, model, segment or EMPTY)."""


@dataclass(frozen=True)
class SearchConfig:
    """Effort of a search, and the slots on which it works."""

    restarts: int = bounded(5, least=1)
    """local searches; the first starts at the greedy placement, the others at randomised ones"""
    noise: float = bounded(0.5, least=0)
    """standard deviation of the log of the factor on each segment's gain in a randomised start"""
    budget: float = bounded(1e7, least=0)
    """batches served per restart, after its start"""
    episodes: int = bounded(32, least=1)
    slots: int = bounded(8, least=1)
    """per episode, evenly spread"""
    sample: int = bounded(6_000, least=1)
    """batches to look at for one cost; where there are more, episodes are left out, but for the first four"""
    one_per_task: bool = False
    """at most one segment per node and task, which is what the codec "placement" can say"""
    seed: int = bounded(0, least=0)

    def seeds(self, classes: int) -> range:
        """Seeds of the episodes to search on, for so many request classes."""
        return range(min(self.episodes, max(4, self.sample // (self.slots * classes))))


class Search:
    """A placement, its cost on sampled slots, and what moves would save.

    Attributes:
        items: all that may be loaded.
        teams: items that an option needs on two nodes or more.
        placement: (N, M), changed by `apply` alone.
        served: batches served so far.
        measured: gains measured so far.
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
        self.one_per_task, self.measured = one_per_task, 0
        tables = self.tables = compiled.tables
        sample = np.unique(np.linspace(0, instance.draw.demand.shape[1] - 1, slots).astype(np.int64))
        self._sample = ClassCosts(instance, compiled.scales, sample, compiled.objectives)
        once = update_prices(tables, compiled.scales, instance.draw.weights, compiled.objectives).mean()
        self._byte_price = float(once) / instance.draw.demand.shape[1]
        node, segment = compiled.pairs
        self.items = list(zip(node.tolist(), segment.tolist(), strict=True))
        self.teams = _teams(compiled)
        places = {(v, int(tables.segment_model[s])) for v, s in self.items}
        self._concerned = {place: self._sample.concerned(*place) for place in places}
        pins = tables.pinned
        self._free = nominal_free_bytes(tables)
        self.start(pins)

    def start(self, placement: Residents) -> None:
        """Go to a placement that fits."""
        tables = self.tables
        self._sample.resident[:] = placement
        self.costs = self._sample.costs(np.ones(len(tables.class_task), np.bool_))
        self.loaded = placed_bytes(tables.segment_bytes, placement, tables.pinned).sum(axis=1)

    @property
    def placement(self) -> Residents:
        return self._sample.resident[0]

    @property
    def served(self) -> int:
        return self._sample.served

    @property
    def cost(self) -> float:
        """Mean scalar cost per slot on the sample."""
        return float(self.costs.sum() + self.load_cost())

    def load_cost(self) -> float:
        """Cost per slot of having loaded the placement once, as far as `update` charges it."""
        return float((self.loaded * self.tables.node_count).sum()) * self._byte_price

    def load_charge(self, move: Move) -> float:
        """Addition of a move to `load_cost`."""
        each = ((self.extra([change]), change[0]) for change in move)
        return sum(size * float(self.tables.node_count[v]) for size, v in each) * self._byte_price

    def size(self, segment: int) -> float:
        """Bytes of a segment; nothing takes none."""
        return float(held_bytes(self.tables.segment_bytes, segment))

    def extra(self, move: Move) -> float:
        """Bytes that a move adds, on each device of its nodes."""
        return sum(self.size(s) - self.size(self.placement[v, m]) for v, m, s in move)

    def room(self, node: int) -> float:
        """Free bytes."""
        return float(self._free[node] - self.loaded[node])

    def fits(self, move: Move) -> bool:
        """Whether every node has room for the segments that a move adds."""
        return all(
            self.extra([change for change in move if change[0] == v]) <= self.room(v)
            for v in dict.fromkeys(v for v, _, _ in move)
        )

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
        self.measured += 1
        resident = self._sample.resident
        before = [int(resident[0, v, m]) for v, m, _ in move]
        classes = np.zeros(len(self.costs), np.bool_)
        for v, m, s in move:
            classes |= self._concerned[v, m]
            resident[:, v, m] = s
        costs = np.where(classes, self._sample.costs(classes), self.costs)
        for (v, m, _), s in zip(move, before, strict=True):
            resident[:, v, m] = s
        return float(self.costs.sum() - costs.sum()) - self.load_charge(move), costs

    def apply(self, move: Move, costs: Floats) -> None:
        """Carry out a move whose `gain` gave these costs."""
        for v, m, s in move:
            self.loaded[v] += self.size(s) - self.size(self.placement[v, m])
            self._sample.resident[:, v, m] = s
        self.costs = costs


def _teams(compiled: Compiled) -> list[list[NodeSegment]]:
    tables, teams = compiled.tables, set()
    for first, last in zip(tables.part_start[:-1], tables.part_start[1:], strict=True):
        if last - first > 1:
            parts = zip(tables.part_node[first:last], tables.part_segment[first:last], strict=True)
            teams.add(tuple((int(v), int(s)) for v, s in parts if compiled.placeable[v, s]))
    return [list(team) for team in sorted(teams) if len(team) > 1]
