"""Weights of an index policy for many scenarios: the cross-entropy method on a context."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.training.context_draws import turns_of
from experiments.training.index_search import IndexSearch, WeightSearch, mean_costs
from idn_gym.core.arrays import Floats
from idn_gym.policies.index.features import INDEX_FEATURES
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.contexts import load_context

VALIDATION_SEED = 0
"""Offset of validation scenarios, independent of the training's seed: all trainings use the same ones."""


@dataclass(frozen=True, kw_only=True)
class ContextSearch(WeightSearch):
    """A search on scenarios of a context; every candidate plays one episode on each of `episodes` of them.

    Costs are divided by what holding nothing costs on the same episode, so that no scenario counts for more
    than another.
    """

    context: Mapping[str, Any]
    """as plain data, scenario and all"""
    scenarios: int = 12
    """of the part train, which take turns; episodes on them differ from generation to generation"""
    largest: int | None = None
    """nodes of a network at most"""

    def costs(self, weights: Floats, split: str, seeds: range) -> Floats:
        pool = self._played[split]
        shares = []
        for seed in seeds:
            game = IndexSearch(scenario=pool[seed % len(pool)], overrides={}, preference=self.preference)
            found = mean_costs(game, np.vstack([holding_nothing(), weights]), split, range(seed, seed + 1))
            shares.append(found[1:] / found[0])
        return np.asarray(np.mean(shares, axis=0))

    @functools.cached_property
    def _played(self) -> dict[str, list[Scenario]]:
        """Episodes by split."""
        context, asked = load_context(self.context), {}
        for split, seed, count in (
            ("train", self.seed, self.scenarios),
            ("validation", VALIDATION_SEED, self.judged),
        ):
            drawn = turns_of(context, seed, count, split, self.largest)
            asked[split] = [turn.scenario for turn in drawn]
        return asked


def holding_nothing() -> Floats:
    """Weights (1, features) under which every score is below 0."""
    return np.where(np.array(INDEX_FEATURES) == "one", -1.0, 0.0)[None]
