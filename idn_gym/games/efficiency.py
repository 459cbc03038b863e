"""Costs of selfishness: prices of anarchy and of stability, over all partitions of small games."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.exhaustive import judge_partitions, judge_wider
from idn_gym.games.hedonic import CoalitionGame, WiderGame
from idn_gym.games.partitions import all_partitions
from idn_gym.games.stability import LEAST_GAIN


class Efficiency(NamedTuple):
    """Costs of partitions, summed over players."""

    optimum: float
    """the least cost of a partition"""
    optimal: Ints  # (P,) one that costs so
    stable_costs: Floats  # (n,) of Nash-stable partitions, from the least to the most; there may be none
    stable_partitions: Ints  # (n, P)
    partitions: int
    """all partitions in which every player is at an allowed site"""

    @property
    def anarchy(self) -> float:
        """Price of anarchy: the worst stable cost over the optimum.

        nan where no partition is stable, or where the optimum is not above 0 and ratios say nothing.
        """
        return self._over_optimum(self.stable_costs[-1:])

    @property
    def stability(self) -> float:
        """Price of stability: the best stable cost over the optimum; nan as above."""
        return self._over_optimum(self.stable_costs[:1])

    def _over_optimum(self, cost: Floats) -> float:
        return float(cost[0]) / self.optimum if len(cost) and self.optimum > 0.0 else float("nan")


def measure_efficiency(game: CoalitionGame, least_gain: float = LEAST_GAIN) -> Efficiency:
    """Judge every partition of the game.

    Raises:
        ConfigError: there are too many; see `all_partitions` and `coalition_costs`.
    """
    if isinstance(game, WiderGame):
        partitions, cost, stable = judge_wider(game, least_gain)
    else:
        partitions = all_partitions(game.players, game.sites, game.alone() is not None)
        cost, stable = judge_partitions(game, partitions, least_gain)
    best, found = int(np.argmin(cost)), np.flatnonzero(stable)
    found = found[np.argsort(cost[found], kind="stable")]
    return Efficiency(
        optimum=float(cost[best]),
        optimal=partitions[best].astype(np.intp),
        stable_costs=cost[found],
        stable_partitions=partitions[found].astype(np.intp),
        partitions=int(np.isfinite(cost).sum()),
    )
