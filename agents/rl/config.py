"""The learning agents as their YAML files define them, and the codecs that each one supports."""

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
"""One codec of each kind that fits every scenario."""


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
    """Refuse an action codec that the agent does not support.

    Raises:
        ConfigError: there is no such codec, or `AlgorithmConfig.supports` says no.
    """
    ACTION_CODECS.find(codec)
    plain = {"kind": agent.kind, "imitation": getattr(agent, "imitation", None)}
    if not acts_through(plain, codec):
        allowed = ", ".join(name for name in agent.codecs() if acts_through(plain, name))
        who = f"{agent.kind} with an imitation" if plain["imitation"] else agent.kind
        raise ConfigError("action", f"{who} does not support the action codec {codec!r}; allowed: {allowed}")


def check_observation(agent: AgentConfig, observation: str) -> None:
    """Refuse an observation codec that the agent's networks cannot read.

    Raises:
        ConfigError: the codec is not in `AlgorithmConfig.observations`.
    """
    if observation not in OBSERVERS or observation not in agent.observations():
        allowed = ", ".join(agent.observations())
        raise ConfigError(
            "observation",
            f"{agent.kind} does not support the observation {observation!r}; allowed: {allowed}",
        )


def check_preference(agent: AgentConfig, preference: Any) -> None:
    """Refuse critics of several objectives where all episodes have the same preference.

    Raises:
        ConfigError: critics and preference do not match.
    """
    if getattr(agent, "critic_heads", "scalar") == "objectives" and preference != "random":
        wrong = f"'objectives' is not allowed with preference = {show(preference)}"
        raise ConfigError("agent.critic_heads", f"{wrong}; it is for preference=random")


def check_rollout(agent: AgentConfig, envs: int) -> None:
    """Refuse rollouts that leave a single transition for a gradient step, whose advantage has no spread.

    Raises:
        ConfigError: the agent is a PPO, and `PPOFamilyConfig.batch_size` leaves one transition.
    """
    if isinstance(agent, PPOFamilyConfig) and agent.n_steps * envs % agent.batch_size == 1:
        raise ConfigError(
            "agent.n_steps",
            f"{agent.n_steps} is not allowed with envs = {envs}; "
            f"n_steps x envs must not leave 1 when divided by batch_size = {agent.batch_size}",
        )


def observed_by(agent: Any) -> str:
    """Return the observation codec that an agent reads, given as plain data; "flat" for an unknown kind."""
    kind = _kind(agent)
    return "flat" if kind is None else kind.observes


def acts_through(agent: Any, codec: str) -> bool:
    """Return whether an agent, given as plain data, supports a codec; true for an unknown kind."""
    kind = _kind(agent)
    if kind is None or (agent.get("imitation") not in (None, False) and codec not in IMITATES):
        return kind is None
    return kind.supports(codec)


def fallback(agent: Any) -> str:
    """Return a codec that an agent, given as plain data, supports in every scenario."""
    return next(codec for codec in EVERYWHERE if acts_through(agent, codec))


def _kind(agent: Any) -> type[AgentConfig] | None:
    kind = agent.get("kind") if isinstance(agent, Mapping) else None
    return next((config for config in get_args(AgentConfig) if config.kind == kind), None)
