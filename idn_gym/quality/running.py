"""Means of a signal that follow a drift, each with a band.

The signal is any number between 0 and 1 per request, such as its calibrated confidence (average confidence),
whether that exceeds a threshold (ATC), whether an upstream model agreed, or whether a probed answer was
right. Bands cover chance alone: neither what an estimator gets wrong nor the lag behind a drift. They take
the values to be independent, or each to have its mean whatever came before, and the numbers of requests to
say nothing of their values.

- What forgets has Hoeffding's band for weighted means: with probability 1 - delta the mean of the expected
  values under the same weights lies inside, at any ONE time. Who looks often will see it fail more often.
- What forgets nothing has a confidence sequence: with probability 1 - delta the mean of the expected values
  so far lies inside at ALL times, so that one may look and stop whenever one likes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats

TILTS = 2.0 ** np.arange(-9, 4)
"""Exponents that a confidence sequence is mixed from; the best one is about the half width over p (1 - p)."""


class Band(NamedTuple):
    """A running estimate with its bounds; arrays of one shape."""

    estimate: Floats
    low: Floats
    high: Floats


class Memory(NamedTuple):
    """Exponentially weighted sums, arrays of one shape: all that an online estimate remembers."""

    total: Floats  # of the values
    weight: Floats  # of the weights
    squares: Floats  # of the squared weights


def empty_memory(*shape: int) -> Memory:
    """Nothing yet, for streams of this shape."""
    return Memory(*np.zeros((3, *shape)))


def observe(memory: Memory, total: Floats, count: Floats, keep: Floats | float) -> Memory:
    """Age what is remembered by one slot and add the slot's values, all with weight 1.

    Args:
        memory: before the slot.
        total: sum of the slot's signals, one per stream; each signal is between 0 and 1.
        count: how many signals that are; may be 0.
        keep: factor on all older weights, above 0 and at most 1; 1 forgets nothing.

    Raises:
        ConfigError: `keep` or a sum is out of bounds.
    """
    total, count, keep = (np.asarray(value, float) for value in (total, count, keep))
    if not np.all((keep > 0.0) & (keep <= 1.0)):
        raise ConfigError("keep", f"{keep.min()!r} is not allowed; must be above 0 and at most 1")
    if not np.all((total >= 0.0) & (total <= count * (1.0 + 1e-9)) & np.isfinite(count)):
        raise ConfigError("total", "sums below 0 or above their counts are not allowed")
    return Memory(keep * memory.total + total, keep * memory.weight + count, keep**2 * memory.squares + count)


def band(memory: Memory, delta: float = 0.05) -> Band:
    """Estimates and bounds of what is remembered; the effective sample size is weight^2 / squares.

    Before the first value the estimate is NaN and the bounds are 0 and 1. Valid at any one time.
    """
    return hoeffding_band(_mean(memory), memory.weight**2 / _positive(memory.squares), delta)


def sliding(values: Floats, window: int, delta: float = 0.05) -> Band:
    """Mean of the last `window` values at every request, its own value included; valid at any one time.

    Args:
        values: (T,) signals in the order of the requests, between 0 and 1.
        window: [requests]; near the start there are fewer.
        delta: probability that the bounds may fail with.

    Raises:
        ConfigError: `window` is below 1, or a value is out of bounds.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not (np.all(values >= 0.0) and np.all(values <= 1.0)):
        raise ConfigError(
            "values", f"shape {values.shape} is not allowed; must be a list of numbers from 0 to 1"
        )
    if window < 1:
        raise ConfigError("window", f"{window!r} is not allowed; must be at least 1")
    sums = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return hoeffding_band((sums[end] - sums[start]) / (end - start), (end - start).astype(float), delta)


def hoeffding_band(mean: Floats, size: Floats, delta: float) -> Band:
    """Means with Hoeffding's bounds (1963), for effective sample sizes of the same shape.

    Raises:
        ConfigError: `delta` is not between 0 and 1.
    """
    _check_delta(delta)
    half = np.sqrt(math.log(2.0 / delta) / (2.0 * _positive(size)))
    none = size == 0.0
    return Band(
        mean,
        np.where(none, 0.0, np.maximum(mean - half, 0.0)),
        np.where(none, 1.0, np.minimum(mean + half, 1.0)),
    )


def confidence_sequence(memory: Memory, delta: float = 0.05) -> Band:
    """Means and bounds that hold at all times together, for a memory that forgets nothing.

    For values in [0, 1] with means p_i, E exp(a x_i) <= 1 + p_i (e^a - 1) by convexity (Hoeffding 1963), so
    that exp(a S - sum log(1 + p_i (e^a - 1))) is a supermartingale, and so is its mean over `TILTS`. By
    Ville (1939) it ever exceeds 2 / delta with probability delta / 2 at most. The logarithm is concave in p,
    hence the mean p of the p_i is not below (exp((a S - L) / n) - 1) / (e^a - 1) for any tilt a, L = log(2 x
    number of tilts / delta). The upper bound is the same for 1 - x. This is a discrete mixture as in Howard,
    Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (Annals
    of Statistics, 2021).

    Raises:
        ConfigError: `delta` is not between 0 and 1.
    """
    _check_delta(delta)
    count = memory.weight
    low, rest = (_lower(total, count, delta / 2.0) for total in (memory.total, count - memory.total))
    return Band(_mean(memory), low, 1.0 - rest)


def _lower(total: Floats, count: Floats, delta: float) -> Floats:
    size = _positive(count)[..., None]
    power = (TILTS * total[..., None] - math.log(len(TILTS) / delta)) / size
    bound = np.expm1(power) / np.expm1(TILTS)
    found: Floats = np.where(count > 0.0, np.clip(bound.max(axis=-1), 0.0, 1.0), 0.0)
    return found


def _mean(memory: Memory) -> Floats:
    mean: Floats = np.where(memory.weight > 0.0, memory.total / _positive(memory.weight), np.nan)
    return mean


def _positive(size: Floats) -> Floats:
    """Line that bounds a sum from below."""
    found: Floats = np.where(np.asarray(size) > 0.0, size, 1.0)
    return found


def _check_delta(delta: float) -> None:
    if not 0.0 < delta < 1.0:
        raise ConfigError("delta", f"{delta!r} is not allowed; must be between 0 and 1")
