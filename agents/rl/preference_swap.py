"""How far a policy's actions in one state are apart under two preferences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from stable_baselines3.common.distributions import CategoricalDistribution, DiagGaussianDistribution
from torch import Tensor

from agents.rl.policy import PaddedChoices
from idn_gym.objective_records import OBJECTIVES

LEAST_DISTANCE = 0.1
"""Distance of actions, 0 to 1, up to which preferences that have nothing in common are kept apart."""


class SeenWeights(NamedTuple):
    """Where observations have the weights of the preference."""

    table: str | None  # None where the observation is one array
    columns: tuple[int, ...]

    def of(self, seen: Any) -> Tensor:
        """The weights (B, ·) in observations of B rows."""
        table = seen if self.table is None else seen[self.table]
        return table[:, list(self.columns)]

    def swapped(self, seen: Any) -> Any:
        """The observations, each with the weights of the row before it and nothing else of that row."""
        table = (seen if self.table is None else seen[self.table]).clone()
        table[:, list(self.columns)] = self.of(seen).roll(1, dims=0)
        return table if self.table is None else {**seen, self.table: table}


def seen_weights(described: Any, objectives: Sequence[str]) -> SeenWeights:
    """Of the observation that ``describe()["observation"]`` tells of, where weights are part of it.

    Args:
        described: of the codec `flat` or `graph`.
        objectives: names of those in force.
    """
    table = "globals" if isinstance(described, dict) else None
    columns = described["globals"]["columns"] if table else described
    names = [column["name"] for column in columns]
    asked = OBJECTIVES if table else objectives
    return SeenWeights(table, tuple(names.index(f"weight {name}") for name in asked))


class Odds(NamedTuple):
    """The parameters of a distribution over actions that a distance needs."""

    chances: Tensor | None  # (B, dimensions, choices); None where actions are numbers
    mean: Tensor | None  # (B, dimensions)
    deviation: Tensor | None  # (B, dimensions), without gradients


def odds_of(distribution: Any) -> Odds:
    """Read off a distribution now: SB3's policies have one object, which the next observations overwrite."""
    if isinstance(distribution, PaddedChoices):
        return Odds(distribution.logs.exp(), None, None)
    if isinstance(distribution, CategoricalDistribution):
        return Odds(distribution.distribution.probs[:, None], None, None)
    assert isinstance(distribution, DiagGaussianDistribution)
    normal: Any = distribution.distribution
    return Odds(None, normal.mean, normal.stddev.detach())


def total_variation(one: Odds, other: Odds) -> Tensor:
    """Total variation distance (B,), 0 to 1, mean over the dimensions of an action.

    Its slope is not 0 where the two are equal, as that of a divergence is. Numbers are normal and both have
    the deviations of `one`: means m apart are ``erf(m / (2 sqrt(2) deviation))`` apart.
    """
    if one.chances is not None and other.chances is not None:
        return 0.5 * (one.chances - other.chances).abs().sum(dim=2).mean(dim=1)
    assert one.mean is not None and other.mean is not None and one.deviation is not None
    gap = (one.mean - other.mean).abs() / (2.0 * math.sqrt(2.0) * one.deviation)
    return torch.erf(gap).mean(dim=1)


def lack_of_distance(one: Odds, other: Odds, weights: Tensor) -> tuple[Tensor, Tensor]:
    """What distances lack of `LEAST_DISTANCE` times how far preferences are apart; at least 0.

    Args:
        one: told its own preference.
        other: told that of the row before.
        weights: (B, ·) of the preferences.

    Returns:
        The mean lack, and the mean distance.
    """
    found = total_variation(one, other)
    between = 0.5 * (weights - weights.roll(1, dims=0)).abs().sum(dim=1)
    return (LEAST_DISTANCE * between - found).clamp(min=0.0).mean(), found.mean()
