"""Distance of a policy's actions in one state under two preferences."""

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
"""Required distance of actions, 0 to 1, under preferences that share no objective."""


class SeenWeights(NamedTuple):
    """Positions of the preference's weights in observations."""

    table: str | None  # None where the observation is one array
    columns: tuple[int, ...]

    def of(self, seen: Any) -> Tensor:
        """The weights (B, ·) in observations of B rows."""
        table = seen if self.table is None else seen[self.table]
        return table[:, list(self.columns)]

    def swapped(self, seen: Any) -> Any:
        """The observations, each with the weights of the row before it; the other entries are unchanged."""
        table = (seen if self.table is None else seen[self.table]).clone()
        table[:, list(self.columns)] = self.of(seen).roll(1, dims=0)
        return table if self.table is None else {**seen, self.table: table}


def seen_weights(described: Any, objectives: Sequence[str]) -> SeenWeights:
    """Find the weights in the observation that ``describe()["observation"]`` explains, if it contains them.

    Args:
        described: description of the codec `flat` or `graph`.
        objectives: names of the objectives in force.
    """
    table = "globals" if isinstance(described, dict) else None
    columns = described["globals"]["columns"] if table else described
    names = [column["name"] for column in columns]
    asked = OBJECTIVES if table else objectives
    return SeenWeights(table, tuple(names.index(f"weight {name}") for name in asked))


class Odds(NamedTuple):
    """Parameters of a distribution over actions that the distance needs."""

    chances: Tensor | None  # (B, dimensions, choices); None where actions are numbers
    mean: Tensor | None  # (B, dimensions)
    deviation: Tensor | None  # (B, dimensions), without gradients


def odds_of(distribution: Any) -> Odds:
    """Copy the parameters of a distribution, an object of SB3's policies that the next call overwrites."""
    if isinstance(distribution, PaddedChoices):
        return Odds(distribution.logs.exp(), None, None)
    if isinstance(distribution, CategoricalDistribution):
        return Odds(distribution.distribution.probs[:, None], None, None)
    assert isinstance(distribution, DiagGaussianDistribution)
    normal: Any = distribution.distribution
    return Odds(None, normal.mean, normal.stddev.detach())


def total_variation(one: Odds, other: Odds) -> Tensor:
    """Total variation distance (B,), 0 to 1, as the mean over the dimensions of an action.

    Its slope is not 0 where the two are equal, unlike that of a divergence. Numbers are normal with the
    deviations of `one` for both: means at a distance m have the total variation ``erf(m / (2 sqrt(2)
    deviation))``.
    """
    if one.chances is not None and other.chances is not None:
        return 0.5 * (one.chances - other.chances).abs().sum(dim=2).mean(dim=1)
    assert one.mean is not None and other.mean is not None and one.deviation is not None
    gap = (one.mean - other.mean).abs() / (2.0 * math.sqrt(2.0) * one.deviation)
    return torch.erf(gap).mean(dim=1)


def lack_of_distance(one: Odds, other: Odds, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Shortfall of distances against `LEAST_DISTANCE` times the distance of preferences; at least 0.

    Args:
        one: distribution under each row's own preference.
        other: distribution under the preference of the row before.
        weights: (B, ·) of the preferences.

    Returns:
        The mean shortfall, and the mean distance.
    """
    found = total_variation(one, other)
    between = 0.5 * (weights - weights.roll(1, dims=0)).abs().sum(dim=1)
    return (LEAST_DISTANCE * between - found).clamp(min=0.0).mean(), found.mean()
