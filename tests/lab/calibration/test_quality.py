"""Label-free estimates where the right answer is known."""

import numpy as np
import pytest
from scipy.special import softmax

from idn_gym.config_reader import ConfigError
from idn_gym.lab.calibration.calibrate import RAW, class_scores, fit_temperature
from idn_gym.lab.calibration.quality import ESTIMATORS, agreement, estimate, fit_source


def calibrated(samples, seed=0, spread=2.0, classes=5):
    """Logits whose softmax is the very distribution that the labels are drawn from."""
    rng = np.random.default_rng(seed)
    logits = spread * rng.normal(size=(samples, classes))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((samples, 1))).sum(axis=1)
    return logits, labels


def test_on_the_source_itself_all_but_average_confidence_are_exact():
    logits, labels = calibrated(3_000)
    probabilities = RAW(4.0 * logits)
    source = fit_source(probabilities, labels)
    truth = np.mean(class_scores(probabilities).predicted == labels)
    found = estimate(source, probabilities)
    assert set(found) == set(ESTIMATORS)
    assert source.accuracy == truth
    for name in ("DoC", "ATC-MC", "ATC-NE", "IM"):
        assert found[name] == pytest.approx(truth, abs=1e-12), name
    assert found["AC"] > truth + 0.1  # overconfident by construction


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0, 4.0])
def test_average_confidence_is_right_wherever_confidences_are_calibrated(spread):
    source, labels = calibrated(5_000, 1)
    scaling = fit_temperature(3.0 * source, labels)
    target, truth = calibrated(10_000, 2, spread)
    probabilities = scaling(3.0 * target)
    accuracy = np.mean(class_scores(probabilities).predicted == truth)
    found = estimate(fit_source(scaling(3.0 * source), labels), probabilities)
    assert found["AC"] == pytest.approx(accuracy, abs=0.02)
    assert found["DoC"] == pytest.approx(accuracy, abs=0.03)


def test_importance_weighting_is_right_where_samples_are_chosen_by_confidence():
    logits, labels = calibrated(40_000, 3)
    probabilities = RAW(3.0 * logits)
    source = fit_source(probabilities[:20_000], labels[:20_000])
    # The same chance for all of a bin, as the estimate assumes.
    kept = (
        np.random.default_rng(0).random(40_000) > np.floor(10 * class_scores(probabilities).confidence) / 10
    )
    kept[:20_000] = False
    accuracy = np.mean(class_scores(probabilities).predicted[kept] == labels[kept])
    found = estimate(source, probabilities[kept])
    assert source.accuracy > accuracy + 0.1
    assert found["IM"] == pytest.approx(accuracy, abs=0.02)
    assert abs(found["AC"] - accuracy) > 0.1


def test_no_estimate_notices_labels_that_turn_while_inputs_stay():
    logits, labels = calibrated(3_000)
    source = fit_source(RAW(logits), labels)
    turned = (labels + 1) % 5
    accuracy = np.mean(class_scores(RAW(logits)).predicted == turned)
    assert accuracy < 0.2
    assert all(value > accuracy + 0.3 for value in estimate(source, RAW(logits)).values())


def test_ties_are_one_step():
    # Half of the samples share the highest confidence; three quarters are right.
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.55, 0.45]])
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    found = estimate(fit_source(probabilities, labels), probabilities)
    assert found["ATC-MC"] == 0.75
    labels = np.array([0, 0, 1, 1, 1, 1, 1, 1])  # a quarter is right, which no threshold splits off
    assert estimate(fit_source(probabilities, labels), probabilities)["ATC-MC"] in (0.0, 0.5)


def test_all_right_means_all_above_the_threshold():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
    source = fit_source(probabilities, np.array([0, 0]))
    assert estimate(source, np.array([[0.51, 0.49]]))["ATC-MC"] == 1.0


def test_importance_weighting_falls_back_where_the_source_saw_nothing():
    source = fit_source(np.array([[0.95, 0.05], [0.96, 0.04]]), np.array([0, 1]))
    assert estimate(source, np.array([[0.55, 0.45]]))["IM"] == 0.5


def test_agreement_is_within_the_error_of_the_upstream_model():
    rng = np.random.default_rng(0)
    truth = rng.integers(10, size=2_000)
    local = np.where(rng.random(2_000) < 0.7, truth, (truth + 1) % 10)
    upstream = np.where(rng.random(2_000) < 0.95, truth, (truth + 2) % 10)
    assert abs(agreement(local, upstream) - np.mean(local == truth)) <= np.mean(upstream != truth)
    assert agreement(local, local) == 1.0


def test_lengths_must_agree():
    with pytest.raises(ConfigError, match=r"^labels: "):
        fit_source(np.full((3, 2), 0.5), np.zeros(2, int))
