"""Feasible placements from fractional columns: rounding down, then filling free memory."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Draw, Floats, Ints, Tables
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.optimum.prefixes import Prefixes

MOST_ROUNDS = 50
"""Most rounds of filling, each of one column per node."""

SURE = 0.99
"""Fraction from which a column is taken without computing its gain."""

SUM_ERROR = 1e-9
"""Share by which sums of a gain may differ for the order in which they are added."""


class Filler:
    """Rounds and fills for one set of slots, reusing its work space."""

    def __init__(
        self,
        tables: Tables,
        draw: Draw,
        items: Prefixes,
        b: int,
        slots: Ints,
        one_per_task: bool = False,
        paid: Floats | None = None,
    ) -> None:
        """Take the slots.

        Args:
            tables: the scenario's tables.
            draw: the draw.
            items: from `list_prefixes`.
            b: row.
            slots: whose gain counts.
            one_per_task: allow one model per node and task.
            paid: (I,) [cost] what each column costs that is loaded, in these slots; None: nothing.
        """
        self._paid: Floats = np.zeros(len(items.node)) if paid is None else paid
        self._tables, self._draw, self._items, self._b, self._slots = tables, draw, items, b, slots
        self._layers = allocate_ranking(tables, items)
        task = tables.model_task[items.model].astype(np.int64)
        self._rival: Ints = task if one_per_task else np.full_like(task, EMPTY)

    def gain(self, z: Floats) -> tuple[float, Floats]:
        """Gain of the columns summed over the slots, less what they cost, and its supergradient (I,)."""
        total, slope, gradient = 0.0, np.zeros(len(z)), np.zeros(len(z))
        for t in self._slots.tolist():
            total += gain_and_gradient(
                self._tables, self._draw, self._b, t, self._items, z, gradient, self._layers
            )
            slope += gradient
        return total - float(self._paid @ z), slope - self._paid

    def round(self, z: Floats) -> Floats:
        """Columns at 1 that fit: what is nearly 1, then the rest of `z` and others, where they pay."""
        filled = np.zeros(len(z))
        free = self._items.budget.copy()
        order = _falling(z, z > 1e-6)
        self._add(order[z[order] > SURE], filled, free)
        self._add_paying(order[z[order] <= SURE], filled, free, self.gain(filled)[0])
        return self.fill(filled)

    def fill(self, z: Floats) -> Floats:
        """Add columns to integral ones (I,) as long as one fits, its gradient is positive, and it pays.

        At a kink of the gain the gradient of a column can be positive and its gain negative: a longer prefix
        that makes the node spend its seconds on a slightly cheaper, much slower way to serve.
        """
        items = self._items
        z = z.copy()
        free = items.budget - np.bincount(items.node, items.size * z, len(items.budget))
        useless = np.zeros(len(z), bool)
        for _ in range(MOST_ROUNDS):
            candidate = (z == 0.0) & ~useless & (items.size <= free[items.node])
            if not candidate.any():
                break
            value, slope = self.gain(z)
            worth = np.where(candidate, slope, 0.0) / np.maximum(items.size, 1e-300)
            best = self._one_per_node(_falling(worth, worth > 0.0), z, free)
            if not len(best):
                break
            self._add_paying(best, z, free, value)
            useless[best] = z[best] == 0.0
        return z

    def _one_per_node(self, order: Ints, z: Floats, free: Floats) -> Ints:
        """The first column of each node that may be added."""
        first, known = np.zeros(len(free), np.int64), np.zeros(len(free), np.bool_)
        count = first_of_nodes(self._items, self._rival, order, z, free, first, known)
        return first[:count]

    def _add(self, columns: Ints, z: Floats, free: Floats) -> None:
        """Set the columns to 1 in turn, as far as they fit."""
        add_columns(self._items, self._rival, columns, z, free)

    def _add_paying(self, columns: Ints, z: Floats, free: Floats, value: float) -> float:
        """Add the columns unless the gain falls below `value`; then each half by itself.

        Returns:
            The gain afterwards.
        """
        before, room = z.copy(), free.copy()
        self._add(columns, z, free)
        if (z == before).all():
            return value
        after = self.gain(z)[0]
        if after >= value - SUM_ERROR * abs(value):
            return after
        z[:], free[:] = before, room
        if len(columns) > 1:
            half = len(columns) // 2
            value = self._add_paying(columns[:half], z, free, value)
            value = self._add_paying(columns[half:], z, free, value)
        return value


def _falling(key: Floats, among: Bools) -> Ints:
    """Marked columns by falling key; equal keys by number."""
    marked = np.flatnonzero(among)
    order: Ints = marked[np.argsort(-key[marked], kind="stable")]
    return order


@njit_inline
def may_add(items: Prefixes, rival: Ints, i: int, z: Floats, free: Floats) -> bool:
    """Whether a column fits, the shorter one of its chain is present, and no present column excludes it."""
    v = items.node[i]
    if items.size[i] > free[v] or z[i] > 0.0:
        return False
    if items.parent[i] != EMPTY:
        return bool(z[items.parent[i]] > 0.0)
    if rival[i] != EMPTY:
        for k in range(items.node_start[v], items.node_start[v + 1]):
            if rival[k] == rival[i] and z[k] > 0.0:
                return False
    return True


@njit_no_alloc
def add_columns(items: Prefixes, rival: Ints, columns: Ints, z: Floats, free: Floats) -> None:
    """Set the columns to 1 in turn, as far as they may be added.

    Args:
        items: from `list_prefixes`.
        rival: (I,) columns of a node with the same number exclude one another; EMPTY: none.
        columns: what to add.
        z: (I,) changed in place.
        free: (N,) [bytes] changed in place.
    """
    for k in range(len(columns)):
        if may_add(items, rival, columns[k], z, free):
            z[columns[k]] = 1.0
            free[items.node[columns[k]]] -= items.size[columns[k]]


@njit_no_alloc
def first_of_nodes(
    items: Prefixes, rival: Ints, order: Ints, z: Floats, free: Floats, first: Ints, known: Bools
) -> int:
    """Write the first columns in an order that may be added, one per node.

    Args:
        items: from `list_prefixes`.
        rival: as in `add_columns`.
        order: columns.
        z: (I,)
        free: (N,) [bytes]
        first: (N,) overwritten, as far as is returned.
        known: (N,) False; True for nodes that have one.

    Returns:
        How many.
    """
    count = 0
    for k in range(len(order)):
        i = order[k]
        if not known[items.node[i]] and may_add(items, rival, i, z, free):
            known[items.node[i]] = True
            first[count] = i
            count += 1
    return count
