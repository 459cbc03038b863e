"""Autoregression: batches as a linear function of those before, fitted per class on training episodes.

    x[t] - m = a[1] (x[t - 1] - m) + ... + a[p] (x[t - p] - m) + noise

with m the mean batch of the class in training and a by least squares over all training slots with p slots
before them. Forecasts further ahead put forecasts in the place of batches. They stay between 0 and the
largest batch of the class so far, training included: least squares may fit a law that grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, bounded, from_plain
from idn_gym.core.arrays import Bools, Floats
from idn_gym.policies.forecasts.training_demand import training_demand
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.sizes import MOST_BYTES

RIDGE = 1e-6
"""Added to the normal equations as a share of the class's variance: demand without noise has a law too."""


@dataclass(frozen=True)
class AutoregressionConfig:
    """The law, and how much to fit it on."""

    order: int = bounded(2, least=1, most=100)
    """p, batches that the next one depends on"""
    episodes: int = bounded(8, least=1, most=1000)
    """training episodes"""


class Autoregression:
    """See the module's head.

    Attributes:
        weight: (R, p) the fitted a, that of the last batch first.
    """

    def __init__(self, compiled: Compiled, rows: int, config: AutoregressionConfig) -> None:
        past = training_demand(compiled, config.episodes)
        if past.shape[1] <= config.order:
            raise ConfigError(
                "forecaster.order",
                f"{config.order} is not allowed; must be below the horizon, {past.shape[1]}",
            )
        if past.nbytes * config.order > MOST_BYTES:
            allowed = f"must be at most {MOST_BYTES // past.nbytes} with {config.episodes} episodes, here"
            raise ConfigError("forecaster.order", f"{config.order} is not allowed; {allowed}")
        self._mean, self._most = past.mean(axis=(0, 1)), past.max(axis=(0, 1))
        self.weight = fit_autoregression(past - self._mean, config.order)
        self._last = np.zeros((rows, config.order, len(self._mean)))  # less the mean, the last batch first
        self._peak = np.repeat(self._most[None], rows, axis=0)

    def begin(self, rows: Bools) -> None:
        self._last[rows] = 0.0
        self._peak[rows] = self._most

    def see(self, demand: Floats) -> None:
        self._last[:, 1:] = self._last[:, :-1].copy()
        self._last[:, 0] = demand - self._mean
        np.maximum(self._peak, demand, out=self._peak)

    def ahead(self, slots: int) -> Floats:
        last, found = self._last.copy(), np.empty((len(self._last), slots, len(self._mean)))
        for i in range(slots):
            expected = np.einsum("rp,bpr->br", self.weight, last) + self._mean
            found[:, i] = np.clip(expected, 0.0, self._peak)
            last[:, 1:] = last[:, :-1].copy()
            last[:, 0] = found[:, i] - self._mean
        return found


def build_autoregression(compiled: Compiled, rows: int, **options: Any) -> Autoregression:
    """See `AutoregressionConfig`."""
    return Autoregression(compiled, rows, from_plain(AutoregressionConfig, options, "forecaster"))


def fit_autoregression(deviation: Floats, order: int) -> Floats:
    """Weights (R, order) of the last batches by least squares, the last one first.

    Args:
        deviation: (E, T, R) batches less their mean, T above `order`.
        order: how many of them.
    """
    slots = deviation.shape[1]
    before = np.stack([deviation[:, order - i : slots - i] for i in range(1, order + 1)])  # (p, E, T - p, R)
    square = np.einsum("ietr,jetr->rij", before, before)
    product = np.einsum("ietr,etr->ri", before, deviation[:, order:])
    scale = RIDGE * np.einsum("rii->r", square) + np.finfo(float).tiny
    square += scale[:, None, None] * np.eye(order)
    found: Floats = np.linalg.solve(square, product[..., None])[..., 0]
    return found
