"""Hyper-parameters of the learning agents, as their YAML files state them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idn_gym.strict import number


@dataclass(frozen=True)
class Shared:
    """What PPO and A2C have in common; names and meanings are those of Stable-Baselines3."""

    n_steps: int = number(least=1)
    """slots per environment between updates"""
    learning_rate: float = number(above=0)
    schedule: Literal["constant", "linear"] = "constant"
    """how the learning rate moves; linear: to 0 at the end of training"""
    gamma: float = number(0.99, least=0, most=1)
    gae_lambda: float = number(0.95, least=0, most=1)
    ent_coef: float = number(0.0, least=0)
    vf_coef: float = number(0.5, least=0)
    max_grad_norm: float = number(0.5, above=0)
    net_arch: tuple[int, ...] = number((64, 64), least=1)
    """widths of the hidden layers, the same for the policy and for the value"""
    activation: Literal["tanh", "relu"] = "tanh"


@dataclass(frozen=True)
class PPOConfig(Shared):
    """Proximal policy optimisation."""

    batch_size: int = number(64, least=2)
    """transitions per gradient step; best a divisor of n_steps x environments"""
    n_epochs: int = number(10, least=1)
    clip_range: float = number(0.2, above=0)
    kind: Literal["ppo"] = "ppo"


@dataclass(frozen=True)
class A2CConfig(Shared):
    """Advantage actor-critic: one gradient step per rollout."""

    rms_prop_eps: float = number(1e-5, above=0)
    normalize_advantage: bool = False
    kind: Literal["a2c"] = "a2c"


AgentConfig = PPOConfig | A2CConfig
