"""Learners on fractions of all segments: heads and tails on two nodes, their bound, and how they round."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.rounding import round_exactly
from idn_gym.optimum.schedule import all_placements, slot_gains
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.policies.online.test_split_ftpl import best_kept, two_halves

pytest.importorskip("scipy")

NAMES = ("oga-splits", "infida-splits", "infida-adahedge-splits")


def test_it_finds_the_halves_that_prefixes_cannot_and_plays_them_together(make_scenario, play_learner):
    """Tasks take turns. Nodes that share uniforms hold head and tail of one model, others now and then."""
    scenario = two_halves(make_scenario, 40, **{"workload.popularity": {"kind": "alternating"}})
    instance = build_instance(scenario, 0)
    best, halves = best_kept(scenario, instance)
    assert halves
    late, gains = slice(10, None), {}
    for joint in (True, False):
        runs = [
            play_learner("oga-splits", scenario, instance=instance, coupled=False, joint=joint, seed=seed)
            for seed in range(4)
        ]
        np.testing.assert_array_equal(runs[0][3], runs[1][3])
        assert runs[0][3][late].sum() > 0.9 * 0.75 * best
        gains[joint] = np.mean([run[2][late].sum() for run in runs]) / (0.75 * best)
    prefixes = play_learner("oga", scenario, instance=instance)[2][late].sum() / (0.75 * best)
    assert (runs[0][1][late, 0, 1] != EMPTY).any()  # a tail in the middle
    assert gains[True] > 0.65
    assert gains[True] > 1.15 * gains[False]
    assert gains[True] > 1.5 * prefixes


@pytest.mark.parametrize("splits", [True, False])
def test_shared_uniforms_keep_the_means(splits, make_scenario, make_learner):
    """Of every column, over many draws; columns of one place in their model go the same way."""
    learner = make_learner("oga", two_halves(make_scenario), joint=True, splits=splits)
    polytope, z = learner.polytope, learner.fractional[0]
    rounded = np.zeros((4000, len(z)))
    for x in rounded:
        learner._draw_uniforms(0)
        round_exactly(polytope, z, learner._uniforms[0], x, learner._work)
    np.testing.assert_allclose(rounded.mean(axis=0), z, atol=0.04)


@pytest.mark.parametrize("splits", [True, False])
def test_nodes_share_the_uniforms_of_a_model(splits, make_scenario, make_learner):
    """The trade's those of one place in the model, the last one's all of it; no other columns are alike."""
    learner = make_learner("oga", two_halves(make_scenario), joint=True, splits=splits)
    learner._draw_uniforms(0)
    items, (trade, last) = learner.items, learner._uniforms[0]
    columns = list(zip(items.node.tolist(), items.model.tolist(), strict=True))
    place = [columns[:i].count(column) for i, column in enumerate(columns)]
    assert len(set(items.node.tolist())) > 1
    pairs = 0
    for i, j in itertools.combinations(range(len(columns)), 2):
        model = columns[i][1] == columns[j][1]
        assert (trade[i] == trade[j]) == (model and place[i] == place[j])
        assert (last[i] == last[j]) == model
        pairs += model and place[i] == place[j]
    assert pairs > 0


def test_its_regret_falls_behind_time_and_stays_below_its_bound(make_scenario, play_learner):
    """Tasks take turns: who follows the last slot is always wrong."""
    regrets = []
    for horizon in (15, 60):
        scenario = two_halves(make_scenario, horizon, **{"workload.popularity": {"kind": "alternating"}})
        instance = build_instance(scenario, 0)
        best, _ = best_kept(scenario, instance)
        learner, _, _, fractional = play_learner("oga-splits", scenario, instance=instance)
        assert learner.unproven is None
        regrets.append((best - fractional.sum()) / horizon)
        assert best - fractional.sum() <= learner.regret_bound[0]
    assert regrets[1] < 0.75 * regrets[0]


@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_printed_bound_holds_in_random_worlds(data, seed, worlds, make_scenario, play_learner):
    """Against all placements as they are served, with splits over two placed segments and tails that bind."""
    world = data.draw(worlds)
    private = {"serving.capacity": "exogenous", "serving.loading": "instant", "dynamics.memory": None}
    world["overrides"] |= {**private, "serving.max_parts": 2, "horizon": 12}
    scenario = make_scenario(**world)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, seed)
    try:
        placements = all_placements(compiled, 1000)
    except ConfigError:  # too many to list
        assume(False)
    name, options = ("oga-splits", {}) if seed % 2 else ("infida-optimistic", {"splits": True})
    learner, _, _, fractional = play_learner(name, scenario, instance=instance, **options)
    assert learner.unproven is None
    best = slot_gains(instance, placements, 0).sum(axis=0).max()
    assert best - fractional.sum() <= learner.regret_bound[0] * (1 + 1e-6) + 1e-6 * max(1.0, best)


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        *((name, {"rounding": "best-of-two"}, "rounding") for name in NAMES),
        ("oga-splits", {"step": "theory"}, "step"),
        ("infida-offline", {"splits": True, "rounding": "exact"}, "splits"),
    ],
)
def test_what_does_not_go_with_splits_is_refused(name, options, word, make_scenario, make_learner):
    with pytest.raises(ConfigError, match=rf"{word}: .* is not allowed"):
        make_learner(name, two_halves(make_scenario), **options)


def test_no_bound_is_given_where_capacity_is_shared(make_scenario, play_learner):
    shared = {"serving.capacity": "shared"}
    learner = play_learner("oga-splits", two_halves(make_scenario, 4, **shared))[0]
    assert learner.regret_bound is None and "capacity is shared" in learner.unproven
