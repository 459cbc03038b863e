"""Steps of an environment: types, rewards, ends, actions and observations."""

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.env import reward_space
from idn_gym.metrics import METRICS
from idn_gym.objective_records import OBJECTIVES
from idn_gym.preferences import PREFERENCES
from tests.test_env_api import make_tiny, run, same


def test_types_of_what_a_step_returns():
    for preference in (None, "balanced"):
        env = make_tiny(preference=preference)
        observation, info = env.reset(seed=0)
        assert observation.dtype == np.float32 and type(info["clipped"]) is float
        first = info
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert observation.dtype == np.float32 and observation.shape == env.observation_space.shape
        assert terminated is False and truncated is False
        assert all(type(info[name]) is float for name in METRICS)
        if preference is None:
            assert reward.dtype == np.float32 and reward.shape == (env.reward_dim,) == (5,)
            assert reward in env.reward_space
            assert info.keys() == set(METRICS)
        else:
            assert type(reward) is float
            assert info["vector_reward"].dtype == np.float32 and info["vector_reward"] in reward_space()
            assert (first["vector_reward"] == 0).all()
            assert info.keys() == set(METRICS) | {"vector_reward", "reward_weights"}
        assert list(first) == list(info) and [type(v) for v in first.values()] == [
            type(v) for v in info.values()
        ]
        assert not any(first[name] for name in METRICS if name != "clipped")


def test_the_preference_decides_nothing_but_the_reward_where_the_tariff_stands():
    runs = {}
    for preference in (None, "latency"):
        env = make_tiny(preference=preference, overrides={"serving.tariff": {"latency": 1.0}})
        env.action_space.seed(0)
        env.reset(seed=0)
        runs[preference] = [env.step(env.action_space.sample()) for _ in range(5)]
    for plain, scalar in zip(*runs.values(), strict=True):
        np.testing.assert_array_equal(plain[0], scalar[0])
        np.testing.assert_array_equal(plain[1], scalar[4]["vector_reward"])


@pytest.mark.parametrize("name", PREFERENCES)
def test_the_scalar_is_minus_the_weighted_cost(name):
    """Accuracy enters as error: arrived less correct, over the nominal requests."""
    env = make_tiny(preference=name)
    env.action_space.seed(1)
    env.reset(seed=1)
    weights = np.array(PREFERENCES[name]) / sum(PREFERENCES[name])
    nominal, scale = env.scenario.nominal_requests, env.scenario.scales
    for _ in range(5):
        _, reward, _, _, info = env.step(env.action_space.sample())
        error = info["requests"] * (1 - info["accuracy"]) / nominal
        costs = np.array([error, *-info["vector_reward"][1:]], float)
        sizes = [scale.error, scale.latency, scale.energy, scale.traffic, scale.update]
        assert reward == pytest.approx(-(weights * costs / sizes).sum(), rel=1e-5)
        np.testing.assert_allclose(info["reward_weights"], weights, rtol=1e-6)


def test_preferences_may_be_names_lists_or_mappings():
    named = run(make_tiny(preference="energy"))
    weights = PREFERENCES["energy"]
    for preference in (list(weights), tuple(weights), dict(zip(OBJECTIVES, weights, strict=True))):
        assert same(named, run(make_tiny(preference=preference)))
    assert same(named, run(make_tiny(preference=[2 * w for w in weights])))
    alone = make_tiny(preference={"latency": 3.0})
    alone.reset(seed=0)
    assert alone.step(alone.action_space.sample())[4]["reward_weights"].tolist() == [0, 1, 0, 0, 0]


def test_a_random_preference_is_seen_in_the_observation():
    env = make_tiny(preference="random")
    lines = env.describe()["observation"]
    where = [line["index"] for line in lines if line["name"].startswith("weight ")]
    assert [lines[i]["name"] for i in where] == [f"weight {name}" for name in OBJECTIVES]
    seen = set()
    for seed in range(3):
        observation, info = env.reset(seed=seed)
        np.testing.assert_array_equal(observation[where], info["reward_weights"])
        assert observation[where].sum() == pytest.approx(1.0)
        seen.add(observation[where].tobytes())
    assert len(seen) == 3
    assert len(make_tiny(preference="balanced").describe()["observation"]) == len(lines) - 5


