"""The learning agents as their YAML files state them, and what each of them can act through and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from agents.rl.imitation import IMITATES
from agents.rl.off_policy_config import DQNConfig, QRDQNConfig, SACConfig, TQCConfig
from agents.rl.on_policy_config import (
    A2CConfig,
    GraphPPOConfig,
    MaskablePPOConfig,
    PPOConfig,
    PPOFamilyConfig,
    RecurrentPPOConfig,
)
from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import ConfigError, show
from idn_gym.observations import OBSERVERS

EVERYWHERE = ("scores", "change")
"""Of each kind the codec that no scenario is too large for."""


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
        raise ConfigError("action", f"{who} does not support the action codec {codec!r}; allowed: {allowed}")


def check_observation(agent: AgentConfig, observation: str) -> None:
    """Refuse an observation codec that the agent's nets cannot read.

    Raises:
        ConfigError: it is none of `Hyper.observations`.
    """
    if observation not in OBSERVERS or observation not in agent.observations():
        allowed = ", ".join(agent.observations())
        raise ConfigError(
            "observation",
            f"{agent.kind} does not support the observation {observation!r}; allowed: {allowed}",
        )


def check_preference(agent: AgentConfig, preference: Any) -> None:
    """Refuse critics of several objectives where every episode has the same preference.

    Raises:
        ConfigError: that is so.
    """
    if getattr(agent, "critic_heads", "scalar") == "objectives" and preference != "random":
        wrong = f"'objectives' is not allowed with preference = {show(preference)}"
        raise ConfigError("agent.critic_heads", f"{wrong}; it is for preference=random")


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
