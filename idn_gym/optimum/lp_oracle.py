"""A demand goes in, a good placement that fits comes out: what planners call in every slot."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Instance, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.objectives import known_tariff
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.prefix_program import Rankings, placement_rows
from idn_gym.optimum.prefixes import PINNED, list_prefixes, to_placement
from idn_gym.optimum.solver import Program, solve_integers, solve_relaxed, sparse_rows
from idn_gym.scenarios.compile import Compiled


class LpOracle:
    """The best placement of prefixes for a demand, at nominal costs and private capacities.

    The linear program is solved exactly; its vertex has few fractional columns, which are rounded, or
    settled by a small integer program where time is given for it. Build once, call in every slot.

    Attributes:
        bound: of the last call: no placement of prefixes gains more from the demand.
    """

    def __init__(
        self,
        compiled: Compiled,
        tariff: Floats | None = None,
        integer_seconds: float = 0.0,
        one_per_task: bool = False,
    ) -> None:
        """List the layers at nominal rates and compute seconds.

        Args:
            compiled: the scenario.
            tariff: (4 + F,) as in `nominal_draw`; by default that of the scenario, else that of the balanced
                preference.
            integer_seconds: time limit of the integer program on the columns that the linear one uses; 0
                rounds instead.
            one_per_task: allow one model per node and task.
        """
        tables = compiled.tables
        if tariff is None:
            tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        self.bound = np.nan
        self.items = list_prefixes(compiled)
        self._tables, self._seconds = tables, integer_seconds
        self._draw = nominal_draw(tables, tariff)
        self._filler = Filler(tables, self._draw, self.items, 0, np.zeros(1, np.int64), one_per_task)
        rankings = Rankings(Instance(tables, self._draw), self.items, 0)
        ranking = rankings.of_slot[0]
        entry = np.concatenate(
            [
                np.arange(first, first + count)
                for first, count in zip(rankings.start[:-1], ranking.entries, strict=True)
            ]
        )
        count = ranking.entries
        self._class = np.repeat(np.arange(len(count)), count)
        end = np.repeat(ranking.last_cost, count)
        follows = np.zeros(len(entry), bool)
        follows[1:] = self._class[1:] == self._class[:-1]
        cost = ranking.cost[entry]
        upper = end.copy()
        upper[:-1][follows[1:]] = cost[1:][follows[1:]]
        self._step = upper - cost
        self._capacity = ranking.capacity[entry]
        self._fixed = ranking.item[entry] == PINNED
        item, shorter = ranking.item[entry], ranking.shorter[entry]
        triples, self._limit = placement_rows(tables, self.items, one_per_task)
        row = len(self._limit) + np.arange(len(entry))
        w = len(self.items.node) + np.arange(len(entry))
        free, chained = np.flatnonzero(~self._fixed), np.flatnonzero(shorter != EMPTY)
        later = np.flatnonzero(follows)
        rows, columns, values = (list(parts) for parts in zip(*triples, strict=True))
        self._row = np.concatenate([*rows, row, row[later], row[free], row[chained]])
        self._column = np.concatenate([*columns, w, w[later] - 1, item[free], shorter[chained]])
        self._value = np.concatenate([*values, np.ones(len(entry)), -np.ones(len(later))])
        self._free, self._chained = free, chained

    def __call__(self, demand: Floats, slots: float = 1.0) -> Residents:
        """The placement (N, M), pins included, for a demand.

        Args:
            demand: (R,) [requests]; classes at or below 0 are left out.
            slots: number of slots over which the demand was summed up; capacities count that often.

        Raises:
            SolverError: the linear program was not solved.
        """
        program = self.program(demand, slots)
        columns = len(self.items.node)
        solution = solve_relaxed(program, 60.0)
        assert solution.x is not None
        self.bound = solution.bound
        z = np.clip(solution.x[:columns], 0.0, 1.0)
        if self._seconds > 0.0:
            keep = np.ones(len(program.upper), bool)
            keep[:columns] = z > 1e-6
            best = solve_integers(program, self._seconds, 1e-3, keep)
            z = z if best.x is None else np.round(best.x[:columns])
        self._draw.demand[0, 0] = np.maximum(0.0, demand) / slots
        return to_placement(self._tables, self.items, self._filler.round(z))

    def program(self, demand: Floats, slots: float = 1.0) -> Program:
        """The program behind the answer; layers in shares of the demand of their class."""
        requests = np.maximum(0.0, demand)[self._class]
        asked = requests > 0.0
        room = np.where(asked, np.minimum(1.0, self._capacity * slots / np.where(asked, requests, 1.0)), 0.0)
        value = np.concatenate([self._value, -room[self._free], room[self._chained]])
        rows, columns = len(self._limit) + len(requests), len(self.items.node) + len(requests)
        return Program(
            gain=np.concatenate([np.zeros(len(self.items.node)), self._step * requests]),
            rows=sparse_rows([(self._row, self._column, value)], rows, columns),
            limit=np.concatenate([self._limit, np.where(self._fixed, room, 0.0)]),
            upper=np.concatenate([np.ones(len(self.items.node)), asked.astype(float)]),
            integers=len(self.items.node),
        )
