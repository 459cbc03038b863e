"""Number of requests of a class that reach each node of its path: those that enter there or below.

This is what a node sees pass: its own and what it forwards, dropped ones included, which pass all nodes.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Outcome, Tables
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.row_starts import owners


class RequestsPerNode:
    """The path positions of all classes, end to end.

    A node on several routes of a class counts at the first of its positions, and the others count nothing.

    Attributes:
        node: (entries,) node at each position.
        task: (entries,) task of its class.
        meets: (O,) entry of the node that each option begins at.
    """

    def __init__(self, tables: Tables) -> None:
        lengths = np.diff(tables.path_start)[tables.class_path]
        self._start: Ints = np.append(0, np.cumsum(lengths)).astype(np.int64)
        of = owners(self._start)
        position = np.arange(self._start[-1]) - self._start[of]
        j = tables.path_start[tables.class_path[of]] + position
        self.node: Ints = tables.path_node[j]
        self.task: Ints = tables.class_task[of]
        self._counts_at: Ints = (self._start[of] + tables.path_same_node[j]).astype(np.int64)
        self._begins: Bools = tables.path_link[j] == EMPTY
        self._off_last = self._find_off_last()
        option_class = owners(tables.option_start)
        begun = self._start[option_class] + tables.part_position[tables.part_start[:-1]]
        self.meets: Ints = self._counts_at[begun]

    def measure(self, outcome: Outcome, b: int) -> Floats:
        """(entries,) [requests] that reached each position in row b of a slot."""
        counts = np.zeros(len(self.node))
        _measure(outcome.started, b, self._start, self._counts_at, self._begins, self._off_last, counts)
        return counts

    def _find_off_last(self) -> Bools:
        """Entries (entries,) that count a node which is not on the last route of its class."""
        entries = np.arange(len(self.node))
        route = np.cumsum(self._begins)
        on_last = route == np.repeat(route[self._start[1:] - 1], np.diff(self._start))
        off: Bools = (self._counts_at == entries) & ~np.isin(entries, self._counts_at[on_last])
        return off


@njit_no_alloc
def _measure(
    started: Floats, b: int, start: Ints, counts_at: Ints, begins: Bools, off_last: Bools, counts: Floats
) -> None:
    for rho in range(len(start) - 1):
        dropped = started[b, rho, started.shape[2] - 1]
        passed = dropped  # along the last route; the nodes of the others get them by themselves
        for i in range(start[rho + 1] - 1, start[rho] - 1, -1):
            passed += started[b, rho, i - start[rho]]
            counts[counts_at[i]] += passed
            if off_last[i]:
                counts[i] += dropped
            if begins[i]:
                passed = 0.0
