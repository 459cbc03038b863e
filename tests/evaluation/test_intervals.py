"""Intervals against cases with known answers."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.intervals import (
    ITSELF,
    LEAST_FOR_IQM,
    UNKNOWN,
    Interval,
    alone,
    half_width,
    improvement,
    interquartile_interval,
    interquartile_mean,
    jackknife,
    mean_interval,
    paired_difference,
    relative_difference,
)

T1, T2, T8 = 12.7062, 4.30265, 2.30600
"""Student's t with 1, 2 and 8 degrees of freedom, at 0.975, from the tables."""


def test_the_interval_is_students_t():
    assert mean_interval(np.array([0.0, 1.0])) == pytest.approx((0.5, 0.5 - T1 / 2, 0.5 + T1 / 2), rel=1e-5)
    half = T2 * 2.0 / np.sqrt(3.0)
    assert mean_interval(np.array([1.0, 3.0, 5.0])) == pytest.approx((3.0, 3.0 - half, 3.0 + half), rel=1e-5)
    # at one half, t with one degree of freedom is 1
    assert mean_interval(np.array([0.0, 1.0]), confidence=0.5) == pytest.approx((0.5, 0.0, 1.0), rel=1e-12)


def test_it_is_that_of_the_normal_law_for_many_values():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    half = 1.96 * values.std() / 20.0
    assert mean_interval(values) == pytest.approx(
        (values.mean(), values.mean() - half, values.mean() + half), rel=0.01
    )


def test_equal_values_leave_no_doubt():
    assert mean_interval(np.full(7, 2.5)) == Interval(2.5, 2.5, 2.5)


def test_one_seed_has_no_interval():
    for found in (mean_interval(np.array([2.0])), paired_difference(np.array([3.0]), np.array([1.0]))):
        assert found.estimate == 2.0 and np.isnan(found.low) and np.isnan(found.high)
    # Trainings do not make up for seeds: they say nothing about other ones.
    assert np.isnan(mean_interval(np.array([[1.0], [2.0], [3.0]])).low)
    assert np.isnan(improvement(np.array([1.0]), np.array([0.0])).low)
    assert np.isnan(half_width(np.ones((4, 2, 1)))).all()


def test_what_is_not_known_is_a_dash():
    assert f"{Interval(1.0, 0.5, 1.5):.2f}" == "1.00 [0.50, 1.50]"
    assert f"{Interval(0.1, -0.05, 0.25):+.0%}" == "+10% [-5%, +25%]"
    assert f"{Interval(-1e-6, -2e-6, -1e-7):+.4f}" == "0.0000 [0.0000, 0.0000]"
    assert f"{alone(1.0):.2f}" == "1.00 [-]" and f"{ITSELF:+.1f}" == "0.0 [-]" and f"{UNKNOWN:.2f}" == "-"


def test_pairs_stay_together():
    baseline = np.random.default_rng(2).normal(0.0, 100.0, 30)
    assert paired_difference(baseline + 1.0, baseline) == pytest.approx((1.0, 1.0, 1.0), abs=1e-9)
    moved = paired_difference(np.roll(baseline, 1) + 1.0, baseline)
    assert moved.low < -20.0 and moved.high > 20.0


def test_a_share_is_as_sure_as_both_of_its_means():
    baseline = np.random.default_rng(9).normal(10.0, 3.0, 30)
    # Whoever is always a quarter dearer leaves no doubt, however much the seeds differ.
    assert relative_difference(1.25 * baseline, baseline) == pytest.approx((0.25, 0.25, 0.25), abs=1e-12)
    # Where the baseline is the same on all seeds, it is the difference in another unit.
    values, same = np.random.default_rng(10).normal(3.0, 1.0, 9), np.full(9, 2.0)
    assert relative_difference(values, same) == pytest.approx(
        [bound / 2.0 for bound in paired_difference(values, same)], rel=1e-9
    )


def test_a_share_of_nothing_is_not_known():
    assert f"{relative_difference(np.ones(2), np.zeros(2)):.0%}" == "-"
    assert f"{relative_difference(np.array([3.0]), np.array([2.0])):+.0%}" == "+50% [-]"
    assert f"{relative_difference(np.array([3.0, 1.0]), np.array([2.0, 0.0])):+.0%}" == "+100% [-]"


def test_trainings_that_differ_widen_the_interval():
    apart = np.array([[0.0] * 9, [1.0] * 9, [2.0] * 9])
    half = T2 / np.sqrt(3.0)  # the trainings have a deviation of 1, and seeds none
    for found in (mean_interval(apart), paired_difference(apart + 5.0, np.full(9, 5.0))):
        assert found == pytest.approx((1.0, 1.0 - half, 1.0 + half), rel=1e-5)
    # Both differ: sqrt(2 / 3) with four degrees of freedom, 2.267, would be less than for one of them.
    assert paired_difference(apart, apart) == pytest.approx((0.0, -half, half), rel=1e-5)


