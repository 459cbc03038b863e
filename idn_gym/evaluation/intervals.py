"""Confidence intervals: Student's t over seeds and trainings; docs/intervals.md has the simulated coverage.

A unit is an independent draw: a seed, or a training. Numbers that share a seed (other agents, cells of a
grid) are one unit together. A single seed says nothing about others, so bounds are nan there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.text_tables import rounded

LEAST_FOR_IQM = 20
"""Seeds from which an interquartile mean has an interval: from here on it covers 0.93 and more on normal
data, with one task and with several; with fewer down to 0.89 (``python -m experiments.check_intervals``)."""


class Interval(NamedTuple):
    """An estimate and the bounds it lies between with the given confidence; nan where they are not known.

    Formatted with a number's format it is the text of tables: ``f"{interval:.2f}"`` is ``1.00 [0.50, 1.50]``,
    ``1.00 [-]`` where only the estimate is known, and a dash where nothing is. What rounds to 0 has no sign.
    """

    estimate: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        if np.isnan(self.estimate):
            return "-"
        bounds = "-" if np.isnan(self.low) else f"{rounded(self.low, form)}, {rounded(self.high, form)}"
        return f"{rounded(self.estimate, form)} [{bounds}]"


def alone(estimate: float) -> Interval:
    """An estimate whose interval is not known."""
    return Interval(estimate, np.nan, np.nan)


UNKNOWN = Interval(np.nan, np.nan, np.nan)
"""An unknown estimate with unknown bounds."""

ITSELF = alone(0.0)
"""A difference of an agent from itself: 0, without an interval."""


def mean_interval(values: Floats, confidence: float = 0.95) -> Interval:
    """Mean with the interval of Student's t.

    Args:
        values: (n,) one per seed, or (r, n) of r trainings that all played the same seeds.
        confidence: of the interval.

    Raises:
        ConfigError: values that are no finite numbers, or a confidence that is not between 0 and 1.
    """
    values = _rows(values)
    return around(float(values.mean()), float(half_width(values, confidence=confidence)))


def paired_difference(values: Floats, baseline: Floats, confidence: float = 0.95) -> Interval:
    """Mean of values - baseline; entry i of both comes from the same seed.

    Either may be a matrix as in `mean_interval`; their trainings have nothing in common.

    Raises:
        ConfigError: the two differ in length, or see `mean_interval`.
    """
    values, baseline = _rows(values), _rows(baseline)
    _check_pairs(values, baseline)
    return around(
        float(values.mean() - baseline.mean()), float(half_width(values, baseline, confidence=confidence))
    )


def relative_difference(values: Floats, baseline: Floats, confidence: float = 0.95) -> Interval:
    """Mean of values - baseline as a share of the baseline's mean, which is as uncertain as the difference.

    Student's t of `jackknife`: what moves both means by the same factor moves no share. nan where the mean of
    the baseline is 0, and bounds are nan where it is without one of the seeds.

    Args:
        values: (n,) one per seed.
        baseline: (n,) on the same seeds.
        confidence: of the interval.

    Raises:
        ConfigError: see `paired_difference`.
    """
    values, baseline = _checked(values, 1), _checked(baseline, 1)
    _check_pairs(values[None], baseline[None])
    if baseline.mean() == 0.0:
        return UNKNOWN
    estimate, others = float(values.mean() / baseline.mean() - 1.0), baseline.sum() - baseline
    if not others.all():
        return alone(estimate)
    without = (values.sum() - values) / others - 1.0
    pseudo = jackknife(np.array([estimate]), without[None])
    return around(estimate, float(half_width(pseudo, confidence=confidence)))


def around(estimate: float, half: float) -> Interval:
    """An estimate in the middle of its interval; nan is not known."""
    return Interval(estimate, estimate - half, estimate + half)


def half_width(values: Floats, baseline: Floats | None = None, confidence: float = 0.95) -> Floats:
    """Half the width of the interval around a mean, or around a difference of means.

    Seeds and trainings are crossed: both differ, and so does what they do together. Each adds the variance of
    its own means, which counts the joint part twice, so that is taken off once; degrees of freedom are
    Satterthwaite's (1946). Where few trainings happen to agree that is too bold, so the interval is never
    narrower than that of trainings alone or of seeds alone.

    Args:
        values: (..., r, n) r trainings that played n seeds.
        baseline: (..., s, n) s others on the same seeds.
        confidence: of the interval.

    Returns:
        (...,) in the unit of the values; nan for a single seed.

    Raises:
        ConfigError: a confidence that is not between 0 and 1.
    """
    upper, seeds = _upper(confidence), values.shape[-1]
    if seeds < 2:
        return np.full(values.shape[:-2], np.nan)
    sides = [values] if baseline is None else [values, baseline]
    columns = values.mean(axis=-2) - (0.0 if baseline is None else baseline.mean(axis=-2))
    sources = [(columns.var(axis=-1, ddof=1) / seeds, seeds - 1)]
    joint = np.zeros(columns.shape[:-1])
    for side in sides:
        trainings = side.shape[-2]
        if trainings > 1:
            sources.append((side.mean(axis=-1).var(axis=-1, ddof=1) / trainings, trainings - 1))
            joint += _joint_variance(side)
    variances, freedoms = np.stack([variance for variance, _ in sources]), [free for _, free in sources]
    total, quantile = variances.sum(axis=0), _special().stdtrit
    shares = variances / np.where(total > 0.0, total, 1.0)
    doubt = np.tensordot(1.0 / np.array(freedoms), shares**2, axes=1)
    freedom = 1.0 / np.where(total > 0.0, doubt, 1.0)
    both = quantile(freedom, upper) * np.sqrt(np.maximum(total - joint, 0.0))
    each = [quantile(free, upper) * np.sqrt(variance) for variance, free in sources]
    return np.asarray(np.maximum(both, np.max(each, axis=0)))


def jackknife(whole: Floats, without: Floats) -> Floats:
    """Pseudo-values whose mean behaves like a statistic that is not a mean (Tukey 1958).

    Hand them to `half_width`. That holds for numbers without kinks, and not for largest or smallest ones.

    Args:
        whole: (...,) the number from all n seeds.
        without: (..., n) the number without each seed.

    Returns:
        (..., n) pseudo-values.
    """
    seeds = without.shape[-1]
    return np.asarray(seeds * whole[..., None] - (seeds - 1) * without)


def interquartile_mean(scores: Floats) -> float:
    """Mean of the middle half; a quarter of the scores is cut off at both ends, rounded down."""
    ordered = np.sort(np.asarray(scores, float), axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def interquartile_interval(scores: Floats, confidence: float = 0.95) -> Interval:
    """Interquartile mean over seeds and tasks (Agarwal et al. 2021).

    From `LEAST_FOR_IQM` seeds with an interval: Student's t of `jackknife`. All tasks share the seeds, so one
    that is left out is left out of all of them.

    Args:
        scores: (seeds, tasks).
        confidence: of the interval.
    """
    scores = _checked(scores, 2)
    seeds, estimate = len(scores), interquartile_mean(scores)
    if seeds < LEAST_FOR_IQM:
        return alone(estimate)
    without = np.array([interquartile_mean(np.delete(scores, seed, axis=0)) for seed in range(seeds)])
    pseudo = jackknife(np.array([estimate]), without[None])
    return around(estimate, float(half_width(pseudo, confidence=confidence)))


def improvement(values: Floats, baseline: Floats, confidence: float = 0.95) -> Interval:
    """Probability that a training of one agent is above one of another on a seed; a tie counts half.

    Agarwal et al. (2021), with seeds as tasks. The interval is that of a share (Clopper and Pearson 1934). It
    holds for one training of each. With several, whose shares pile up at 0 and 1, none that was simulated
    covers 0.93, so there is the value alone.

    Args:
        values: (n,) or (r, n) as in `mean_interval`.
        baseline: (n,) or (s, n) of the other agent on the same seeds.
        confidence: of the interval.

    Raises:
        ConfigError: see `paired_difference`.
    """
    values, baseline = _rows(values), _rows(baseline)
    _check_pairs(values, baseline)
    wins = (values[:, None] > baseline[None]) + 0.5 * (values[:, None] == baseline[None])  # (r, s, n)
    share, seeds = float(wins.mean()), wins.shape[-1]
    if len(values) > 1 or len(baseline) > 1 or seeds < 2:
        return alone(share)
    return share_interval(seeds * share, seeds, confidence)


def share_interval(won: float, of: int, confidence: float = 0.95) -> Interval:
    """A share of independent trials, which covers at least what it says (Clopper and Pearson 1934).

    Args:
        won: trials that count, from 0 to `of`.
        of: all trials, 1 and more.
        confidence: of the interval.

    Raises:
        ConfigError: a confidence that is not between 0 and 1.
    """
    upper, quantile = _upper(confidence), _special().betaincinv
    low = float(quantile(won, of - won + 1.0, 1.0 - upper)) if won > 0.0 else 0.0
    high = float(quantile(won + 1.0, of - won, upper)) if won < of else 1.0
    return Interval(won / of, low, high)


def _upper(confidence: float) -> float:
    """The share below the upper bound."""
    if not 0.0 < confidence < 1.0:
        raise ConfigError("confidence", f"{confidence!r} is not allowed; must be between 0 and 1")
    return (1.0 + confidence) / 2.0


def _joint_variance(values: Floats) -> Floats:
    """(...,) share of the mean's variance that neither seeds nor trainings (..., r, n) have alone."""
    trainings, seeds = values.shape[-2:]
    rest = values - values.mean(axis=-1, keepdims=True) - values.mean(axis=-2, keepdims=True)
    rest = rest + values.mean(axis=(-2, -1), keepdims=True)
    freedom = (trainings - 1) * (seeds - 1)
    return np.asarray((rest**2).sum(axis=(-2, -1)) / freedom / (trainings * seeds))


def _rows(values: Floats) -> Floats:
    """(r, n), with one row where there are no trainings."""
    return _checked(np.atleast_2d(np.asarray(values, float)), 2)


def _check_pairs(values: Floats, baseline: Floats) -> None:
    if values.shape[1] != baseline.shape[1]:
        raise ConfigError(
            "baseline",
            f"{baseline.shape[1]} values are not allowed; must be {values.shape[1]}, one per seed",
        )


def _checked(values: Floats, dimensions: int) -> Floats:
    values = np.asarray(values, float)
    if values.ndim != dimensions or not values.size or not np.all(np.isfinite(values)):
        shape = ["numbers", "a matrix of numbers"][dimensions - 1]
        raise ConfigError(
            "values", f"shape {values.shape} is not allowed; must be {shape}, finite and not empty"
        )
    return values


def _special() -> Any:
    try:
        import scipy.special
    except ImportError as error:
        raise DependencyNotInstalled(
            'scipy is missing; run `pip install "idn-gym[solve]"` for intervals'
        ) from error
    return scipy.special
