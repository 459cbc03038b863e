"""The rule `library`, node by node: what a node holds is chosen among all that the library has for it.

Where nodes need different things at different times, few whole placements cover what is wanted together, but
what one node may need is few things. In every slot nodes take turns, in the order of the scenario: each takes
what is best for the expected slot beside what the others hold by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Floats, Residents
from idn_gym.optimum.dynamic.candidates import distinct_placements
from idn_gym.optimum.dynamic.sequences import switch_costs
from idn_gym.optimum.dynamic.transfers import load_slots
from idn_gym.policies.online.library import Library


class NodeLibrary(Library):
    """See the module's head; a node moves for its part of the share `hysteresis` of the cost."""

    def __init__(self, *given: Any) -> None:
        """Arguments are those of `Library`."""
        super().__init__(*given)
        self._nodes = [
            (int(v), distinct_placements(self.library[:, v : v + 1]))
            for v in np.flatnonzero(self.tables.node_movable)
        ]
        self._lengths = [load_slots(self.tables, held, slice(v, v + 1)) for v, held in self._nodes]
        self._prices: list[Floats] = []

    def price_moves(self, weights: Floats) -> None:
        if not np.array_equal(self._weights, weights):
            self._prices = [
                switch_costs(self.compiled, held, weights, slice(v, v + 1)) for v, held in self._nodes
            ]
        super().price_moves(weights)

    def choose(self, b: int, known: int) -> None:
        placement, slots = self.wanted[b].copy(), np.arange(known)
        least = self._config.hysteresis / max(1, len(self._nodes))
        for (v, held), length, price in zip(self._nodes, self._lengths, self._prices, strict=True):
            now = int(np.flatnonzero((held[:, 0] == placement[v]).all(axis=1))[0])
            steady = np.array([self._served(placement, v, segments[0], slots) for segments in held])
            stay, best, cost = self.weigh(steady[None], price, length, now)
            if stay - cost > least * stay:
                placement[v] = held[best, 0]
        self.wanted[b] = placement

    def _served(self, placement: Residents, v: int, segments: Residents, slots: Any) -> float:
        """Mean cost of the expected slots with other segments (M,) at a node."""
        tried = placement.copy()
        tried[v] = segments
        return float(self._player.steady_costs(tried, slots).mean())
