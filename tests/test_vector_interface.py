"""What others ask of the native vector environment besides steps: limits, specs, calls, pictures, rewards."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv, reward_space
from idn_gym.vector import IDNVectorEnv
from tests.conftest import QUICK_PRESETS

HORIZON = 5
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]


def make_kwargs(**kwargs):
    return {"scenario": "tiny", "overrides": {"horizon": HORIZON}, "preference": "random", **kwargs}


@pytest.mark.parametrize("preference", [None, "balanced", "random", [0, 0, 0, 0, 1]])
@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_rewards_are_what_the_reward_space_says(preset, preference):
    """A scalar has neither `reward_space` nor `reward_dim`, so nobody takes it for a vector."""
    single = IDNEnv(scenario=preset, preference=preference)
    native = IDNVectorEnv(2, scenario=preset, preference=preference)
    single.reset(seed=0), native.reset(seed=0)
    for _ in range(3):
        reward, info = single.step(single.action_space.sample())[1::3]
        rewards, infos = native.step(native.action_space.sample())[1::3]
        if preference is None:
            assert single.reward_dim == native.reward_dim == 5
            assert reward in single.reward_space and all(row in native.reward_space for row in rewards)
        else:
            for env in (single, native):
                assert not hasattr(env, "reward_space") and not hasattr(env, "reward_dim")
            assert type(reward) is float and rewards.shape == (2,)
            assert all(row in reward_space() for row in (info["vector_reward"], *infos["vector_reward"]))


@pytest.mark.parametrize("make", [IDNEnv, IDNVectorEnv], ids=["single", "vector"])
def test_a_front_belongs_to_vector_rewards(make):
    with pytest.raises(ConfigError, match=r"^pareto_front: .* preference=None"):
        make(scenario="tiny", preference="balanced").pareto_front(0.9)


@pytest.mark.parametrize(("limit", "horizon"), [(None, 5), (-1, 5), (3, 3), (np.int64(1), 1), (99, 5)])
def test_a_limit_shortens_episodes_and_never_lengthens_them(limit, horizon):
    env = IDNVectorEnv(2, max_episode_steps=limit, **make_kwargs())
    env.reset(seed=0)
    ends = [bool(env.step(env.action_space.sample())[3].all()) for _ in range(horizon)]
    assert ends == [False] * (horizon - 1) + [True] and env.horizon == horizon


@pytest.mark.parametrize("limit", [0, -2, 2.0, "3", True, np.array([3])])
def test_a_bad_limit_is_refused(limit):
    with pytest.raises(ConfigError, match=r"^max_episode_steps: .*whole number of at least 1"):
        IDNVectorEnv(2, max_episode_steps=limit, **make_kwargs())


def test_a_copied_or_stored_spec_keeps_the_limit():
    env = gym.make_vec("IDN-v0", num_envs=2, max_episode_steps=3, **make_kwargs())
    for spec in (env.spec, copy.deepcopy(env.spec), pickle.loads(pickle.dumps(env.spec))):
        assert gym.make_vec(spec).unwrapped.horizon == 3
    longer = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", overrides={"horizon": 300})
    assert longer.unwrapped.horizon == 300


@pytest.mark.parametrize("mode", MODES)
def test_pictures_are_those_of_singles(mode):
    """Also of rows that have just been reset: they have no last slot to tell of."""
    kwargs = make_kwargs(render_mode="ansi")
    vector = IDNVectorEnv(2, autoreset_mode=mode, **kwargs)
    sync = SyncVectorEnv([lambda: IDNEnv(**kwargs)] * 2, autoreset_mode=mode)
    vector.reset(seed=0), sync.reset(seed=0)
    assert vector.render() == sync.render()
    vector.action_space.seed(0)
    for _ in range(HORIZON + 2):
        actions = vector.action_space.sample()
        vector.step(actions), sync.step(actions)
        assert vector.render() == sync.render()


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("describe", ()),
        ("describe_placement", ()),
        ("action_masks", ()),
        ("render", ()),
        ("pareto_front", (0.9,)),
    ],
)
def test_a_method_is_called_once_per_environment(method, arguments):
    kwargs = {"scenario": "tiny", "render_mode": "ansi"}
    vector, sync = IDNVectorEnv(2, **kwargs), SyncVectorEnv([lambda: IDNEnv(**kwargs)] * 2)
    vector.reset(seed=0)
    for row, env in enumerate(sync.envs):
        env.reset(seed=row)
    vector.action_space.seed(1)
    actions = vector.action_space.sample()
    vector.step(actions)
    for env, action in zip(sync.envs, actions, strict=True):
        env.step(action)
    ours, theirs = vector.call(method, *arguments), sync.call(method, *arguments)
    assert type(ours) is type(theirs) is tuple
    np.testing.assert_equal(ours, theirs)
    assert method == "render" or ours[0] is not ours[1]


@pytest.mark.parametrize("name", ["reset", "step", "close"])
def test_a_single_environment_cannot_be_moved_on(name):
    with pytest.raises(ConfigError, match=f"^{name}: .*all environments step together"):
        IDNVectorEnv(2, **make_kwargs()).call(name)
    with pytest.raises(AttributeError, match="no_such_method"):
        IDNVectorEnv(2, **make_kwargs()).call("no_such_method")
