"""Sequences of wishes cost what a rollout of them costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.dynamic.played import SequencePlayer, sequence_costs
from idn_gym.optimum.static import static_cost
from idn_gym.policy import Policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.conftest import QUICK_PRESETS
from tests.optimum.test_static import random_fit, random_wish


class Wishes(Policy):
    """Wishes (T, N, M), the same in every row."""

    def __init__(self, placements):
        self.placements = placements

    def act(self, observation, state, start, deterministic):
        slot = 0 if state is None else state
        return np.repeat(self.placements[slot][None], len(observation), axis=0), slot + 1


def random_wishes(compiled, rng, stay=3):
    """Wishes (T, N, M) that change every few slots, some of them too large."""
    horizon = compiled.scenario.horizon
    few = [random_wish(compiled, rng) for _ in range(-(-horizon // stay))]
    return np.repeat(np.array(few), stay, axis=0)[:horizon]


@pytest.mark.parametrize("preset", sorted(QUICK_PRESETS))
def test_costs_are_those_of_a_rollout(preset):
    scenario = load_scenario(preset, {"horizon": 10})
    compiled, seeds = compile_scenario(scenario), [3, 4]
    wishes = random_wishes(compiled, np.random.default_rng(1))
    env = IDNVectorEnv(2, scenario=scenario, action="segments", preference="balanced", split="test")
    played = rollout(Wishes(wishes), env, seeds)
    instance = build_instance(scenario, seeds, "test")
    for b in range(2):
        costs = sequence_costs(compiled, instance, wishes, b)
        np.testing.assert_allclose(costs, -played.scalar[b], rtol=1e-12, atol=1e-12)


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_a_wish_that_is_kept_costs_what_the_short_cut_says(data, seed, worlds, make_scenario):
    compiled = compile_scenario(make_scenario(**data.draw(worlds)))
    instance = build_instance(compiled.scenario, [seed, seed + 1])
    wish = random_wish(compiled, np.random.default_rng(seed))
    costs = [sequence_costs(compiled, instance, wish, b).mean() for b in range(2)]
    np.testing.assert_allclose(costs, static_cost(instance, compiled.scales, wish), rtol=1e-9)


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_playing_again_changes_nothing_and_a_resident_placement_costs_as_it_does_later(
    data, seed, worlds, make_scenario
):
    world = data.draw(worlds)
    world["overrides"] |= {"dynamics.memory": None, "serving.loading": "instant"}
    compiled = compile_scenario(make_scenario(**world))
    instance = build_instance(compiled.scenario, [seed])
    fit = random_fit(compiled, np.random.default_rng(seed))
    player = SequencePlayer(compiled, instance)
    costs = player.play(fit)
    np.testing.assert_allclose(player.steady_costs(fit, np.arange(1, player.slots)), costs[1:], rtol=1e-12)
    np.testing.assert_array_equal(player.play(fit), costs)


def test_wishes_of_another_world_are_refused():
    scenario = load_scenario("tiny", {"horizon": 4})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, [0])
    pins = compiled.tables.pinned
    with pytest.raises(ConfigError, match="placements: 3 wishes are not allowed; must be 4"):
        sequence_costs(compiled, instance, np.repeat(pins[None], 3, axis=0))
    wrong = np.repeat(pins[None], 4, axis=0)
    wrong[2] = len(compiled.tables.segment_model)
    with pytest.raises(ConfigError, match="placement"):
        sequence_costs(compiled, instance, wrong)
