"""OLAG, online load-aware greedy: every node loads what would have served what it saw.

The original definition could not be read; this is ours, in its spirit. At the end of a period (`refresh`
slots) each node v, for itself, knows phi[rho], the requests of each class that reached it (were served at
v or beyond, see `reach.py`), and of each prefix it may hold, per class, q = what the best option of the
prefix costs less than the cheapest pinned option (a drop if there is none; 0 if it costs more), and
lambda = what the copy serves alone in the period. It then

1. values each prefix of a model of which it holds nothing at
   sum over rho of q[rho] min(phi[rho], lambda[rho]), and one that is longer than the prefix it holds at
   what the longer one is worth more: the same sum with phi as it was without the shorter one, less that
   of the shorter one;
2. takes the prefix of largest value per byte that it adds and that fits, in place of the shorter one;
3. subtracts min(phi[rho], lambda[rho]) from phi[rho] wherever q[rho] > 0, once what the shorter one had
   subtracted is back;
4. repeats, until nothing that fits is worth anything.

Costs and seconds are those of the period's last slot. Equal prefixes: the earlier column. With a gate (see
`load_gate.py`) prefixes that it is closed for are worth nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Ints
from idn_gym.core.capacity import most_requests
from idn_gym.core.costs import costs
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.row_starts import owners
from idn_gym.optimum.prefixes import PINNED, Prefixes, list_prefixes
from idn_gym.policies.online.learner import Clock, PlacementPolicy
from idn_gym.policies.online.load_gate import LoadGate, LoadGateConfig
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class OlagConfig:
    """Interval of plans."""

    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""


@dataclass(frozen=True)
class OlagAwareConfig(LoadGateConfig, OlagConfig):
    """Interval of plans, and the condition for loads."""


class Olag(PlacementPolicy):
    """Online load-aware greedy.

    Attributes:
        phi: (B, entries) [requests] that reached each position of each class in this period.
    """

    def __init__(
        self, compiled: Compiled, rows: int, config: OlagConfig, gate: LoadGate | None = None
    ) -> None:
        super().__init__(compiled, rows)
        self._gate = gate
        tables = self.tables
        self.items: Prefixes = list_prefixes(compiled)
        self.clock = Clock(rows, config.refresh, config.stretched)
        self._reach = RequestsPerNode(tables)
        self.phi = np.zeros((rows, len(self._reach.node)))
        self._slots = np.zeros(rows)
        self._entries()
        count = len(self.items.node)
        self._prefix = self.tables.segment_bytes[self.items.segment].astype(np.float64)
        self._task = tables.model_task[self.items.model].astype(np.int64)
        self._chosen = np.zeros(count, np.int64)
        self._worth = np.zeros(count)
        self._taken = np.zeros(len(self._first))

    def _entries(self) -> None:
        """One entry per (prefix, class, option that the prefix can run), sorted by prefix and class.

        `_first` (G,) is the first entry of each (prefix, class), `_serves` (entries,) the one it belongs to,
        `_position` (G,) where the class meets the node, and `_start` (I+1,) leads from prefixes into G.
        """
        tables, items = self.tables, self.items
        classes = owners(tables.option_start)
        runs: list[list[int]] = [[] for _ in items.node]
        for o in np.flatnonzero(items.option_item >= 0):
            runs[items.option_item[o]].append(int(o))
        for i, parent in enumerate(items.parent):
            if parent != EMPTY:
                runs[i] = sorted(runs[i] + runs[parent])
        prefix = np.repeat(np.arange(len(runs)), [len(run) for run in runs])
        self._option: Ints = np.array([o for run in runs for o in run], np.int64)
        self._class: Ints = classes[self._option].astype(np.int64)
        begins = np.ones(len(self._option), bool)
        begins[1:] = (np.diff(prefix) != 0) | (np.diff(self._class) != 0)
        self._first = np.flatnonzero(begins)
        self._serves = np.cumsum(begins) - 1
        self._start: Ints = np.searchsorted(prefix[self._first], np.arange(len(runs) + 1))
        first = tables.part_start[self._option]
        reached = self._reach.meets[self._option]
        self._position: Ints = reached[self._first].astype(np.int64)
        self._node: Ints = tables.part_node[first].astype(np.int64)
        self._seconds: Floats = tables.part_seconds[first].astype(np.float64)
        self._pinned = np.flatnonzero(items.option_item == PINNED)
        self._pinned_class = classes[self._pinned]

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self.phi[rows], self._slots[rows] = 0.0, 0.0
        if self._gate is not None:
            self._gate.begin(rows)

    def update(self, feedback: Feedback) -> None:
        """Count what reached the nodes; plan where that is due."""
        if self._gate is not None:
            self._gate.update(feedback)
        for b in range(self.rows):
            self.phi[b] += self._reach.measure(feedback.outcome, b)
        self._slots += 1.0
        for b in np.flatnonzero(self.clock.tick()).tolist():
            self._plan(feedback.revealed, b)
            self.phi[b], self._slots[b] = 0.0, 0.0

    def _plan(self, revealed: Instance, b: int) -> None:
        draw, items = revealed.draw, self.items
        option, fallback = costs(revealed, 0, b)
        np.minimum.at(fallback, self._pinned_class, option[self._pinned])
        saving = np.maximum(0.0, fallback[self._class] - option[self._option])
        best = self._cheapest(saving)
        worth = saving[best]
        if self._gate is not None:
            worth = np.where(self._gate.open[b, owners(self._start)], worth, 0.0)
        need = self._seconds[best] * draw.slowdown[b, self._node[best]]
        seconds = draw.seconds[b, 0, self._node[best]] * self._slots[b]
        room = most_requests(need, seconds)
        self._chosen[:] = 0
        _choose(
            items.node_start,
            items.parent,
            self._task,
            self._prefix,
            items.budget,
            self._start,
            self._position,
            worth,
            room,
            self.phi[b],
            self._taken,
            self._worth,
            self._chosen,
        )
        held = np.flatnonzero(self._chosen > 0)
        self.wanted[b] = self.tables.pinned
        self.wanted[b, items.node[held], items.model[held]] = items.segment[held]

    def _cheapest(self, saving: Floats) -> Ints:
        """The entry (G,) of largest saving of each (prefix, class), the first of equals."""
        if not len(saving):
            return self._first
        most = np.maximum.reduceat(saving, self._first)
        hits = np.flatnonzero(saving == most[self._serves])
        best: Ints = hits[np.flatnonzero(np.diff(self._serves[hits], prepend=-1))]
        return best


@njit_no_alloc
def _choose(
    node_start: Ints,
    parent: Ints,
    task: Ints,
    prefix: Floats,
    budget: Floats,
    start: Ints,
    position: Ints,
    saving: Floats,
    room: Floats,
    phi: Floats,
    taken: Floats,
    worth: Floats,
    chosen: Ints,
) -> None:
    """The greedy of the module's head, node by node; uses `phi` up.

    Prefixes that are held end with 1 in `chosen`, shorter ones of theirs with -1; `taken` (G,) is what held
    ones subtracted [requests], `worth` (I,) the values of step 1.
    """
    for v in range(len(budget)):
        free = budget[v]
        changed = -1
        while True:
            best, adds = -1, 0.0
            for i in range(node_start[v], node_start[v + 1]):
                if chosen[i] != 0:
                    continue
                held = _held(i, parent, chosen)
                if changed < 0 or task[i] == changed:
                    worth[i] = _value(i, held, start, position, saving, room, phi, taken)
                more = prefix[i] - (prefix[held] if held != EMPTY else 0.0)
                if more > free or worth[i] <= 0.0:
                    continue
                if best < 0 or worth[i] * adds > worth[best] * more:
                    best, adds = i, more
            if best < 0:
                break
            held = _held(best, parent, chosen)
            if held != EMPTY:
                for k in range(start[held], start[held + 1]):
                    phi[position[k]] += taken[k]
            for k in range(start[best], start[best + 1]):
                taken[k] = min(phi[position[k]], room[k]) if saving[k] > 0.0 else 0.0
                phi[position[k]] -= taken[k]
            free -= adds
            changed = task[best]
            chosen[best] = 1
            shorter = parent[best]
            while shorter != EMPTY:
                chosen[shorter] = -1
                shorter = parent[shorter]


@njit_inline
def _held(i: int, parent: Ints, chosen: Ints) -> int:
    """The prefix shorter than i that is held, or EMPTY."""
    held = parent[i]
    while held != EMPTY and chosen[held] != 1:
        held = parent[held]
    return int(held)


@njit_inline
def _value(
    i: int,
    held: int,
    start: Ints,
    position: Ints,
    saving: Floats,
    room: Floats,
    phi: Floats,
    taken: Floats,
) -> float:
    """[cost] By how much prefix i is worth more than the shorter one, whose classes it serves too."""
    value = 0.0
    j = start[held] if held != EMPTY else 0
    end = start[held + 1] if held != EMPTY else 0
    for k in range(start[i], start[i + 1]):
        left, before = phi[position[k]], 0.0
        if j < end and position[j] == position[k]:
            left += taken[j]
            before = saving[j] * taken[j]
            j += 1
        value += saving[k] * min(left, room[k]) - before
    return value
