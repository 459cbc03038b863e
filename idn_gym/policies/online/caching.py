"""Caches of models: each node keeps what it is asked for, and never computes what that saves.

What a task asks a node for is one segment, fixed beforehand: the prefix of largest nominal saving that the
node may hold. A request asks every node that it reaches (see `reach.py`). No refill: memory that these
rules leave empty stays empty.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints
from idn_gym.core.geometry import held_bytes
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


class ModelCache(PlacementPolicy):
    """Base: what each (node, task) asks for, and how often it was.

    Attributes:
        unit: (N, K) segment, or EMPTY where the node can hold none that saves anything.
        count: (B, N, K) [requests] so far.
    """

    def __init__(self, compiled: Compiled, rows: int) -> None:
        super().__init__(compiled, rows)
        tables, items = self.tables, list_prefixes(compiled)
        nodes, tasks = len(tables.node_memory), len(tables.task_model) - 1
        self.candidate: Ints = np.full((nodes, tasks), EMPTY)
        best = np.zeros((nodes, tasks))
        for v, m, s in zip(items.node, items.model, items.segment, strict=True):
            saving = tables.segment_value[v, s] * tables.segment_bytes[s]
            k = tables.model_task[m]
            if saving > best[v, k] and tables.segment_bytes[s] <= items.budget[v]:
                best[v, k], self.candidate[v, k] = saving, s
        self.size = held_bytes(tables.segment_bytes, self.candidate)
        self.budget = items.budget
        self.count = np.zeros((rows, nodes, tasks))
        self._reach = RequestsPerNode(tables)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.count[rows] = 0.0

    def update(self, feedback: Feedback) -> None:
        """Count what reached each node, then decide what each holds."""
        for b in range(self.rows):
            passed = np.zeros_like(self.count[b])
            counts = self._reach.measure(feedback.outcome, b)
            np.add.at(passed, (self._reach.node, self._reach.task), counts)
            self.count[b] += passed
            self.choose(b, passed)

    def choose(self, b: int, passed: np.ndarray) -> None:
        """Change `wanted[b]`; `passed` (N, K) are the requests of the slot."""
        raise NotImplementedError

    def hold(self, b: int, v: int, tasks: list[int]) -> None:
        """Hold the units of these tasks."""
        self.wanted[b, v] = self.tables.pinned[v]
        for k in tasks:
            s = self.candidate[v, k]
            self.wanted[b, v, self.tables.segment_model[s]] = s


class Lfu(ModelCache):
    """Least frequently used: the units asked for most since the episode began.

    In falling order of requests, equal ones by lower task, until the first that does not fit.
    """

    def choose(self, b: int, passed: np.ndarray) -> None:
        order = np.argsort(-self.count[b], axis=1, kind="stable")
        for v in np.flatnonzero((self.candidate != EMPTY).any(axis=1)):
            room, tasks = self.budget[v], []
            for k in order[v]:
                if self.candidate[v, k] == EMPTY or self.count[b, v, k] <= 0.0:
                    continue
                if self.size[v, k] > room:
                    break
                room -= self.size[v, k]
                tasks.append(int(k))
            self.hold(b, int(v), tasks)


class Lru(ModelCache):
    """Least recently used: a unit that is asked for is loaded, and the oldest make room.

    In a slot tasks ask in rising order of their requests, equal ones by higher task first, so that the
    most wanted one is the most recent.
    """

    def __init__(self, compiled: Compiled, rows: int) -> None:
        shape = (rows, len(compiled.tables.node_memory), len(compiled.tables.task_model) - 1)
        self._queue = np.full(shape, EMPTY)
        super().__init__(compiled, rows)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self._queue[rows] = EMPTY

    def choose(self, b: int, passed: np.ndarray) -> None:
        order = np.argsort(-passed, axis=1, kind="stable")[:, ::-1]
        asked = (passed > 0.0) & (self.candidate != EMPTY)
        _touch(order, asked, self.size, self.budget, self._queue[b])
        for v in np.flatnonzero((self.candidate != EMPTY).any(axis=1)):
            queue = self._queue[b, v]
            self.hold(b, int(v), queue[queue != EMPTY].tolist())


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
