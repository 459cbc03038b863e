"""A search that is taken up again while an episode is played: other slots, from what is held by then.

What it minimises is the score of the environment, loads included, as the core serves: all classes together
where capacity is shared, waiting included. Savings are those of the slots looked at; a load is paid once, so
its price is spread over the slots that it is expected to stay.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Instance, Residents
from idn_gym.core.geometry import bytes_to_load
from idn_gym.objectives import reward_columns
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.optimum.search.greedy import Bundles, greedy
from idn_gym.optimum.search.moves import Move, NodeSegment, Search
from idn_gym.scenarios.compile import Compiled

SAMPLED = 24
"""Slots of an episode, evenly spread, on which a search starts."""


class SlotSearch(Search):
    """A search on all slots of an instance of one row, which may be exchanged for another one.

    Attributes:
        everything: all that may be loaded, what an option needs on several nodes also in one move.
    """

    def __init__(self, compiled: Compiled, instance: Instance, stay: float | None = None) -> None:
        """Stand on all slots of an instance of one row, with nothing held but what repositories pin.

        Args:
            compiled: the scenario.
            instance: one row of it.
            stay: [slots] over which a load is paid for; None: as many as there are.
        """
        self._compiled = compiled
        self._price: Floats = np.zeros(compiled.tables.pinned.shape)
        self._spared: dict[NodeSegment, float] = {}
        self._paid = 0.0
        slots = instance.draw.demand.shape[1]
        super().__init__(compiled, instance, slots)
        self.everything: Bundles = [[item] for item in self.items] + self.teams
        self.look_at(instance, compiled.tables.pinned, slots if stay is None else stay)

    def look_at(self, instance: Instance, held: Residents, stay: float) -> None:
        """Stand on the held placement, in other slots.

        Args:
            instance: one row of the same scenario.
            held: (N, M) what need not be loaded; it has to fit into nominal memory.
            stay: [slots] over which a load is paid for.
        """
        tables, (node, segment) = self.tables, self._compiled.pairs
        self._sample.look_at(instance, np.arange(instance.draw.demand.shape[1]))
        self._price = byte_prices(self._compiled, instance.draw.weights[0])[:, tables.model_task] / stay
        there = held[node, tables.segment_model[segment]]
        spared = tables.segment_bytes[segment] - bytes_to_load(tables, segment, there)
        known = np.flatnonzero(spared > 0.0)
        keys = zip(node[known].tolist(), segment[known].tolist(), strict=True)
        self._spared = dict(zip(keys, spared[known].tolist(), strict=True))
        self.start(held)

    def start(self, placement: Residents) -> None:
        """Go to a placement that fits."""
        super().start(placement)
        places = np.argwhere((placement != self.tables.pinned) & (placement != EMPTY)).tolist()
        self._paid = sum(self.load_price(v, int(placement[v, m])) for v, m in places)

    def apply(self, move: Move, costs: Floats) -> None:
        """Carry out a move whose `gain` gave these costs."""
        self._paid += self.load_charge(move)
        super().apply(move, costs)

    def load_cost(self) -> float:
        """Cost per slot of having loaded what is not held."""
        return self._paid

    def load_charge(self, move: Move) -> float:
        """Addition of a move to `load_cost`."""
        return sum(self.load_price(v, s) - self.load_price(v, int(self.placement[v, m])) for v, m, s in move)

    def load_price(self, node: int, segment: int) -> float:
        """Cost per slot of loading a segment, or EMPTY, as far as it is not held."""
        if segment == EMPTY:
            return 0.0
        lacking = self.size(segment) - self._spared.get((node, segment), 0.0)
        return lacking * float(self._price[node, self.tables.segment_model[segment]])

    def replan(self, cleared: Residents, bundles: Bundles, least: float = 0.0, per_byte: bool = True) -> None:
        """Continue from the best of: the current state, greedy additions to it, and a new greedy placement.

        Args:
            cleared: (N, M) start of a new greedy placement.
            bundles: what greedy may load.
            least: share of the cost that a change must save.
            per_byte: as for `greedy`.
        """
        found, lowest = self.placement.copy(), self.cost * (1.0 - least)
        for start in (found, cleared):
            self.start(start)
            greedy(self, bundles=bundles, per_byte=per_byte)
            if self.cost < lowest:
                found, lowest = self.placement.copy(), self.cost
        self.start(found)


def greedy_start(compiled: Compiled, row: Instance, one_per_task: bool, end: float) -> Residents:
    """The greedy placement (N, M) by saving per byte of the tariff, on some slots of a row; loads are free.

    Climbing on the gain of all slots looks at every segment for the price of an episode. This looks at the
    classes that a segment concerns, in few slots: on large networks it is where the time goes further.

    Args:
        compiled: the scenario.
        row: an instance of one row.
        one_per_task: allow one segment per node and task.
        end: [s] of `time.process_time` at which to stop.
    """
    search = Search(compiled, weighed_by_tariff(compiled, row), SAMPLED, one_per_task)
    bundles = [[item] for item in search.items] + ([] if one_per_task else search.teams)
    greedy(search, bundles=bundles, end=end)
    return search.placement.copy()


def weighed_by_tariff(compiled: Compiled, instance: Instance) -> Instance:
    """The instance with a preference that is its tariff, so that scores are what serving goes by."""
    columns, tariff = reward_columns(compiled.objectives), instance.draw.tariff
    weights = np.zeros((len(tariff), len(compiled.objectives)))
    weights[:, columns.request] = tariff[:, columns.component] * compiled.scales[columns.request]
    return instance._replace(draw=instance.draw._replace(weights=weights))
