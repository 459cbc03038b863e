"""What selfishness costs: prices of anarchy and of stability, over all partitions of small games."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Ints
from idn_gym.games.exhaustive import judge_partitions
from idn_gym.games.hedonic import CoalitionGame
from idn_gym.games.partitions import all_partitions
from idn_gym.games.stability import LEAST_GAIN


class Efficiency(NamedTuple):
    """Costs of all players together; nan where no partition is Nash stable."""

    optimum: float
    """the least cost of a partition"""
    best_stable: float
    worst_stable: float
    stable: int
    """Nash-stable partitions"""
    partitions: int
    """all that there are, where everybody is where it can be"""
    optimal: Ints  # (P,) a partition of least cost

    @property
    def anarchy(self) -> float:
        """Price of anarchy: the worst stable cost over the optimum; nan where the optimum is not above 0."""
        return self.worst_stable / self.optimum if self.optimum > 0.0 else float("nan")

    @property
    def stability(self) -> float:
        """Price of stability: the best stable cost over the optimum; nan where the optimum is not above 0."""
        return self.best_stable / self.optimum if self.optimum > 0.0 else float("nan")


def measure_efficiency(game: CoalitionGame, least_gain: float = LEAST_GAIN) -> Efficiency:
    """Judge every partition of the game.

    Raises:
        ConfigError: there are too many; see `all_partitions` and `coalition_costs`.
    """
    partitions = all_partitions(game.players, game.sites, game.alone() is not None)
    cost, stable = judge_partitions(game, partitions, least_gain)
    found = cost[stable]
    best = int(np.argmin(cost))
    return Efficiency(
        optimum=float(cost[best]),
        best_stable=float(found.min()) if len(found) else float("nan"),
        worst_stable=float(found.max()) if len(found) else float("nan"),
        stable=len(found),
        partitions=int(np.isfinite(cost).sum()),
        optimal=partitions[best].astype(np.intp),
    )
