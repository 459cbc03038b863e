"""The coming slots as a policy may expect them: an instance that the core can serve, without a look ahead.

Batches are a forecast. Resources of the coming slot are read off the flat observation, which shows them
unless the scenario hides them; without it they are those of the last slot. All else is as the last slot
revealed it: prices, speeds of devices, charges. Before the first slot everything is nominal. Of slots beyond
the coming one the same is expected again, but for the forecast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Bools, Draw, Floats, Instance, Ints
from idn_gym.core.nominal import nominal_draw
from idn_gym.objectives import tariff_of
from idn_gym.observations.flat import FlatObserver
from idn_gym.policy import Feedback
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import allocate_episodes


class ExpectedSlots:
    """Expected slots of B rows, one row at a time.

    Attributes:
        instance: one row of H slots; `fill` writes what a row expects into it, in place.
    """

    def __init__(
        self, compiled: Compiled, rows: int, ahead: int, weights: Floats | None, observer: Any = None
    ) -> None:
        """Expect nominal slots.

        Args:
            compiled: the scenario.
            rows: number of episodes B.
            ahead: H.
            weights: (D,) preference in force, or None where each episode draws its own: the balanced one is
                expected until a slot reveals it.
            observer: the observation codec that the policy sees through; see `SeenResources`.
        """
        tables = compiled.tables
        usual = balanced_preference(compiled.objectives) if weights is None else weights
        tariff = compiled.tariff
        if tariff is None:
            tariff = tariff_of(usual, compiled.scales, compiled.objectives)
        self._usual = nominal_draw(tables, tariff)._replace(weights=usual[None])
        self._seen = allocate_episodes(compiled, rows, weights, kept=1)
        self.instance = Instance(tables, allocate_episodes(compiled, 1, weights, kept=ahead))
        self._resources = None
        if isinstance(observer, FlatObserver):
            self._resources = SeenResources(compiled, observer)
        self.begin(np.ones(rows, np.bool_))

    def begin(self, rows: Bools) -> None:
        """Expect nominal slots in the marked rows again."""
        for seen, usual in _pairs(self._seen, self._usual):
            if len(seen) == len(rows):
                seen[rows] = usual
            else:
                seen[:] = usual  # one row for all, as nothing in it is drawn

    def note(self, feedback: Feedback) -> None:
        """Remember what a slot has revealed."""
        for seen, revealed in _pairs(self._seen, feedback.revealed.draw):
            seen[:] = revealed

    def fill(self, b: int, demand: Floats, observation: Any) -> None:
        """Write what row b expects into `instance`.

        Args:
            b: row.
            demand: (up to H, R) [requests] the forecast.
            observation: of the row, before the first of these slots.
        """
        for expected, seen in _pairs(self.instance.draw, self._seen):
            expected[:] = seen[min(b, len(seen) - 1)]
        self.instance.draw.demand[0, : len(demand)] = demand
        if self._resources is not None:
            self._resources.write(observation, self.instance.draw)


def _pairs(target: Draw, source: Draw) -> list[tuple[Any, Any]]:
    """Fields of two draws, but for rounding uniforms and conditions, of which policies know nothing."""
    unknown = ("uniforms", "condition")
    names = [name for name in Draw._fields if name not in unknown]
    return [(getattr(target, name), getattr(source, name)) for name in names]


class SeenResources:
    """Positions of the coming slot's resources in the flat observation; none if the scenario hides them."""

    def __init__(self, compiled: Compiled, observer: FlatObserver) -> None:
        tables, names = compiled.tables, compiled.names
        index = {feature["name"]: feature["index"] for feature in observer.describe()}
        shown = (
            ("seconds", "compute", names.nodes, tables.node_seconds),
            ("memory", "memory", names.nodes, tables.node_memory),
            ("rate", "rate", names.links, tables.link_rate),
        )
        self._shown: list[tuple[str, Ints, Ints, Floats]] = []
        for field, feature, labels, nominal in shown:
            there = [
                (i, index[f"{feature} {name}"])
                for i, name in enumerate(labels)
                if f"{feature} {name}" in index
            ]
            row, column = np.array(there, np.int64).reshape(-1, 2).T
            self._shown.append((field, row, column, nominal[row]))

    def write(self, observation: Any, draw: Draw) -> None:
        """Write the resources that an observation (features,) shows into all slots of row 0 of a draw."""
        for field, row, column, nominal in self._shown:
            getattr(draw, field)[0][:, row] = nominal * observation[column]
