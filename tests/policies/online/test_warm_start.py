"""Warm starts of mirror ascent: from a placement, from the last episode, from other nodes."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.projection import make_polytope
from idn_gym.policies.online.mirror_state import MirrorState, Update, start_fractions, widths
from idn_gym.policies.online.warm_start import Columns, WarmStart, WarmStartConfig, held_columns
from idn_gym.scenarios.episodes import build_instance
from tests.policies.online.test_bounds import best_point, random_node, sequence

UPDATES = [Update(entropy, lazy) for entropy in (True, False) for lazy in (True, False)]


def node(count=4, budget=2.0):
    """One node that may hold `budget` of `count` models of size 1."""
    return make_polytope(np.array([0, count]), np.full(count, EMPTY), np.ones(count), np.array([budget]))


def one_node_columns(count):
    return Columns(np.zeros(count, np.int64), np.arange(count), np.arange(count))


def warm_state(polytope, geometry, rows=1, columns=None, held=None, **options):
    even, _ = start_fractions(polytope, geometry.entropy)
    columns = one_node_columns(len(even)) if columns is None else columns
    held = np.zeros(len(even)) if held is None else held
    return MirrorState(
        polytope, rows, geometry, warm=WarmStart(rows, even, WarmStartConfig(**options), columns, held)
    )


@pytest.mark.parametrize("geometry", UPDATES)
def test_rows_start_where_their_last_episode_has_ended(geometry):
    state = warm_state(node(), geometry, rows=2, start="last", trust=0.8)
    even = state.z.copy()
    assert np.ptp(even) == 0.0
    for _ in range(5):
        state.move(np.array([[1.0, 0.0, 0.3, 0.0], [0.0, 2.0, 0.0, 0.1]]))
    learnt = state.z.copy()
    state.begin(np.array([True, False]))
    np.testing.assert_allclose(state.z[0], 0.8 * learnt[0] + 0.2 * even[0], atol=1e-12)
    np.testing.assert_array_equal(state.z[1], learnt[1])
    state.begin(np.array([True, False]))  # nothing was learnt since
    np.testing.assert_allclose(state.z[0], 0.8 * learnt[0] + 0.2 * even[0], atol=1e-12)
    state.move(np.zeros((2, 4)))
    np.testing.assert_allclose(state.z[0], 0.8 * learnt[0] + 0.2 * even[0], atol=1e-9)


@pytest.mark.parametrize("geometry", UPDATES)
def test_a_placement_is_taken_over_at_once_and_for_every_episode(geometry):
    state = warm_state(
        node(), geometry, held=np.array([1.0, 0.0, 1.0, 0.0]), start="static-greedy", trust=0.6
    )
    for _ in range(2):
        np.testing.assert_allclose(state.z[0], [0.8, 0.2, 0.8, 0.2], atol=1e-9)
        state.move(np.array([[-1.0, 1.0, 0.0, 3.0]]))
        state.begin(np.ones(1, np.bool_))


def test_a_node_learns_from_the_others_what_both_may_hold():
    """Three nodes for two models each of three; the last node alone may hold the third model."""
    polytope = make_polytope(np.array([0, 2, 4, 6]), np.full(6, EMPTY), np.ones(6), np.ones(3))
    nodes, segments = np.repeat(np.arange(3), 2), np.array([5, 6, 5, 6, 5, 7])
    columns = Columns(nodes, np.array([0, 1, 0, 1, 0, 2]), segments)
    state = warm_state(polytope, Update(False, False), columns=columns, start="peers", trust=0.5)
    state.move(np.array([[0.3, 0.0, 0.0, 0.2, 0.1, 0.0]]))
    z = state.z[0].copy()
    state.begin(np.ones(1, np.bool_))
    means = np.array([z[2] + z[4], 2 * z[3], z[0] + z[4], 2 * z[1], z[0] + z[2], 2 * 0.5]) / 2
    taken = (0.5 * means + 0.25).reshape(3, 2)
    over = np.maximum(0.0, taken.sum(axis=1, keepdims=True) - 1.0)  # the first node has too much: projected
    assert over[0] > 0.1
    np.testing.assert_allclose(state.z[0], (taken - over / 2).ravel(), atol=1e-9)


@pytest.mark.parametrize("kind", ["noise", "turning", "single"])
def test_gradient_ascent_keeps_its_bound_wherever_it_starts(kind):
    """The diameter bounds the distance from any start; a start on the wrong side costs nearly all of it."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        polytope = random_node(rng, 2.2)
        eager = Update(False, False)
        state = warm_state(polytope, eager, start="last", trust=0.99)
        for g in sequence(rng, "noise", 30, polytope.size):
            state.move(g[None])
        state.begin(np.ones(1, np.bool_))
        gradients, earned = sequence(rng, kind, 200, polytope.size), 0.0
        for g in gradients:
            earned += float(g @ state.z[0])
            state.move(g[None])
        bound = 2.0 * widths(polytope, eager) * np.sqrt(state.norms[0])
        assert best_point(polytope, gradients.sum(axis=0)) - earned <= bound[0] * (1 + 1e-9)


def test_longer_segments_hold_the_shorter_columns_in_them(make_scenario, make_learner):
    models = {"m": {"blocks": [(1.0, 10.0, 1.0), (1.0, 20.0, 0.0)], "task": "t"}}
    nodes = {"edge": {"memory": 40.0, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    learner = make_learner("oga", make_scenario(nodes=nodes, links=[("edge", "cloud", {})], models=models))
    tables, items = learner.tables, learner.items
    columns = Columns(items.node, items.model, items.segment)
    assert len(items.node) == 2
    for length, wanted in ((0, [0.0, 0.0]), (1, [1.0, 0.0]), (2, [1.0, 1.0])):
        placement = tables.pinned.copy()
        if length:
            placement[0, 0] = items.segment[length - 1]
        assert held_columns(tables, columns, placement).tolist() == wanted


@pytest.mark.parametrize("name", ["infida", "infida-adahedge"])
def test_the_second_episode_earns_more_than_the_first(name, cells, make_learner, drive):
    """The same demand again, most of it for two of six models; both episodes that start even earn alike."""
    scenario = cells(horizon=12, **{"workload.zipf": 3.0})
    instance = build_instance(scenario, 0)
    earned = {}
    for start in ("even", "last"):
        learner = make_learner(name, scenario, start=start)
        earned[start] = [drive(learner, instance)[2].sum() for _ in range(2)]
    assert earned["even"][1] == pytest.approx(earned["even"][0])
    assert earned["last"][0] == pytest.approx(earned["even"][0])
    assert earned["last"][1] > 1.05 * earned["last"][0]


@pytest.mark.parametrize("options", [{"start": "warm"}, {"trust": 1.0}, {"trust": -0.1}])
def test_other_starts_are_refused(options, cells, make_learner):
    with pytest.raises(ConfigError, match=next(iter(options))):
        make_learner("infida", cells(horizon=3), **options)
