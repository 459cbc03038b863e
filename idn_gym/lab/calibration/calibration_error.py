"""Errors of confidences: reliability, ECE, NLL and Brier score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.lab.calibration.calibrate import check_confidence

BINS = 15
"""of equal width, as in Guo et al. (ICML 2017)"""


class Reliability(NamedTuple):
    """A reliability diagram: samples sorted into bins of equal width by their confidence."""

    samples: Ints  # (K,) how many fell into the bin
    confidence: Floats  # (K,) their mean confidence; NaN where the bin is empty
    accuracy: Floats  # (K,) their share of right answers; NaN where the bin is empty


def reliability(confidence: Floats, correct: Bools, bins: int = BINS) -> Reliability:
    """Confidence against accuracy, bin by bin; a value on an edge belongs to the bin below.

    Args:
        confidence: (S,) between 0 and 1.
        correct: (S,) whether the answer was right.
        bins: number of bins.

    Raises:
        ConfigError: the two differ in length, are empty, or a confidence is out of bounds.
    """
    confidence, correct = check_confidence(confidence, correct)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = np.where(count, count, np.nan)
    return Reliability(
        count,
        np.bincount(place, confidence, bins) / filled,
        np.bincount(place, correct, bins) / filled,
    )


def expected_calibration_error(confidence: Floats, correct: Bools, bins: int = BINS) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by their samples (ECE)."""
    table = reliability(confidence, correct, bins)
    gaps = np.abs(table.confidence - table.accuracy)
    return float(np.nansum(table.samples * gaps) / table.samples.sum())


def negative_log_likelihood(probabilities: Floats, labels: Ints) -> float:
    """Mean of -log of the probability given to the true class [nats]; infinite where that is 0."""
    with np.errstate(divide="ignore"):
        return -float(np.log(probabilities[np.arange(len(labels)), labels]).mean())


def brier_score(probabilities: Floats, labels: Ints) -> float:
    """Mean squared distance from the true class's unit vector, 0 to 2 (Brier 1950, all classes summed)."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())
