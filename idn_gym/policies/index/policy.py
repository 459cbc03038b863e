"""A policy that ranks what nodes could hold by a linear index, and lets memories fill in that order."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.policies.index.features import IndexFeatures
from idn_gym.policy import Choice, Feedback, Policy
from idn_gym.scenarios.compile import Compiled


class IndexPolicy(Policy):
    """Scores of the codec `scores`: x / (1 + |x|) of a weighted sum x of `INDEX_FEATURES`, pair by pair.

    Unlike tanh that tells large sums apart, in float32 too. What scores 0 or less is not held.

    Attributes:
        weights: (B, 15), or (1, 15) for all rows.
    """

    def __init__(self, compiled: Compiled, rows: int, weights: Floats) -> None:
        self.features, self.weights, self._rows = IndexFeatures(compiled, rows), weights, rows

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        """Score all pairs; rows that start an episode have forgotten everything."""
        if state is None or start is None:
            start = np.full(self._rows, state is None)
        if start.any():
            self.features.begin(start)
        total = self.features.score(self.weights)
        return (total / (1.0 + np.abs(total))).astype(np.float32), True

    def update(self, feedback: Feedback) -> None:
        """Take note of the demand of the slot, and of what is held after it."""
        self.features.see(feedback)
