import copy
import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import idn_gym
from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.env import IDNEnv
from idn_gym.objective_records import OBJECTIVES
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.conftest import CODECS, QUICK_PRESETS

LARGE = (
    "isp-hierarchy",
    "metro-split",
    "edge-drift",
    "adversary",
    "metro-day",
    "genai-shift",
    "tinyml-village",
)
TOO_LARGE = {(preset, "placement") for preset in LARGE}
COMBINATIONS = [
    (preset, codec) for preset in QUICK_PRESETS for codec in CODECS if (preset, codec) not in TOO_LARGE
]


def make_tiny(**kwargs):
    return IDNEnv(scenario="tiny", **kwargs)


def run(env, steps=5, seed=3):
    """Observations and rewards of an episode under sampled actions."""
    env.action_space.seed(seed)
    seen = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        observation, reward, *_ = env.step(env.action_space.sample())
        seen += [observation, np.asarray(reward)]
    return seen


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# ---------------------------------------------------------------- Gymnasium's own check


@pytest.mark.parametrize("preference", [None, "balanced"])
@pytest.mark.parametrize(("preset", "codec"), COMBINATIONS)
def test_gymnasiums_checker_is_content(preset, codec, preference):
    """Its warning about vector rewards is the only one allowed."""
    env = gym.make("IDN-v0", scenario=preset, action=codec, preference=preference).unwrapped
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=True)
    messages = [str(w.message) for w in caught]
    if preference is None:
        assert len(messages) == 1 and "The reward returned by `step()` must be a float" in messages[0]
    else:
        assert messages == []


@pytest.mark.parametrize(("preset", "codec"), sorted(TOO_LARGE))
def test_a_placement_space_that_is_too_large_is_not_offered(preset, codec):
    with pytest.raises(ConfigError, match=r"^action: 'placement' would have \d+ dimensions .* use 'change'"):
        IDNEnv(scenario=preset, action=codec)


# ---------------------------------------------------------------- making it


def test_both_ids_are_registered_without_a_limit_of_their_own():
    for name, scalar in (("IDN-v0", False), ("IDN-Scalar-v0", True)):
        spec = gym.spec(name)
        assert spec.max_episode_steps is None
        env = gym.make(name, scenario="tiny")
        assert isinstance(env.unwrapped, IDNEnv) and env.unwrapped.scalar is scalar


def test_the_module_may_be_part_of_the_id():
    env = gym.make("idn_gym:IDN-v0", scenario="tiny")
    assert isinstance(env.unwrapped, IDNEnv)
    assert idn_gym.__version__


def test_every_preset_uses_its_own_codec_and_horizon():
    for name in QUICK_PRESETS:
        preset = PRESETS[name]
        env = IDNEnv(scenario=name)
        assert env.scenario.horizon == preset.horizon
        assert type(env.simulation.codec) is ACTION_CODECS[preset.action]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"scenario": "tiny"},
        {"scenario": "tiny", "overrides": {"horizon": 7, "dynamics.link": {"kind": "ar1"}}, "split": "test"},
        {"scenario": "tiny", "action": "scores", "preference": [1, 2, 3, 4, 5]},
        {"scenario": "tiny", "action": "change", "preference": {"accuracy": 1.0, "latency": 0.5}},
        {"scenario": {"preset": "tiny", "horizon": 4}, "preference": "random"},
        {"scenario": to_plain(PRESETS["tiny"])},
        {"scenario": PRESETS["tiny"]},
    ],
)
def test_a_spec_survives_json(kwargs):
    env = gym.make("IDN-v0", **kwargs)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert json.loads(env.spec.to_json()) == json.loads(again.spec.to_json())
    assert again.unwrapped.scenario == env.unwrapped.scenario
    assert same(run(env.unwrapped, 3), run(again.unwrapped, 3))


