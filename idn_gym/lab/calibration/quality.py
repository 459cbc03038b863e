"""Estimates of a classifier's accuracy on data without labels.

Each estimate rests on an assumption about the shift from the labelled source to the unlabelled
target, and none of them holds under every shift. Pass raw or calibrated probabilities, the same
kind for source and target. The forms of DoC, ATC and importance weighting follow the code that the
authors of ATC published (Garg et al., ICLR 2022).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints
from idn_gym.lab.calibration.calibrate import class_scores
from idn_gym.quality.signals import confidence_places, difference_of_confidences, matching_threshold

ESTIMATORS = ("AC", "DoC", "ATC-MC", "ATC-NE", "IM")
"""Average confidence, difference of confidences, average thresholded confidence on the most probable
class and on negative entropy, and importance weighting by confidence."""

WEIGHTED_BINS = 10


class Source(NamedTuple):
    """Statistics of labelled source data that the estimators keep."""

    accuracy: float
    confidence: float  # mean
    least_confidence: float  # threshold of ATC-MC
    least_certainty: float  # threshold of ATC-NE, on negative entropy
    bin_accuracy: Floats  # (10,) of equal bins of confidence; NaN where no sample fell


def fit_source(probabilities: Floats, labels: Ints) -> Source:
    """Learn from labelled data, usually the validation set.

    Args:
        probabilities: (S, C), rows adding up to 1.
        labels: (S,) true classes.

    Raises:
        ConfigError: probabilities and labels differ in length.
    """
    if len(probabilities) != len(labels) or not len(labels):
        raise ConfigError(
            "labels", f"{len(labels)} are not allowed; must be {len(probabilities)}, and not none"
        )
    scores = class_scores(probabilities)
    correct = scores.predicted == labels
    accuracy = float(correct.mean())
    place = confidence_places(scores.confidence, WEIGHTED_BINS)
    count = np.bincount(place, minlength=WEIGHTED_BINS)
    return Source(
        accuracy,
        float(scores.confidence.mean()),
        matching_threshold(scores.confidence, accuracy),
        matching_threshold(-scores.entropy, accuracy),
        np.bincount(place, correct, WEIGHTED_BINS) / np.where(count, count, np.nan),
    )


def estimate(source: Source, probabilities: Floats) -> dict[str, float]:
    """Accuracy on unlabelled target data by every one of `ESTIMATORS`, between 0 and 1.

    Args:
        source: what `fit_source` learned from labelled data.
        probabilities: (S, C) on the target.
    """
    scores = class_scores(probabilities)
    confidence = float(scores.confidence.mean())
    weights = np.bincount(confidence_places(scores.confidence, WEIGHTED_BINS), minlength=WEIGHTED_BINS)
    known = ~np.isnan(source.bin_accuracy)
    weighted = source.accuracy  # if no target sample falls where the source had one
    if weights[known].any():
        weighted = float(np.average(source.bin_accuracy[known], weights=weights[known]))
    return {
        "AC": confidence,
        "DoC": float(difference_of_confidences(source.accuracy, source.confidence, confidence)),
        "ATC-MC": float(np.mean(scores.confidence > source.least_confidence)),
        "ATC-NE": float(np.mean(-scores.entropy > source.least_certainty)),
        "IM": weighted,
    }


def agreement(predicted: Ints, upstream: Ints) -> float:
    """Share of forwarded requests on which a better model upstream gave the same answer.

    A free pseudo-label: where the upstream model errs with probability e, the accuracy lies within e
    of the agreement. Requests are forwarded because they are hard, so it speaks of those alone.

    Args:
        predicted: (S,) answers of the local model.
        upstream: (S,) answers of the upstream model to the same requests.
    """
    return float(np.mean(np.asarray(predicted) == np.asarray(upstream)))
