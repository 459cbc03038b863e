"""A demand goes in, a good placement that fits comes out: what planners call in every slot.

Of thousands of columns a solution uses some hundred, and nearly the same ones for a demand that is nearly the
same. So the linear program is solved over the chains of prefixes that may matter, and the prices of what they
compete for tell which others would gain: those join, and it is solved again, until the prices prove that
none would (column generation). A dual solution is a price mu_v per byte of each node and a cost C_rho of
each class beyond which nothing serves it. For every one of them,

    sum_v b_v mu_v + sum_rho d_rho (last_rho - C_rho) + sum_chains max over prefixes [worth_i - s_i mu_v]^+

with worth_i = sum over the layers k of i of min(d_rho, c_k) [C_rho - cost_k]^+, is an upper bound of the full
program. Pinned layers add their worth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Ints, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.objectives import known_tariff
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.prefix_program import Rankings, placement_rows
from idn_gym.optimum.prefixes import PINNED, list_prefixes, to_placement
from idn_gym.optimum.solver import Program, Solution, solve_integers, solve_relaxed, sparse_rows
from idn_gym.scenarios.compile import Compiled

FEW_COLUMNS = 2000
"""Up to how many columns the program is solved with all of them: several small ones take as long."""

PROVEN = 1e-9
"""Share of the gain by which the bound may be above what the columns in use gain."""

SLACK = 1e-9
"""Share of a class's demand below which a column serves nothing of it."""

NEAR_SHARE = 0.45
"""Chains are near whose worth is at most this share below the price of their bytes.

With fewer, the next program's prices are often off by so much that it has to be solved again with more.
"""


class Layers(NamedTuple):
    """The layers of all classes, E entries, class by class, in a class by rising cost."""

    owner: Ints  # (E,) class
    item: Ints  # (E,) column that opens the entry, or PINNED
    shorter: Ints  # (E,) column that opens a cheaper entry of the same chain, or EMPTY
    cost: Floats  # (E,) [cost] per request
    capacity: Floats  # (E,) [requests] per slot
    last: Floats  # (R,) [cost] per request that nothing serves


def list_layers(rankings: Rankings) -> Layers:
    """Those of the first slot."""
    ranking = rankings.of_slot[0]
    begun = zip(rankings.start[:-1], ranking.entries, strict=True)
    entry = np.concatenate([np.arange(first, first + count) for first, count in begun])
    return Layers(
        np.repeat(np.arange(len(ranking.entries)), ranking.entries),
        ranking.item[entry],
        ranking.shorter[entry],
        ranking.cost[entry],
        ranking.capacity[entry],
        ranking.last_cost,
    )


