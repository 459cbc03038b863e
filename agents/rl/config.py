"""Hyper-parameters of the learning agents, as their YAML files state them.

Names and meanings are those of Stable-Baselines3, one dataclass per algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from agents.rl.imitation import IMITATES, Imitation
from idn_gym.actions import ACTION_CODECS as ACTION_CODECS
from idn_gym.actions import Form
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.observations import OBSERVERS

LARGEST = 1e6
"""Largest factor: torch counts with 32 bits, in which products of larger ones overflow."""
EVERYWHERE = ("scores", "change")
"""Of each kind the codec that no scenario is too large for."""


@dataclass(frozen=True)
class AlgorithmConfig:
    """What all algorithms have in common."""

    forms: ClassVar[tuple[Form, ...]] = ("choice", "choices", "numbers")
    """forms of actions that the algorithm gives"""
    observes: ClassVar[str] = "flat"
    """observation codec that its nets read if nothing else is said"""

    learning_rate: float = bounded(above=0, most=LARGEST)
    schedule: Literal["constant", "linear"] = "constant"
    """how the learning rate moves; linear: to 0 at the end of training"""
    gamma: float = bounded(0.99, least=0, most=1)
    net_arch: tuple[int, ...] = bounded((64, 64), least=1)
    """widths of the hidden layers, the same for all nets"""
    activation: Literal["tanh", "relu"] = "tanh"

    @classmethod
    def codecs(cls) -> tuple[str, ...]:
        """Action codecs that the algorithm can act through, by what each of them declares."""
        return tuple(name for name, codec in ACTION_CODECS.items() if codec.form in cls.forms)

    @classmethod
    def observations(cls) -> tuple[str, ...]:
        """Observation codecs that its nets read."""
        return tuple(name for name, observer in OBSERVERS.items() if observer.view == "vector")


@dataclass(frozen=True, kw_only=True)
class OnPolicy(AlgorithmConfig):
    """Actor-critics that learn from each rollout at once, and then forget it."""

    n_steps: int = bounded(least=1)
    """slots per environment between updates"""
    gae_lambda: float = bounded(0.95, least=0, most=1)
    ent_coef: float = bounded(0.0, least=0, most=LARGEST)
    vf_coef: float = bounded(0.5, least=0, most=LARGEST)
    max_grad_norm: float = bounded(0.5, above=0, most=LARGEST)


@dataclass(frozen=True)
class PPOFamilyConfig(OnPolicy):
    """Proximal policy optimisation."""

    batch_size: int = bounded(64, least=2)
    """transitions per gradient step; best a divisor of n_steps x environments"""
    n_epochs: int = bounded(10, least=1)
    clip_range: float = bounded(0.2, above=0, most=LARGEST)


@dataclass(frozen=True)
class PPOConfig(PPOFamilyConfig):
    """PPO."""

    kind: Literal["ppo"] = "ppo"


@dataclass(frozen=True)
class GraphPPOConfig(PPOFamilyConfig):
    """PPO with nets that fit every scenario, by message passing over the graph observation.

    Each entry of `net_arch` is a round of messages and the width of what nodes know after it.
    """

    observes = "graph"
    log_std_init: float = bounded(-1.5, least=-20, most=2)
    """logarithm of the standard deviation of continuous actions before training"""
    guess: bool = True
    """start from what the observation forecasts that segments save, instead of from nothing"""
    surroundings: bool = True
    """whether scores of segments know more of their place than the columns of their own node"""
    imitation: Imitation | None = None
    """what it imitates before PPO begins; null: nothing"""
    kind: Literal["ppo-graph"] = "ppo-graph"

    def __post_init__(self) -> None:
        if not self.net_arch:
            raise ConfigError("net_arch", "[] is not allowed; must have at least one round of messages")

    @classmethod
    def codecs(cls) -> tuple[str, ...]:
        """Those that `agents.rl.readouts` has a readout for."""
        return ("placement", "change", "changes", "keep-load-drop", "scores", "scores-task", "fractional")

    @classmethod
    def observations(cls) -> tuple[str, ...]:
        """The one that its nets are made for."""
        return ("graph",)


@dataclass(frozen=True)
class MaskablePPOConfig(PPOFamilyConfig):
    """PPO that never tries what the mask forbids."""

    forms = ("choice", "choices")
    kind: Literal["maskable-ppo"] = "maskable-ppo"

    @classmethod
    def codecs(cls) -> tuple[str, ...]:
        """Those that have a mask."""
        return tuple(name for name in super().codecs() if ACTION_CODECS[name].masked)


@dataclass(frozen=True)
class RecurrentPPOConfig(PPOFamilyConfig):
    """PPO with a memory: an LSTM before the hidden layers, another one for the value."""

    lstm_hidden_size: int = bounded(64, least=1)
    kind: Literal["recurrent-ppo"] = "recurrent-ppo"


@dataclass(frozen=True)
class A2CConfig(OnPolicy):
    """Advantage actor-critic: one gradient step per rollout."""

    rms_prop_eps: float = bounded(1e-5, above=0, most=LARGEST)
    normalize_advantage: bool = False
    kind: Literal["a2c"] = "a2c"


@dataclass(frozen=True)
class OffPolicy(AlgorithmConfig):
    """Algorithms that learn from a memory of past transitions."""

    buffer_size: int = bounded(50_000, least=1)
    """transitions that are remembered; one takes 8 bytes per entry of the observation, and every
    checkpoint writes them all"""
    learning_starts: int = bounded(1_000, least=0)
    """transitions of random actions before learning begins"""
    batch_size: int = bounded(256, least=1)
    """transitions per gradient step"""
    tau: float = bounded(0.005, above=0, most=1)
    """how far the target net moves towards the net at each of its updates"""
    train_freq: int = bounded(1, least=1)
    """slots per environment between updates"""
    gradient_steps: int = bounded(1, least=1)
    """per update"""


@dataclass(frozen=True)
class DeepQLearning(OffPolicy):
    """Deep Q-learning, of returns or of their distribution."""

    forms = ("choice",)
    target_update_interval: int = bounded(1_000, least=1)
    """transitions between updates of the target net"""
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
    """weight of the entropy at the beginning; it is learnt from there"""


@dataclass(frozen=True)
class SACConfig(SoftActorCritic):
    """Soft actor-critic."""

    kind: Literal["sac"] = "sac"


@dataclass(frozen=True)
class TQCConfig(SoftActorCritic):
    """Soft actor-critic on quantiles of the return, the highest of which it distrusts."""

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


AgentConfig = (
    PPOConfig
    | GraphPPOConfig
    | MaskablePPOConfig
    | RecurrentPPOConfig
    | A2CConfig
    | DQNConfig
    | QRDQNConfig
    | SACConfig
    | TQCConfig
)


def check_codec(agent: AgentConfig, codec: str) -> None:
    """Refuse an action codec that the agent cannot act through.

    Raises:
        ConfigError: it is none of `Hyper.codecs`.
    """
    plain = {"kind": agent.kind, "imitation": getattr(agent, "imitation", None)}
    if not acts_through(plain, codec):
        allowed = ", ".join(name for name in agent.codecs() if acts_through(plain, name))
        who = f"{agent.kind} with an imitation" if plain["imitation"] else agent.kind
        raise ConfigError("action", f"{codec!r} is not what {who} can act through; allowed: {allowed}")


def check_observation(agent: AgentConfig, observation: str) -> None:
    """Refuse an observation codec that the agent's nets cannot read.

    Raises:
        ConfigError: it is none of `Hyper.observations`.
    """
    if observation not in OBSERVERS or observation not in agent.observations():
        allowed = ", ".join(agent.observations())
        raise ConfigError(
            "observation", f"{observation!r} is not what {agent.kind} reads; allowed: {allowed}"
        )


def check_rollout(agent: AgentConfig, envs: int) -> None:
    """Refuse rollouts that leave a gradient step a single transition, whose advantage has no spread.

    Raises:
        ConfigError: PPO of any kind, and that is what `Clipped.batch_size` leaves over.
    """
    if isinstance(agent, PPOFamilyConfig) and agent.n_steps * envs % agent.batch_size == 1:
        raise ConfigError(
            "agent.n_steps",
            f"{agent.n_steps} is not allowed with envs = {envs}; "
            f"n_steps x envs must not leave 1 when divided by batch_size = {agent.batch_size}",
        )


def observed_by(agent: Any) -> str:
    """The observation codec that an agent reads, given as plain data; "flat" where its kind is unknown."""
    kind = _kind(agent)
    return "flat" if kind is None else kind.observes


def acts_through(agent: Any, codec: str) -> bool:
    """Whether an agent, given as plain data, can act through a codec; yes where its kind is unknown."""
    kind = _kind(agent)
    if kind is None or (agent.get("imitation") not in (None, False) and codec not in IMITATES):
        return kind is None
    # Asking for the name first, so that packages that may have it are imported.
    return codec in ACTION_CODECS and codec in kind.codecs()


def fallback(agent: Any) -> str:
    """A codec that an agent, given as plain data, can act through in every scenario."""
    return next(codec for codec in EVERYWHERE if acts_through(agent, codec))


def _kind(agent: Any) -> type[AgentConfig] | None:
    kind = agent.get("kind") if isinstance(agent, Mapping) else None
    return next((config for config in get_args(AgentConfig) if config.kind == kind), None)
