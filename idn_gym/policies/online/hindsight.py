"""The best static placement of each episode: a reference with its bound; needs the extra `solve`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Instance
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.load_prices import option_price_per_byte
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class BestStaticConfig:
    """Effort of the search."""

    seconds: float = bounded(60.0, above=0)
    """time limit per episode"""
    gap: float = bounded(0.01, above=0)
    """relative gap between what is reached and the bound at which to stop"""
    one_per_task: bool = False
    """at most one segment per node and task, which is what the codec "placement" can say"""
    load_price: float | None = bounded(0.0, least=0)
    """what loading all memory once costs, in serving cost per slot and nominal request; gains are net of it;
    null: as the score charges it"""


class BestStatic(PlacementPolicy):
    """Asks for the placement that was found, in every slot.

    Attributes:
        notes: of row 0, for reports: ends of the bracket and bound of the linear program [cost], the gap of
            the bracket, and seconds spent.
    """

    def __init__(self, compiled: Compiled, rows: int, config: BestStaticConfig, episodes: Instance) -> None:
        super().__init__(compiled, rows)
        weights = episodes.draw.weights
        byte = [option_price_per_byte(compiled, config.load_price, weights[b]) for b in range(rows)]
        found = [
            best_static(compiled, episodes, b, config.seconds, config.gap, config.one_per_task, byte[b])
            for b in range(rows)
        ]
        self._placed = np.stack([bracket.placement for bracket in found])
        first = found[0]
        self.notes = {
            "lower": first.lower,
            "upper": first.upper,
            "relaxed": first.relaxed,
            "gap": first.gap,
            "seconds": first.seconds,
        }

    def begin(self, rows: Bools) -> None:
        self.wanted[rows] = self._placed[rows]
