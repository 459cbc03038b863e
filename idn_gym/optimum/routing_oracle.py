"""A demand goes in, a placement of any segments comes out, splits over two placed segments among them.

The routing program of `routing_program.py` for one merged slot at nominal costs, in whole segments.
Where it is solved in time its bound is exact up to the gap asked for, and what it returns is judged by
the core's own serving: the difference of the two is the oracle's gap, which is reported and never assumed
to be 0.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.solver import SolverError, solve_integers
from idn_gym.scenarios.compile import Compiled

WHOLE = 0.5
"""Value from which a column of the solution is taken."""


class RoutedPlacement(NamedTuple):
    """Result of the oracle for a demand."""

    placement: Residents
    """(N, M)"""
    gained: float
    """[cost] by the core's own serving of the merged slot"""
    bound: float
    """[cost] no placement gains more, however requests are routed; inf where nothing was solved"""

    @property
    def gap(self) -> float:
        """(bound - gained) / bound; 0 where nothing gains anything, 1 where nothing was solved."""
        if np.isinf(self.bound):
            return 1.0
        return max(0.0, self.bound - self.gained) / self.bound if self.bound > 0.0 else 0.0


class RoutingOracle:
    """The best placement for a demand, at nominal costs; capacities are those of the scenario."""

    def __init__(self, compiled: Compiled, tariff: Floats, seconds: float = 10.0, gap: float = 1e-6) -> None:
        """Take a scenario.

        Args:
            compiled: the scenario.
            tariff: (4 + F,) as in `nominal_draw`.
            seconds: of processor time per call.
            gap: relative gap at which the solver stops.
        """
        self._compiled, self._seconds, self._gap = compiled, seconds, gap
        self._draw = nominal_draw(compiled.tables, tariff)

    def __call__(self, demand: Floats, slots: float, known: Residents | None = None) -> RoutedPlacement:
        """The placement for a demand.

        Args:
            demand: (R,) [requests] at least 0.
            slots: number of slots over which it was summed up; capacities count that often.
            known: (N, M) a placement to fall back on, and to keep where it gains as much; None: the pins.

        Raises:
            DependencyNotInstalled: SciPy is missing.
        """
        routing = Routing(self._compiled, self.merged(demand, slots), False)
        best = self._compiled.tables.pinned.copy() if known is None else known
        gained, bound = routing.choices.gain(best), np.inf
        program = routing.program([np.zeros(1, np.int64)])
        with contextlib.suppress(SolverError):
            found = solve_integers(program, self._seconds, self._gap)
            bound = found.bound - routing.served_gain
            if found.x is not None:
                other = routing.choices.start(found.x[: program.integers], WHOLE)
                reached = routing.choices.gain(other)
                if reached > gained:
                    best, gained = other, reached
        return RoutedPlacement(best, gained, max(bound, gained))

    def merged(self, demand: Floats, slots: float) -> Instance:
        """The one slot that is looked at, nominal but for its demand (R,), as long as so many slots.

        Stores start once, and are refilled and drained that often; what would be spilled in between is there.
        """
        tables, nominal = self._compiled.tables, self._draw
        longer = tables._replace(
            slot_seconds=tables.slot_seconds * slots, store_drain=tables.store_drain * slots
        )
        draw = nominal._replace(
            demand=demand[None, None].copy(), seconds=nominal.seconds * slots, refill=nominal.refill * slots
        )
        return Instance(longer, draw)
