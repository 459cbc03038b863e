"""Policies that plan for what they have just seen: the last W slots, by greedy or by linear program.

The slots of the window are merged into one long slot: batches and seconds added up, links open for as many
slots, at the costs of the last one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, Bools, Instance, Residents
from idn_gym.core.slots import one_row
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.greedy import Greedy
from idn_gym.policies.online.learner import Clock, PlacementPolicy
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.sizes import check_memory


@dataclass(frozen=True)
class WindowConfig:
    """Length of the window, and interval of plans."""

    window: int = bounded(10, least=1)
    """slots"""
    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""
    per_byte: bool = True
    """greedy by saving per byte; false: by saving"""


class WindowPolicy(PlacementPolicy):
    """Base: sums up the last slots and plans for them when that is due.

    Attributes:
        demand: (B, window, R) [requests] ring of the last batches.
        seconds: (B, window, N) [s] ring of the last compute budgets.
    """

    def __init__(self, compiled: Compiled, rows: int, window: int, clock: Clock) -> None:
        super().__init__(compiled, rows)
        tables, window = self.tables, min(window, compiled.scenario.horizon)
        slot = 8 * (len(tables.class_task) + len(tables.node_seconds))
        check_memory(slot, window, window, 0, rows, "num_envs", "agent.window")
        self.items = list_prefixes(compiled)
        self.layers = [allocate_ranking(tables, self.items) for _ in range(rows)]
        self.demand = np.zeros((rows, window, len(tables.class_task)))
        self.seconds = np.zeros((rows, window, len(tables.node_seconds)))
        self.clock = clock
        self._seen = np.zeros(rows, np.int64)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self._seen[rows] = 0
        self.demand[rows], self.seconds[rows] = 0.0, 0.0

    def update(self, feedback: Feedback) -> None:
        """Remember the slot just played; plan where that is due."""
        draw = feedback.revealed.draw
        rows, place = np.arange(self.rows), self._seen % self.demand.shape[1]
        self.demand[rows, place], self.seconds[rows, place] = draw.demand[:, 0], draw.seconds[:, 0]
        self._seen += 1
        due = np.flatnonzero(self.clock.tick())
        if len(due):
            total = draw._replace(
                demand=self.demand.sum(axis=1, keepdims=True), seconds=self.seconds.sum(axis=1, keepdims=True)
            )
            for b in due.tolist():
                slots = min(int(self._seen[b]), self.demand.shape[1])
                longer = self.tables._replace(slot_seconds=self.tables.slot_seconds * slots)
                self.wanted[b] = self.best(one_row(Instance(longer, total), b), b)

    def best(self, window: Instance, b: int) -> Residents:
        """The placement (N, M) for row b, planned on its merged window, one row and one slot."""
        raise NotImplementedError


class WindowGreedy(WindowPolicy):
    """Greedy on the last slots; window 1 is greedy on the last slot."""

    def __init__(self, compiled: Compiled, rows: int, config: WindowConfig) -> None:
        super().__init__(compiled, rows, config.window, Clock(rows, config.refresh, config.stretched))
        self._greedy = Greedy(self.tables, self.items, config.per_byte)

    def best(self, window: Instance, b: int) -> Residents:
        return self._greedy.place(window, self.layers[b])


@dataclass(frozen=True)
class SingleConfig:
    """Interval of plans."""

    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""


class BestSingle(PlacementPolicy):
    """Each node holds the one prefix that would have saved most so far were it the only one anywhere.

    Savings are supergradients at the empty network, added up along each chain: exact for whole models.
    """

    def __init__(self, compiled: Compiled, rows: int, config: SingleConfig) -> None:
        super().__init__(compiled, rows)
        self.items = list_prefixes(compiled)
        self.layers = [allocate_ranking(self.tables, self.items) for _ in range(rows)]
        self.clock = Clock(rows, config.refresh, config.stretched)
        self.total = np.zeros((rows, len(self.items.node)))
        self._nothing, self._gradient = np.zeros((2, len(self.items.node)))

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self.total[rows] = 0.0

    def update(self, feedback: Feedback) -> None:
        """Add the slot's savings up."""
        draw = feedback.revealed.draw
        for b in range(self.rows):
            gain_and_gradient(
                self.tables, draw, b, 0, self.items, self._nothing, self._gradient, self.layers[b]
            )
            self.total[b] += self._gradient
        for b in np.flatnonzero(self.clock.tick()).tolist():
            self._hold_best(b)

    def _hold_best(self, b: int) -> None:
        items, saving = self.items, self.total[b].copy()
        for i in np.flatnonzero(items.parent != EMPTY):
            saving[i] += saving[items.parent[i]]
        self.wanted[b] = self.tables.pinned
        for first, last in itertools.pairwise(items.node_start):
            if last > first and saving[first:last].max() > 0.0:
                i = first + int(np.argmax(saving[first:last]))
                self.wanted[b, items.node[i], items.model[i]] = items.segment[i]
