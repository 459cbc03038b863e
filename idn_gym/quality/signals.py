"""Signals of accuracy in confidences, of samples and of their counts in bins.

Confidences of a slot arrive as counts in K bins of equal width between 0 and 1. Every signal is then a
number per bin, so that one mean serves them all: the calibrated confidence of the bin, or the share of
the bin that lies above a threshold.
"""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints


def confidence_places(confidence: Floats, bins: int) -> Ints:
    """Index of the bin of each confidence (any shape); a confidence on an edge belongs to the bin above."""
    return np.clip((np.asarray(confidence) * bins).astype(int), 0, bins - 1)


def bin_middles(bins: int) -> Floats:
    """(K,) representative raw confidence of each bin.

    Any calibration map of confidences (isotonic, histogram) becomes one of bins when it is applied to these.

    Raises:
        ConfigError: there is no bin.
    """
    if bins < 1:
        raise ConfigError("bins", f"{bins!r} is not allowed; must be at least 1")
    return (np.arange(bins) + 0.5) / bins


def share_above(threshold: float | Floats, bins: int) -> Floats:
    """(..., K) share of each bin above thresholds (...), a bin's samples being spread evenly over it.

    Raises:
        ConfigError: there is no bin.
    """
    edges = bin_middles(bins) + 0.5 / bins
    above = (edges - np.asarray(threshold, float)[..., None]) * bins
    return np.clip(above, 0.0, 1.0)


def matching_threshold(scores: Floats, accuracy: float) -> float:
    """The threshold of ATC: the share of scores (S,) above it is closest to `accuracy`; ties are one step.

    Garg et al., "Leveraging unlabeled data to predict out-of-distribution performance", ICLR 2022.
    """
    steps, count = np.unique(scores, return_counts=True)
    candidates = np.concatenate([[-np.inf], steps])
    above = 1.0 - np.concatenate([[0.0], np.cumsum(count) / len(scores)])
    return float(candidates[np.argmin(np.abs(above - accuracy))])


def difference_of_confidences(
    accuracy: float | Floats, source_confidence: float | Floats, confidence: float | Floats
) -> Floats:
    """Source accuracy moved by as much as the mean confidence moved, between 0 and 1; arrays of one shape.

    Guillory et al., "Predicting with confidence on unseen distributions", ICCV 2021, in its simplest form.
    """
    moved: Floats = np.clip(np.asarray(accuracy) + confidence - source_confidence, 0.0, 1.0)
    return moved
