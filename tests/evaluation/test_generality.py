"""Generality ratios: what they are, when there is none, and how often their intervals hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.generality import generality_ratio


def test_it_is_the_ratio_of_means():
    found = generality_ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    assert found == pytest.approx((0.5, 0.5, 0.5))
    found = generality_ratio(np.array([[1.0, 3.0], [2.0, 2.0]]), np.array([[4.0, 4.0], [3.0, 5.0]]))
    assert found.estimate == pytest.approx(0.5) and found.low < 0.5 < found.high


@given(st.floats(0.1, 10.0), st.integers(0, 1000))
def test_the_unit_of_both_does_not_count(unit, seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(1.0, 0.2, (2, 3, 8))
    np.testing.assert_allclose(generality_ratio(unit * one, unit * other), generality_ratio(one, other))


def test_there_is_none_of_what_is_not_positive():
    assert np.isnan(generality_ratio(np.ones(4), np.array([-1.0, 0.5, -1.0, 0.5])).estimate)


def test_both_have_the_same_trainings_and_seeds():
    with pytest.raises(ConfigError, match=r"reference: shape \(2,\) is not allowed; must be \(3,\)"):
        generality_ratio(np.ones(3), np.ones(2))


@pytest.mark.parametrize("trainings", [1, 3])
def test_intervals_hold_the_truth(trainings):
    """Scores of 0.4 and 0.5 with a spread as of scenarios, common in part, and of trainings."""
    rng, held, repeats = np.random.default_rng(0), 0, 600
    for _ in range(repeats):
        common = rng.normal(size=(1, 26))
        sides = []
        for mean in (0.4, 0.5):
            own = rng.normal(size=(1, 26)) + 0.3 * rng.normal(size=(trainings, 26))
            by_training = 0.02 * rng.normal(size=(trainings, 1)) if trainings > 1 else 0.0
            sides.append(mean + 0.1 * common + 0.15 * own + by_training)
        found = generality_ratio(*sides)
        held += found.low <= 0.8 <= found.high
    assert 0.93 <= held / repeats <= 0.995
