"""OLAG, online load-aware greedy: every node loads what would have served what it saw.

The original definition could not be read; this is ours, in its spirit. At the end of a period (`refresh`
slots) each node v, for itself, knows phi[rho], the requests of each class that reached it (were served at
v or beyond, see `reach.py`), and of each prefix it may hold, per class, q = what the best option of the
prefix costs less than the cheapest pinned option (a drop if there is none; 0 if it costs more), and
lambda = what the copy serves alone in the period. It then

1. takes the prefix of largest  sum over rho of q[rho] min(phi[rho], lambda[rho]) / size  that fits,
   one per model;
2. subtracts min(phi[rho], lambda[rho]) from phi[rho] wherever q[rho] > 0;
3. repeats, until nothing that fits is worth anything.

Costs and seconds are those of the period's last slot. Equal prefixes: the earlier column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.online.learner import Clock, Planner
from agents.online.reach import Reach
from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints
from idn_gym.core.costs import costs
from idn_gym.core.items import PINNED, Items, make_items
from idn_gym.core.kernel import hot
from idn_gym.policy import Bools, Feedback
from idn_gym.scenarios.compile import Compiled
from idn_gym.strict import number


@dataclass(frozen=True)
class OlagConfig:
    """How often to plan."""

    refresh: int = number(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""


class Olag(Planner):
    """Online load-aware greedy.

    Attributes:
        phi: (B, entries) [requests] that reached each position of each class in this period.
    """

    def __init__(self, compiled: Compiled, rows: int, config: OlagConfig) -> None:
        super().__init__(compiled, rows)
        tables = self.tables
        self.items: Items = make_items(compiled)
        self.clock = Clock(rows, config.refresh, config.stretched)
        self._reach = Reach(tables)
        self.phi = np.zeros((rows, len(self._reach.node)))
        self._slots = np.zeros(rows)
        self._entries()
        count = len(self.items.node)
        self._prefix = self.tables.segment_bytes[self.items.segment].astype(np.float64)
        self._task = tables.model_task[self.items.model].astype(np.int64)
        self._chosen = np.zeros(count, np.int64)
        self._worth = np.zeros(count)

    def _entries(self) -> None:
        """One entry per (prefix, class, option that the prefix can run), sorted by prefix and class."""
        tables, items = self.tables, self.items
        classes = np.repeat(np.arange(len(tables.class_task)), np.diff(tables.option_start))
        runs: list[list[int]] = [[] for _ in items.node]
        for o in np.flatnonzero(items.option_item >= 0):
            runs[items.option_item[o]].append(int(o))
        for i, parent in enumerate(items.parent):
            if parent != EMPTY:
                runs[i] = sorted(runs[i] + runs[parent])
        self._start: Ints = np.append(0, np.cumsum([len(run) for run in runs])).astype(np.int64)
        self._option: Ints = np.array([o for run in runs for o in run], np.int64)
        self._class: Ints = classes[self._option].astype(np.int64)
        first = tables.part_start[self._option]
        self._position: Ints = (self._reach.start[self._class] + tables.part_position[first]).astype(np.int64)
        self._node: Ints = tables.part_node[first].astype(np.int64)
        self._seconds: Floats = tables.part_seconds[first].astype(np.float64)
        self._pinned = np.flatnonzero(items.option_item == PINNED)
        self._pinned_class = classes[self._pinned]

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self.phi[rows], self._slots[rows] = 0.0, 0.0

    def update(self, feedback: Feedback) -> None:
        """Count what reached the nodes; plan where that is due."""
        for b in range(self.rows):
            self.phi[b] += self._reach.measure(feedback.outcome, b)
        self._slots += 1.0
        for b in np.flatnonzero(self.clock.tick()):
            self._plan(feedback.revealed, int(b))
            self.phi[b], self._slots[b] = 0.0, 0.0

    def _plan(self, revealed: Instance, b: int) -> None:
        draw, items = revealed.draw, self.items
        option, fallback = costs(revealed, 0, b)
        np.minimum.at(fallback, self._pinned_class, option[self._pinned])
        saving = np.maximum(0.0, fallback[self._class] - option[self._option])
        need = self._seconds * draw.slowdown[b, self._node]
        seconds = draw.seconds[b, 0, self._node] * self._slots[b]
        room = np.divide(seconds, need, out=np.full_like(need, np.inf), where=need > 0.0)
        self._chosen[:] = 0
        _choose(
            items.node_start,
            items.model,
            self._task,
            self._prefix,
            items.budget,
            self._start,
            self._class,
            self._position,
            saving,
            room,
            self.phi[b],
            self._worth,
            self._chosen,
        )
        held = np.flatnonzero(self._chosen)
        self.wanted[b] = self.tables.pinned
        self.wanted[b, items.node[held], items.model[held]] = items.segment[held]


@hot
def _choose(
    node_start: Ints,
    model: Ints,
    task: Ints,
    prefix: Floats,
    budget: Floats,
    start: Ints,
    classes: Ints,
    position: Ints,
    saving: Floats,
    room: Floats,
    phi: Floats,
    worth: Floats,
    chosen: Ints,
) -> None:
    """The greedy of the module's head, node by node; uses `phi` up and marks the prefixes in `chosen`."""
    for v in range(len(budget)):
        free = budget[v]
        changed = -1
        while True:
            best = -1
            for i in range(node_start[v], node_start[v + 1]):
                if changed < 0 or task[i] == changed:
                    worth[i] = 0.0
                    first = start[i]
                    while first < start[i + 1]:
                        last, k = first, first
                        while last < start[i + 1] and classes[last] == classes[first]:
                            if saving[last] > saving[k]:
                                k = last
                            last += 1
                        worth[i] += saving[k] * min(phi[position[k]], room[k])
                        first = last
                if chosen[i] != 0 or prefix[i] > free or worth[i] <= 0.0:
                    continue
                if best < 0 or worth[i] * prefix[best] > worth[best] * prefix[i]:
                    best = i
            if best < 0:
                break
            first = start[best]
            while first < start[best + 1]:
                last, k = first, first
                while last < start[best + 1] and classes[last] == classes[first]:
                    if saving[last] > saving[k]:
                        k = last
                    last += 1
                if saving[k] > 0.0:
                    phi[position[k]] -= min(phi[position[k]], room[k])
                first = last
            free -= prefix[best]
            changed = task[best]
            for i in range(node_start[v], node_start[v + 1]):
                if model[i] == model[best]:
                    chosen[i] = -1
            chosen[best] = 1
        for i in range(node_start[v], node_start[v + 1]):
            chosen[i] = max(0, chosen[i])
