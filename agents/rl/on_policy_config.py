"""Hyper-parameters of the agents that learn from each rollout once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agents.rl.algorithm_config import LARGEST, AlgorithmConfig
from agents.rl.imitation import Imitation
from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.observations import extensions_of

READ_OUT = ("placement", "change", "changes", "keep-load-drop", "scores", "scores-task", "fractional")
"""Action codecs with a readout in `agents.rl.readouts`."""


@dataclass(frozen=True, kw_only=True)
class OnPolicy(AlgorithmConfig):
    """Actor-critics that learn from each rollout once."""

    n_steps: int = bounded(least=1)
    """slots per environment between updates"""
    gae_lambda: float = bounded(0.95, least=0, most=1)
    ent_coef: float = bounded(0.0, least=0, most=LARGEST)
    entropy_schedule: Literal["constant", "linear"] = "constant"
    """schedule of `ent_coef`; linear: to 0 at the end of training"""
    vf_coef: float = bounded(0.5, least=0, most=LARGEST)
    max_grad_norm: float = bounded(0.5, above=0, most=LARGEST)

    def __post_init__(self) -> None:
        if self.entropy_schedule == "linear" and self.ent_coef == 0.0:
            wrong = "'linear' is not allowed with ent_coef = 0, which cannot fall; set ent_coef above 0"
            raise ConfigError("entropy_schedule", wrong)


@dataclass(frozen=True)
class PPOFamilyConfig(OnPolicy):
    """Proximal policy optimisation."""

    batch_size: int = bounded(64, least=2)
    """transitions per gradient step; best a divisor of n_steps x environments"""
    n_epochs: int = bounded(10, least=1)
    clip_range: float = bounded(0.2, above=0, most=LARGEST)


@dataclass(frozen=True)
class ConditionableConfig(PPOFamilyConfig):
    """PPO whose policy observes its preference and may have one critic per objective."""

    critic_heads: Literal["scalar", "objectives"] = "scalar"
    """target of the critic: the return of the scalar reward, or one return per objective, from which
    advantages are weighed (`agents.rl.conditioned`); objectives: with preference=random"""
    diversity: float = bounded(0.0, least=0, most=LARGEST)
    """coefficient of a penalty on equal actions under different preferences, which falls to 0 during
    training"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.diversity > 0.0 and self.critic_heads == "scalar":
            wrong = f"{self.diversity} is not allowed with critic_heads = scalar; set it to objectives"
            raise ConfigError("diversity", wrong)


@dataclass(frozen=True)
class PPOConfig(ConditionableConfig):
    """PPO."""

    kind: Literal["ppo"] = "ppo"


@dataclass(frozen=True)
class GraphPPOConfig(ConditionableConfig):
    """PPO with networks that fit every scenario, by message passing over the graph observation.

    Each entry of `net_arch` is one round of messages, and the width of the nodes' embeddings after it.
    """

    observes = "graph"
    log_std_init: float = bounded(-1.5, least=-20, most=2)
    """logarithm of the standard deviation of continuous actions before training"""
    guess: bool = True
    """initialise with the forecast savings of segments in the observation, instead of with 0"""
    surroundings: bool = True
    """whether scores of segments use more of their surroundings than the columns of their own node"""
    imitation: Imitation | None = None
    """imitation before PPO begins; null: none"""
    kind: Literal["ppo-graph"] = "ppo-graph"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.net_arch:
            raise ConfigError("net_arch", "[] is not allowed; must have at least one round of messages")
        if self.imitation is not None and self.critic_heads != "scalar":
            wrong = f"{self.critic_heads!r} is not allowed with an imitation, whose critic learns the scalar"
            raise ConfigError("critic_heads", f"{wrong}; allowed: scalar")

    @classmethod
    def supports(cls, codec: str) -> bool:
        """Whether an action codec has a readout in `agents.rl.readouts`."""
        return codec in READ_OUT

    @classmethod
    def observations(cls) -> tuple[str, ...]:
        """Observation codecs whose tables its networks read."""
        return extensions_of("graph")


@dataclass(frozen=True)
class MaskablePPOConfig(PPOFamilyConfig):
    """PPO that never chooses masked actions."""

    forms = ("choice", "choices")
    kind: Literal["maskable-ppo"] = "maskable-ppo"

    @classmethod
    def supports(cls, codec: str) -> bool:
        """Whether an action codec has choices and a mask."""
        return super().supports(codec) and ACTION_CODECS[codec].masked


@dataclass(frozen=True)
class RecurrentPPOConfig(PPOFamilyConfig):
    """PPO with memory: an LSTM before the hidden layers, and a second one for the value."""

    lstm_hidden_size: int = bounded(64, least=1)
    kind: Literal["recurrent-ppo"] = "recurrent-ppo"


@dataclass(frozen=True)
class A2CConfig(OnPolicy):
    """Advantage actor-critic: one gradient step per rollout."""

    rms_prop_eps: float = bounded(1e-5, above=0, most=LARGEST)
    normalize_advantage: bool = False
    kind: Literal["a2c"] = "a2c"
