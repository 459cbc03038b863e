"""The intervals hold the truth as often as they say, by simulation with fixed seeds."""

import numpy as np
import pytest

from experiments import check_intervals as check
from idn_gym.evaluation.intervals import LEAST_FOR_IQM


@pytest.mark.parametrize("seeds", check.SEEDS)
@pytest.mark.parametrize("of", [check.of_means, check.of_differences])
def test_means_and_paired_differences_of_normal_data(of, seeds):
    assert 0.94 < of(seeds, "normal", 20_000) < 0.96


@pytest.mark.parametrize("seeds", [2, 5, 30])
def test_differences_as_shares_of_the_baseline(seeds):
    for correlation in check.CORRELATIONS:
        assert 0.93 < check.of_shares(seeds, correlation, 3_000) < 0.97


def test_lognormal_data_are_covered_less_and_differences_more():
    # What the documentation reports: skewed means are covered too seldom, differences of them are not skewed.
    for seeds in (5, 30):
        assert 0.79 < check.of_means(seeds, "lognormal", 5_000) < 0.91
        assert 0.93 < check.of_differences(seeds, "lognormal", 5_000) < 0.985


@pytest.mark.parametrize(("trainings", "seeds"), [(2, 20), (3, 3), (3, 20), (5, 20)])
def test_means_over_trainings_and_seeds_whichever_differ(trainings, seeds):
    for share in (0.0, 0.5, 0.9, 1.0):
        for joint in (0.0, 1.0):
            for against in (0, trainings):
                held = check.of_trainings(trainings, seeds, share, joint, 2_000, against)
                assert held >= 0.93, (share, joint, against)
    # Where one source does everything, it is exactly Student's t.
    for share in (0.0, 1.0):
        assert 0.94 < check.of_trainings(trainings, seeds, share, 0.0, 10_000) < 0.96


def test_cells_that_share_seeds_are_one_unit_each():
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(10_000, 1, 5)) + 0.3 * rng.normal(size=(10_000, 6, 5))  # six cells, five seeds
    mean = cells.mean(axis=1, keepdims=True)
    assert 0.94 < (abs(mean.mean(axis=(1, 2))) <= check.half_width(mean)).mean() < 0.96
    pooled = cells.reshape(10_000, 1, 30)
    assert (abs(pooled.mean(axis=(1, 2))) <= check.half_width(pooled)).mean() < 0.7


@pytest.mark.parametrize("tasks", [1, 4])
def test_interquartile_means_from_the_least_number_of_seeds(tasks):
    assert check.of_interquartile_means(LEAST_FOR_IQM, tasks, 1_000) >= 0.92


@pytest.mark.parametrize("seeds", [2, 10, 30])
def test_probabilities_of_improvement(seeds):
    assert all(check.of_improvements(seeds, p, 500) >= 0.93 for p in (0.5, 0.9, 0.99))


def test_indicators_of_fronts():
    for runs, episodes in ((1, 5), (3, 5)):
        assert min(check.of_fronts(runs, episodes, 150).values()) >= 0.91


@pytest.mark.long
def test_the_long_simulation_holds_every_line_of_the_documentation():
    for seeds in check.SEEDS:
        for of in (check.of_means, check.of_differences):
            assert 0.945 < of(seeds, "normal", 200_000) < 0.955
        for correlation in check.CORRELATIONS:
            assert 0.935 < check.of_shares(seeds, correlation, 10_000) < 0.965
    for trainings, seeds in check.CROSSED:
        for share in check.TRAINING_SHARES:
            for joint in (0.0, 0.5, 1.0):
                for against in (0, 1, trainings):
                    held = check.of_trainings(trainings, seeds, share, joint, 10_000, against)
                    assert held >= 0.925, (trainings, seeds, share, joint, against)
    for seeds in range(LEAST_FOR_IQM, 31):
        assert min(check.of_interquartile_means(seeds, tasks, 2_000) for tasks in (1, 2, 4)) >= 0.92
    for runs, episodes in ((1, 3), (1, 20), (3, 5), (3, 20)):
        assert min(check.of_fronts(runs, episodes, 1_000).values()) >= 0.925


def test_the_command_prints_the_tables(capsys):
    check.main(["--repeats", "50"])
    printed = capsys.readouterr().out
    assert all(
        word in printed for word in ("lognormal", "3 x 20", "4 tasks", "true value 0.5", "hypervolume")
    )
