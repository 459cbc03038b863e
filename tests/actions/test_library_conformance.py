"""What other tests ask of every codec, of `library`: no preset has placements to choose among."""

import copy
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
import yaml
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.env_checker import check_env as check_for_sb3

from agents.registry import make_agent
from agents.rl.build import build_algorithm
from experiments.training.checkpoint import rollout_steps
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.env import IDNEnv
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import use_one_thread
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.agents.test_rl_conformance import CONFIGS, SHORT
from tests.test_actions import outsiders, same
from tests.test_vector import Loop, compare

PLACEMENTS = [
    {},
    {"nodes": [{"node": "board", "segments": ["yolov5n_640"]}]},
    {"nodes": [{"node": "board", "segments": ["mobilenetv3_small_100", "resnet152_bottlefit[0:1]"]}]},
]
TINY = load_scenario("tiny", {"placements": PLACEMENTS, "action": "library", "horizon": 6})
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]


@pytest.mark.parametrize("preference", [None, "balanced"])
@pytest.mark.parametrize("observation", ["flat", "graph"])
def test_checkers_are_content(preference, observation):
    env = gym.make("IDN-v0", scenario=TINY, preference=preference, observation=observation).unwrapped
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=True)
    assert [str(w.message) for w in caught if "must be a float" not in str(w.message)] == []
    if preference is not None and observation == "flat":
        check_for_sb3(env, warn=False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 5])
def test_a_batch_is_a_loop_of_singles_to_the_bit(n, mode):
    kwargs = {"scenario": TINY, "preference": "random"}
    vector, loop = IDNVectorEnv(n, autoreset_mode=mode, **kwargs), Loop(n, mode, **kwargs)
    observation, _ = vector.reset(seed=11)
    for row, (alone, _) in enumerate(loop.reset(range(11, 11 + n))):
        np.testing.assert_array_equal(observation[row], alone)
    vector.action_space.seed(n)
    for _ in range(2 * TINY.horizon + 2):
        actions = vector.action_space.sample()
        compare(vector.step(actions), loop.step(actions))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_by_itself(clone):
    env = IDNEnv(TINY, preference="random")
    env.reset(seed=5)
    env.step(1)
    twin = clone(env)
    one = [env.step(action)[0] for action in (2, 0, 1)]
    env.reset(seed=99)
    assert same(one, [twin.step(action)[0] for action in (2, 0, 1)])


def test_what_is_no_choice_is_refused_and_nothing_changes():
    env, twin = (IDNEnv(TINY, preference="balanced") for _ in range(2))
    for e in (env, twin):
        e.reset(seed=3)
    for what, action in outsiders(env.action_space):
        with pytest.raises(gym.error.InvalidAction):
            env.step(action)
            pytest.fail(f"{what} was played")
    assert same(env.step(1)[:2], twin.step(1)[:2])


@pytest.mark.parametrize("kind", [kind for kind, config in CONFIGS.items() if "library" in config.codecs()])
def test_agents_come_back_from_their_files_and_play_the_same(tmp_path, kind):
    config = short_run(kind, to_plain(TINY))
    assert config.env_options()["action"] is None  # the scenario's
    check_that_it_comes_back(tmp_path, config)


def short_run(kind, scenario, **changes):
    """Configuration of a short run with small nets."""
    fields = CONFIGS[kind].__dataclass_fields__
    changes |= {key: value for key, value in SHORT.items() if key == "envs" or key[6:] in fields}
    return load_run_config({"scenario": scenario}, agent=kind, changes=changes)


def check_that_it_comes_back(tmp_path, config):
    """From its file, and plays the same; returns the environment and the policy."""
    use_one_thread()
    algorithm = build_algorithm(config.agent, make_env(config), seed=0)
    algorithm.learn(3 * rollout_steps(algorithm))
    algorithm.save(tmp_path / "policy.zip")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"run": to_plain(config)}))
    env = gym.make_vec("IDN-v0", num_envs=3, split="validation", **config.env_options())
    read = make_agent(config.agent.kind, env, path=str(tmp_path / "policy.zip"))
    episodes = [rollout(policy, env, range(3)).metrics for policy in (acting(algorithm, env), read)]
    assert episodes[0].tobytes() == episodes[1].tobytes()
    return env, read


@pytest.mark.parametrize("kind", ["ppo-graph", "maskable-ppo", "sac"])
def test_agents_without_a_readout_or_a_mask_to_read_say_so(kind):
    with pytest.raises(
        ConfigError, match=r"^action: .* does not support the action codec 'library'; allowed: "
    ):
        load_run_config({"scenario": to_plain(TINY)}, agent=kind, changes={"action": "library"})
