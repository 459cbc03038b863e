"""Indicators of Pareto sets against brute force and worked examples."""

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import idn_gym  # noqa: F401 (registers IDN-v0)
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.pareto import (
    best_within,
    expected_utility,
    hypervolume,
    igd_plus,
    maximum_utility_loss,
    non_dominated_sorted,
    objective_box,
    sparsity,
)
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import QUICK_PRESETS

pytest.importorskip("moocore")

GRID = st.integers(0, 5).map(float)
SETS = st.integers(2, 4).flatmap(
    lambda d: arrays(float, st.tuples(st.integers(1, 8), st.just(d)), elements=GRID)
)


@given(SETS)
def test_what_is_kept_is_what_nothing_dominates(points):
    kept = non_dominated_sorted(points)
    for point in points:
        beaten = any((other >= point).all() and (other > point).any() for other in points)
        assert beaten != any((point == one).all() for one in kept)
    assert len(np.unique(kept, axis=0)) == len(kept)


@settings(max_examples=30)
@given(SETS)
def test_hypervolume_counts_dominated_unit_cells(points):
    """On a grid of integers the volume above 0 is the number of unit cells below some point."""
    cells = np.stack(np.meshgrid(*[np.arange(5.0)] * points.shape[1], indexing="ij"), axis=-1)
    below = (cells[..., None, :] + 1 <= points).all(axis=-1).any(axis=-1)
    assert hypervolume(points, np.zeros(points.shape[1])) == pytest.approx(below.sum())


def test_utilities_of_a_worked_example():
    points, front = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.8]])
    weights = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    assert expected_utility(points, weights) == pytest.approx((1.0 + 0.5 + 1.0) / 3)
    assert expected_utility(front, weights) == pytest.approx((1.0 + 0.8 + 1.0) / 3)
    assert maximum_utility_loss(points, front, weights) == pytest.approx(0.3)
    assert maximum_utility_loss(front, points, weights) == 0.0


def test_igd_plus_measures_only_what_is_missing():
    front = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert igd_plus(front, front) == igd_plus(front + 1.0, front) == 0.0
    assert igd_plus(np.array([[0.0, 0.0]]), front) == pytest.approx(1.0)


def test_sparsity_of_evenly_spaced_points():
    assert sparsity(np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [0.5, 0.5]])) == pytest.approx(2.0)
    assert sparsity(np.array([[1.0, 1.0], [0.0, 0.0]])) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: non_dominated_sorted(np.zeros((0, 2))), r"points: shape \(0, 2\)"),
        (lambda: non_dominated_sorted(np.array([[np.nan, 0.0]])), "must be finite"),
        (lambda: hypervolume(np.zeros((1, 2)), np.zeros(3)), "must be 2 finite numbers"),
        (lambda: expected_utility(np.zeros((1, 2)), np.ones((1, 3))), "points have 2 objectives"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_the_worst_corner_is_a_slot_of_nominal_demand_in_which_everything_is_dropped(preset):
    box = objective_box(compile_scenario(load_scenario(preset)))
    env = gym.make_vec("IDN-v0", num_envs=1, scenario=preset, preference="balanced", action="scores")
    env.reset(seed=0)
    instance = env.unwrapped.simulation.instance
    instance.draw.demand[:] = instance.tables.class_requests
    instance.draw.seconds[:] = 0.0
    seen = env.step(np.full((1, *env.single_action_space.shape), -1, np.float32))[4]["vector_reward"][0]
    np.testing.assert_allclose(seen[:4], box.worst[:4], rtol=1e-6)
    assert seen[4] == 0.0 and box.worst[4] == -1.0
    np.testing.assert_allclose(box.best, [1, 0, 0, 0, 0], atol=1e-12)


def test_a_query_takes_the_best_of_what_is_allowed():
    points = np.array([[0.9, -2, -3, -1, 0], [0.6, -1, -1, -1, 0], [0.4, -1, -0.5, -1, 0]])
    assert best_within(points, "energy", {"accuracy": 0.5}) == 1
    assert best_within(points, "energy", {"accuracy": 0.7, "latency": -2.0}) == 0
    assert best_within(points, "energy", {}) == 2
    assert best_within(points, "energy", {"accuracy": 0.95}) is None
    with pytest.raises(ConfigError, match="speed"):
        best_within(points, "speed", {})
