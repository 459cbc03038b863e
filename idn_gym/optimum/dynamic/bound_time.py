"""The bound on all slots together from prices, and better prices from windows of slots.

With a price y >= 0 on every row of every slot and on every row that ties slots together, no sequence gains
more than  sum of y limit + sum over columns of upper [gain - y rows]^+, however the prices were found: no
solver is trusted. It falls apart into slots. A window of slots is solved with the prices of the rows that
lead out of it held fixed; the prices that solve it take the place of its own where they prove more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.optimum.dynamic.bound_links import LOOK_BACK, Links
from idn_gym.optimum.solver import Program, solve_relaxed, sparse_rows

WINDOW_ENTRIES = 12_000_000
"""Numbers in the largest program of a window; slots that are no part of it are built again when needed."""


class TimeBound:
    """Prices of all rows, and what they prove.

    Attributes:
        value: (T,) [cost] of each slot; no sequence gains more than their sum.
        longest: slots of the longest window that may be solved.
    """

    def __init__(
        self, program: Callable[[int], Program], links: Callable[[int], Links], most: Floats
    ) -> None:
        """Begin with a bound for each slot by itself.

        Args:
            program: of a slot; the columns that links know come first.
            links: of a slot, to those before it.
            most: (T,) [cost] that nothing gains more than in each slot.
        """
        self.value = most.copy()
        size = program(0).rows.nnz + links(0).own.nnz
        self.longest = max(1, min(len(most), WINDOW_ENTRIES // max(1, size)))
        self._program, self._links = (lru_cache(self.longest)(make) for make in (program, links))
        none = np.zeros(0)
        self._prices, self._ties = [none] * len(most), [none] * len(most)
        """of the rows of each slot, and of those that tie it to earlier ones; none of them yet: all 0"""

    def solve(self, first: int, last: int, seconds: float) -> None:
        """Find prices of the slots [first, last) and of the rows that tie them together.

        Args:
            first: slot.
            last: slot after the window.
            seconds: of processor time.

        Raises:
            SolverError: not solved in time; prices do not change.
        """
        slots = range(first, last)
        price = solve_relaxed(self._window(first, last), seconds).price
        assert price is not None
        before = self._prices[first:last], self._ties[first:last]
        place = 0
        for t in slots:
            count = len(self._program(t).limit)
            self._prices[t] = price[place : place + count]
            place += count
        for t in slots:
            inside = _inside(self._links(t), t, first)
            count = int(inside.sum())
            ties = self._ties[t].copy() if len(self._ties[t]) else np.zeros(len(inside))
            ties[inside] = price[place : place + count]
            self._ties[t] = ties
            place += count
        proven = np.array([self._prove(t) for t in slots])
        if proven.sum() < self.value[first:last].sum():
            self.value[first:last] = proven
        else:
            self._prices[first:last], self._ties[first:last] = before

    def _prove(self, t: int) -> float:
        """The part of slot t in the bound."""
        program, price = self._program(t), self._prices[t]
        gain = self._gains(t, t, t) - program.rows.T @ price
        return float(price @ program.limit + np.maximum(0.0, gain) @ program.upper)

    def _gains(self, t: int, first: int, last: int) -> Floats:
        """Gains of the columns of slot t less what rows ask that tie it to slots outside [first, last)."""
        gain, link, ties = self._program(t).gain.copy(), self._links(t), self._ties[t]
        shared, runs = link.own.shape[1], link.back.shape[1]
        if len(ties):
            outside = ~_inside(link, t, first) if t < last else np.ones(len(ties), np.bool_)
            gain[:shared] -= link.own.T @ np.where(outside, ties, 0.0)
        for later in range(max(last, t + 1), min(t + LOOK_BACK, len(self._ties) - 1) + 1):
            if len(self._ties[later]):
                link = self._links(later)
                price = np.where(link.lag == later - t, self._ties[later], 0.0)
                gain[shared - 2 * runs : shared - runs] += link.back.T @ price
        return gain

    def _window(self, first: int, last: int) -> Program:
        """The program of slots [first, last); its rows are those of each slot, then those that tie them."""
        programs = [self._program(t) for t in range(first, last)]
        start = np.cumsum([0, *(len(program.gain) for program in programs)])
        triples, limits, rows = [], [], 0
        for t, program in enumerate(programs):
            entries = program.rows.tocoo()
            triples.append((entries.row + rows, entries.col + start[t], entries.data))
            limits.append(program.limit)
            rows += len(program.limit)
        for t in range(first, last):
            link, inside = self._links(t), _inside(self._links(t), t, first)
            number = np.cumsum(inside) - 1 + rows
            own, back = link.own.tocoo(), link.back.tocoo()
            kept = inside[own.row]
            triples.append((number[own.row[kept]], own.col[kept] + start[t - first], own.data[kept]))
            kept = inside[back.row]
            z = link.own.shape[1] - 2 * link.back.shape[1] + back.col[kept]
            slot = t - first - link.lag[back.row[kept]]
            triples.append((number[back.row[kept]], z + start[slot], -back.data[kept]))
            limits.append(np.zeros(int(inside.sum())))
            rows += int(inside.sum())
        return Program(
            gain=np.concatenate([self._gains(t, first, last) for t in range(first, last)]),
            rows=sparse_rows(triples, rows, int(start[-1])),
            limit=np.concatenate(limits),
            upper=np.concatenate([program.upper for program in programs]),
            integers=0,
        )


def _inside(link: Links, t: int, first: int) -> Bools:
    """Rows of slot t without a link to any slot before `first`; before slot 0 there is none."""
    found: Bools = (t - link.lag >= first) | (t < link.lag)
    return found
