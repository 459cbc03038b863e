"""How sure a number is: bootstrap over seeds, paired where they are the same; Student's t over trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.strict import ConfigError


class Interval(NamedTuple):
    """An estimate and the bounds it lies between with the given confidence."""

    estimate: float
    low: float
    high: float


def mean_interval(values: Floats, confidence: float = 0.95, repeats: int = 10_000, seed: int = 0) -> Interval:
    """Mean with a percentile bootstrap interval (Efron 1979).

    Args:
        values: (n,) one per seed, or (r, n) of r trainings that all played the same seeds. A new training
            would differ as well: what it adds is drawn by `training_noise`.
        confidence: of the interval.
        repeats: bootstrap samples.
        seed: of the resampling, so that a report comes out the same again.
    """
    values = _rows(values)
    seeds, rng = _draws(values.shape[1], repeats, seed)
    return interval(float(values.mean()), _means(values, seeds, rng), confidence)


def paired_difference(
    values: Floats, baseline: Floats, confidence: float = 0.95, repeats: int = 10_000, seed: int = 0
) -> Interval:
    """Mean of values - baseline; entry i of both comes from the same seed, and pairs are resampled.

    Either may be a matrix as in `mean_interval`; their trainings have nothing in common.

    Raises:
        ConfigError: the two differ in length.
    """
    values, baseline = _rows(values), _rows(baseline)
    if values.shape[1] != baseline.shape[1]:
        raise ConfigError(
            "baseline",
            f"{baseline.shape[1]} values are not allowed; must be {values.shape[1]}, one per seed",
        )
    seeds, rng = _draws(values.shape[1], repeats, seed)
    means = _means(values, seeds, rng) - _means(baseline, seeds, rng)
    return interval(float(values.mean() - baseline.mean()), means, confidence)


def interquartile_mean(scores: Floats) -> float:
    """Mean of the middle half; a quarter of the scores is cut off at both ends, rounded down."""
    ordered = np.sort(np.asarray(scores, float), axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def stratified_interval(
    scores: Floats,
    statistic: Callable[[Floats], float] = interquartile_mean,
    confidence: float = 0.95,
    repeats: int = 2_000,
    seed: int = 0,
) -> Interval:
    """A statistic over runs and tasks; runs are resampled within each task (Agarwal et al. 2021).

    Args:
        scores: (runs, tasks).
        statistic: of a (runs, tasks) matrix.
        confidence: of the interval.
        repeats: bootstrap samples.
        seed: of the resampling.
    """
    scores = _checked(scores, 2)
    runs, tasks = scores.shape
    rng = np.random.default_rng(seed)
    rows = rng.integers(runs, size=(repeats, runs, tasks))
    samples = np.array([statistic(scores[row, np.arange(tasks)]) for row in rows])
    return interval(statistic(scores), samples, confidence)


def _rows(values: Floats) -> Floats:
    """(r, n), with one row where there are no trainings."""
    return _checked(np.atleast_2d(np.asarray(values, float)), 2)


def _draws(seeds: int, repeats: int, seed: int) -> tuple[Ints, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.integers(seeds, size=(repeats, seeds)), rng


def _means(values: Floats, seeds: Ints, rng: np.random.Generator) -> Floats:
    """Mean of the drawn seeds in each bootstrap sample, and what new trainings would add to it."""
    samples = values.mean(axis=0)[seeds].mean(axis=1)
    return np.asarray(samples + training_noise(values.mean(axis=1), len(seeds), rng))


def training_noise(results: Floats, repeats: int, rng: np.random.Generator) -> Floats:
    """How far the mean over trainings may be from that of all trainings there could be, (repeats,) draws.

    Student's t with r - 1 degrees of freedom, since trainings are few: resampling three of them, as a
    bootstrap would, covers three quarters at most where trainings are what differs. 0 for a single one,
    which says nothing about others.

    Args:
        results: (r,) one number per training.
        repeats: number of draws.
        rng: to draw from.
    """
    if len(results) == 1:
        return np.zeros(repeats)
    error = results.std(ddof=1) / np.sqrt(len(results))
    return np.asarray(error * rng.standard_t(len(results) - 1, size=repeats))


def _checked(values: Floats, dimensions: int) -> Floats:
    values = np.asarray(values, float)
    if values.ndim != dimensions or not values.size or not np.all(np.isfinite(values)):
        shape = ["numbers", "a matrix of numbers"][dimensions - 1]
        raise ConfigError(
            "values", f"shape {values.shape} is not allowed; must be {shape}, finite and not empty"
        )
    return values


def interval(estimate: float, samples: Floats, confidence: float = 0.95) -> Interval:
    """The middle of what was sampled around an estimate.

    Raises:
        ConfigError: a confidence that is not between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigError("confidence", f"{confidence!r} is not allowed; must be between 0 and 1")
    low, high = np.quantile(samples, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(estimate, float(low), float(high))