def test_seeds_count_where_trainings_agree():
    seeds = np.array([-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    half = T8 * np.sqrt(7.5) / 3.0
    for trainings in (1, 2, 5):
        assert mean_interval(np.stack([seeds] * trainings)) == pytest.approx((0.0, -half, half), rel=1e-5)
    same = paired_difference(np.stack([seeds, seeds]) + 1.0, seeds)
    assert same == pytest.approx((1.0, 1.0, 1.0), abs=1e-9)


def test_seeds_and_trainings_add_up():
    trainings, seeds = np.array([[-1.0], [0.0], [1.0]]), np.arange(-4.0, 5.0)
    of_trainings, of_seeds = 1.0 / 3.0, 7.5 / 9.0
    freedom = (of_trainings + of_seeds) ** 2 / (of_trainings**2 / 2 + of_seeds**2 / 8)
    assert 7.0 < freedom < 11.0  # where t is between 2.201 and 2.365
    _, low, high = mean_interval(trainings + seeds)
    assert 2.201 < (high - low) / 2 / np.sqrt(of_trainings + of_seeds) < 2.4
    # and never less than trainings alone would make it
    near = mean_interval(10.0 * trainings + 0.01 * seeds)
    assert near.high >= T2 * 10.0 / np.sqrt(3.0) * (1 - 1e-5)


def test_what_trainings_and_seeds_do_together_counts_once():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(400, 10, 30))  # nothing else: the mean has a variance of 1 / 300
    half = half_width(noise)
    assert 1.96 < np.median(half) * np.sqrt(300.0) < 2.5
    assert np.median(half) < np.sqrt(2.0) * 1.96 / np.sqrt(300.0)


def test_many_intervals_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(4)
    values, baseline = rng.normal(size=(5, 3, 4)), rng.normal(size=(5, 2, 4))
    halves = half_width(values, baseline)
    found = [paired_difference(*pair) for pair in zip(values, baseline, strict=True)]
    np.testing.assert_allclose(halves, [(i.high - i.low) / 2 for i in found], rtol=1e-12)


def test_the_unit_does_not_matter():
    values = np.random.default_rng(8).normal(size=(3, 5))
    for unit in (1e-120, 1e120):
        np.testing.assert_allclose(half_width(unit * values), unit * half_width(values), rtol=1e-9)


def test_the_pseudo_values_of_a_mean_are_the_values():
    values = np.random.default_rng(5).normal(size=(2, 6))
    without = np.stack([np.delete(values, seed, axis=1).mean(axis=1) for seed in range(6)], axis=1)
    np.testing.assert_allclose(jackknife(values.mean(axis=1), without), values, rtol=1e-12)


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


def test_an_interquartile_mean_of_few_seeds_stands_alone():
    scores = np.random.default_rng(6).normal(size=(LEAST_FOR_IQM, 4))
    few = interquartile_interval(scores[:-1])
    assert few.estimate == interquartile_mean(scores[:-1]) and np.isnan(few.low) and np.isnan(few.high)
    enough = interquartile_interval(scores)
    assert enough.low < enough.estimate == interquartile_mean(scores) < enough.high


def test_tasks_share_their_seeds():
    # Tasks of very different level and no spread of their own leave no doubt.
    level = np.array([0.0, 10.0, 20.0, 30.0])
    assert interquartile_interval(np.tile(level, (20, 1))) == pytest.approx((15.0, 15.0, 15.0))
    # A seed that moves all tasks at once is one unit, not four.
    seeds = np.random.default_rng(7).normal(size=(20, 1))
    together = interquartile_interval(level + seeds)
    assert together.high - together.low > 0.9 * np.diff(mean_interval(seeds[:, 0])[1:]).item()


def test_a_probability_of_improvement_has_the_interval_of_a_share():
    ahead = improvement(np.array([1.0, 2.0, 3.0, 4.0, 0.0]), np.zeros(5))
    # Clopper and Pearson for 4.5 of 5; a tie counts half
    assert ahead.estimate == 0.9 and 0.28 < ahead.low < 0.48 and ahead.high > 0.99
    always = improvement(np.ones(20), np.zeros(20))
    assert always.estimate == always.high == 1.0 and always.low == pytest.approx(0.025 ** (1 / 20), rel=1e-9)
    never = improvement(np.zeros(20), np.ones(20))
    assert never == pytest.approx((0.0, 0.0, 1 - 0.025 ** (1 / 20)), rel=1e-9)


def test_a_probability_of_improvement_of_several_trainings_stands_alone():
    values = np.array([[1.0, 3.0], [0.0, 2.0]])
    found = improvement(values, np.array([0.0, 2.5]))
    assert found.estimate == pytest.approx((1.0 + 1.0 + 0.5 + 0.0) / 4)
    assert np.isnan(found.low) and np.isnan(found.high)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[[1.0]]], [np.inf]])
def test_what_are_no_numbers_is_refused(values):
    with pytest.raises(ConfigError, match="values"):
        mean_interval(np.array(values))


def test_unequal_lengths_and_odd_confidence_are_refused():
    for compared in (paired_difference, relative_difference, improvement):
        with pytest.raises(ConfigError, match="one per seed"):
            compared(np.ones(3), np.ones(4))
    for interval in (mean_interval, lambda ones, **options: improvement(ones, ones, **options)):
        with pytest.raises(ConfigError, match="confidence"):
            interval(np.ones(3), confidence=95.0)
    with pytest.raises(ConfigError, match="values"):
        interquartile_interval(np.ones(3))
