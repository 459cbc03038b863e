"""Errors of forecasts against the actual batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats
from idn_gym.policies.forecasts.interface import make_forecaster
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance


class ForecastErrors(NamedTuple):
    """Errors of one forecaster by lead; lead 1 is the slot about to be played."""

    lead: tuple[int, ...]  # 1 to the horizon [slots]
    absolute: Floats  # (B, horizon) [requests] mean absolute error per class and slot, by episode
    share: Floats  # (B, horizon) summed absolute errors over summed batches of the same slots; 0 without any


def forecast_errors(
    scenario: Scenario, forecaster: Any, seeds: Sequence[int], horizon: int = 6, split: str = "test"
) -> ForecastErrors:
    """Run a forecaster in every slot of some episodes, and measure its errors.

    No policy is played: demand does not depend on policies. Forecasts made before slot 0 count.

    Args:
        scenario: the scenario.
        forecaster: as `make_forecaster` takes it; an informed one receives the episodes.
        seeds: of the episodes.
        horizon: slots to look ahead, up to those of an episode.
        split: train, validation or test.

    Raises:
        ConfigError: no seeds, a horizon longer than the episodes, or an invalid forecaster.
    """
    if not seeds:
        raise ConfigError("seeds", "no seed is given; at least one is needed")
    if not 1 <= horizon <= scenario.horizon:
        raise ConfigError("horizon", f"{show(horizon)} is not allowed; must be from 1 to {scenario.horizon}")
    demand = build_instance(scenario, list(seeds), split).draw.demand
    compiled, (rows, slots, classes) = compile_scenario(scenario), demand.shape
    expecting = make_forecaster(forecaster, compiled, rows, demand)
    error, batches, count = np.zeros((3, rows, horizon))
    for t in range(slots):
        some = min(horizon, slots - t)
        truth = demand[:, t : t + some]
        error[:, :some] += np.abs(expecting.ahead(horizon)[:, :some] - truth).sum(axis=2)
        batches[:, :some] += truth.sum(axis=2)
        count[:, :some] += classes
        expecting.see(demand[:, t])
    share = np.divide(error, batches, out=np.zeros_like(error), where=batches > 0.0)
    return ForecastErrors(tuple(range(1, horizon + 1)), error / count, share)
