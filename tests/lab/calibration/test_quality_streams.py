"""Estimators of streams, which see counts in bins, against the lab's, which see every sample."""

import numpy as np
import pytest

from idn_gym.lab.calibration.calibrate import RAW, class_scores
from idn_gym.lab.calibration.quality import WEIGHTED_BINS, estimate, fit_source
from idn_gym.quality import (
    ConfidenceDifference,
    MeanConfidence,
    SlotCounts,
    ThresholdedConfidence,
    bin_middles,
    fit_streams,
)
from idn_gym.quality.signals import confidence_places

FINE = 200


def binned(confidence, bins):
    return np.bincount(confidence_places(confidence, bins), minlength=bins).astype(float)[None]


@pytest.mark.parametrize("scale", [1.0, 0.5], ids=["as the source", "less sure"])
def test_counts_in_bins_say_what_samples_say(scale):
    rng = np.random.default_rng(0)
    logits, target = (2.0 * rng.normal(size=(3_000, 5)) for _ in range(2))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    probabilities, unlabelled = RAW(logits), RAW(scale * target)
    known = estimate(fit_source(probabilities, labels), unlabelled)
    scores, seen = class_scores(probabilities), class_scores(unlabelled).confidence
    for bins, names in ((FINE, ("AC", "DoC", "ATC-MC")), (WEIGHTED_BINS, ("IM",))):
        middles = bin_middles(bins)
        right = binned(scores.confidence[scores.predicted == labels], bins)
        source = fit_streams(binned(scores.confidence, bins), right, middles)
        estimators = {
            "AC": MeanConfidence(1, 1, middles),
            "DoC": ConfidenceDifference(
                1, 1, middles, accuracy=source.accuracy, confidence=source.confidence
            ),
            "ATC-MC": ThresholdedConfidence(1, 1, bins, threshold=source.threshold),
            "IM": MeanConfidence(1, 1, source.bin_accuracy),
        }
        for name in names:
            for part in np.array_split(seen, 7):  # slot by slot
                estimators[name].note(SlotCounts(binned(part, bins)[None]))
            found = estimators[name].estimate()[0, 0]
            assert found == pytest.approx(known[name], abs=1e-9 if name == "IM" else 2.0 / bins)
