"""The three statements of Cohen and Goldszmidt (2004), each on a calibration set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.lab.calibration.calibrate import fit_isotonic
from idn_gym.lab.calibration.calibrated_classifier import decide, expected_error, fit_histogram, thresholds

SAMPLES = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60).map(
    lambda pairs: (
        np.array([score / 20 for score, _ in pairs]),
        np.array([outcome for _, outcome in pairs]),
    )
)


def best_single_threshold(scores, outcomes):
    """Accuracy of the best rule "positive from this score on"."""
    candidates = [*np.unique(scores), np.inf]
    return max(np.mean((scores >= candidate) == outcomes) for candidate in candidates)


@given(SAMPLES)
@settings(deadline=None)
def test_deciding_by_isotonic_is_the_best_of_all_single_thresholds(sample):
    scores, outcomes = sample
    decisions = decide(fit_isotonic(scores, outcomes)(scores))
    accuracy = np.mean(decisions == outcomes)
    assert accuracy == pytest.approx(best_single_threshold(scores, outcomes))
    assert accuracy >= np.mean(decide(scores) == outcomes) - 1e-12


@given(SAMPLES)
@settings(deadline=None)
def test_a_histogram_never_lowers_accuracy_either(sample):
    scores, outcomes = sample
    calibrated = fit_histogram(scores, outcomes)(scores)
    assert np.mean(decide(calibrated) == outcomes) >= np.mean(decide(scores) == outcomes)
    # Its error is known without labels, and bounds the Bayes error from above.
    assert expected_error(calibrated) == pytest.approx(np.mean(decide(calibrated) != outcomes))


def test_mean_calibrated_confidence_is_the_accuracy():
    rng = np.random.default_rng(0)
    scores = rng.random(5_000)
    outcomes = rng.random(5_000) < scores**3
    assert abs(scores.mean() - outcomes.mean()) > 0.2
    assert fit_isotonic(scores, outcomes)(scores).mean() == pytest.approx(outcomes.mean())


def test_several_thresholds_beat_one():
    rng = np.random.default_rng(1)
    scores = rng.random(4_000)
    truth = np.where((scores > 0.3) & (scores < 0.7), 0.9, 0.1)
    outcomes = rng.random(4_000) < truth
    calibrated = fit_histogram(scores, outcomes)(scores)
    np.testing.assert_allclose(thresholds(scores, calibrated), [0.3, 0.7], atol=0.01)
    assert np.mean(decide(calibrated) == outcomes) > best_single_threshold(scores, outcomes) + 0.1
    # The Bayes error is 0.1 by construction; calibrated probabilities of a coarse score bound it from above.
    assert expected_error(calibrated) == pytest.approx(0.1, abs=0.02)
    coarse = fit_histogram(scores, outcomes, bins=2)(scores)
    assert expected_error(coarse) > 0.4


def test_a_constant_decision_has_no_threshold():
    assert len(thresholds(np.array([0.1, 0.5, 0.9]), np.array([0.6, 0.7, 0.8]))) == 0


def test_empty_bins_say_their_middle():
    calibrated = fit_histogram(np.array([0.1]), np.array([True]), bins=4)
    np.testing.assert_allclose(calibrated(np.array([0.1, 0.3, 0.6, 1.0])), [1.0, 0.375, 0.625, 0.875])


def test_bad_scores_are_named():
    with pytest.raises(ConfigError, match=r"^confidence: "):
        fit_histogram(np.array([1.5]), np.array([True]))
