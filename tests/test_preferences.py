import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idn_gym  # noqa: F401 (registers the ids)
from idn_gym.config_reader import ConfigError
from idn_gym.preferences import preference_lattice, read_preference


@given(st.integers(1, 5))
def test_the_lattice_is_even_and_complete(divisions):
    weights = preference_lattice(divisions)
    assert len(weights) == (divisions + 1) * (divisions + 2) * (divisions + 3) // 6
    assert weights.sum(axis=1) == pytest.approx(1)
    steps = weights[:, :4] / (1 - weights[:, 4:]) * divisions
    assert steps == pytest.approx(np.rint(steps))
    assert len(np.unique(np.rint(steps), axis=0)) == len(weights)
    assert weights[:, 4] == pytest.approx(read_preference("balanced")[4])


@pytest.mark.parametrize("divisions", [0, -1, 1.5, True, "2", 38, 10**12])
def test_the_lattice_refuses_what_is_no_number_of_steps(divisions):
    with pytest.raises(ConfigError, match="divisions"):
        preference_lattice(divisions)


def test_a_chosen_preference_gives_the_episode_of_an_environment_that_always_has_it():
    wanted = [3, 1, 0, 2, 0.5]
    free = gym.make("IDN-v0", scenario="tiny", preference="random")
    fixed = gym.make("IDN-v0", scenario="tiny", preference=wanted)
    free.reset(seed=5, options={"preference": wanted})
    fixed.reset(seed=5)
    free.action_space.seed(0)
    for _ in range(48):
        action = free.action_space.sample()
        seen, reward, *_, info = free.step(action)
        _, same, *_, other = fixed.step(action)
        assert reward == same and info["tariff_cost"] == other["tariff_cost"]
        assert seen[-5:] == pytest.approx(read_preference(wanted))


def test_the_next_episode_draws_its_preference_again():
    env = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", preference="random", autoreset_mode="SAME_STEP")
    drawn = env.reset(seed=0)[1]["reward_weights"]
    chosen = env.reset(seed=0, options={"preference": "latency"})[1]["reward_weights"]
    assert np.allclose(chosen, read_preference("latency"))
    assert np.array_equal(env.reset(seed=0)[1]["reward_weights"], drawn)


def test_a_saved_environment_keeps_a_chosen_preference():
    env = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", preference="random")
    env.reset(seed=0, options={"preference": "latency"})
    state = env.unwrapped.get_state()
    other = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", preference="random")
    other.unwrapped.set_state(state)
    action = env.action_space.sample()
    assert np.array_equal(env.step(action)[1], other.step(action)[1])


@pytest.mark.parametrize("preference", ["balanced", None])
def test_a_preference_that_is_fixed_cannot_be_chosen_again(preference):
    env = gym.make("IDN-v0", scenario="tiny", preference=preference)
    with pytest.raises(ConfigError, match=r"options\.preference"):
        env.reset(seed=0, options={"preference": "latency"})


def test_other_options_are_refused_by_name():
    with pytest.raises(ConfigError, match=r"options\.weights"):
        gym.make("IDN-v0", scenario="tiny", preference="random").reset(options={"weights": [1, 1, 1, 1, 1]})