def test_a_scenario_may_be_a_file_a_mapping_or_a_scenario(tmp_path):
    (tmp_path / "mine.yaml").write_text("preset: tiny\nhorizon: 6\nworkload.rate: 7.5\n")
    expected = load_scenario("tiny", {"horizon": 6, "workload.rate": 7.5})
    mapping = {"preset": "tiny", "horizon": 6, "workload.rate": 7.5}
    for given in (tmp_path / "mine.yaml", str(tmp_path / "mine.yaml"), mapping, expected, to_plain(expected)):
        assert IDNEnv(scenario=given).scenario == expected
    assert IDNEnv(scenario=mapping, overrides={"horizon": 9}).scenario.horizon == 9


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"scenario": "edge-smal"}, r"scenario: 'edge-smal' is not a preset, .* did you mean 'edge-small'\?"),
        ({"scenario": 3}, r"scenario: 3 is not a preset, a YAML file or a mapping"),
        ({"scenario": np.zeros(3)}, r"scenario: .* is not a preset, a YAML file or a mapping"),
        ({"scenario": {"preset": "tinny"}}, r"preset: 'tinny' is not allowed; .* did you mean 'tiny'\?"),
        ({"scenario": {"preset": ["tiny"]}}, r"preset: \['tiny'\] is not allowed; allowed: "),
        ({"scenario": {"name": "x"}}, r"topology: missing"),
        ({"scenario": "nowhere.yaml"}, r"nowhere.yaml: cannot be read"),
        ({"action": "placements"}, r"action: 'placements' is not allowed; .* did you mean 'placement'\?"),
        ({"action": 1}, r"action: 1 is not allowed; allowed: placement, "),
        ({"action": ["scores"]}, r"action: \['scores'\] is not allowed; allowed: placement, "),
        ({"observation": "grap"}, r"observation: 'grap' is not allowed; allowed: flat, graph, graph-moves"),
        ({"observation": None}, r"observation: None is not allowed; allowed: flat, graph, graph-moves"),
        ({"preference": "balance"}, r"preference: 'balance'.* did you mean 'balanced'\?"),
        ({"preference": [1, 2, 3]}, r"preference: \[1, 2, 3\] is not allowed; must be a name, five numbers"),
        (
            {"preference": [1, 1, 1, 1, -1]},
            r"preference: .* weights must be finite, at least 0, and not all 0",
        ),
        ({"preference": [0] * 5}, r"preference: .* not all 0"),
        ({"preference": [float("nan"), 1, 1, 1, 1]}, r"preference: .* weights must be finite"),
        ({"preference": [10**400, 1, 1, 1, 1]}, r"preference: .* weights must be finite"),
        ({"preference": ["1", 1, 1, 1, 1]}, r"preference: .* must be a name, five numbers"),
        ({"preference": {"acuracy": 1.0}}, r"preference.acuracy: unknown objective; .* mean 'accuracy'\?"),
        ({"preference": {"accuracy": "1"}}, r"preference: .* must be a name, five numbers"),
        ({"preference": 1.0}, r"preference: 1.0 is not allowed; must be a name, five numbers"),
        ({"preference": np.ones(5)}, r"preference: is an array, which an environment spec cannot store"),
        (
            {"overrides": {"horizon": np.array(3)}},
            r"horizon: array\(3\) is not allowed; must be a whole number",
        ),
        ({"overrides": {"horizn": 3}}, r"horizn: unknown key; .* did you mean 'horizon'\?"),
        ({"overrides": {"dynamics.link.kind": "ar2"}}, r"dynamics.link.kind: .* did you mean 'ar1'\?"),
        ({"overrides": [("horizon", 3)]}, r"overrides: .* must be a mapping of dotted keys"),
        ({"overrides": "horizon=3"}, r"overrides: .* must be a mapping of dotted keys"),
        ({"split": "dev"}, r"split: 'dev' is not allowed; allowed: train, validation, test"),
        ({"split": None}, r"split: None is not allowed; allowed: train, validation, test"),
        ({"split": ["train"]}, r"split: \['train'\] is not allowed; allowed: train, validation, test"),
        ({"render_mode": "human"}, r"render_mode: 'human' is not allowed; allowed: ansi, rgb_array"),
        ({"render_mode": 3}, r"render_mode: 3 is not allowed; allowed: ansi, rgb_array"),
    ],
)
@pytest.mark.parametrize("make", [IDNEnv, IDNVectorEnv], ids=["single", "vector"])
def test_every_bad_keyword_gets_one_sentence(make, kwargs, message):
    with pytest.raises(ConfigError, match=f"^{message}") as caught:
        make(**{"scenario": "tiny", **kwargs})
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- descriptions


@pytest.mark.parametrize(("preset", "codec"), COMBINATIONS)
def test_describe_says_something_about_every_entry(preset, codec):
    env = IDNEnv(scenario=preset, action=codec)
    described = env.describe()
    lines, space = described["observation"], env.observation_space
    assert [line["index"] for line in lines] == list(range(space.shape[0]))
    np.testing.assert_array_equal(np.float32([line["low"] for line in lines]), space.low)
    np.testing.assert_array_equal(np.float32([line["high"] for line in lines]), space.high)
    assert len({line["name"] for line in lines}) == len(lines) and all(line["meaning"] for line in lines)
    entries = env.action_space.n if codec == "change" else env.action_space.shape[0]
    assert len(described["action"]) == len(set(described["action"])) == entries
    assert [line["name"] for line in described["reward"]] == list(OBJECTIVES)


# ---------------------------------------------------------------- copies and memory


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_by_itself(codec, clone):
    env = make_tiny(action=codec, preference="random", overrides={"horizon": 6})
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(4)]
    env.reset(seed=5)
    env.step(actions[0])
    twin = clone(env)
    one = [env.step(action)[0] for action in actions] + [env.reset()[0]]
    env.reset(seed=99)
    other = [twin.step(action)[0] for action in actions] + [twin.reset()[0]]
    assert same(one, other)
    # what no draw changes is shared; kernels would be compiled once more for arrays that can be written to
    assert twin.simulation.instance.tables is env.simulation.instance.tables


def test_nothing_shares_memory_between_steps():
    env = make_tiny(preference="random", overrides={"horizon": 4})
    steps = [env.reset(seed=0)]
    steps += [env.step(env.action_space.sample()) for _ in range(4)]
    steps += [env.reset()]
    parts = [part for step in steps for part in (*step, *step[-1].values())]
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    copies = [array.copy() for array in arrays]
    env.reset(seed=9)
    env.step(env.action_space.sample())
    assert same(arrays, copies)
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[i + 1 :])


def test_writing_to_what_was_returned_changes_nothing():
    env, spoilt = make_tiny(preference="random"), make_tiny(preference="random")
    for e in (env, spoilt):
        e.action_space.seed(2)
    first, second = env.reset(seed=2), spoilt.reset(seed=2)
    for _ in range(4):
        assert np.array_equal(first[0], second[0])
        second[0][:] = -1.0
        second[-1].clear()
        first, second = env.step(env.action_space.sample()), spoilt.step(spoilt.action_space.sample())
        second[-1]["vector_reward"][:] = 0.0
        second[-1]["reward_weights"][:] = 0.0


def test_vector_environments_describe_themselves_too():
    native = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny").unwrapped
    single = gym.make("IDN-v0", scenario="tiny").unwrapped
    assert native.describe() == single.describe()
    native.reset(seed=[3, 4])
    native.step(native.action_space.sample())
    single.reset(seed=4)
    assert native.describe_placement(1).keys() == single.describe_placement().keys()
    assert native.describe_placement() == native.describe_placement(0)
