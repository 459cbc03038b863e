"""Requests routed in the best way through any placement, as a program: splits, and shared capacity.

Columns: x for every (node, segment) that may be loaded, q for the requests of a class that an option
serves in a part of the slots. Rows: memory, one segment per (node, model), the batches, the compute
seconds of nodes (of copies, where capacity is private), the bytes of links, and "an option serves only
where its parts are resident". Summing up slots, and taking the largest saving in them, keeps the value an
upper bound.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EXOGENOUS, QUEUES, SECOND, SHARED, Bools, Floats, Instance, Ints, Residents
from idn_gym.core.capacity import most_requests
from idn_gym.core.costs import costs
from idn_gym.core.geometry import bytes_to_load, covered_parts, covers, nominal_free_bytes
from idn_gym.core.row_starts import owners
from idn_gym.optimum.hill_climbing import Choices
from idn_gym.optimum.least_waiting import LeastWaiting, least_waiting
from idn_gym.optimum.solver import Program, sparse_rows
from idn_gym.optimum.visits import latencies, list_visits, supplies
from idn_gym.scenarios.compile import Compiled

CEILING = 0.9
"""Default utilisation above which the growth of waits is not counted."""

LEAST_PATIENCE = 1e-50
"""[s] of options that are just in time: they hardly wait, and what is divided by it stays finite"""


class Routing:
    """Common data of one row's programs: the columns that each part needs, and costs per slot."""

    def __init__(
        self,
        compiled: Compiled,
        row: Instance,
        one_per_task: bool,
        load_price: float = 0.0,
        pairs: tuple[Ints, ...] | None = None,
    ) -> None:
        """Look up costs.

        Args:
            compiled: the scenario.
            row: an instance of one row.
            one_per_task: allow one segment per node and task.
            load_price: [cost/byte] of loads.
            pairs: nodes and segments (I,) of the columns; None: all that may be loaded.
        """
        tables, self.load_price = compiled.tables, load_price
        self.row, self.one_per_task = row, one_per_task
        self.node, self.segment = compiled.pairs if pairs is None else pairs
        self.choices = Choices(row, self.node, self.segment, one_per_task, load_price)
        self.option_class, self.part_option = owners(tables.option_start), owners(tables.part_start)
        priced = [costs(row, t) for t in range(row.draw.demand.shape[1])]
        self.saving = np.stack([drop[self.option_class] - option for option, drop in priced])
        """(T, O) [cost] saved by a request that is served and not dropped; -inf where it is late"""
        self.drop = np.stack([drop for _, drop in priced])
        """(T, R) [cost] of a dropped request"""
        self.dropped = float((row.draw.demand[0] * self.drop).sum())
        """[cost] of dropping everything"""
        self.waits = (
            tables.capacity == SHARED and tables.queueing == QUEUES and row.draw.tariff[0, SECOND] > 0.0
        )
        """whether waiting costs anything"""
        self.served_gain = self.dropped - self.choices.alone
        self.part_pace = tables.part_seconds * row.draw.slowdown[0, tables.part_node]
        self.visits, self.supply = list_visits(tables, row.draw), supplies(tables, row.draw)
        # The core lists what beats its timeout; a sum in another order may miss it by a rounding error.
        spare = tables.class_timeout[self.option_class] - latencies(row, self.visits)
        self.patience = np.maximum(spare, LEAST_PATIENCE)
        """(T, O) [s] timeout less latency without waiting"""
        self.part_pinned = covered_parts(tables, tables.pinned)

    def usable(self, placement: Residents | None) -> Bools:
        """Options (O,) that a placement (N, M) can serve; all of them where it is None."""
        tables = self.row.tables
        if placement is None:
            return np.ones(len(tables.option_model), np.bool_)
        ready: Bools = self.part_pinned | covered_parts(tables, placement)
        found: Bools = np.logical_and.reduceat(ready, tables.part_start[:-1])
        return found

    def lines(self, usable: Bools, ceiling: float) -> LeastWaiting:
        """The least that waiting costs if only the marked options (O,) serve; `least_waiting`."""
        batch = self.row.draw.demand[0][:, self.option_class]
        asked = usable & np.isfinite(self.saving) & (batch > 0.0)
        return least_waiting(self.row, self.visits, self.patience, asked, ceiling)

    def program(
        self, chunks: list[Ints], placement: Residents | None = None, ceiling: float = CEILING
    ) -> Program:
        """The program in which the slots of each chunk are added up.

        Args:
            chunks: slots of each chunk.
            placement: (N, M) to leave only the routing free.
            ceiling: utilisation beyond which waits are not counted to grow.
        """
        build = RoutingBuild(self, placement, ceiling)
        for chunk in chunks:
            build.add(chunk)
        return build.finish()

    def single_slots(self, placement: Residents, ceiling: float) -> tuple[Program, list[tuple[Ints, int]]]:
        """The program of a placement (N, M) that keeps slots apart.

        Returns:
            The program; per slot, the options that have a column, and the first of their columns.
        """
        build = RoutingBuild(self, placement, ceiling)
        for t in range(len(self.saving)):
            build.add(np.array([t]))
        return build.finish(), build.served