def test_an_episode_ends_by_truncation_at_the_horizon():
    env = make_tiny(overrides={"horizon": 3})
    env.reset(seed=0)
    ends = [env.step(env.action_space.sample())[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    with pytest.raises(gym.error.ResetNeeded):
        env.step(env.action_space.sample())
    env.reset()
    assert env.step(env.action_space.sample())[2:4] == (False, False)


def test_step_needs_a_reset():
    with pytest.raises(gym.error.ResetNeeded):
        make_tiny().step(0)


BAD_ACTIONS = {
    "placement": [[99, 0, 0, 0], [0, 0, 0, -1], [0, 0], 0, [0.0] * 4, None, "all"],
    "change": [-1, 99, 1.0, [0], None],
    "scores": [[1.0], 0.0, None, ["a"]],
    "scores-task": [[1.0], 0.0],
    "fractional": [[1.0], 0.0],
}


@pytest.mark.parametrize(
    ("codec", "action"), [(codec, action) for codec, actions in BAD_ACTIONS.items() for action in actions]
)
def test_actions_outside_the_space_are_refused(codec, action):
    env = make_tiny(action=codec)
    env.reset(seed=0)
    with pytest.raises(gym.error.InvalidAction, match=r"is not allowed; an action must be in"):
        env.step(action)


def test_an_action_takes_effect_in_its_own_slot():
    """What is placed now serves now, is paid for now, and is seen in the next observation."""
    env = make_tiny(action="scores")
    env.reset(seed=0)
    assert env.describe_placement() == {
        "board": [],
        "edge": [],
        "cloud": list(env.simulation.compiled.names.models),
    }
    wish = np.full(env.action_space.shape, -1, np.float32)
    line = next(i for i, line in enumerate(env.describe()["action"]) if line.startswith("board: mobilenet"))
    wish[line] = 1.0
    observation, _, _, _, info = env.step(wish)
    node, segment = env.describe()["action"][line].split(": ")
    assert env.describe_placement()[node] == [segment]
    assert info["update"] > 0
    named = {entry["name"]: observation[entry["index"]] for entry in env.describe()["observation"]}
    assert named[f"end {segment.split('[')[0]} at board"] > 0
    assert named["slot"] == pytest.approx(1 / env.scenario.horizon)
    assert env.step(wish)[4]["update"] == 0.0
    assert env.step(-abs(wish))[4]["update"] == 0.0
    assert env.describe_placement()["board"] == []


def test_observations_stay_within_their_bounds_and_cuts_are_counted():
    overrides = {
        "workload.bursts": {"ratio": 100.0, "start": 0.2, "stop": 0.5},
        "dynamics.link": {"kind": "ar1", "sigma": 1.5},
        "dynamics.outages": {"mean_up": 5, "mean_down": 5},
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
    }
    env = make_tiny(overrides=overrides, action="scores")
    clipped = []
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        while True:
            assert observation in env.observation_space
            observation, _, _, truncated, info = env.step(env.action_space.sample())
            over = sum(np.isclose(observation, env.observation_space.high))
            clipped.append(info["clipped"])
            assert info["clipped"] <= over
            if truncated:
                break
    assert max(clipped) > 0 and min(clipped) == 0


def test_masks_are_what_maskable_ppo_wants():
    env = make_tiny(action="placement")
    env.reset(seed=0)
    mask = env.action_masks()
    assert mask.dtype == bool and mask.shape == (env.action_space.nvec.sum(),)
    env = make_tiny(action="change")
    env.reset(seed=0)
    assert env.action_masks().shape == (env.action_space.n,)
    with pytest.raises(ConfigError, match=r"^action: .* no mask"):
        make_tiny(action="scores").action_masks()
