"""One program per slot: what is held, for how much of the slot it is usable, and requests routed through it.

Each is the program of `idn_gym.optimum.routing_program` for its slot alone, in which the column x of a (node,
segment) is the share of the slot in which it is usable. Columns: x; z of each run of blocks (`Runs`), whether
it is held; d, whether it is newly loaded; what routing adds. Rows that are added: what is usable is held, and
what is held fits into the memory of the slot.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, TRANSFER, Ints
from idn_gym.core.geometry import nominal_free_bytes
from idn_gym.core.row_starts import entries_of
from idn_gym.optimum.dynamic.bound_blocks import Loads, Runs
from idn_gym.optimum.dynamic.bound_order import ServingOrder
from idn_gym.optimum.routing_program import Routing, RoutingBuild
from idn_gym.optimum.solver import Program


class SlotBuild(RoutingBuild):
    """Builds the programs of single slots, one after the other.

    Attributes:
        runs_at: column of the first z; the d follow.
        shared: number of columns x, z and d, which all slots have.
    """

    def __init__(
        self, routing: Routing, runs: Runs, loads: Loads, ceiling: float, order: ServingOrder
    ) -> None:
        """Prepare what all slots have in common.

        Args:
            routing: of the row.
            runs: of its columns.
            loads: what loads take at least.
            ceiling: utilisation beyond which waits are not counted to grow.
            order: in which private capacity is served.
        """
        super().__init__(routing, None, ceiling)
        self._order = order
        self.runs, count = runs, len(runs.node)
        self.runs_at, self.shared = self.columns, self.columns + 2 * count
        held = self.runs_at + np.arange(count)
        self._rows(
            np.append(runs.cover_run, np.arange(count)),
            np.append(runs.cover_column, held),
            np.append(np.ones(len(runs.cover_run)), -np.ones(count)),
            np.zeros(count),
        )
        self._unit = np.maximum(nominal_free_bytes(self.tables), 1.0)
        self._rows(runs.node, held, runs.size / self._unit[runs.node], np.ones(len(self._unit)))
        self.gains.append(np.append(np.zeros(count), -loads.cost))
        self.uppers.append(np.ones(2 * count))
        self._need_run = self._find_runs()
        self._common = self.triples, self.limits, self.gains, self.uppers
        self._height = self.rows

    def slot(self, t: int) -> Program:
        """The program of slot t."""
        triples, limits, gains, uppers = self._common
        self.triples, self.limits, self.gains, self.uppers = [*triples], [*limits], [*gains], [*uppers]
        self.rows, self.columns = self._height, self.shared
        memory = self.routing.row.draw.memory[0, t] - self.tables.node_reserved
        # The first rows are about what is usable at a time, the last ones about what is held.
        self.limits[0] = self.limits[-1] = np.maximum(0.0, memory) / self._unit
        self.add(np.array([t]))
        if self._order.matters():
            self._obey(t)
        return self.finish()

    def _obey(self, t: int) -> None:
        """Columns W and rows of `ServingOrder`, one each per option in the order of service."""
        used, first = self.served[-1]
        columns = np.full(len(self.routing.option_class), EMPTY)
        columns[used] = first + np.arange(len(used))
        order, least, later = self._order.ranked(t, columns)
        self.uppers[-1] = np.where(np.isin(used, later), 0.0, self.uppers[-1])  # of the options of the slot
        count, rank = len(order), np.arange(len(order))
        rho = self.routing.option_class[order]
        follows = np.flatnonzero(np.append(False, rho[1:] == rho[:-1])[:count])
        total = self.columns + rank
        self._rows(
            np.concatenate([rank, rank, follows]),
            np.concatenate([total, columns[order], total[follows - 1]]),
            np.concatenate([np.ones(count), -np.ones(count + len(follows))]),
            np.zeros(count),
        )
        number = np.full(len(columns), EMPTY)
        number[order] = rank
        row = number[self.routing.part_option[self.free_part]]
        needs = np.bincount(row[row >= 0], minlength=count)
        row, column = self._covers(row)
        self._rows(
            np.append(rank, row),
            np.append(total, column),
            np.append(-np.ones(count), least[row]),
            least * (needs - 1.0),
        )
        self.gains.append(np.zeros(count))
        self.uppers.append(np.ones(count))
        self.columns += count

    def _covers(self, row: Ints) -> tuple[Ints, Ints]:
        """For each part with a row (0 and above), that row and each column x that covers it."""
        start = np.searchsorted(self.cover_need, np.arange(len(self.need) + 1))
        part = np.flatnonzero(row >= 0)
        need = self.part_need[part]
        count = start[need + 1] - start[need]
        return np.repeat(row[part], count), self.cover_column[entries_of(start[need], count)]

    def _serve(self, chunk: Ints, need: Ints, q: Ints) -> None:
        """Rows of `RoutingBuild`; where models take time to come, about what is usable and what is held.

        Options serve the requests of the share in which they are usable, on which a node may spend all its
        seconds. So two segments that share a slot may serve more than a share each of what they could.
        """
        if self.tables.loading != TRANSFER:
            super()._serve(chunk, need, q)
            return
        row = np.concatenate([need, self.cover_need])
        value = np.concatenate([np.ones(len(q)), -np.ones(len(self.cover_need))])
        self._rows(row, np.concatenate([q, self.cover_column]), value, np.zeros(len(self.need)))
        room = self._room(chunk)
        scarce = np.flatnonzero((room < 1.0) & (self._need_run >= 0))
        number = np.full(len(self.need), -1)
        number[scarce] = np.arange(len(scarce))
        kept = number[need] >= 0
        row = np.append(number[need[kept]], np.arange(len(scarce)))
        column = np.append(q[kept], self.runs_at + self._need_run[scarce])
        self._rows(row, column, np.append(np.ones(int(kept.sum())), -room[scarce]), np.zeros(len(scarce)))

    def _find_runs(self) -> Ints:
        """The run that the first block of each need is in; EMPTY: nothing that covers it may be loaded."""
        found = np.full(len(self.need), EMPTY)
        runs, tables = self.runs, self.tables
        places: dict[tuple[int, int], list[int]] = {}
        for a, place in enumerate(zip(runs.node.tolist(), runs.model.tolist(), strict=True)):
            places.setdefault(place, []).append(a)
        for k in np.unique(self.cover_need).tolist():
            _, v, s = self.need[k].tolist()
            mine = places[v, int(tables.segment_model[s])]  # by rising first block
            found[k] = [a for a in mine if runs.first[a] <= tables.segment_first[s]][-1]
        return found
