"""From hyper-parameters to algorithms of Stable-Baselines3."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from sb3_contrib import QRDQN, TQC, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from agents.rl.config import AgentConfig
from agents.rl.graph import GraphPolicy, graph_options
from agents.rl.policy import ChoicePolicy, MaskedChoicePolicy, RecurrentChoicePolicy

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
POLICIES: dict[str, str | type[BasePolicy]] = {
    "ppo": ChoicePolicy,
    "ppo-graph": GraphPolicy,
    "maskable-ppo": MaskedChoicePolicy,
    "recurrent-ppo": RecurrentChoicePolicy,
    "a2c": ChoicePolicy,
}
"""Where it is not SB3's ``MlpPolicy``."""

ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}
NETS = ("lstm_hidden_size", "n_quantiles", "log_std_init")
"""Fields of the configurations that SB3 wants among the options of the nets."""


def build(config: AgentConfig, env: VecEnv, seed: int) -> BaseAlgorithm:
    """An untrained algorithm, on the CPU: these nets are too small to gain from anything else.

    Seeds torch, numpy and Python's generator, and `env` for its next reset: SB3 gives environment i
    the seed plus i, so runs are set a batch apart, lest neighbours share all but one of their worlds.
    """
    options = dataclasses.asdict(config)
    guess = options.pop("guess", True)
    kind, rate = options.pop("kind"), options.pop("learning_rate")
    if options.pop("schedule") == "linear":
        rate = LinearSchedule(rate, 0.0, 1.0)
    nets: dict[str, Any] = {name: options.pop(name) for name in NETS if name in options}
    widths, activation = list(options.pop("net_arch")), ACTIVATIONS[options.pop("activation")]
    if kind == "ppo-graph":
        native = env.unwrapped.native.unwrapped  # type: ignore[attr-defined]
        described, codec = native.describe()["observation"], native.simulation.action
        nets |= graph_options(described, codec, widths, activation)
    else:
        nets |= {"net_arch": widths, "activation_fn": activation}
    if kind in ("sac", "tqc"):
        options["ent_coef"] = f"auto_{options['ent_coef']}"
    algorithm = ALGORITHMS[kind](
        POLICIES.get(kind, "MlpPolicy"),
        env,
        learning_rate=rate,
        policy_kwargs=nets,
        seed=seed * env.num_envs,
        device="cpu",
        **options,
    )
    if not guess:
        policy: Any = algorithm.policy
        policy.action_net.forget()
    return algorithm
