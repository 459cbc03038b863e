"""A demand goes in, a good placement that fits comes out: what planners call in every slot.

Of thousands of columns a solution uses some hundred, and nearly the same ones for a demand that is nearly the
same. So the linear program is kept from call to call with the chains of prefixes that mattered so far; the
prices of what they compete for tell which others would gain: those join, and it is solved again, until
prices prove that none would (column generation). Few columns are fractional then, which are rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.messages import show
from idn_gym.objectives import known_tariff
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.kept_program import KeptProgram
from idn_gym.optimum.layers import ask_layers, list_layers, mark_serving, price_chains
from idn_gym.optimum.prefix_program import Rankings
from idn_gym.optimum.prefixes import list_prefixes, to_placement
from idn_gym.scenarios.compile import Compiled

PROVEN = 1e-9
"""Share of the gain by which the bound may be above what the columns in use gain."""

MOST_JOINING = 8
"""Most chains of a node that join at once: the first prices are far off, and like many that are of no use."""


class LpOracle:
    """The best placement of prefixes for a demand, at nominal costs and private capacities.

    The linear program is solved exactly; what serves nothing is left out. Build once, call in every slot.

    Attributes:
        bound: of the last call: no placement of prefixes gains more from the demand.
    """

    def __init__(self, compiled: Compiled, tariff: Floats | None = None) -> None:
        """List the layers at nominal rates and compute seconds.

        Args:
            compiled: the scenario.
            tariff: (4 + F,) as in `nominal_draw`; by default that of the scenario, else that of the balanced
                preference.
        """
        tables = compiled.tables
        if tariff is None:
            tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        self.bound = np.nan
        self.items = list_prefixes(compiled)
        self._made_of = compiled, tariff
        self._tables = tables
        self._draw = nominal_draw(tables, tariff)
        self._filler = Filler(tables, self._draw, self.items, 0, np.zeros(1, np.int64))
        self._layers = list_layers(Rankings(Instance(tables, self._draw), self.items, 0))
        columns = len(self.items.node)
        self._worth, self._excess = np.zeros(columns), np.zeros(columns)
        self._near, self._serving = np.zeros(columns, np.bool_), np.zeros(columns, np.bool_)
        begins = self.items.parent == EMPTY
        self._first = np.maximum.accumulate(np.where(begins, np.arange(columns), 0))  # column of its chain

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled as its scenario, with the layers that its programs read."""
        return LpOracle, self._made_of, {"bound": self.bound, "_layers": self._layers}

    def begin(self) -> KeptProgram:
        """A program for a run of calls.

        Raises:
            DependencyNotInstalled: highspy is missing.
        """
        return KeptProgram(self._layers, self.items)

    def __call__(self, demand: Floats, slots: float = 1.0, program: KeptProgram | None = None) -> Residents:
        """The placement (N, M), pins included, for a demand.

        Args:
            demand: (R,) [requests]; classes at or below 0 are left out.
            slots: number of slots, above 0, over which the demand was summed up; capacities count that often.
            program: from this oracle's `begin`, used for demands like this before, which makes this call
                faster. Its calls so far may decide which of several optima is found: independent rows keep
                one each. A copy or a pickle goes on to the same bits, if it is made together with the oracle.

        Raises:
            ConfigError: another number of classes, or a number that is not finite, or no slots.
            DependencyNotInstalled: highspy is missing.
            SolverError: the linear program was not solved.
        """
        requests = self._requests(demand, slots)
        ask_layers(self._layers, requests, slots)
        z = self._solve(program or self.begin())
        mark_serving(self._layers, self.items, requests, z, self._serving)
        z[~self._serving] = 0.0
        self._draw.demand[0, 0] = requests / slots
        return to_placement(self._tables, self.items, self._filler.round(z))

    def _requests(self, demand: Floats, slots: float) -> Floats:
        """The demand (R,) without what is below 0, once it fits the scenario."""
        classes, asked = len(self._tables.class_task), np.asarray(demand, float)
        if asked.shape != (classes,) or not np.isfinite(asked).all():
            raise ConfigError("demand", f"{show(demand)} is not allowed; must be {classes} finite numbers")
        if not 0.0 < slots < np.inf:
            raise ConfigError("slots", f"{show(slots)} is not allowed; must be finite and above 0")
        return np.maximum(0.0, asked)

    def _solve(self, program: KeptProgram) -> Floats:
        """The z (I,) that gain most; sets `bound`."""
        joined = False
        while True:
            found = program.solve()
            self.bound = price_chains(
                self._layers, self.items, found.byte, found.demand, self._worth, self._excess, self._near
            )
            gains = (self._excess > 0.0) & ~program.joined
            if not gains.any() or self.bound <= found.gain * (1.0 + PROVEN):
                break
            program.join(self._best(gains))
            joined = True
        if joined:
            program.trim(self._near | (found.z > 0.0)[self._first])
        return found.z

    def _best(self, gains: Bools) -> Bools:
        """Columns (I,) of the few chains of each node that gain most, of those that gain."""
        first = np.flatnonzero(gains & (self.items.parent == EMPTY))
        first = first[np.lexsort((-self._excess[first], self.items.node[first]))]
        node = self.items.node[first]
        rank = np.arange(len(first)) - np.searchsorted(node, node)
        best = np.zeros(len(gains), np.bool_)
        best[first[rank < MOST_JOINING]] = True
        return best[self._first]
