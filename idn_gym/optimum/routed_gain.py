"""The gain of a slot under fractions of any segments: the value of a routing program, and its duals.

Requests take options in the best way; of the batch of a class at most a share

    room x (how much of the segments that contain the part is there)

runs a part of it on a node, see `routing_program.py`. The value is concave in the fractions, which stand on
the right-hand side alone, and the duals of these rows are a supergradient. At a placement it is what the best
routing gains, which is at least what the core's own serving does: with private capacity the same where no
capacity binds.

Between placements rows are tighter here than in that program: a part counts towards all smaller parts of
its model that the class could run there, so that half a network does not serve heads and wholes at once.
"""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Instance, Ints
from idn_gym.core.geometry import covers
from idn_gym.core.slots import one_row
from idn_gym.optimum.pieces import list_pieces
from idn_gym.optimum.routing_program import CEILING, Routing, RoutingBuild
from idn_gym.optimum.solver import Program, load_solver, solve_relaxed
from idn_gym.scenarios.compile import Compiled

MOST_ROUTED = 4000
"""A program is solved in every slot; beyond this it takes seconds."""


class RoutedGain:
    """Values and supergradients, slot by slot.

    Attributes:
        items: the columns, from `list_pieces`.
    """

    def __init__(self, compiled: Compiled, seconds: float = 60.0) -> None:
        """Take a scenario.

        Args:
            compiled: the scenario.
            seconds: of processor time per slot, after which it fails.

        Raises:
            ConfigError: the scenario has too many options.
            DependencyNotInstalled: SciPy is missing.
        """
        load_solver()
        count = len(compiled.tables.option_model)
        if count > MOST_ROUTED:
            raise ConfigError(
                "splits",
                f"true is not allowed with {count} options; must be false beyond {MOST_ROUTED}, since a "
                "linear program is solved in every slot",
            )
        self._compiled, self._seconds = compiled, seconds
        self.items = list_pieces(compiled)
        self._chained = np.flatnonzero(self.items.parent >= 0)

    def __call__(self, revealed: Instance, b: int, z: Floats, gradient: Floats) -> float:
        """The gain [cost] of row `b` in slot 0, against the repositories alone.

        Args:
            revealed: the slot.
            b: row.
            z: (I,) in [0, 1], falling along each chain.
            gradient: (I,) [cost per unit of z] overwritten with a supergradient.

        Raises:
            SolverError: the program was not solved in time.
        """
        routing = Routing(
            self._compiled, one_row(revealed, b), False, pairs=(self.items.node, self.items.segment)
        )
        build = NestedBuild(routing, None, CEILING)
        build.add(np.zeros(1, np.int64))
        program, count = build.finish(), len(z)
        rows = program.rows.tocsc()
        placed, served = rows[:, :count], rows[:, count:].tocsr()
        kept = np.flatnonzero(np.diff(served.indptr))
        placed, served = placed.tocsr()[kept], served[kept]
        limit = np.maximum(0.0, program.limit[kept] - placed @ self._alone(z))
        found = solve_relaxed(
            Program(program.gain[count:], served, limit, program.upper[count:], 0), self._seconds
        )
        assert found.price is not None
        rising = -(placed.T @ found.price)
        gradient[:] = rising
        gradient[self._chained] -= rising[self._chained - 1]
        return found.bound - routing.served_gain

    def _alone(self, z: Floats) -> Floats:
        """(I,) how much of each column's segment is there and no longer one of its chain."""
        found = z.copy()
        found[self._chained - 1] -= z[self._chained]
        return np.maximum(0.0, found)


class NestedBuild(RoutingBuild):
    """Rows in which a part counts towards all smaller ones of its model, class and node."""

    def _links(self) -> None:
        super()._links()
        tables = self.tables
        model = tables.segment_model[self.need[:, 2]]
        inner: list[int] = []
        outer: list[int] = []
        places: dict[tuple[int, int, int], list[int]] = {}
        for k, (rho, v, _) in enumerate(self.need.tolist()):
            places.setdefault((rho, v, int(model[k])), []).append(k)
        for group in places.values():
            for k in group:
                for j in group:
                    if j != k and covers(tables, self.need[j, 2], self.need[k, 2]):
                        inner.append(k)
                        outer.append(j)
        self.inner, self.outer = np.array(inner, np.int64), np.array(outer, np.int64)
        least = self.need_pace.copy()
        np.minimum.at(least, self.inner, self.need_pace[self.outer])
        self.need_pace = least

    def _serve(self, chunk: Ints, need: Ints, q: Ints) -> None:
        order = np.argsort(need, kind="stable")
        start = np.searchsorted(need[order], np.arange(len(self.need) + 1))
        count = np.diff(start)[self.outer]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        more = order[np.repeat(start[:-1][self.outer], count) + within]
        inner = np.repeat(self.inner, count)
        super()._serve(chunk, np.concatenate([need, inner]), np.concatenate([q, q[more]]))
