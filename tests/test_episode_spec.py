"""What specs say of the length of episodes, and the ids of the presets."""

import copy
import json
import pickle

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import TimeAwareObservation, TimeLimit

from idn_gym.env import IDNEnv
from idn_gym.messages import ConfigError
from idn_gym.preset_ids import ID_VARIANTS, PRESET_NAMES, preset_ids
from idn_gym.scenarios.presets import PRESETS

SHORT = {"overrides": {"horizon": 5}}


def slots(env):
    """Slots until an episode ends."""
    env.reset(seed=0)
    for slot in range(1, 1000):
        if env.step(env.action_space.sample())[3]:
            return slot


def limits(env):
    """The limits around an environment, from outside to inside."""
    found = []
    while isinstance(env, gym.Wrapper):
        found += [env._max_episode_steps] if isinstance(env, TimeLimit) else []
        env = env.env
    return found


def test_a_spec_shows_the_horizon_and_limits_nothing():
    env = gym.make("IDN-Tiny-v0")
    assert env.spec.max_episode_steps == PRESETS["tiny"].horizon and limits(env) == []
    env = gym.make("IDN-Tiny-v0", **SHORT)
    assert env.spec.max_episode_steps == slots(env) == 5 and limits(env) == []
    assert gym.spec("IDN-Tiny-v0").max_episode_steps is None


@pytest.mark.parametrize(("limit", "length"), [(3, 3), (9, 5), (-1, 5)])
def test_a_limit_of_the_user_cuts_and_never_lengthens(limit, length):
    env = gym.make("IDN-Tiny-v0", max_episode_steps=limit, **SHORT)
    assert env.spec.max_episode_steps == slots(env) == length
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.spec.max_episode_steps == slots(again) == length
    assert limits(again) == ([3] if limit == 3 else [])
    assert json.loads(again.spec.to_json()) == json.loads(env.spec.to_json())


def test_a_stored_spec_takes_another_horizon():
    stored = EnvSpec.from_json(gym.make("IDN-Tiny-v0").spec.to_json())
    assert gym.make(stored, **SHORT).spec.max_episode_steps == 5
    assert gym.make(stored, overrides={"horizon": 100}).spec.max_episode_steps == 100


def test_a_spec_that_is_not_stored_makes_the_same_episode():
    env = gym.make("IDN-Tiny-v0", **SHORT)
    for spec in (env.spec, copy.deepcopy(env.spec), pickle.loads(pickle.dumps(env.spec)), env.unwrapped.spec):
        again = gym.make(spec)
        assert again.spec.max_episode_steps == slots(again) == 5 and len(limits(again)) <= 1
    assert gym.make(env.spec, overrides={"horizon": 3}).spec.max_episode_steps == 3


def test_wrappers_that_count_slots_find_them():
    env = TimeAwareObservation(gym.make("IDN-Tiny-v0", **SHORT), flatten=False)
    assert env.observation_space["time"].high == 5
    assert slots(env) == 5


@pytest.mark.parametrize(("limit", "length"), [(None, 5), (-1, 5), (3, 3), (9, 5)])
def test_the_native_environment_shows_it_too(limit, length):
    env = gym.make_vec("IDN-Tiny-v0", num_envs=2, max_episode_steps=limit, **SHORT)
    assert env.spec.max_episode_steps == length
    for spec in (env.spec, EnvSpec.from_json(env.spec.to_json())):
        again = gym.make_vec(spec)
        assert again.spec.max_episode_steps == again.unwrapped.horizon == length
        assert again.spec.to_json() == env.spec.to_json()
    longer = gym.make_vec(EnvSpec.from_json(env.spec.to_json()), overrides={"horizon": 7})
    assert longer.unwrapped.horizon == (3 if limit == 3 else 7)


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_a_keyword_that_is_not_known_is_said_in_one_line(make):
    with pytest.raises(ConfigError, match=r"^prefernce: is unknown; .*did you mean 'preference'\?$"):
        make("IDN-v0", prefernce="balanced")


def test_environments_of_others_may_take_what_they_like():
    class Mine(IDNEnv):
        def __init__(self, colour="red", **rest):
            super().__init__("tiny", **rest)

    assert Mine(colour="blue", **SHORT).horizon == 5
    with pytest.raises(ConfigError, match="typo: is unknown"):
        type("Narrow", (IDNEnv,), {"__init__": lambda self, colour: None})(typo=1)


def test_every_preset_has_ids_of_a_regular_form():
    assert set(PRESET_NAMES) == set(PRESETS)
    ids = dict(preset_ids())
    assert len(ids) == len(PRESET_NAMES) * len(ID_VARIANTS) and all(name in gym.registry for name in ids)
    assert ids["IDN-EdgeSmall-v0"] == {"scenario": "edge-small"}
    for name, keywords in ids.items():
        assert gym.spec(name).kwargs == keywords and gym.spec(name).max_episode_steps is None
    env = gym.make("IDN-FashionEdge-Scalar-v0")
    assert env.unwrapped.scalar and env.unwrapped.scenario == PRESETS["fashion-edge"]
