"""The functions that `idn_gym` itself offers to scripts."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym


def test_a_script_needs_nothing_else():
    scenario = idn_gym.load_scenario("tiny", {"horizon": 6})
    env = gym.make_vec("IDN-Scalar-v0", num_envs=1, scenario=scenario, action="scores", split="test")
    played = idn_gym.rollout(idn_gym.make_policy("static-greedy", env), env, seeds=[0])
    instance = idn_gym.build_instance(scenario, 0, "test")
    bracket = idn_gym.best_static(idn_gym.compile_scenario(scenario), instance, seconds=5.0)
    gained = idn_gym.static_gain(instance, bracket.placement)
    assert played.scalar.shape == (1, 6) and gained == pytest.approx([bracket.lower])
    assert np.all(gained <= bracket.upper * (1 + 1e-6))


def test_everything_that_is_listed_is_there():
    assert all(callable(getattr(idn_gym, name)) for name in idn_gym.PUBLIC)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        idn_gym.nothing  # noqa: B018
