"""From fractional columns to a placement that fits: rounding down, then filling what memory is free."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Floats, Ints, Tables
from idn_gym.core.items import Items
from idn_gym.core.layers import make_layers
from idn_gym.core.relaxation import gain_and_gradient

SWEEPS = 50
"""Most rounds of filling, each of one column per node."""


class Filler:
    """Rounds and fills for one set of slots, reusing its work space."""

    def __init__(
        self, tables: Tables, draw: Draw, items: Items, b: int, slots: Ints, one_per_task: bool = False
    ) -> None:
        """Take the slots.

        Args:
            tables: the scenario's tables.
            draw: the draw.
            items: from `make_items`.
            b: row.
            slots: whose gain counts.
            one_per_task: allow one model per node and task.
        """
        self._tables, self._draw, self._items, self._b, self._slots = tables, draw, items, b, slots
        self._layers = make_layers(tables, items)
        self._one_per_task = one_per_task
        tasks = int(tables.model_task.max()) + 1
        self._pair = items.node * tasks + tables.model_task[items.model]

    def gain(self, z: Floats) -> tuple[float, Floats]:
        """Gain of the columns summed over the slots, and its supergradient (I,)."""
        total, slope, gradient = 0.0, np.zeros(len(z)), np.zeros(len(z))
        for t in self._slots.tolist():
            total += gain_and_gradient(
                self._tables, self._draw, self._b, t, self._items, z, gradient, self._layers
            )
            slope += gradient
        return total, slope

    def round(self, z: Floats) -> Floats:
        """Columns at 1 that fit: the largest of each node first, then what the gradient likes per byte."""
        items = self._items
        filled = np.zeros(len(z))
        free = items.budget.copy()
        for i in np.lexsort((np.arange(len(z)), -z)).tolist():
            if z[i] <= 1e-6:
                break
            if self._may_add(i, filled, free):
                filled[i] = 1.0
                free[items.node[i]] -= items.size[i]
        return self.fill(filled)

    def fill(self, z: Floats) -> Floats:
        """Add columns to integral ones (I,) as long as one fits and its gradient is positive."""
        items = self._items
        z = z.copy()
        free = items.budget - np.bincount(items.node, items.size * z, len(items.budget))
        for _ in range(SWEEPS):
            if not ((z == 0.0) & (items.size <= free[items.node])).any():
                break
            _, slope = self.gain(z)
            worth = np.where((z == 0.0) & (items.size <= free[items.node]), slope, 0.0)
            worth /= np.maximum(items.size, 1e-300)
            added = False
            touched = np.zeros(len(free), bool)
            for i in np.argsort(-worth, kind="stable").tolist():
                if worth[i] <= 0.0:
                    break
                if not touched[items.node[i]] and self._may_add(i, z, free):
                    z[i], touched[items.node[i]], added = 1.0, True, True
                    free[items.node[i]] -= items.size[i]
            if not added:
                break
        return z

    def _may_add(self, i: int, z: Floats, free: Floats) -> bool:
        items = self._items
        if items.size[i] > free[items.node[i]] or z[i] > 0.0:
            return False
        if items.parent[i] != EMPTY:
            return bool(z[items.parent[i]] > 0.0)
        if not self._one_per_task:
            return True
        mine = slice(items.node_start[items.node[i]], items.node_start[items.node[i] + 1])
        return not bool(((self._pair[mine] == self._pair[i]) & (z[mine] > 0.0)).any())
