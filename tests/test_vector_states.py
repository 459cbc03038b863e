"""States of a vector environment: saved and put back to the bit, and memory that nothing shares."""

import pickle

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import State
from idn_gym.observations import OBSERVERS
from idn_gym.vector import IDNVectorEnv
from tests.test_vector import HORIZON, MODES, STEPS, make_kwargs


@pytest.mark.parametrize("mode", MODES)
def test_set_state_goes_on_to_the_bit(mode):
    """Saved in the middle of an episode, loaded into a fresh environment, on through two auto-resets."""
    env = IDNVectorEnv(3, autoreset_mode=mode, **make_kwargs(action="fractional"))
    env.reset(seed=4)
    env.action_space.seed(1)
    actions = [env.action_space.sample() for _ in range(STEPS)]
    for steps in range(HORIZON + 2):
        env.reset(seed=4)
        for action in actions[:steps]:
            env.step(action)
        saved = pickle.loads(pickle.dumps(env.get_state()))
        expected = [env.step(action) for action in actions]
        fresh = IDNVectorEnv(3, autoreset_mode=mode, **make_kwargs(action="fractional"))
        fresh.set_state(saved)
        for action, result in zip(actions, expected, strict=True):
            for field, same in zip(fresh.step(action)[:4], result[:4], strict=True):
                np.testing.assert_array_equal(field, same, strict=True)


def test_a_state_of_another_environment_is_refused():
    """Kernels do not check indices, so a state that does not fit must not get there."""
    env = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny")
    saved = env.get_state()
    others = [
        gym.make_vec("IDN-v0", num_envs=3, scenario="tiny").get_state(),
        gym.make_vec("IDN-v0", num_envs=2, scenario="fashion-edge").get_state(),
        {},
        saved["simulation"],
        None,
        {**saved, "over": saved["over"][:1]},
    ]
    for other in others:
        with pytest.raises(ConfigError, match="state: is not a state of this environment; allowed"):
            env.set_state(other)
    far = pickle.loads(pickle.dumps(saved))
    far["simulation"]["state"][State._fields.index("resident")][1, 0, 0] = 10_000
    with pytest.raises(ConfigError, match="state: holds segments of another scenario"):
        env.set_state(far)
    env.set_state(saved)


@pytest.mark.parametrize("steps", [0, HORIZON - 1, HORIZON])
def test_a_saved_state_does_not_move_on_with_the_environment(steps):
    env = IDNVectorEnv(2, **make_kwargs())
    env.reset(seed=0)
    for _ in range(steps):
        env.step(env.action_space.sample() * 0)
    saved = env.get_state()
    before = pickle.dumps(saved)
    first = env.step(env.action_space.sample() * 0 + 1)
    env.reset(seed=5)
    assert pickle.dumps(saved) == before
    env.set_state(saved)
    np.testing.assert_array_equal(env.step(env.action_space.sample() * 0 + 1)[0], first[0])
    env.set_state(saved)
    env.reset(seed=5)
    assert pickle.dumps(saved) == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", OBSERVERS)
@pytest.mark.parametrize("steps", [1, HORIZON, HORIZON + 1])
def test_nothing_shares_memory_between_steps(mode, observation, steps):
    env = IDNVectorEnv(3, autoreset_mode=mode, **make_kwargs(observation=observation))
    seen = [env.reset(seed=0)]
    seen += [env.step(env.action_space.sample()) for _ in range(steps)]
    arrays = [collect(result) for result in seen]
    copies = [[array.copy() for array in step] for step in arrays]
    env.reset(seed=1)
    for _ in range(HORIZON):
        env.step(env.action_space.sample())
    for step, copy in zip(arrays, copies, strict=True):
        for array, same in zip(step, copy, strict=True):
            np.testing.assert_array_equal(array, same)
    flat = [array for step in arrays for array in step]
    for i, one in enumerate(flat):
        assert not any(np.shares_memory(one, other) for other in flat[i + 1 :])


@pytest.mark.parametrize("mode", MODES)
def test_writing_to_what_was_returned_changes_nothing(mode):
    env, spoilt = (IDNVectorEnv(3, autoreset_mode=mode, **make_kwargs()) for _ in range(2))
    for e in (env, spoilt):
        e.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(STEPS):
        actions = env.action_space.sample()
        one, other = env.step(actions), spoilt.step(actions)
        for field, same in zip(collect(one), collect(other), strict=True):
            np.testing.assert_array_equal(field, same)
            same[...] = same == 0


def collect(value):
    """All numeric arrays in nested tuples and dicts."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return [value]
    if isinstance(value, np.ndarray):
        return [array for item in value for array in collect(item)]
    if isinstance(value, dict):
        return [array for item in value.values() for array in collect(item)]
    if isinstance(value, tuple):
        return [array for item in value for array in collect(item)]
    return []
