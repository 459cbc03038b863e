"""Bounds of what samples leave open."""

import math

import numpy as np
import pytest

from idn_gym.quality.wagers import STAKES, least_means


def test_a_bound_by_hand():
    """Ten right answers of ten: where bets on more than the bound won just as much as they had to."""
    low = least_means(np.array([[1.0, 0.0]]), np.array([[10.0, 0.0]]), 0.1)
    won = np.mean((1.0 + STAKES * (1.0 - low) / low) ** 10)
    assert won == pytest.approx(10.0) and 0.6 < low < 0.8
    assert least_means(np.array([[1.0, 0.0]]), np.array([[0.0, 10.0]]), 0.1) == 0.0


@pytest.mark.parametrize("samples", [10, 250])
@pytest.mark.parametrize("truth", [0.02, 0.5, 0.9, 0.99])
def test_bounds_fail_as_rarely_as_they_say(samples, truth):
    """The exact probability, over all numbers of right answers."""
    right = np.arange(samples + 1.0)
    chance = np.array(
        [math.comb(samples, k) * truth**k * (1.0 - truth) ** (samples - k) for k in range(samples + 1)]
    )
    counts = np.stack([right, samples - right], axis=1)
    low = least_means(np.tile([1.0, 0.0], (samples + 1, 1)), counts, 0.05)
    assert np.all(np.diff(low) >= 0.0) and np.all(low <= right / samples)
    assert chance[low > truth].sum() <= 0.05
    high = 1.0 - least_means(np.tile([0.0, 1.0], (samples + 1, 1)), counts, 0.05)
    assert chance[high < truth].sum() <= 0.05


def test_values_of_little_variance_are_known_better():
    counts = np.array([[125.0, 125.0], [125.0, 125.0]])
    low = least_means(np.array([[0.0, 1.0], [0.45, 0.55]]), counts, 0.05)
    assert 0.5 - low[1] < 0.5 * (0.5 - low[0])
