"""From hyper-parameters to SB3 algorithms, and from files to trained ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from agents.rl.config import AgentConfig
from agents.rl.policy import ChoicePolicy
from idn_gym.strict import ConfigError

ALGORITHMS: dict[str, type[OnPolicyAlgorithm]] = {"ppo": PPO, "a2c": A2C}
ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}


def build(config: AgentConfig, env: VecEnv, seed: int) -> OnPolicyAlgorithm:
    """An untrained algorithm, on the CPU: these nets are too small to gain from anything else.

    Seeds torch, numpy and Python's generator, and `env` for its next reset: SB3 gives environment i
    the seed plus i, so runs are set a batch apart, lest neighbours share all but one of their worlds.
    """
    options = dataclasses.asdict(config)
    kind, rate = options.pop("kind"), options.pop("learning_rate")
    if options.pop("schedule") == "linear":
        rate = LinearSchedule(rate, 0.0, 1.0)
    policy = {
        "net_arch": list(options.pop("net_arch")),
        "activation_fn": ACTIVATIONS[options.pop("activation")],
    }
    return ALGORITHMS[kind](
        ChoicePolicy,
        env,
        learning_rate=rate,
        policy_kwargs=policy,
        seed=seed * env.num_envs,
        device="cpu",
        **options,
    )


def ppo(env: VectorEnv[Any, Any, Any], path: str | None = None) -> OnPolicyAlgorithm:
    """A trained PPO policy; see `_load`."""
    return _load(PPO, env, path)


def a2c(env: VectorEnv[Any, Any, Any], path: str | None = None) -> OnPolicyAlgorithm:
    """A trained A2C policy; see `_load`."""
    return _load(A2C, env, path)


def _load(
    algorithm: type[OnPolicyAlgorithm], env: VectorEnv[Any, Any, Any], path: str | None
) -> OnPolicyAlgorithm:
    """Read the file that training left.

    Raises:
        ConfigError: there is no such file, or it was trained on spaces other than those of `env`.
    """
    if path is None:
        raise ConfigError(
            "path", "is missing; name the policy.zip of a training run instead of the algorithm"
        )
    if not Path(path).is_file():
        raise ConfigError("path", f"{path!r} is not a file; train the agent first")
    trained = algorithm.load(path, device="cpu")
    spaces = (trained.observation_space, trained.action_space)
    if spaces != (env.single_observation_space, env.single_action_space):
        raise ConfigError("path", f"{path!r} was trained on other observations or actions")
    return trained
