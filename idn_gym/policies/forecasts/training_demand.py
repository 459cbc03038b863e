"""Demand of training episodes, which forecasters are fitted on."""

from __future__ import annotations

from idn_gym.core.arrays import Floats
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import build_instance


def training_demand(compiled: Compiled, episodes: int) -> Floats:
    """Batches (E, T, R) [requests] of the first training episodes, seeds 0 to E - 1."""
    return build_instance(compiled.scenario, range(episodes), "train", key="forecaster.episodes").draw.demand
