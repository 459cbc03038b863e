"""Hyper-parameters of the agents that learn from a replay buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agents.rl.algorithm_config import LARGEST, AlgorithmConfig
from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class OffPolicy(AlgorithmConfig):
    """Algorithms that learn from a replay buffer."""

    buffer_size: int = bounded(50_000, least=1)
    """size of the buffer in transitions; one takes 8 bytes per entry of the observation, and every checkpoint
    writes all of them"""
    learning_starts: int = bounded(1_000, least=0)
    """transitions of random actions before learning begins"""
    batch_size: int = bounded(256, least=1)
    """transitions per gradient step"""
    tau: float = bounded(0.005, above=0, most=1)
    """update rate of the target network towards the network"""
    train_freq: int = bounded(1, least=1)
    """slots per environment between updates"""
    gradient_steps: int = bounded(1, least=1)
    """gradient steps per update"""


@dataclass(frozen=True)
class DeepQLearning(OffPolicy):
    """Deep Q-learning, of returns or of their distribution."""

    forms = ("choice",)
    target_update_interval: int = bounded(1_000, least=1)
    """transitions between updates of the target network"""
    exploration_fraction: float = bounded(0.3, above=0, most=1)
    """share of training over which exploration falls to its final rate"""
    exploration_initial_eps: float = bounded(1.0, least=0, most=1)
    exploration_final_eps: float = bounded(0.05, least=0, most=1)
    max_grad_norm: float = bounded(10.0, above=0, most=LARGEST)


@dataclass(frozen=True)
class DQNConfig(DeepQLearning):
    """Deep Q-learning."""

    kind: Literal["dqn"] = "dqn"


@dataclass(frozen=True)
class QRDQNConfig(DeepQLearning):
    """Deep Q-learning of the distribution of returns, as quantiles."""

    n_quantiles: int = bounded(25, least=1)
    kind: Literal["qr-dqn"] = "qr-dqn"


@dataclass(frozen=True)
class SoftActorCritic(OffPolicy):
    """Soft actor-critic, on returns or on their quantiles."""

    forms = ("numbers",)
    ent_coef: float = bounded(0.1, above=0, most=LARGEST)
    """initial weight of the entropy; it is learnt from there"""


@dataclass(frozen=True)
class SACConfig(SoftActorCritic):
    """Soft actor-critic."""

    kind: Literal["sac"] = "sac"


@dataclass(frozen=True)
class TQCConfig(SoftActorCritic):
    """TQC: soft actor-critic with truncated quantile critics."""

    n_quantiles: int = bounded(25, least=1)
    top_quantiles_to_drop_per_net: int = bounded(2, least=0)
    kind: Literal["tqc"] = "tqc"

    def __post_init__(self) -> None:
        if self.top_quantiles_to_drop_per_net >= self.n_quantiles:
            value = self.top_quantiles_to_drop_per_net
            raise ConfigError(
                "top_quantiles_to_drop_per_net",
                f"{value} is not allowed; must be below n_quantiles = {self.n_quantiles}",
            )
