"""The order in which private capacity is served: what is cheapest by the tariff first, not by the score.

Where the two differ, routing that may do as it likes is far from what the environment does. A class goes on
to its next option only where a copy that this one needs has no seconds left. So where option k is usable, it
and the cheaper ones together serve at least r_k of the batch, the least of what the copies of its parts can
serve if the slowest of the class's options spends all of their seconds:

    W_k >= r_k usable_k,    W_k = W_(k-1) + q_k

with usable_k at least the sum over its n parts of what covers them, less n - 1.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EXOGENOUS, Bools, Floats, Instance, Ints
from idn_gym.core.costs import costs
from idn_gym.optimum.routing_program import Routing


class ServingOrder:
    """Options that are served first in each slot."""

    def __init__(self, routing: Routing, served: Instance) -> None:
        """Look up copies.

        Args:
            routing: of the row, priced by the score.
            served: the row with the tariff by which the environment serves.
        """
        tables = routing.row.tables
        self.routing, self.served = routing, served
        nodes, models = len(tables.node_memory), len(tables.model_task)
        rho = routing.option_class[routing.part_option]
        place = (rho * nodes + tables.part_node) * models + tables.option_model[routing.part_option]
        places, self.copy = np.unique(place, return_inverse=True)
        self.slowest = np.zeros(len(places))
        np.maximum.at(self.slowest, self.copy, routing.part_pace)

    def matters(self) -> bool:
        """Whether classes are served in the order of another tariff than the score's."""
        draw = self.served.draw
        differs = not np.array_equal(draw.tariff, self.routing.row.draw.tariff)
        return differs and self.routing.row.tables.capacity == EXOGENOUS

    def ranked(self, t: int, columns: Ints) -> tuple[Ints, Floats, Ints]:
        """Options in the order of service, class by class, r of each, and the options that nothing reaches.

        Args:
            t: slot.
            columns: (O,) of the options, below 0 where they have none: what comes after is left out.
        """
        routing, tables = self.routing, self.routing.row.tables
        cost = costs(self.served, t)[0]
        order = np.lexsort((tables.option_rank, cost, routing.option_class))
        order = order[np.isfinite(cost[order])]
        order = order[routing.row.draw.demand[0, t, routing.option_class[order]] > 0.0]
        batch = routing.row.draw.demand[0, t, routing.option_class]
        asked = self.slowest[self.copy] * batch[routing.part_option]
        seconds = routing.row.draw.seconds[0, t, tables.part_node]
        share = np.divide(seconds, asked, out=np.ones(len(asked)), where=asked > 0.0)
        least = np.minimum.reduceat(np.minimum(share, 1.0), tables.part_start[:-1])
        sure = np.logical_and.reduceat(routing.part_pinned, tables.part_start[:-1]) & (least >= 1.0)
        later = self._since_first(order, sure[order]) > sure[order]
        kept = ~later & (self._since_first(order, columns[order] < 0) == 0)
        return order[kept], least[order[kept]], order[later]

    def _since_first(self, order: Ints, marked: Bools) -> Ints:
        """Number of marked options of its class up to each one, itself included."""
        rho, count = self.routing.option_class[order], np.append(0, np.cumsum(marked))
        found: Ints = count[1:] - count[np.searchsorted(rho, rho)]
        return found
