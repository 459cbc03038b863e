"""Calibration against logits whose miscalibration is known."""

import numpy as np
import pytest
from scipy.special import softmax

from idn_gym.config_reader import ConfigError
from idn_gym.lab.calibration.calibrate import (
    HOTTEST,
    RAW,
    Scaling,
    class_scores,
    fit_isotonic,
    fit_temperature,
    fit_vector,
)
from idn_gym.lab.calibration.calibration_error import (
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
)


def calibrated(samples, seed=0, classes=5):
    """Logits whose softmax is the very distribution that the labels are drawn from."""
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=(samples, classes))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((samples, 1))).sum(axis=1)
    return logits, labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_found_again(factor):
    logits, labels = calibrated(20_000)
    assert fit_temperature(factor * logits, labels).temperature == pytest.approx(factor, rel=0.03)


def test_temperature_keeps_the_answer_and_lowers_the_likelihood():
    for seed in range(3):
        logits, labels = calibrated(2_000, seed)
        scaling = fit_temperature(2.5 * logits, labels)
        before, after = RAW(2.5 * logits), scaling(2.5 * logits)
        np.testing.assert_array_equal(class_scores(before).predicted, class_scores(after).predicted)
        assert negative_log_likelihood(after, labels) < negative_log_likelihood(before, labels)
        assert brier_score(after, labels) < brier_score(before, labels)


def test_vector_scaling_finds_scales_and_shifts_again():
    logits, labels = calibrated(40_000)
    scale, shift = np.array([0.5, 1.0, 2.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0, -1.0, 0.0])
    fitted = fit_vector((logits - shift) / scale, labels)
    np.testing.assert_allclose(fitted.scale, scale, rtol=0.1)
    # A shift of all classes together changes nothing.
    np.testing.assert_allclose(fitted.shift - fitted.shift[1], shift, atol=0.1)


def test_vector_scaling_is_no_worse_than_temperature_on_validation_data():
    for seed in range(3):
        logits, labels = calibrated(500, seed)
        vector, single = fit_vector(3.0 * logits, labels), fit_temperature(3.0 * logits, labels)
        assert negative_log_likelihood(vector(3.0 * logits), labels) <= negative_log_likelihood(
            single(3.0 * logits), labels
        )


def test_a_temperature_without_optimum_ends_at_the_edge():
    labels = np.arange(3)
    assert fit_temperature(0.1 * np.eye(3), labels).temperature == pytest.approx(1 / HOTTEST, rel=0.01)


def test_isotonic_takes_calibration_error_away():
    logits, labels = calibrated(20_000)
    scores = class_scores(RAW(3.0 * logits))
    correct = scores.predicted == labels
    half = len(correct) // 2
    curve = fit_isotonic(scores.confidence[:half], correct[:half])
    held = curve(scores.confidence[half:])
    assert expected_calibration_error(scores.confidence[half:], correct[half:]) > 0.1
    assert expected_calibration_error(held, correct[half:]) < 0.02
    # Outside what was seen the map is constant.
    assert np.all((curve(np.array([0.0, 1.0])) >= 0) & (curve(np.array([0.0, 1.0])) <= 1))
    assert np.all(np.diff(curve(np.linspace(0, 1, 200))) >= 0)


def test_isotonic_averages_ties_and_violators():
    curve = fit_isotonic(np.array([0.2, 0.5, 0.5, 0.9]), np.array([True, False, True, True]))
    np.testing.assert_allclose(curve(np.array([0.2, 0.5, 0.9])), [2 / 3, 2 / 3, 1.0])


def test_scores_of_sure_and_clueless():
    scores = class_scores(np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.25, 0.25, 0.25, 0.25]]))
    np.testing.assert_allclose(scores.confidence, [1.0, 0.5, 0.25])
    np.testing.assert_allclose(scores.entropy, [0.0, 0.5, 1.0])
    assert scores.predicted[0] == 0


def test_reliability_and_its_error_by_hand():
    confidence = np.array([0.5, 0.45, 0.95, 1.0, 0.0])
    correct = np.array([True, False, True, False, False])
    table = reliability(confidence, correct, bins=2)
    np.testing.assert_array_equal(table.samples, [3, 2])
    np.testing.assert_allclose(table.accuracy, [1 / 3, 1 / 2])
    np.testing.assert_allclose(table.confidence, [0.95 / 3, 0.975])
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx(
        (3 * abs(1 / 3 - 0.95 / 3) + 2 * 0.475) / 5
    )
    assert np.isnan(reliability(confidence, correct, bins=10).accuracy[2])


def test_likelihood_and_brier_by_hand():
    probabilities = np.array([[0.5, 0.5], [0.1, 0.9]])
    labels = np.array([0, 1])
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(-np.log([0.5, 0.9]).mean())
    assert brier_score(probabilities, labels) == pytest.approx((0.5 + 0.02) / 2)
    assert negative_log_likelihood(np.array([[0.0, 1.0]]), np.array([0])) == np.inf


@pytest.mark.parametrize(
    ("logits", "labels", "key"),
    [
        (np.zeros((3, 1)), np.zeros(3, int), "logits"),
        (np.zeros((0, 2)), np.zeros(0, int), "logits"),
        (np.full((2, 2), np.nan), np.zeros(2, int), "logits"),
        (np.zeros((3, 2)), np.zeros(2, int), "labels"),
        (np.zeros((3, 2)), np.zeros(3), "labels"),
        (np.zeros((3, 2)), np.array([0, 1, 2]), "labels"),
        (np.zeros((3, 2)), np.array([0, 1, -1]), "labels"),
    ],
)
@pytest.mark.parametrize("fit", [fit_temperature, fit_vector])
def test_bad_input_is_named(fit, logits, labels, key):
    with pytest.raises(ConfigError, match=f"^{key}: "):
        fit(logits, labels)


@pytest.mark.parametrize("confidence", [[0.5], [0.5, 1.2], [0.5, np.nan]])
def test_confidences_are_checked(confidence):
    with pytest.raises(ConfigError, match=r"^confidence: "):
        fit_isotonic(np.array(confidence), np.array([True, False]))


def test_scaling_takes_any_leading_axes():
    logits, _ = calibrated(6)
    scaling = Scaling(np.array([0.5]), np.zeros(1))
    np.testing.assert_allclose(scaling(logits.reshape(2, 3, 5)), scaling(logits).reshape(2, 3, 5))
