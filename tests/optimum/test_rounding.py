"""Rounding: exact means, no positive correlation, budgets, and little movement where the fractions drift."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.projection import make_polytope, project_euclid
from idn_gym.optimum.rounding import finish_rounding, round_exactly, start_rounding


def whole(sizes, budget):
    """One node of chains of one."""
    count = len(sizes)
    return make_polytope(
        np.array([0, count]), np.full(count, EMPTY), np.array(sizes, float), np.array([budget])
    )


def fractions(polytope, rng, spread=1.0):
    z = np.zeros((1, len(polytope.size)))
    project_euclid(polytope, rng.uniform(0.0, spread, z.shape), z)
    return z[0]


def workspace(polytope):
    return np.zeros((3, max(len(polytope.size), len(polytope.budget))), np.int64)


def draws(polytope, z, rng, count):
    x, work = np.zeros((count, len(z))), workspace(polytope)
    for k in range(count):
        round_exactly(polytope, z, rng.random((2, len(z))), x[k], work)
    return x


def test_exact_rounding_keeps_means_and_correlates_nothing():
    rng = np.random.default_rng(0)
    polytope = whole([3.0, 8.0, 5.0, 9.0, 2.0, 4.0, 7.0], 17.3)
    z = fractions(polytope, rng)
    assert ((z > 0.05) & (z < 0.95)).sum() >= 5
    x = draws(polytope, z, rng, 20_000)
    # four standard errors of a mean of 20,000 coins, and of a product of two
    np.testing.assert_allclose(x.mean(axis=0), z, atol=4 * 0.5 / np.sqrt(20_000))
    covariance = np.cov(x.T) - np.diag(np.var(x, axis=0))
    assert covariance[~np.eye(len(z), dtype=bool)].max() < 4 * 0.25 / np.sqrt(20_000)
    used = x @ polytope.size
    assert (used < 17.3 + polytope.size.max()).all()
    assert used.max() > 17.3  # the last item is not dropped: that would not be exact


def test_exact_rounding_keeps_the_size_of_the_others():
    rng = np.random.default_rng(1)
    polytope = whole(rng.uniform(1.0, 9.0, 40), 70.0)
    z, work = fractions(polytope, rng), workspace(polytope)
    for _ in range(50):
        x = np.zeros(40)
        start_rounding(polytope, z, rng.random((2, 40)), x, work)
        left = work[2, 0]
        used = x @ polytope.size
        if left < 0:
            assert used == pytest.approx(70.0, rel=1e-5)
        else:
            assert used - 1e-3 < 70.0 < used + polytope.size[left] + 1e-3


def test_exact_rounding_keeps_the_factor_of_coverage_gains():
    rng = np.random.default_rng(2)
    worst = np.inf
    for _ in range(25):
        polytope = whole(rng.uniform(1.0, 9.0, 10), rng.uniform(8.0, 25.0))
        z = fractions(polytope, rng)
        weights = rng.uniform(0.0, 1.0, (30, 10)) * (rng.random((30, 10)) < 0.4)

        def gain(x, weights=weights):
            return np.minimum(1.0, x @ weights.T).sum(axis=-1)

        worst = min(worst, gain(draws(polytope, z, rng, 600)).mean() / gain(z))
    assert 1.0 - np.exp(-1.0) <= worst < 1.0


def test_chains_are_cut_where_their_uniform_says():
    rng = np.random.default_rng(3)
    polytope = make_polytope(
        np.array([0, 3]), np.array([EMPTY, 0, 1]), np.array([2.0, 3.0, 4.0]), np.array([5.0])
    )
    z = np.array([0.9, 0.6, 0.35])
    x = draws(polytope, z, rng, 10_000)
    assert (np.diff(x, axis=1) <= 0.0).all()
    np.testing.assert_allclose(x.mean(axis=0), z, atol=4 * 0.5 / np.sqrt(10_000))


def test_the_better_of_two_never_breaks_a_budget():
    rng = np.random.default_rng(4)
    filled = 0
    for _ in range(300):
        parent, start = [], [0]
        for _ in range(2):
            for _ in range(rng.integers(1, 7)):
                for k in range(rng.integers(1, 4)):
                    parent.append(len(parent) - 1 if k else EMPTY)
            start.append(len(parent))
        count = len(parent)
        size = rng.uniform(1.0, 9.0, count)
        total = np.add.reduceat(size, start[:-1])
        polytope = make_polytope(np.array(start), np.array(parent), size, rng.uniform(0.0, 1.0, 2) * total)
        z, x, other, work = fractions(polytope, rng), np.zeros(count), np.zeros(count), workspace(polytope)
        task = np.sort(rng.integers(0, 4, count))
        for i in np.flatnonzero(np.array(parent) != EMPTY):
            task[i] = task[parent[i]]
        alone, added = rng.uniform(0.0, 1.0, (2, count))
        start_rounding(polytope, z, rng.random((2, count)), x, work)
        before = x.sum()
        finish_rounding(polytope, task, alone, added, x, other, work)
        filled += x.sum() > before
        assert set(np.unique(x)) <= {0.0, 1.0}
        assert (np.add.reduceat(x * size, start[:-1]) <= polytope.budget * (1 + 1e-9)).all()
        for i in np.flatnonzero(np.array(parent) != EMPTY):
            assert x[i] <= x[parent[i]]
    assert filled > 50


def test_the_better_of_two_is_taken():
    """Sizes 10 and 100, gains 11 and 100, budget 100: without the open item only 11 would ever be earned."""
    polytope = whole([10.0, 100.0], 100.0)
    gains, rng = np.array([11.0, 100.0]), np.random.default_rng(5)
    z = np.array([1.0, 0.9])
    x, other, work = np.zeros(2), np.zeros(2), workspace(polytope)
    for _ in range(20):
        start_rounding(polytope, z, rng.random((2, 2)), x, work)
        assert x @ gains == 11.0
        finish_rounding(polytope, np.array([0, 1]), gains, gains, x, other, work)
        assert x @ gains == 100.0


def test_what_is_left_is_filled_with_one_model_of_a_task():
    polytope = whole([60.0, 20.0, 20.0, 10.0], 105.0)
    x, other, work = np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(4), workspace(polytope)
    work[2, 0] = -1
    worth = np.array([9.0, 5.0, 4.0, 1.0])
    finish_rounding(polytope, np.array([0, 1, 1, 2]), worth, worth, x, other, work)
    np.testing.assert_array_equal(x, [1.0, 1.0, 0.0, 1.0])


def test_frozen_uniforms_move_less_than_fresh_ones():
    rng = np.random.default_rng(6)
    count, slots = 60, 150
    polytope = whole(rng.uniform(1.0, 9.0, count), 60.0)
    points, frozen, work = rng.uniform(0.0, 1.0, (1, count)), rng.random((2, count)), workspace(polytope)
    z, moved = np.zeros((1, count)), {"frozen": 0.0, "fresh": 0.0}
    last = dict.fromkeys(moved, None)
    for _ in range(slots):
        points += rng.normal(0.0, 0.02, points.shape)
        project_euclid(polytope, points.copy(), z)
        for name, uniforms in (("frozen", frozen), ("fresh", rng.random((2, count)))):
            x = np.zeros(count)
            round_exactly(polytope, z[0], uniforms, x, work)
            if last[name] is not None:
                moved[name] += polytope.size @ np.abs(x - last[name])
            last[name] = x
    assert moved["frozen"] < 0.5 * moved["fresh"]
