"""How many requests of a class reach each node of its path: those that begin there or beyond.

This is what a node sees pass: its own and what it forwards, dropped ones included.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats, Ints, Outcome, Tables, owners


class RequestsPerNode:
    """The path positions of all classes, end to end.

    Attributes:
        start: (R+1,) entry start[rho] + j is position j of the class's path.
        node: (entries,) node at each position.
        task: (entries,) task of its class.
    """

    def __init__(self, tables: Tables) -> None:
        lengths = np.diff(tables.path_start)[tables.class_path]
        self.start: Ints = np.append(0, np.cumsum(lengths)).astype(np.int64)
        self._class = owners(self.start)
        self._position: Ints = np.arange(self.start[-1]) - self.start[self._class]
        self.node: Ints = tables.path_node[tables.path_start[tables.class_path[self._class]] + self._position]
        self.task: Ints = tables.class_task[self._class]

    def measure(self, outcome: Outcome, b: int) -> Floats:
        """(entries,) [requests] that reached each position in row b of a slot."""
        beyond = np.cumsum(outcome.started[b, :, ::-1], axis=1)[:, ::-1]
        counts: Floats = beyond[self._class, self._position]
        return counts