class RoutingBuild:
    """Collects the rows of one program."""

    def __init__(self, routing: Routing, placement: Residents | None, ceiling: float) -> None:
        tables = routing.row.tables
        self.routing, self.tables = routing, tables
        self.columns = len(routing.node)
        self.rows = 0
        self.triples: list[tuple[Ints, Ints, Floats]] = []
        self.limits: list[Floats] = []
        self.served: list[tuple[Ints, int]] = []
        upper = np.ones(self.columns)
        self.usable = routing.usable(placement)
        if placement is not None:
            model = tables.segment_model[routing.segment]
            upper = (placement[routing.node, model] == routing.segment).astype(float)
        self.lines = routing.lines(self.usable, ceiling)
        self.gains, self.uppers = [self._loads(placement)], [upper]
        everything, ones = np.arange(self.columns), np.ones(self.columns)
        free = nominal_free_bytes(tables)
        size = tables.segment_bytes[routing.segment]
        self._rows(
            routing.node, everything, size / np.maximum(free, 1.0)[routing.node], free / np.maximum(free, 1.0)
        )
        model = tables.segment_model[routing.segment]
        group = tables.model_task[model] if routing.one_per_task else model
        places, row = np.unique(routing.node * (int(group.max(initial=0)) + 1) + group, return_inverse=True)
        self._rows(row, everything, ones, np.ones(len(places)))
        self._links()

    def _loads(self, placement: Residents | None) -> Floats:
        """(I,) [cost] what loading each column gains: less than nothing, if placements are not given."""
        routing, tables = self.routing, self.tables
        if placement is not None:
            return np.zeros(self.columns)
        held = tables.pinned[routing.node, tables.segment_model[routing.segment]]
        missing = bytes_to_load(tables, routing.segment, held) * tables.node_count[routing.node]
        found: Floats = -routing.load_price * missing
        return found

    def _rows(self, row: Ints, column: Ints, value: Floats, limit: Floats) -> None:
        self.triples.append((row + self.rows, column, value))
        self.limits.append(limit)
        self.rows += len(limit)

    def _links(self) -> None:
        """For each (class, node, piece) that must be resident, the columns that contain it."""
        routing, tables = self.routing, self.tables
        free = np.flatnonzero(~routing.part_pinned)
        classes = routing.option_class[routing.part_option[free]]
        needs = np.stack([classes, tables.part_node[free], tables.part_segment[free]], 1)
        self.need, self.part_need = np.unique(needs, axis=0, return_inverse=True)
        self.free_part = free
        self.part_need = self.part_need.ravel()
        by_place: dict[tuple[int, int], list[int]] = {}
        for i, (v, s) in enumerate(zip(routing.node.tolist(), routing.segment.tolist(), strict=True)):
            by_place.setdefault((v, int(tables.segment_model[s])), []).append(i)
        row, column = [], []
        for k, (_, v, s) in enumerate(self.need.tolist()):
            for i in by_place.get((v, int(tables.segment_model[s])), []):
                if covers(tables, routing.segment[i], s):
                    row.append(k)
                    column.append(i)
        self.cover_need, self.cover_column = np.array(row, np.int64), np.array(column, np.int64)
        self.need_pace = np.full(len(self.need), np.inf)
        np.minimum.at(self.need_pace, self.part_need, routing.part_pace[free])

    def add(self, chunk: Ints) -> None:
        """The columns q and rows of slots that are added up; q is a share of the batches of its class."""
        routing = self.routing
        total = routing.row.draw.demand[0, chunk].sum(0)
        saving = routing.saving[chunk].max(0)
        asked = total[routing.option_class]
        used = np.flatnonzero(self.usable & (saving > 0.0) & (asked > 0.0))
        column = np.full(len(saving), -1)
        column[used] = self.columns + np.arange(len(used))
        self.served.append((used, self.columns))
        self.gains.append(saving[used] * asked[used])
        self.uppers.append(np.ones(len(used)))
        self._rows(routing.option_class[used], column[used], np.ones(len(used)), np.ones(len(total)))
        free = np.flatnonzero(column[routing.part_option[self.free_part]] >= 0)
        q = column[routing.part_option[self.free_part[free]]]
        self._serve(chunk, self.part_need[free], q)
        self.columns += len(used)
        self._use(chunk, column, asked)

    def _serve(self, chunk: Ints, need: Ints, q: Ints) -> None:
        """Rows "options serve no more than what they need could, if it is resident", of parts' columns q."""
        row, room = np.concatenate([need, self.cover_need]), self._room(chunk)
        value = np.concatenate([np.ones(len(q)), -room[self.cover_need]])
        self._rows(row, np.concatenate([q, self.cover_column]), value, np.zeros(len(self.need)))

    def _room(self, chunk: Ints) -> Floats:
        """Maximum share of its class's batches that each need serves by itself."""
        tables, draw = self.tables, self.routing.row.draw
        batch = draw.demand[0, chunk]
        total = batch.sum(0)
        rho, node, _ = self.need.T
        seconds = draw.seconds[0][chunk][:, node]
        share = 1.0 if tables.capacity == EXOGENOUS else tables.last_resort
        alone = most_requests(self.need_pace, seconds * share)
        found: Floats = np.minimum(batch[:, rho], alone).sum(0) / np.where(total > 0.0, total, 1.0)[rho]
        return found

    def _limited(self, place: Ints, column: Ints, use: Floats, limit: Floats) -> None:
        """Rows "the use of each place is at most its limit", but for places that all together cannot fill.

        Args:
            place: of each term.
            column: of each term.
            use: of each term if its column is 1.
            limit: of each term's place.
        """
        places, first, row = np.unique(place, return_index=True, return_inverse=True)
        row, limit = row.ravel(), limit[first]
        most = np.bincount(row, use, len(places))
        binding = np.flatnonzero((most > limit) & (limit > 0.0))
        number = np.full(len(places), -1)
        number[binding] = np.arange(len(binding))
        kept = number[row] >= 0
        scaled = use[kept] / limit[row[kept]]
        self._rows(number[row[kept]], column[kept], scaled, np.ones(len(binding)))
        self._closed((limit <= 0.0)[row] & (use > 0.0), column)

    def _closed(self, terms: Bools, column: Ints) -> None:
        """A row that keeps the columns of the marked terms at 0."""
        if terms.any():
            closed = np.unique(column[terms])
            self._rows(np.zeros(len(closed), np.int64), closed, np.ones(len(closed)), np.zeros(1))

    def _queued(self, chunk: Ints, place: Ints, column: Ints, use: Floats, limit: Floats) -> None:
        """As `_limited`, where requests wait: the use is made up of stretches that cost more and more.

        Each stretch is a column of its own, from 0 to 1, at the slope of the line that is highest there.
        """
        lines = self.lines
        self._closed((limit <= 0.0) & (use > 0.0), column)
        for r in np.unique(place[limit > 0.0]).tolist():
            mine = place == r
            most = min(float(limit[mine][0]), float(use[mine].sum()))
            slope, level = lines.slope[r], lines.intercept[chunk, r].sum(0)
            ends = np.append(np.append(-level[0] / slope[0], -np.diff(level) / np.diff(slope)), most)
            widths = np.diff(np.minimum(np.maximum.accumulate(ends), most), prepend=0.0)
            used = np.flatnonzero(widths > 1e-12 * most)
            stretch = np.arange(len(used)) + self.columns
            row = np.zeros(int(mine.sum()) + len(used), np.int64)
            value = np.concatenate([use[mine], -widths[used]]) / most
            self._rows(row, np.concatenate([column[mine], stretch]), value, np.zeros(1))
            self.gains.append(-np.append(0.0, slope)[used] * widths[used])
            self.uppers.append(np.ones(len(used)))
            self.columns += len(used)

    def _use(self, chunk: Ints, column: Ints, asked: Floats) -> None:
        """Seconds of nodes and bytes of links; of each class's copies alone where capacity is private."""
        routing, tables = self.routing, self.tables
        visits = routing.visits
        limit = routing.supply[chunk].sum(0)
        option, resource = visits.option, visits.resource
        kept = (column[option] >= 0) & np.isfinite(limit[resource])
        private = tables.capacity == EXOGENOUS
        if private:
            kept &= resource < len(tables.node_memory)
        option, resource = option[kept], resource[kept]
        column, use = column[option], visits.work[kept] * asked[option]
        if private:
            places = routing.option_class[option] * len(tables.node_memory) + resource
            place = places * len(tables.model_task) + tables.option_model[option]
            self._limited(place, column, use, limit[resource])
            return
        limit = limit[resource] * tables.last_resort
        waits = (self.lines.intercept[chunk].sum(0) < 0.0).any(1)[resource]
        self._limited(resource[~waits], column[~waits], use[~waits], limit[~waits])
        self._queued(chunk, resource[waits], column[waits], use[waits], limit[waits])

    def finish(self) -> Program:
        return Program(
            gain=np.concatenate(self.gains),
            rows=sparse_rows(self.triples, self.rows, self.columns),
            limit=np.concatenate(self.limits),
            upper=np.concatenate(self.uppers),
            integers=len(self.routing.node),
        )
