"""The adapter against SB3's own DummyVecEnv: a toy with episodes of different lengths, and IDN-v0."""

import runpy
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

import idn_gym  # noqa: F401 (registers IDN-v0)
from idn_gym.config_reader import ConfigError
from idn_gym.integrations import sb3
from idn_gym.integrations.sb3 import GymVecEnv
from tests.conftest import QUICK_PRESETS


class Walk(gym.Env):
    """A random walk that ends when it leaves [-2, 2] (termination) or after `horizon` steps."""

    def __init__(self, horizon):
        self.observation_space = gym.spaces.Box(-9, 9, (2,), np.float32)
        self.action_space = gym.spaces.Discrete(2)
        self.horizon = horizon

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.time = self.np_random.normal(), 0
        return self._observe(), {"place": self.place}

    def step(self, action):
        self.place += 2 * int(action) - 1 + self.np_random.normal()
        self.time += 1
        out = abs(self.place) > 2
        return self._observe(), self.place, out, self.time >= self.horizon, {"place": self.place}

    def _observe(self):
        return np.array([self.place, self.time], np.float32)


class MaskedWalks(SyncVectorEnv):
    """A vector environment that offers masks as the native one does: one array, a row each."""

    def action_masks(self):
        rows = np.ones((self.num_envs, 2), bool)
        rows[0, 1] = False
        return rows


HORIZONS = (1, 3, 4, 7)
FACTORIES = [lambda h=h: Walk(h) for h in HORIZONS]


def adapter(mode=AutoresetMode.SAME_STEP):
    return GymVecEnv(MaskedWalks(FACTORIES, autoreset_mode=mode))


