"""YAML to algorithm: every hyper-parameter arrives, and what is wrong is said."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3 import A2C, PPO

from agents.registry import AGENTS, make_agent
from agents.rl.build import build_algorithm
from agents.rl.entropy import entropy_callbacks
from agents.rl.on_policy_config import A2CConfig, PPOConfig
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.integrations.sb3 import GymVecEnv
from idn_gym.policy import Policy
from idn_gym.shipped import CONFIGS


class Nothing(gym.Env):
    """Spaces without a world."""

    def __init__(self, size=3):
        self.observation_space = gym.spaces.Box(0, 1, (size,), np.float32)
        self.action_space = gym.spaces.MultiDiscrete([2, 4])

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, True, {}


def vector_env(size=3, count=2):
    return SyncVectorEnv([lambda: Nothing(size)] * count, autoreset_mode=AutoresetMode.SAME_STEP)


@pytest.mark.parametrize("name, config, algorithm", [("ppo", PPOConfig, PPO), ("a2c", A2CConfig, A2C)])
def test_shipped_files_build(name, config, algorithm):
    values = read_yaml(CONFIGS / "agents" / f"{name}.yaml")
    built = build_algorithm(from_plain(config, values), GymVecEnv(vector_env(count=32)), seed=0)
    assert isinstance(built, algorithm) and isinstance(built, Policy)
    assert built.n_steps == values["n_steps"] and built.gamma == values["gamma"]
    widths = [
        layer.out_features for layer in built.policy.mlp_extractor.policy_net if hasattr(layer, "weight")
    ]
    assert widths == values["net_arch"]


def test_every_hyper_parameter_arrives():
    config = PPOConfig(
        n_steps=6,
        learning_rate=0.5,
        schedule="linear",
        gamma=0.7,
        gae_lambda=0.6,
        ent_coef=0.01,
        vf_coef=0.2,
        max_grad_norm=0.3,
        net_arch=(5,),
        activation="relu",
        batch_size=4,
        n_epochs=3,
        clip_range=0.15,
    )
    built = build_algorithm(config, GymVecEnv(vector_env()), seed=0)
    assert (built.n_steps, built.gamma, built.gae_lambda) == (6, 0.7, 0.6)
    assert (built.ent_coef, built.vf_coef, built.max_grad_norm) == (0.01, 0.2, 0.3)
    assert (built.batch_size, built.n_epochs, built.clip_range(1.0)) == (4, 3, 0.15)
    assert [built.lr_schedule(left) for left in (1.0, 0.5, 0.0)] == [0.5, 0.25, 0.0]
    assert isinstance(built.policy.mlp_extractor.policy_net[1], torch.nn.ReLU)


@pytest.mark.parametrize("schedule, used", [("constant", [0.4, 0.4, 0.4]), ("linear", [0.24, 0.08, 0.0])])
def test_the_entropy_coefficient_of_every_update(schedule, used, monkeypatch):
    """Rollouts have 8 steps, so the last of 20 are 24: the coefficient does not fall below 0."""
    config = A2CConfig(n_steps=4, learning_rate=0.1, ent_coef=0.4, entropy_schedule=schedule)
    built, found = build_algorithm(config, GymVecEnv(vector_env()), seed=0), []
    update = built.train
    monkeypatch.setattr(built, "train", lambda: (found.append(built.ent_coef), update()))
    built.learn(20, entropy_callbacks(config, 20))
    assert found == pytest.approx(used)


def test_one_seed_gives_one_net():
    config = A2CConfig(n_steps=2, learning_rate=0.1)
    nets = [build_algorithm(config, GymVecEnv(vector_env()), seed).policy.state_dict() for seed in (1, 1, 2)]
    weights = [net["action_net.weight"] for net in nets]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"n_step": 3}, "n_steps"),
        ({"gamma": 1.5}, "gamma"),
        ({"schedule": "cosine"}, "schedule"),
        ({"entropy_schedule": "cosine"}, "entropy_schedule"),
        ({"entropy_schedule": "linear", "ent_coef": 0.0}, "entropy_schedule"),
        ({"net_arch": [64, 0]}, "net_arch"),
        ({"batch_size": "all"}, "batch_size"),
    ],
)
def test_wrong_values_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        from_plain(PPOConfig, {**read_yaml(CONFIGS / "agents" / "ppo.yaml"), **change})


def test_trained_agent_comes_back_from_its_file(tmp_path):
    env = vector_env()
    trained = build_algorithm(PPOConfig(n_steps=4, learning_rate=0.1, batch_size=8), GymVecEnv(env), seed=0)
    trained.save(tmp_path / "policy.zip")
    agent = make_agent("ppo", env, path=str(tmp_path / "policy.zip"), trust=True)
    observations, _ = env.reset(seed=0)
    expected, _ = trained.predict(observations, deterministic=True)
    np.testing.assert_array_equal(agent.predict(observations, deterministic=True)[0], expected)
    with pytest.raises(ConfigError, match="other observations"):
        make_agent("ppo", vector_env(size=4), path=str(tmp_path / "policy.zip"), trust=True)
    with pytest.raises(ConfigError, match="not a file"):
        make_agent("ppo", env, path=str(tmp_path / "missing.zip"))


def test_unknown_agent_gets_a_hint():
    with pytest.raises(ConfigError, match="did you mean 'ppo'"):
        make_agent("pp", vector_env())
    assert all(":" in entry for entry in AGENTS.values())
