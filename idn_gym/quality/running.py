"""Label-free quality over time: means of a signal that follow a drift, each with a band.

The signal is any number between 0 and 1 per request, such as its calibrated confidence (average
confidence), whether that exceeds a threshold (ATC), or whether an upstream model agreed. The band
is Hoeffding's for weighted means of independent values: with probability 1 - delta the mean of the
expected values under the same weights lies inside, at any one time. It covers chance alone: neither
what an estimator gets wrong nor the lag behind a drift.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats


class Band(NamedTuple):
    """A running estimate with its bounds; single numbers or (T,) one per request."""

    estimate: Floats
    low: Floats
    high: Floats


class Memory(NamedTuple):
    """Exponentially weighted sums: all that an online estimate remembers. Start with `Memory()`."""

    total: float = 0.0  # of the values
    weight: float = 0.0  # of the weights
    squares: float = 0.0  # of the squared weights


def observe(memory: Memory, values: Floats, keep: float) -> Memory:
    """Age what is remembered by one slot and add the slot's values, all with weight 1.

    Args:
        memory: before the slot.
        values: (n,) signals of the slot's requests, between 0 and 1; n may be 0.
        keep: factor on all older weights, above 0 and at most 1; 1 forgets nothing.

    Raises:
        ConfigError: `keep` or a value is out of bounds.
    """
    values = _checked(values)
    if not 0.0 < keep <= 1.0:
        raise ConfigError("keep", f"{keep!r} is not allowed; must be above 0 and at most 1")
    return Memory(
        keep * memory.total + float(values.sum()),
        keep * memory.weight + len(values),
        keep**2 * memory.squares + len(values),
    )


def band(memory: Memory, delta: float = 0.05) -> Band:
    """Estimate and bounds of what is remembered; the effective sample size is weight^2 / squares.

    Before the first value the estimate is NaN and the bounds are 0 and 1.
    """
    if not memory.weight:
        return Band(np.array(np.nan), np.array(0.0), np.array(1.0))
    return _band(np.array(memory.total / memory.weight), np.array(memory.weight**2 / memory.squares), delta)


def sliding(values: Floats, window: int, delta: float = 0.05) -> Band:
    """Mean of the last `window` values at every request, its own value included.

    Args:
        values: (T,) signals in the order of the requests, between 0 and 1.
        window: [requests]; near the start there are fewer.
        delta: probability that the bounds may fail with.

    Raises:
        ConfigError: `window` is below 1, or a value is out of bounds.
    """
    values = _checked(values)
    if window < 1:
        raise ConfigError("window", f"{window!r} is not allowed; must be at least 1")
    sums = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return _band((sums[end] - sums[start]) / (end - start), (end - start).astype(float), delta)


def _band(mean: Floats, size: Floats, delta: float) -> Band:
    if not 0.0 < delta < 1.0:
        raise ConfigError("delta", f"{delta!r} is not allowed; must be between 0 and 1")
    half = np.sqrt(math.log(2.0 / delta) / (2.0 * size))
    return Band(mean, np.maximum(mean - half, 0.0), np.minimum(mean + half, 1.0))


def _checked(values: Floats) -> Floats:
    values = np.asarray(values, float)
    if values.ndim != 1 or not (np.all(values >= 0.0) and np.all(values <= 1.0)):
        raise ConfigError(
            "values", f"shape {values.shape} is not allowed; must be a list of numbers from 0 to 1"
        )
    return values