def assert_same_steps(ours, theirs, steps):
    ours.seed(5), theirs.seed(5)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    generator = np.random.default_rng(0)
    ends = 0
    for _ in range(steps):
        actions = np.array([ours.action_space.sample() for _ in range(ours.num_envs)])
        actions = generator.permutation(actions)
        mine, reference = ours.step(actions), theirs.step(actions)
        for a, b in zip(mine[:3], reference[:3], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        for i, done in enumerate(mine[2]):
            if not done:
                assert mine[3][i] == {}
                continue
            ends += 1
            a, b = mine[3][i], reference[3][i]
            assert a["TimeLimit.truncated"] is bool(b["TimeLimit.truncated"])
            np.testing.assert_array_equal(a["terminal_observation"], b["terminal_observation"])
    assert ends > ours.num_envs


def test_steps_are_those_of_dummy_vec_env():
    assert_same_steps(adapter(), DummyVecEnv(FACTORIES), 60)


def test_last_infos_belong_to_the_slot_played_also_where_the_episode_ended():
    env = adapter()
    env.seed(1)
    env.reset()
    both = 0
    for _ in range(20):
        _, rewards, dones, _ = env.step(np.ones(4, int))
        np.testing.assert_array_equal(env.last_infos["place"].astype(np.float32), rewards)
        both += dones.any() and not dones.all()
    assert both


def test_seeds_are_used_once_and_differ_between_environments():
    env = adapter()
    env.seed(3)
    first, second = env.reset(), env.reset()
    assert len(np.unique(first[:, 0])) == 4
    assert not np.array_equal(first, second)
    env.seed(3)
    np.testing.assert_array_equal(env.reset(), first)


def test_masks_come_as_rows():
    env = adapter()
    rows = env.env_method("action_masks")
    assert len(rows) == 4 and rows[0].tolist() == [True, False] and rows[3].tolist() == [True, True]
    assert env.env_method("action_masks", indices=[3])[0].tolist() == [True, True]


def test_attributes_are_shared():
    env = adapter()
    assert env.get_attr("num_envs") == [4] * 4
    assert env.has_attr("action_masks") and not env.has_attr("no_such_thing")
    env.set_attr("colour", "red")
    assert env.get_attr("colour", indices=1) == ["red"]
    with pytest.raises(ConfigError, match="indices"):
        env.set_attr("colour", "blue", indices=[0])


@pytest.mark.parametrize(
    ("name", "arguments"), [("describe", ()), ("describe_placement", ()), ("action_masks", ())]
)
def test_methods_return_what_they_return_in_dummy_vec_env(name, arguments):
    """One whole result per environment, and through `get_attr` one bound method per environment."""
    options = {"scenario": "tiny", "preference": "balanced"}
    ours, theirs = native(3, **options), DummyVecEnv([lambda: gym.make("IDN-v0", **options)] * 3)
    ours.seed(0), theirs.seed(0)
    ours.reset(), theirs.reset()
    actions = np.array([ours.action_space.sample() for _ in range(3)])
    ours.step(actions), theirs.step(actions)
    want = theirs.env_method(name, *arguments)
    np.testing.assert_equal(ours.env_method(name, *arguments), want)
    np.testing.assert_equal(ours.env_method(name, *arguments, indices=[2, 0]), [want[2], want[0]])
    np.testing.assert_equal([method(*arguments) for method in ours.get_attr(name)], want)


def test_fronts_come_whole_too():
    env = native(2, scenario="tiny", preference=None, overrides={})
    fronts = env.env_method("pareto_front", 0.9)
    np.testing.assert_equal(fronts, [gym.make("IDN-v0", scenario="tiny").unwrapped.pareto_front(0.9)] * 2)


def test_attributes_are_those_of_one_environment():
    env = native(2, scenario="tiny")
    assert env.get_attr("observation_space") == [env.observation_space] * 2
    assert env.get_attr("action_space", [1]) == [env.action_space]


def test_every_environment_is_filmed():
    options = {"scenario": "tiny", "preference": "balanced", "overrides": {"horizon": 7}}
    ours = native(2, render_mode="rgb_array", **options)
    theirs = DummyVecEnv([lambda: gym.make("IDN-v0", render_mode="rgb_array", **options)] * 2)
    ours.seed(0), theirs.seed(0)
    ours.reset(), theirs.reset()
    for image, same in zip(ours.get_images(), theirs.get_images(), strict=True):
        np.testing.assert_array_equal(image, same)
    assert ours.render().size == 2 * image.size
    assert ours.render_mode == "rgb_array" and ours.metadata["render_fps"] == 4
    assert native(2, render_mode="ansi").get_images() == [None, None]


def test_next_step_reset_is_refused():
    with pytest.raises(ConfigError, match="SAME_STEP"):
        adapter(AutoresetMode.NEXT_STEP)


def test_ppo_gets_episode_statistics():
    algorithm = PPO("MlpPolicy", VecMonitor(adapter()), n_steps=16, batch_size=64, seed=0, device="cpu")
    algorithm.learn(64)
    assert 0 < np.mean([episode["l"] for episode in algorithm.ep_info_buffer]) <= max(HORIZONS)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.vec_env", None)
    with pytest.raises(DependencyNotInstalled, match=r"idn-gym\[rl\]"):
        runpy.run_path(sb3.__file__)


def native(count, **options):
    options = {"preference": "balanced", "overrides": {"horizon": 7}, **options}
    return GymVecEnv(gym.make_vec("IDN-v0", num_envs=count, autoreset_mode="SAME_STEP", **options))


@pytest.mark.parametrize("action", ["placement", "change", "scores"])
def test_native_steps_are_those_of_dummy_vec_env(action):
    options = {"scenario": "tiny", "action": action, "preference": "balanced", "overrides": {"horizon": 7}}
    singles = DummyVecEnv([lambda: gym.make("IDN-v0", **options)] * 3)
    assert_same_steps(native(3, **options), singles, 30)


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_sb3_accepts_every_preset(preset):
    check_env(gym.make("IDN-v0", scenario=preset, preference="balanced"), warn=False)
    check_env(gym.make("IDN-Scalar-v0", scenario=preset), warn=False)


def test_vector_rewards_are_refused():
    env = native(2, preference=None)
    env.seed(0)
    env.reset()
    with pytest.raises(ConfigError, match=r"^preference: .* make .IDN-Scalar-v0., or .* such as"):
        env.step(np.array([env.action_space.sample()] * 2))


@pytest.mark.parametrize("action", ["placement", "change"])
def test_maskable_ppo_takes_only_what_the_masks_allow(action):
    shrunk = {"left": 0.2, "mean_full": 1.0, "mean_shrunk": 100.0}
    words = {"scenario": "edge-small", "overrides": {"dynamics.memory": shrunk}}
    env = VecMonitor(native(4, action=action, **words))
    algorithm = MaskablePPO("MlpPolicy", env, n_steps=8, batch_size=32, n_epochs=1, seed=0, device="cpu")
    algorithm.learn(64)
    masks = np.array(env.env_method("action_masks"))
    actions, _ = algorithm.predict(algorithm._last_obs, action_masks=masks, deterministic=False)
    sizes = np.atleast_1d(getattr(env.action_space, "nvec", getattr(env.action_space, "n", 0)))
    starts = np.cumsum(sizes) - sizes
    assert masks.shape == (4, sizes.sum()) and not masks.all()
    assert np.take_along_axis(masks, starts + actions.reshape(4, -1), axis=1).all()


@pytest.mark.parametrize("algorithm", [PPO, SAC])
def test_a_net_on_whole_placements_is_told_what_to_do(algorithm):
    """SB3 takes any `Box`, and acts in it with real numbers."""
    env = gym.make("IDN-Scalar-v0", scenario="tiny", action="segments")
    with pytest.raises(
        gym.error.InvalidAction, match=r"planners, and a net acts through .* action='scores'$"
    ):
        algorithm("MlpPolicy", env, device="cpu", seed=0).learn(64)


def test_ppo_learns_on_rows_of_different_scenarios():
    given = {"autoreset_mode": "SAME_STEP", "rows_per_scenario": 2, "overrides": {"horizon": 3}}
    env = GymVecEnv(gym.make_vec("IDN-Context-v0", num_envs=4, **given))
    agent = PPO("MultiInputPolicy", env, n_steps=4, batch_size=16, n_epochs=1, seed=0)
    before = [parameter.detach().clone() for parameter in agent.policy.parameters()]
    agent.learn(32)
    assert any((a != b).any() for a, b in zip(before, agent.policy.parameters(), strict=True))
    assert len({told["episode"]["scenario"]["name"] for told in env.env_method("describe")}) == 2
    with pytest.raises(AttributeError):
        env.get_attr("scenario")  # of which each row has its own
