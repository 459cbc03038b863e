"""Caches of models: each node keeps the most requested units, without computing their savings.

The unit of a task at a node is one fixed segment: the prefix with the largest nominal saving that the node
may hold. A request counts at every node that it reaches (see `reach.py`). There is no refill: memory that
these rules leave empty stays empty. With a gate (see `load_gate.py`), an absent unit is loaded only where the
gate is open for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints
from idn_gym.core.geometry import held_bytes
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policies.online.load_gate import LoadGate, LoadGateConfig
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


class ModelCache(PlacementPolicy):
    """Base: what each (node, task) asks for, and how often it was.

    Attributes:
        unit: (N, K) segment, or EMPTY where the node can hold none that saves anything.
        count: (B, N, K) [requests] so far.
    """

    def __init__(self, compiled: Compiled, rows: int, gate: LoadGate | None = None) -> None:
        super().__init__(compiled, rows)
        tables, items = self.tables, list_prefixes(compiled)
        nodes, tasks = len(tables.node_memory), len(tables.task_model) - 1
        self.unit: Ints = np.full((nodes, tasks), EMPTY)
        self._item: Ints = np.full((nodes, tasks), EMPTY)
        best = np.zeros((nodes, tasks))
        for i, (v, m, s) in enumerate(zip(items.node, items.model, items.segment, strict=True)):
            saving = tables.segment_value[v, s] * tables.segment_bytes[s]
            k = tables.model_task[m]
            if saving > best[v, k] and tables.segment_bytes[s] <= items.budget[v]:
                best[v, k], self.unit[v, k], self._item[v, k] = saving, s, i
        self.size = held_bytes(tables.segment_bytes, self.unit)
        self.budget = items.budget
        self.count = np.zeros((rows, nodes, tasks))
        self._reach, self._gate = RequestsPerNode(tables), gate

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.count[rows] = 0.0
        if self._gate is not None:
            self._gate.begin(rows)

    def update(self, feedback: Feedback) -> None:
        """Count what reached each node, then decide what each holds."""
        if self._gate is not None:
            self._gate.update(feedback)
        for b in range(self.rows):
            passed = np.zeros_like(self.count[b])
            counts = self._reach.measure(feedback.outcome, b)
            np.add.at(passed, (self._reach.node, self._reach.task), counts)
            self.count[b] += passed
            self.choose(b, passed)

    def choose(self, b: int, passed: np.ndarray) -> None:
        """Change `wanted[b]`; `passed` (N, K) are the requests of the slot."""
        raise NotImplementedError

    def allowed(self, b: int) -> Bools:
        """(N, K) units that the node may hold: there is one, and it is there already or its load pays."""
        allowed: Bools = self.unit != EMPTY
        if self._gate is not None:
            allowed[allowed] = self._gate.open[b, self._item[allowed]]
        return allowed

    def most_asked(self, v: int, requests: Floats, allowed: Bools) -> list[int]:
        """Tasks that would fill a node, without tasks that have no requests.

        Those `allowed` (K,) in falling order of their requests (K,), equal ones by lower task, until the
        first that does not fit.
        """
        room, tasks = self.budget[v], []
        for k in np.argsort(-requests, kind="stable"):
            if not allowed[k] or requests[k] <= 0.0:
                continue
            if self.size[v, k] > room:
                break
            room -= self.size[v, k]
            tasks.append(int(k))
        return tasks

    def hold(self, b: int, v: int, tasks: list[int]) -> None:
        """Hold the units of these tasks."""
        self.wanted[b, v] = self.tables.pinned[v]
        for k in tasks:
            s = self.unit[v, k]
            self.wanted[b, v, self.tables.segment_model[s]] = s


class Lfu(ModelCache):
    """Least frequently used: the most requested units since the start of the episode.

    In falling order of requests, equal ones by lower task, until the first that does not fit.
    """

    def choose(self, b: int, passed: np.ndarray) -> None:
        allowed = self.allowed(b)
        for v in np.flatnonzero((self.unit != EMPTY).any(axis=1)).tolist():
            self.hold(b, v, self.most_asked(v, self.count[b, v], allowed[v]))


class Lru(ModelCache):
    """Least recently used: a requested unit is loaded, and the oldest units make room.

    In a slot tasks ask in rising order of their requests, equal ones by higher task first, so that the
    most wanted one is the most recent.
    """

    def __init__(self, compiled: Compiled, rows: int, gate: LoadGate | None = None) -> None:
        super().__init__(compiled, rows, gate)
        self._queue = np.full(self.count.shape, EMPTY)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self._queue[rows] = EMPTY

    def choose(self, b: int, passed: np.ndarray) -> None:
        order = np.argsort(-passed, axis=1, kind="stable")[:, ::-1]
        asked = (passed > 0.0) & self.allowed(b)
        _touch(order, asked, self.size, self.budget, self._queue[b])
        for v in np.flatnonzero((self.unit != EMPTY).any(axis=1)):
            queue = self._queue[b, v]
            self.hold(b, int(v), queue[queue != EMPTY].tolist())


@dataclass(frozen=True)
class TtlConfig(LoadGateConfig):
    """Condition for loads, and lifetime of units."""

    lifetime: int = bounded(6, least=1)
    """slots that a unit stays after it was last in demand"""


class Ttl(ModelCache):
    """Time to live: live units are never replaced, so that a short peak moves nothing.

    A unit is in demand in a slot if it is among those that would fill its node if each node held its most
    requested units of that slot. It leaves `lifetime` slots after it was last in demand. Others are loaded in
    falling order of the slot's requests, as far as live units leave room.

    Attributes:
        left: (B, N, K) remaining lifetime of each unit in slots; 0: it is absent.
    """

    def __init__(self, compiled: Compiled, rows: int, config: TtlConfig) -> None:
        super().__init__(compiled, rows, LoadGate(compiled, rows, config))
        self._lifetime = config.lifetime
        self.left = np.zeros(self.count.shape, np.int64)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.left[rows] = 0

    def choose(self, b: int, passed: np.ndarray) -> None:
        allowed, there = self.allowed(b), self.unit != EMPTY
        left = self.left[b]
        left[left > 0] -= 1
        for v in np.flatnonzero(there.any(axis=1)).tolist():
            wanted = self.most_asked(v, passed[v], there[v])
            for k in wanted:
                left[v, k] = self._lifetime if left[v, k] > 0 else 0
            room = self.budget[v] - self.size[v, left[v] > 0].sum()
            for k in wanted:
                if left[v, k] == 0 and allowed[v, k] and self.size[v, k] <= room:
                    left[v, k] = self._lifetime
                    room -= self.size[v, k]
            self.hold(b, v, np.flatnonzero(left[v]).tolist())


@njit_no_alloc
def _touch(order: Ints, asked: Bools, size: Floats, budget: Floats, queue: Ints) -> None:
    """Let the tasks `asked` (N, K) ask in `order`; `queue` (N, K) holds each node's, oldest first."""
    for v in range(len(queue)):
        count = 0
        while count < len(queue[v]) and queue[v, count] != EMPTY:
            count += 1
        for k in order[v]:
            if not asked[v, k]:
                continue
            used, kept = size[v, k], 0
            for i in range(count):
                if queue[v, i] != k:
                    used += size[v, queue[v, i]]
            for i in range(count):  # the oldest leave until the others fit beside it
                if queue[v, i] == k:
                    continue
                if kept == 0 and used > budget[v]:
                    used -= size[v, queue[v, i]]
                    continue
                queue[v, kept] = queue[v, i]
                kept += 1
            queue[v, kept] = k
            for i in range(kept + 1, count):
                queue[v, i] = EMPTY
            count = kept + 1
