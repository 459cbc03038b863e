"""One program per slot: what is held, for how much of the slot it is usable, and requests routed through it.

Each is the program of `idn_gym.optimum.routing_program` for its slot alone, in which the column x of a (node,
segment) is the share of the slot in which it is usable. Columns: x; z of each run of blocks (`Runs`), whether it
is held; d, whether it is newly loaded; what routing adds. Rows that are added: what is usable is held, and what
is held fits into the memory of the slot.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.geometry import nominal_free_bytes
from idn_gym.optimum.dynamic.bound_blocks import Loads, Runs
from idn_gym.optimum.routing_program import Routing, RoutingBuild
from idn_gym.optimum.solver import Program


class SlotBuild(RoutingBuild):
    """Builds the programs of single slots, one after the other.

    Attributes:
        runs_at: column of the first z; the d follow.
        shared: number of columns x, z and d, which all slots have.
    """

    def __init__(self, routing: Routing, runs: Runs, loads: Loads, ceiling: float) -> None:
        """Prepare what all slots have in common.

        Args:
            routing: of the row.
            runs: of its columns.
            loads: what loads take at least.
            ceiling: utilisation beyond which waits are not counted to grow.
        """
        super().__init__(routing, None, ceiling)
        count = len(runs.node)
        self.runs_at, self.shared = self.columns, self.columns + 2 * count
        held = self.runs_at + np.arange(count)
        usable = (runs.cover_run, runs.cover_column, np.ones(len(runs.cover_run)))
        entries = zip(usable, (np.arange(count), held, -np.ones(count)), strict=True)
        self._rows(*map(np.concatenate, entries), np.zeros(count))
        self._unit = np.maximum(nominal_free_bytes(self.tables), 1.0)
        self._rows(runs.node, held, runs.size / self._unit[runs.node], np.ones(len(self._unit)))
        self.gains.append(np.append(np.zeros(count), -loads.cost))
        self.uppers.append(np.ones(2 * count))
        self._common = self.triples, self.limits, self.gains, self.uppers
        self._height = self.rows

    def slot(self, t: int) -> Program:
        """The program of slot t."""
        self.triples, self.limits, self.gains, self.uppers = map(list, self._common)
        self.rows, self.columns = self._height, self.shared
        memory = self.routing.row.draw.memory[0, t] - self.tables.node_reserved
        # The first rows are about what is usable at a time, the last ones about what is held.
        self.limits[0] = self.limits[-1] = np.maximum(0.0, memory) / self._unit
        self.add(np.array([t]))
        return self.finish()
