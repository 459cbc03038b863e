"""Benefits of calibration, after Cohen and Goldszmidt (ECML/PKDD 2004).

Only the abstract of their paper was read. It states that a well calibrated classifier bounds the
Bayes error, that calibrating never decreases accuracy, and that calibration yields the threshold or
thresholds of least error. The functions here are our own reading for two outcomes and one score,
say "is the answer right?" and a confidence; the tests show each statement on a calibration set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.lab.calibration.calibrate import check_confidence
from idn_gym.quality.signals import bin_middles, confidence_places


class Histogram(NamedTuple):
    """A calibration map that is constant in bins of equal width and need not rise."""

    values: Floats  # (K,) share of positive outcomes per bin; the middle of the bin where it was empty

    def __call__(self, scores: Floats) -> Floats:
        """Calibrated probabilities of scores between 0 and 1, both (S,)."""
        return self.values[confidence_places(scores, len(self.values))]


def fit_histogram(scores: Floats, outcomes: Bools, bins: int = 20) -> Histogram:
    """Share of positive outcomes per bin.

    Args:
        scores: (S,) between 0 and 1.
        outcomes: (S,) whether the event happened.
        bins: number of bins; where it is even, one half is an edge, so that on the calibration set the
            decisions are at least as accurate as those of the scores themselves.

    Raises:
        ConfigError: the two differ in length, are empty, or a score is out of bounds.
    """
    scores, outcomes = check_confidence(scores, outcomes)
    place = confidence_places(scores, bins)
    count = np.bincount(place, minlength=bins)
    share = np.bincount(place, outcomes, bins) / np.maximum(count, 1)
    return Histogram(np.where(count, share, bin_middles(bins)))


def decide(probability: Floats) -> Bools:
    """The threshold step: positive where the calibrated probability is at least one half."""
    return np.asarray(probability) >= 0.5


def thresholds(scores: Floats, probability: Floats) -> Floats:
    """Scores at which the decision of the calibrated classifier changes, rising; none, one or several.

    Args:
        scores: (S,) raw scores.
        probability: (S,) their calibrated probabilities; equal scores have equal ones.

    Returns:
        (n,) middles between the neighbouring scores of unlike decisions.
    """
    ordered, first = np.unique(scores, return_index=True)
    change = np.diff(decide(probability)[first])
    return (ordered[:-1][change] + ordered[1:][change]) / 2.0


def expected_error(probability: Floats) -> float:
    """Error of deciding by calibrated probabilities (S,), without labels: the mean of min(p, 1 - p).

    No classifier errs less than the Bayes error, so where the probabilities are calibrated this bounds
    the Bayes error from above. For many classes the same holds for 1 - the mean calibrated confidence.
    How the paper bounds it from below was not read, and nothing is claimed here.
    """
    probability = np.asarray(probability)
    return float(np.minimum(probability, 1.0 - probability).mean())
