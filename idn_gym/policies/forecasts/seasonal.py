"""Seasonal forecasts: the same slot of the day, at the level of the last slots.

Each ingress node has a day: s[k] is its mean total in slot k of the day (k = t mod period) over training
episodes, as a multiple of its nominal total. All tasks of a node share its day: the demand of one of many
tasks in a few training episodes is too noisy to estimate a day, and dividing by it would give arbitrarily
large forecasts. With weights that fall by `memory` per slot, the level of a class is l = (weighted past

    expected batch of slot t = l s[t mod period].

When a slot of the day comes again, s[k] moves towards (total of the node) / (sum of the levels of its
classes) by `gain`, as in multiplicative Holt-Winters smoothing (P. R. Winters, Forecasting sales by
exponentially weighted moving averages, Management Science 6(3), 1960). Where episodes begin at a random time
of the day, training says nothing about s, and this is exponential smoothing until the second day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, bounded, from_plain
from idn_gym.core.arrays import Bools, Floats
from idn_gym.policies.forecasts.training_demand import training_demand
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.config import Scenario

LEAST = 0.05
"""Minimum of s: a slot with almost no training demand must not inflate levels."""


@dataclass(frozen=True)
class SeasonalConfig:
    """The day, and how fast to learn it."""

    period: int | None = bounded(None, least=1)
    """[slots] of a day; null: that of the scenario's diurnal or commuting demand"""
    memory: float = bounded(0.7, least=0, below=1)
    """weight of the past in the level, per slot"""
    gain: float = bounded(0.3, least=0, most=1)
    """by how much a slot of the day moves towards what it was last"""
    episodes: int = bounded(8, least=1, most=1000)
    """training episodes that say what a day is like"""


class Seasonal:
    """See the module's head."""

    def __init__(self, compiled: Compiled, rows: int, config: SeasonalConfig) -> None:
        self._gain, self._memory = config.gain, config.memory
        self._usual, self._node = compiled.tables.class_requests, compiled.class_ingress
        self._of_node = np.eye(len(compiled.names.ingress))[self._node]  # (R, G), to sum classes up
        past = training_demand(compiled, config.episodes) @ self._of_node
        period = min(config.period or day_of(compiled.scenario), past.shape[1])  # no episode is longer
        self._profile = np.maximum(LEAST, _mean_day(past / (self._usual @ self._of_node), period))
        self._season = np.repeat(self._profile[None], rows, axis=0)  # (B, period, G)
        self._slot = np.zeros(rows, np.int64)
        self._seen, self._expected = np.zeros((2, rows, len(self._usual)))

    def begin(self, rows: Bools) -> None:
        self._season[rows] = self._profile
        self._slot[rows] = 0
        self._seen[rows], self._expected[rows] = 0.0, 0.0

    def see(self, demand: Floats) -> None:
        rows = np.arange(len(demand))
        k = self._slot % self._season.shape[1]
        season = self._season[rows, k]
        self._seen *= self._memory
        self._seen += demand
        self._expected *= self._memory
        self._expected += season[:, self._node]
        total, level = demand @ self._of_node, self._level() @ self._of_node
        told = np.divide(total, level, out=season.copy(), where=level > 0.0)
        self._season[rows, k] = np.maximum(LEAST, season + self._gain * (told - season))
        self._slot += 1

    def ahead(self, slots: int) -> Floats:
        k = (self._slot[:, None] + np.arange(slots)) % self._season.shape[1]
        season = self._season[np.arange(len(k))[:, None], k]
        found: Floats = self._level()[:, None] * season[:, :, self._node]
        return found

    def _level(self) -> Floats:
        """(B, R) [requests] batches over what the day says of their slots; nominal before the first slot."""
        usual = np.broadcast_to(self._usual, self._seen.shape).copy()
        return np.divide(self._seen, self._expected, out=usual, where=self._expected > 0.0)


def build_seasonal(compiled: Compiled, rows: int, **options: Any) -> Seasonal:
    """See `SeasonalConfig`."""
    return Seasonal(compiled, rows, from_plain(SeasonalConfig, options, "forecaster"))


def day_of(scenario: Scenario) -> int:
    """Slots of a day by the scenario's diurnal or commuting demand.

    Raises:
        ConfigError: it has neither.
    """
    workload = scenario.workload
    for process in (workload.diurnal, workload.mobility, getattr(workload.popularity, "commute", None)):
        period = getattr(process, "period", None)
        if period is not None:
            return max(1, round(period))
    raise ConfigError(
        "forecaster.period", "null is not allowed: no demand by the day here; must be slots of a day"
    )


def _mean_day(shares: Floats, period: int) -> Floats:
    """Mean (period, G) of each slot of the day, from (E, T, G); 1 where no episode reaches it."""
    day = np.ones((period, shares.shape[2]))
    for k in range(min(period, shares.shape[1])):
        day[k] = shares[:, k::period].mean(axis=(0, 1))
    return day
