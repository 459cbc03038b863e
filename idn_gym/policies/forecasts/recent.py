"""Forecasts without a law: the last batch, smoothed batches, and the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import bounded, from_plain
from idn_gym.core.arrays import Bools, Floats
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class SmoothedConfig:
    """Rate of forgetting."""

    memory: float = bounded(0.5, least=0, below=1)
    """weight of the past against the last batch; 0: the last batch alone"""


class Smoothed:
    """Expects exponentially smoothed batches for ever; before the first slot, nominal ones.

    Attributes:
        level: (B, R) [requests].
    """

    def __init__(self, compiled: Compiled, rows: int, config: SmoothedConfig) -> None:
        self._usual, self._memory = compiled.tables.class_requests, config.memory
        self.level = np.repeat(self._usual[None], rows, axis=0)

    def begin(self, rows: Bools) -> None:
        self.level[rows] = self._usual

    def see(self, demand: Floats) -> None:
        self.level *= self._memory
        self.level += (1.0 - self._memory) * demand

    def ahead(self, slots: int) -> Floats:
        return np.repeat(self.level[:, None], slots, axis=1)


class Oracle:
    """Knows the batches to come; after the last slot, that of the last one again."""

    def __init__(self, future: Floats) -> None:
        """Take the true batches (B, T, R) [requests]; later changes of them are seen."""
        self._future = future
        self._slot = np.zeros(len(future), np.int64)

    def begin(self, rows: Bools) -> None:
        self._slot[rows] = 0

    def see(self, demand: Floats) -> None:
        self._slot += 1

    def ahead(self, slots: int) -> Floats:
        coming = np.minimum(self._slot[:, None] + np.arange(slots), self._future.shape[1] - 1)
        found: Floats = self._future[np.arange(len(coming))[:, None], coming]
        return found


def build_last(compiled: Compiled, rows: int) -> Smoothed:
    """The last batch again, also known as persistence."""
    return Smoothed(compiled, rows, SmoothedConfig(memory=0.0))


def build_smoothed(compiled: Compiled, rows: int, **options: Any) -> Smoothed:
    """Smoothed past batches; see `SmoothedConfig`."""
    return Smoothed(compiled, rows, from_plain(SmoothedConfig, options, "forecaster"))


def build_oracle(compiled: Compiled, rows: int, future: Floats) -> Oracle:
    """The true batches."""
    return Oracle(future)