class LpOracle:
    """The best placement of prefixes for a demand, at nominal costs and private capacities.

    The linear program is solved exactly; its vertex has few fractional columns, which are rounded, or
    settled by a small integer program where time is given for it. Build once, call in every slot.

    Attributes:
        bound: of the last call: no placement of prefixes gains more from the demand.
        near: (I,) columns that the last call used, or nearly so.
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
            one_per_task: allow one model per node and task; the program then has all columns.
        """
        tables = compiled.tables
        if tariff is None:
            tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        self.bound = np.nan
        self.items = list_prefixes(compiled)
        self._tables, self._seconds = tables, integer_seconds
        self._draw = nominal_draw(tables, tariff)
        self._filler = Filler(tables, self._draw, self.items, 0, np.zeros(1, np.int64), one_per_task)
        self._layers = list_layers(Rankings(Instance(tables, self._draw), self.items, 0))
        triples, self._limit = placement_rows(tables, self.items, one_per_task)
        self._row, self._column, self._value = (np.concatenate(parts) for parts in zip(*triples, strict=True))
        self._root = np.flatnonzero(self.items.parent == EMPTY)
        self._chain = np.cumsum(self.items.parent == EMPTY) - 1
        self._all: Bools = np.ones(len(self.items.node), np.bool_)
        self.near = self._all
        self._whole = one_per_task or len(self._all) <= FEW_COLUMNS

    def __call__(self, demand: Floats, slots: float = 1.0, near: Bools | None = None) -> Residents:
        """The placement (N, M), pins included, for a demand.

        Args:
            demand: (R,) [requests]; classes at or below 0 are left out.
            slots: number of slots over which the demand was summed up; capacities count that often.
            near: `near` after a call for a demand like this, which makes this one faster; it may decide which
                of several optima is found, so whoever wants to be independent of others keeps his own.

        Raises:
            SolverError: the linear program was not solved.
        """
        requests = np.maximum(0.0, demand)
        program, among, x = self._solve(requests, slots, self._all if near is None or self._whole else near)
        if self._seconds > 0.0:
            keep = np.ones(len(program.upper), bool)
            keep[: len(x)] = x > 1e-6
            best = solve_integers(program, self._seconds, 1e-3, keep)
            x = x if best.x is None else np.round(best.x[: len(x)])
        z = np.zeros(len(among))
        z[among] = x
        if not self._whole:  # where memory is left, a small program may fill it with what serves nothing
            z[~self._serving(requests, slots, z)] = 0.0
        self._draw.demand[0, 0] = requests / slots
        return to_placement(self._tables, self.items, self._filler.round(z))

    def program(self, demand: Floats, slots: float = 1.0, among: Bools | None = None) -> Program:
        """The program behind the answer; layers in shares of the demand of their class.

        Args:
            demand: (R,) [requests].
            slots: over which it was summed up.
            among: (I,) columns to have, whole chains; all by default.
        """
        layers = self._layers
        among = self._all if among is None else among
        entry = self._entries(demand, among)
        owner, item, shorter = layers.owner[entry], layers.item[entry], layers.shorter[entry]
        requests = demand[owner]
        room = np.minimum(1.0, layers.capacity[entry] * slots / requests)
        follows = _follows(owner)
        later = np.flatnonzero(follows)
        cost, upper = layers.cost[entry], layers.last[owner]
        upper[later - 1] = cost[later]
        place, columns = np.cumsum(among) - 1, int(among.sum())
        free, chained = np.flatnonzero(item != PINNED), np.flatnonzero(shorter != EMPTY)
        used = among[self._column]
        row, w = len(self._limit) + np.arange(len(entry)), columns + np.arange(len(entry))
        triples = [
            (self._row[used], place[self._column[used]], self._value[used]),
            (row, w, np.ones(len(entry))),
            (row[later], w[later] - 1, -np.ones(len(later))),
            (row[free], place[item[free]], -room[free]),
            (row[chained], place[shorter[chained]], room[chained]),
        ]
        return Program(
            gain=np.concatenate([np.zeros(columns), (upper - cost) * requests]),
            rows=sparse_rows(triples, len(self._limit) + len(entry), columns + len(entry)),
            limit=np.concatenate([self._limit, np.where(item == PINNED, room, 0.0)]),
            upper=np.ones(columns + len(entry)),
            integers=columns,
        )

    def _entries(self, demand: Floats, among: Bools) -> Ints:
        """Layers of a demand that these columns open, or pins do."""
        opens = np.append(among, True)[self._layers.item]  # PINNED is -1, the last
        return np.flatnonzero(opens & (demand[self._layers.owner] > 0.0))

    def _solve(self, requests: Floats, slots: float, among: Bools) -> tuple[Program, Bools, Floats]:
        """The last program, its columns (I,) and their solution; sets `bound` and `near`."""
        while True:
            program = self.program(requests, slots, among)
            solution = solve_relaxed(program, 60.0)
            assert solution.x is not None
            x = np.clip(solution.x[: program.integers], 0.0, 1.0)
            self.bound, self.near = solution.bound, among
            if self._whole:
                return program, among, x
            bound, worth, price = self._price(requests, slots, among, program, solution)
            joins = ~among & (worth > price)
            if not joins.any() or bound <= solution.bound * (1.0 + PROVEN):
                self.near = (worth > 0.0) & (worth >= (1.0 - NEAR_SHARE) * price)
                self.near |= np.isin(self._chain, self._chain[among][x > 0.0])
                self.bound = max(bound, solution.bound)
                return program, among, x
            among = among | joins

    def _serving(self, requests: Floats, slots: float, z: Floats) -> Bools:
        """Columns (I,) that serve something of what cheaper layers leave, or whose longer prefixes do."""
        layers = self._layers
        asked = requests[layers.owner]
        room = np.minimum(asked, layers.capacity * slots)
        opened = np.append(z, 1.0)[layers.item] - np.where(layers.shorter == EMPTY, 0.0, z[layers.shorter])
        supply = np.cumsum(room * opened)
        first = np.flatnonzero(~_follows(layers.owner))
        base = (supply - room * opened)[first]
        before = supply - room * opened - base[np.searchsorted(first, np.arange(len(room)), "right") - 1]
        serves = (room * opened > SLACK * asked) & (before < (1.0 - SLACK) * asked)
        found = np.bincount(layers.item[serves & (layers.item != PINNED)], minlength=len(z))
        later = np.cumsum(found[::-1])[::-1]  # in this column and all after it
        last = np.append(self._root[1:], len(z))[self._chain]
        return later > np.append(later, 0)[last]

    def _price(
        self, requests: Floats, slots: float, among: Bools, program: Program, solution: Solution
    ) -> tuple[float, Floats, Floats]:
        """What the prices of a solution prove of the full program.

        Returns:
            An upper bound; and per column (I,) worth and price of that prefix of its chain which gains most.
        """
        layers, items = self._layers, self.items
        ceiling = self._ceilings(requests, among, program, solution)
        room = np.minimum(requests[layers.owner], layers.capacity * slots)
        value = room * np.maximum(0.0, ceiling[layers.owner] - layers.cost)
        free, chained = layers.item != PINNED, layers.shorter != EMPTY
        worth = np.bincount(layers.item[free], value[free], len(items.node)).astype(float)
        worth -= np.bincount(layers.shorter[chained], value[chained], len(items.node))
        assert solution.price is not None
        byte = solution.price[: len(items.budget)]
        worth, price = self._prefix_sums(worth), self._prefix_sums(byte[items.node] * items.size)
        best = np.lexsort((price - worth, self._chain))[self._root]
        bound = items.budget @ byte + requests @ (layers.last - ceiling) + value[~free].sum()
        bound += np.maximum(0.0, worth[best] - price[best]).sum()
        return float(bound), worth[best][self._chain], price[best][self._chain]

    def _ceilings(self, requests: Floats, among: Bools, program: Program, solution: Solution) -> Floats:
        """C_rho (R,): the cost of drops less what one more share of the class's demand would save."""
        assert solution.price is not None
        entry = self._entries(requests, among)
        owner, price = self._layers.owner[entry], solution.price[len(self._limit) :]
        following = np.append(np.where(_follows(owner)[1:], price[1:], 0.0), 0.0)[: len(price)]
        full = np.maximum(0.0, program.gain[program.integers :] - price + following)
        saved = np.bincount(owner, full, len(requests)) / np.where(requests > 0.0, requests, 1.0)
        return np.minimum(self._layers.last, self._layers.last - saved)

    def _prefix_sums(self, each: Floats) -> Floats:
        """Sums (I,) over the columns of a chain up to each one."""
        total = np.cumsum(each)
        before: Floats = total[self._root] - each[self._root]
        return total - before[self._chain]


def _follows(owner: Ints) -> Bools:
    """Whether each entry belongs to the class of the one before it."""
    follows = np.zeros(len(owner), np.bool_)
    follows[1:] = owner[1:] == owner[:-1]
    return follows
