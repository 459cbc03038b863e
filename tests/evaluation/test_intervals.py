"""Intervals against cases with known answers, and their coverage."""

import numpy as np
import pytest

from idn_gym.evaluation.intervals import (
    Interval,
    interquartile_mean,
    mean_interval,
    paired_difference,
    stratified_interval,
)
from idn_gym.strict import ConfigError


def test_equal_values_leave_no_doubt():
    assert mean_interval(np.full(7, 2.5)) == Interval(2.5, 2.5, 2.5)


def test_the_interval_is_that_of_the_normal_law_for_many_values():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    half = 1.96 * values.std() / 20.0
    mean, low, high = mean_interval(values)
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    assert low == pytest.approx(mean - half, abs=0.1 * half)
    assert high == pytest.approx(mean + half, abs=0.1 * half)


def test_two_values_resample_to_three_means():
    # Means 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
    assert mean_interval(np.array([0.0, 1.0])) == Interval(0.5, 0.0, 1.0)
    assert mean_interval(np.array([0.0, 1.0]), confidence=0.4) == Interval(0.5, 0.5, 0.5)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = []
    for _ in range(300):
        _, low, high = mean_interval(rng.exponential(1.0, 40), confidence=0.9, repeats=400)
        held.append(low <= 1.0 <= high)
    assert 0.83 < np.mean(held) < 0.94


def test_the_interval_over_trainings_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    for spread in (0.0, 1.0, 3.0):  # of seeds, besides trainings that differ by 1
        held = []
        for _ in range(200):
            values = rng.normal(0.0, 1.0, (3, 1)) + spread * rng.normal(0.0, 1.0, 20) / np.sqrt(20 / 3)
            _, low, high = mean_interval(values, repeats=400)
            held.append(low <= 0.0 <= high)
        assert np.mean(held) > 0.91


def test_pairs_stay_together():
    baseline = np.random.default_rng(2).normal(0.0, 100.0, 30)
    assert paired_difference(baseline + 1.0, baseline) == pytest.approx((1.0, 1.0, 1.0), abs=1e-9)
    moved = paired_difference(np.roll(baseline, 1) + 1.0, baseline)
    assert moved.low < -20.0 and moved.high > 20.0


def test_trainings_that_differ_widen_the_interval_as_students_t_does():
    apart = np.array([[0.0] * 9, [1.0] * 9, [2.0] * 9])
    half = 4.303 / np.sqrt(3.0)  # t with two degrees of freedom; the trainings have a deviation of 1
    for found in (mean_interval(apart), paired_difference(apart + 5.0, np.full(9, 5.0))):
        assert found == pytest.approx((1.0, 1.0 - half, 1.0 + half), abs=0.15)
    both = paired_difference(apart, apart)
    assert both.estimate == 0.0 and both.high > 1.2 * half
    # Trainings that agree leave only the seeds to resample, and those stay paired.
    seeds = np.random.default_rng(6).normal(0.0, 100.0, 9)
    assert paired_difference(np.stack([seeds, seeds]) + 1.0, seeds) == pytest.approx(
        (1.0, 1.0, 1.0), abs=1e-9
    )
    assert mean_interval(seeds[None]) == mean_interval(seeds)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(3).random(9)
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values) != mean_interval(values, seed=1)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1.0, 2.0, 3.0, 100.0], 2.5),
        ([5.0], 5.0),
        ([-50.0, 1.0, 2.0, 3.0, 4.0, 50.0], 2.5),
        ([[0.0, 1.0], [2.0, 9.0]], 1.5),
    ],
)
def test_the_outer_quarters_do_not_count(scores, expected):
    assert interquartile_mean(np.array(scores)) == expected


def test_runs_are_resampled_within_their_task():
    # Tasks of very different level and no spread of their own: mixing tasks would widen the interval.
    scores = np.tile([0.0, 10.0, 20.0, 30.0], (5, 1))
    assert stratified_interval(scores) == Interval(15.0, 15.0, 15.0)


def test_the_stratified_interval_is_the_plain_one_for_a_single_task():
    values = np.random.default_rng(4).normal(size=50)
    one = stratified_interval(values[:, None], lambda scores: float(scores.mean()), repeats=10_000)
    assert one == pytest.approx(mean_interval(values), abs=0.02)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[[1.0]]], [np.inf]])
def test_what_are_no_numbers_is_refused(values):
    with pytest.raises(ConfigError, match="values"):
        mean_interval(np.array(values))


def test_unequal_lengths_and_odd_confidence_are_refused():
    with pytest.raises(ConfigError, match="one per seed"):
        paired_difference(np.ones(3), np.ones(4))
    with pytest.raises(ConfigError, match="confidence"):
        mean_interval(np.ones(3), confidence=95.0)
    with pytest.raises(ConfigError, match="values"):
        stratified_interval(np.ones(3))
