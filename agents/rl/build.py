"""Algorithms of Stable-Baselines3 from hyper-parameters."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from sb3_contrib import QRDQN, TQC, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from agents.rl.conditioned import ConditionedPPO
from agents.rl.config import AgentConfig
from agents.rl.graph import GraphPolicy, graph_options
from agents.rl.objective_heads import HeadsGraphPolicy, HeadsPolicy
from agents.rl.objective_returns import reward_parts
from agents.rl.off_policy_config import OffPolicy, SoftActorCritic
from agents.rl.on_policy_config import PPOFamilyConfig
from agents.rl.policy import ChoicePolicy, MaskedChoicePolicy, RecurrentChoicePolicy
from agents.rl.preference_swap import seen_weights
from agents.rl.weights import read_weights
from idn_gym.config_reader import ConfigError, show

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {
    "ppo": PPO,
    "ppo-graph": PPO,
    "maskable-ppo": MaskablePPO,
    "recurrent-ppo": RecurrentPPO,
    "a2c": A2C,
    "dqn": DQN,
    "qr-dqn": QRDQN,
    "sac": SAC,
    "tqc": TQC,
}
SB3_POLICIES: dict[str, str | type[BasePolicy]] = {
    "ppo": ChoicePolicy,
    "ppo-graph": GraphPolicy,
    "maskable-ppo": MaskedChoicePolicy,
    "recurrent-ppo": RecurrentChoicePolicy,
    "a2c": ChoicePolicy,
}
"""Policy classes that differ from SB3's ``MlpPolicy``."""

WITH_HEADS: dict[str, type[BasePolicy]] = {"ppo": HeadsPolicy, "ppo-graph": HeadsGraphPolicy}
"""The same with one critic per objective; the algorithm is then `ConditionedPPO`."""

ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}
NETS = ("lstm_hidden_size", "n_quantiles", "log_std_init")
"""Fields of the configurations that SB3 expects among the options of the networks."""


def build_algorithm(config: AgentConfig, env: VecEnv, seed: int) -> BaseAlgorithm:
    """Build an untrained algorithm on the CPU: the networks are too small to gain from other devices.

    Seeds torch, numpy, Python's generator, and `env` for its next reset. SB3 seeds environment i with seed +
    i, so run seeds are spaced by the number of environments: no two runs share episodes.
    """
    native: Any = env.unwrapped
    if isinstance(config, PPOFamilyConfig):  # what SB3 does by itself, with a warning
        whole = config.n_steps * env.num_envs
        config = dataclasses.replace(config, batch_size=min(config.batch_size, whole))
    algorithm = _assemble(config, native.native.unwrapped, env=env, seed=seed * env.num_envs)
    if not getattr(config, "guess", True):
        policy: Any = algorithm.policy
        policy.action_net.zero_prior()
    return algorithm


def rebuild_algorithm(config: AgentConfig, env: VectorEnv[Any, Any, Any], path: str) -> BaseAlgorithm:
    """Load the algorithm whose policy.zip is at `path`, for acting in `env`, not for training.

    Args:
        config: configuration of its training.
        env: the native vector environment.
        path: path of the file, of which only the weights are read.

    Raises:
        ConfigError: the file is damaged, or holds the weights of other networks.
    """
    weights = read_weights(path)
    # Without memory for transitions, which only training needs.
    if isinstance(config, OffPolicy):
        config = dataclasses.replace(config, buffer_size=1)
    else:
        config = dataclasses.replace(config, n_steps=1)
    native: Any = env.unwrapped
    # SB3 takes the target from an environment, which exists only in training.
    fixed = {"target_entropy": 0.0} if isinstance(config, SoftActorCritic) else {}
    algorithm = _assemble(config, native, env=None, _init_setup_model=False, **fixed)
    algorithm.observation_space = env.single_observation_space
    algorithm.action_space = env.single_action_space
    algorithm.n_envs = 1
    try:
        algorithm._setup_model()
        algorithm.policy.load_state_dict(weights)
    except (RuntimeError, MemoryError) as error:
        problem = f"{path!r} was trained on other observations or actions, or with networks of other sizes"
        raise ConfigError("path", f"{problem} ({show(str(error))})") from None
    algorithm.policy.set_training_mode(False)
    return algorithm


def _assemble(config: AgentConfig, native: Any, **given: Any) -> BaseAlgorithm:
    """The algorithm with its options; `given` are further SB3 options, `native` is the vector environment."""
    options = dataclasses.asdict(config)
    for of_training in ("guess", "imitation", "entropy_schedule"):
        options.pop(of_training, None)
    heads = options.pop("critic_heads", "scalar") == "objectives"
    diversity = options.pop("diversity", 0.0)
    kind, rate = options.pop("kind"), options.pop("learning_rate")
    if options.pop("schedule") == "linear":
        rate = LinearSchedule(rate, 0.0, 1.0)
    nets: dict[str, Any] = {name: options.pop(name) for name in NETS if name in options}
    widths, activation = list(options.pop("net_arch")), ACTIVATIONS[options.pop("activation")]
    if kind == "ppo-graph":
        described, codec = native.describe()["observation"], native.simulation.action
        nets |= graph_options(described, codec, widths, activation, options.pop("surroundings"))
    else:
        nets |= {"net_arch": widths, "activation_fn": activation}
    if kind in ("sac", "tqc"):
        options["ent_coef"] = f"auto_{options['ent_coef']}"
    algorithm, policy = ALGORITHMS[kind], SB3_POLICIES.get(kind, "MlpPolicy")
    if heads:
        algorithm, policy = ConditionedPPO, WITH_HEADS[kind]
        nets["heads"] = len(native.simulation.objectives)
        options |= {"diversity": diversity, **_conditioned(native)}
    return algorithm(policy, learning_rate=rate, policy_kwargs=nets, device="cpu", **given, **options)


def _conditioned(native: Any) -> dict[str, Any]:
    """Information about the environment that `ConditionedPPO` needs."""
    names = [objective.name for objective in native.simulation.objectives]
    return {
        "parts": reward_parts(native),
        "told": seen_weights(native.describe()["observation"], names),
    }
