"""Seasonal forecasts: the same slot of the day, at the level of the last slots.

Of each class, s[k] is the mean batch in slot k of the day (k = t mod period) over training episodes. With
weights that fall by `memory` per slot, the level is l = (weighted past batches) / (weighted s of the same
slots), and

    expected batch of slot t = l s[t mod period].

When a slot of the day comes again, s[k] moves towards batch / l by `gain`, as in multiplicative
Holt-Winters smoothing (P. R. Winters, Forecasting sales by exponentially weighted moving averages,
Management Science 6(3), 1960). Where episodes begin at a random time of the day, training says nothing
about s, and this is exponential smoothing until the second day.
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
        period = config.period or day_of(compiled.scenario)
        self._config, self._usual = config, compiled.tables.class_requests
        self._profile = _mean_day(training_demand(compiled, config.episodes), period, self._usual)
        self._season = np.repeat(self._profile[None], rows, axis=0)  # (B, period, R)
        self._slot = np.zeros(rows, np.int64)
        self._seen, self._expected = np.zeros((2, rows, len(self._usual)))

    def begin(self, rows: Bools) -> None:
        self._season[rows] = self._profile
        self._slot[rows] = 0
        self._seen[rows], self._expected[rows] = 0.0, 0.0

    def see(self, demand: Floats) -> None:
        rows, memory = np.arange(len(demand)), self._config.memory
        k = self._slot % self._season.shape[1]
        season = self._season[rows, k]
        self._seen *= memory
        self._seen += demand
        self._expected *= memory
        self._expected += season
        level = self._level()
        told = np.divide(demand, level, out=season.copy(), where=level > 0.0)
        self._season[rows, k] += self._config.gain * (told - season)
        self._slot += 1

    def ahead(self, slots: int) -> Floats:
        k = (self._slot[:, None] + np.arange(slots)) % self._season.shape[1]
        found: Floats = self._level()[:, None] * self._season[np.arange(len(k))[:, None], k]
        return found

    def _level(self) -> Floats:
        """(B, R) demand over what the day says; 1 before anything is known."""
        return np.divide(self._seen, self._expected, out=np.ones_like(self._seen), where=self._expected > 0.0)


def build_seasonal(compiled: Compiled, rows: int, **options: Any) -> Seasonal:
    """See `SeasonalConfig`."""
    return Seasonal(compiled, rows, from_plain(SeasonalConfig, options, "forecaster"))


def day_of(scenario: Scenario) -> int:
    """Slots of a day by the scenario's diurnal or commuting demand.

    Raises:
        ConfigError: it has neither.
    """
    for process in (scenario.workload.diurnal, scenario.workload.mobility):
        period = getattr(process, "period", None)
        if period is not None:
            return max(1, round(period))
    raise ConfigError(
        "forecaster.period", "null is not allowed: no demand by the day here; must be slots of a day"
    )


def _mean_day(demand: Floats, period: int, usual: Floats) -> Floats:
    """Mean batches (period, R) of each slot of the day; nominal ones where no episode reaches it."""
    day = np.repeat(usual[None], period, axis=0)
    for k in range(min(period, demand.shape[1])):
        day[k] = demand[:, k::period].mean(axis=(0, 1))
    return day
