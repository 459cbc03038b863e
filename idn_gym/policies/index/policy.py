"""A policy that ranks what nodes could hold by a linear index, and lets memories fill in that order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.policies.index.features import IndexFeatures
from idn_gym.policy import Choice, Policy


class IndexPolicy(Policy):
    """Scores of the codec `scores`: x / (1 + |x|) of a weighted sum x of `INDEX_FEATURES`, pair by pair.

    Unlike tanh that tells large sums apart, in float32 too. What scores 0 or less is not held.

    Attributes:
        weights: (B, 23), or (1, 23) for all rows.
    """

    def __init__(self, described: Mapping[str, Any], weights: Floats) -> None:
        """Rank by weights; `described` as in `IndexFeatures`."""
        self.weights, self._features = weights, IndexFeatures(described)

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        """Score all pairs."""
        total = self._features.score(observation, self.weights)
        return total / (1.0 + np.abs(total)), state
