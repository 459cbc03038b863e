"""Experts of a combiner, as its options name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import gymnasium as gym
from gymnasium.vector import VectorEnv

from agents.policy_file import AgentNeeds, agent_needs, policy_file
from agents.registry import ENTRIES, RANDOMISED, TRAINED
from idn_gym.config_reader import ConfigError, from_plain, show, twice
from idn_gym.policies.registry import build_policy, find_entry
from idn_gym.policy import Policy


class Expert(Protocol):
    """A policy that plays in a virtual network."""

    @property
    def name(self) -> str:
        """Name in readouts."""
        ...

    def environment(self, rows: int, options: Mapping[str, Any], seed: int) -> VectorEnv[Any, Any, Any]:
        """Return an environment for the expert, NEXT_STEP, with `options` of ``gym.make_vec`` and its codecs.

        The seed is used by randomised experts.
        """
        ...

    def policy(self, env: VectorEnv[Any, Any, Any], seed: int) -> Policy:
        """Return the policy that acts there."""
        ...


@dataclass(frozen=True)
class LiveExpert:
    """A policy in memory, for example one that is in training."""

    name: str
    codecs: Mapping[str, Any]
    """keyword arguments of ``gym.make_vec``: `action` and `observation`"""
    build: Callable[[VectorEnv[Any, Any, Any]], Policy]
    """returns the policy as it acts in an environment"""

    def environment(self, rows: int, options: Mapping[str, Any], seed: int) -> VectorEnv[Any, Any, Any]:
        """See `Expert`."""
        return gym.make_vec("IDN-v0", num_envs=rows, **{**options, **self.codecs})

    def policy(self, env: VectorEnv[Any, Any, Any], seed: int) -> Policy:
        """See `Expert`."""
        return self.build(env)


@dataclass(frozen=True)
class ExpertEntry:
    """An expert: an agent by name, or the policy of a training run."""

    agent: str
    """name of the registry, policy.zip of a run, or the run's folder"""
    options: dict[str, Any] = field(default_factory=dict)
    """options of the agent"""
    label: str | None = None
    """name in readouts; null: its name"""

    @property
    def name(self) -> str:
        """The label."""
        return self.label or self.agent

    def needs(self, seed: int) -> AgentNeeds:
        """Requirements for building it; randomised agents get the seed unless they have one."""
        needs = agent_needs(self.agent, self.options)
        if needs.name in RANDOMISED:
            needs.options.setdefault("seed", seed)
        return needs

    def environment(self, rows: int, options: Mapping[str, Any], seed: int) -> VectorEnv[Any, Any, Any]:
        """See `Expert`."""
        needs = self.needs(seed)
        wanted = {**options, **needs.env, **ENTRIES[needs.name].codecs}
        return gym.make_vec("IDN-v0", num_envs=rows, **wanted)

    def policy(self, env: VectorEnv[Any, Any, Any], seed: int) -> Policy:
        """See `Expert`."""
        needs = self.needs(seed)
        return build_policy(ENTRIES, needs.name, env, needs.options)


def read_experts(
    values: Any, least: int, most: int | None = None, key: str = "experts"
) -> tuple[ExpertEntry, ...]:
    """Read experts from a list of names, and of mappings with `agent`, `options` and `label`.

    Args:
        values: plain values.
        least: minimum number of experts.
        most: maximum number of experts; None: no limit.
        key: key of the list, for messages.

    Raises:
        ConfigError: too few or too many experts, one that is unknown or not allowed, or a repeated name.
    """
    if not isinstance(values, list | tuple):
        raise ConfigError(key, f"{show(values)} is not allowed; must be a list of agents")
    wanted = f"at least {least}" if most is None else f"{least}" if least == most else f"{least} to {most}"
    if len(values) < least or (most is not None and len(values) > most):
        names = show([value if isinstance(value, str) else str(value) for value in values])
        raise ConfigError(key, f"{names} is not allowed; must be {wanted}")
    found = [read_expert(value, f"{key}.{i}") for i, value in enumerate(values)]
    again = twice(entry.name for entry in found)
    if again is not None:
        raise ConfigError(key, f"{show(again)} is given twice; give them labels that differ")
    return tuple(found)


def read_expert(value: Any, key: str) -> ExpertEntry:
    """Read an expert from a name, or from a mapping with `agent`, `options` and `label`.

    Raises:
        ConfigError: it is unknown, or cannot be an expert.
    """
    entry = from_plain(ExpertEntry, {"agent": value} if isinstance(value, str) else value, key)
    _check(key, entry)
    return entry


def _check(key: str, entry: ExpertEntry) -> None:
    """Refuse unknown agents, and those that cannot be experts."""
    word = entry.agent
    if "trust" in entry.options:
        raise ConfigError(f"{key}.options.trust", "is not allowed; combiners do not run code from files")
    trained = policy_file(word)
    if trained is not None:
        if trained.trust:
            raise ConfigError(f"{key}.agent", f"{show(word)} is not allowed; name the folder of a run")
        return
    known = find_entry(ENTRIES, word, f"{key}.agent")
    if word in TRAINED and "path" not in entry.options:
        raise ConfigError(f"{key}.agent", f"{show(word)} must be trained first; name the folder of a run")
    if known.informed:
        raise ConfigError(f"{key}.agent", f"{show(word)} is not allowed; informed agents cannot be experts")
    if known.codec == "association":
        raise ConfigError(f"{key}.agent", f"{show(word)} is not allowed; combiners do not choose links")
