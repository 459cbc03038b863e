"""An oracle's linear program that stays in HiGHS from call to call, so that each goes on from the last basis.

What a demand changes are worths, hence costs of columns, under which the last vertex stays feasible: the
primal simplex goes on from it. Where a capacity binds it changes coefficients, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints
from idn_gym.core.row_starts import owners
from idn_gym.optimum.layers import Layers
from idn_gym.optimum.prefix_program import Triple
from idn_gym.optimum.prefixes import PINNED, Prefixes
from idn_gym.optimum.solver import SolverError

OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "presolve": "off",
    "solver": "simplex",
    "simplex_strategy": 4,  # primal
    "simplex_scale_strategy": 0,  # rows are scaled here; HiGHS would remember factors that a copy cannot have
    "primal_simplex_bound_perturbation_multiplier": 0.0,  # mending it takes longer than the few steps
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}

SPARE = 2.0
"""Size of a program before it is trimmed, relative to the near columns: a solution reads all of it."""


class Priced(NamedTuple):
    """An optimum of the program over the columns that joined."""

    gain: float  # [cost]
    z: Floats  # (I,) 0 for those that did not join
    byte: Floats  # (N,) [cost] price of a byte of memory, at least 0
    demand: Floats  # (R,) [cost] price of all the demand of a class, at least 0


class KeptProgram:
    """The program of `layers` over chains that join it one after the other.

    Its rows are the memory of each node, the demand of each class, and what opens layers; its columns are the
    z of what joined, and for each layer how far its room is used. A column that opens one layer and stands
    alone in its chain is used as far as it is there: one column says both. Where a row limits a column to 1
    anyway its bound is left out: the price then stands at the row, and fewer columns seem to gain.

    What it finds depends on the columns, in the order in which they joined, and on the last basis. Copies
    and pickles have both, so they go on to the same bits. They are made together with the oracle, whose
    layers a program reads.

    Attributes:
        joined: (I,) columns that it has, whole chains.
    """

    def __init__(self, layers: Layers, items: Prefixes) -> None:
        """Begin with what is pinned.

        Args:
            layers: whose `room` and `worth` each solution reads.
            items: from `list_prefixes`.

        Raises:
            DependencyNotInstalled: highspy is missing.
        """
        self._layers, self._items, self._owner = layers, items, owners(layers.start)
        self._opened = np.bincount(layers.item[layers.item != PINNED], minlength=len(items.node))
        follows = items.parent != EMPTY
        self._alone = ~follows & ~np.append(follows[1:], False)[: len(follows)]  # in their chain
        self._single = np.append(self._alone & (self._opened == 1), False)  # PINNED is -1, the last
        self._largest = np.ones(len(items.budget))  # [bytes] units of the rows of memory
        np.maximum.at(self._largest, items.node, items.size)
        self._begin()

    def __reduce__(self) -> tuple[Any, ...]:
        """HiGHS itself cannot be pickled."""
        basis = self._highs.getBasis()
        status = [[int(of) for of in part] for part in (basis.col_status, basis.row_status)]
        return KeptProgram, (self._layers, self._items), (self._joins, basis.valid, *status)

    def __setstate__(self, saved: tuple[list[Ints], bool, list[int], list[int]]) -> None:
        joins, valid, columns, rows = saved
        for new in joins:
            self._join(new)
        if valid:
            self._highs.setBasis(make_basis(columns, rows))

    def _begin(self) -> None:
        layers, items = self._layers, self._items
        self.joined: Bools = np.zeros(len(items.node), np.bool_)
        self._joins: list[Ints] = []  # columns by number, as they joined
        self._highs = make_highs()
        self._place = np.full(len(items.node) + 1, EMPTY)  # of z among the columns here; PINNED has none
        none = np.zeros(0, np.int64)
        limit = np.append(items.budget / self._largest, np.ones(len(layers.start) - 1))
        self._add_rows(limit, [(none, none, np.zeros(0))])
        self._entry, self._at, self._room = none, none, np.zeros(0)  # layers here, their columns and rooms
        self._add(none, np.flatnonzero(layers.item == PINNED))

    def join(self, columns: Bools) -> None:
        """Add columns (I,), whole chains, as far as they are missing."""
        new = np.flatnonzero(columns & ~self.joined)
        if len(new):
            self._join(new)

    def trim(self, near: Bools) -> None:
        """Make the near columns (I,) available, whole chains; rebuild if most present columns are others."""
        size = 1 + self._opened
        if size[self.joined].sum() > SPARE * size[near].sum():
            self._begin()
        self.join(near)

    def solve(self) -> Priced:
        """The optimum for the `room` and `worth` of the layers.

        Raises:
            SolverError: HiGHS did not find it.
        """
        layers, highs, nodes = self._layers, self._highs, len(self._largest)
        room = layers.room[self._entry]
        gain = layers.worth[self._entry] * room
        scale = float(np.max(gain, initial=0.0)) or 1.0  # tolerances are absolute
        highs.changeColsCost(len(self._at), self._at.astype(np.int32), gain / scale)
        for k in np.flatnonzero(room != self._room).tolist():
            highs.changeCoeff(nodes + self._owner[self._entry[k]], self._at[k], room[k])
            highs.changeColBounds(self._at[k], 0.0, 1.0 if room[k] < 1.0 else np.inf)
        self._room = room
        self._run()
        found = highs.getSolution()
        z, value = np.zeros(len(self.joined)), np.array(found.col_value)
        z[self.joined] = np.clip(value[self._place[:-1][self.joined]], 0.0, 1.0)
        price = np.maximum(0.0, found.row_dual[: nodes + len(layers.start) - 1]) * scale
        return Priced(highs.getObjectiveValue() * scale, z, price[:nodes] / self._largest, price[nodes:])

    def _run(self) -> None:
        """Solve from the last basis alone, since a copy has nothing else; where it misleads, from none."""
        highs = self._highs
        basis = highs.getBasis()
        for go_on in (basis.valid, False):
            highs.clearSolver()
            if go_on:
                highs.setBasis(basis)
            highs.run()
            status = highs.modelStatusToString(highs.getModelStatus())
            if status in ("Optimal", "Empty"):
                return
        raise SolverError(f"linear program: {status}")

    def _join(self, new: Ints) -> None:
        """Add columns (I,) by number, and the layers that they open."""
        self._joins.append(new)
        self.joined[new] = True
        opens = np.zeros(len(self.joined) + 1, np.bool_)  # PINNED is -1, the last
        opens[new] = True
        self._add(new, np.flatnonzero(opens[self._layers.item]))

    def _add(self, new: Ints, entry: Ints) -> None:
        """Add columns (I,) by number, and the layers that they or pins open."""
        layers, items, begin = self._layers, self._items, self._highs.getNumCol()
        item, shorter, room = layers.item[entry], layers.shorter[entry], layers.room[entry]
        own = ~self._single[item]
        self._place[new] = begin + np.arange(len(new))
        at = self._place[item]
        at[own] = begin + len(new) + np.arange(own.sum())
        node = items.node[new]
        memory = (np.arange(len(new)), node, items.size[new] / self._largest[node])
        demand = (at - begin, len(self._largest) + self._owner[entry], room)
        upper = np.append(np.where(self._alone[new], np.inf, 1.0), np.ones(int(own.sum())))
        upper[at - begin] = np.where(room < 1.0, 1.0, np.inf)
        self._add_columns(upper, [memory, demand])
        longer, opened = new[items.parent[new] != EMPTY], np.flatnonzero(own & (item != PINNED))
        chained = np.flatnonzero(shorter[opened] != EMPTY)
        row = np.arange(len(longer) + len(opened))
        ones = np.ones(len(row))
        used = np.append(self._place[longer], at[opened])
        by = np.append(self._place[items.parent[longer]], self._place[item[opened]])
        less = (len(longer) + chained, self._place[shorter[opened[chained]]], np.ones(len(chained)))
        self._add_rows(np.zeros(len(row)), [(row, used, ones), (row, by, -ones), less])
        self._entry, self._at = np.append(self._entry, entry), np.append(self._at, at)
        self._room = np.append(self._room, room)

    def _add_columns(self, upper: Floats, triples: list[Triple]) -> None:
        """Columns in [0, upper] of (column, row, value), counted from the first new one."""
        count, none = len(upper), np.zeros(len(upper))
        start, row, value = compress(count, triples)
        self._highs.addCols(count, none, none, upper, len(row), start, row, value)

    def _add_rows(self, limit: Floats, triples: list[Triple]) -> None:
        """Rows at most `limit` of (row, column, value), counted from the first new one."""
        count, free = len(limit), np.full(len(limit), -np.inf)
        start, column, value = compress(count, triples)
        self._highs.addRows(count, free, limit, len(column), start, column, value)


def compress(count: int, triples: list[Triple]) -> tuple[Any, Any, Floats]:
    """Sparse vectors from (vector, index, value): where each of `count` begins; indices and values of all."""
    vector, index, value = (np.concatenate(parts) for parts in zip(*triples, strict=True))
    order = np.argsort(vector, kind="stable")
    start = np.searchsorted(vector[order], np.arange(count)).astype(np.int32)
    return start, index[order].astype(np.int32), value[order]


def load_highspy() -> Any:
    """The package highspy.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    try:
        import highspy
    except ImportError as error:
        raise gym.error.DependencyNotInstalled(
            'highspy is missing; run `pip install "idn-gym[solve]"` for LP oracles'
        ) from error
    return highspy


def make_highs() -> Any:
    """A HiGHS without a program, silent, on one thread unless the process has begun with several.

    Raises:
        DependencyNotInstalled: highspy is missing.
    """
    package = load_highspy()
    highs = package._Highs()  # `Highs` prints a line before anything can tell it not to
    for name, value in OPTIONS.items():
        highs.setOptionValue(name, value)
    if highs.run() == package.HighsStatus.kError:  # another user of HiGHS has set the threads of the process
        highs.setOptionValue("threads", 0)
    highs.changeObjectiveSense(package.ObjSense.kMaximize)
    return highs


def make_basis(columns: list[int], rows: list[int]) -> Any:
    """A basis from the status of each column and row, as numbers of `HighsBasisStatus`."""
    package = load_highspy()
    basis = package.HighsBasis()
    basis.valid = True
    basis.col_status = [package.HighsBasisStatus(of) for of in columns]
    basis.row_status = [package.HighsBasisStatus(of) for of in rows]
    return basis
