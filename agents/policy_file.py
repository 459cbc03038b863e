"""Trained policies on command lines: named by a run's file, or by class, codec and file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agents.registry import ENTRIES, TRAINED
from idn_gym.config_reader import ConfigError, show
from idn_gym.policies.saved import SAVED_FORM, split_word


@dataclass(frozen=True)
class PolicyFile:
    """A trained policy, and its requirements on the environment."""

    path: str
    kind: str
    action: str
    observation: str
    preference: Any
    trust: bool
    """whether Stable-Baselines3 saved it alone, so that reading it runs code from the file"""

    @property
    def codecs(self) -> dict[str, str]:
        """Codecs of actions and observations, as ``gym.make_vec`` takes them."""
        return {"action": self.action, "observation": self.observation}

    @property
    def told(self) -> bool:
        """Whether it was trained on all preferences and observes the one in force."""
        return bool(self.preference == "random")


POLICY = "policy.zip"
"""File of a training run with the weights of its policy."""


def policy_file(word: str) -> PolicyFile | None:
    """Return the policy that a word means: a file, or the folder of a run; None if it is an agent's name.

    Raises:
        ConfigError: the file does not exist, its content is not identified, or a folder has no policy yet.
    """
    word = policy_path(word)
    if not word.endswith(".zip"):
        return None
    kind, action, path = split_word(word, TRAINED, "agents")
    if not Path(path).is_file():
        wanted = "name the policy.zip of a run, which has its config.yaml beside it"
        raise ConfigError("agents", f"{show(path)} does not exist; {wanted}")
    from agents.rl.config import observed_by  # torch is imported only when needed
    from agents.rl.origin import RECORD, origin_of

    origin = origin_of(path)
    if origin is not None:
        told = (origin.observation, origin.preference, False)
        return PolicyFile(path, origin.agent.kind, origin.codec, *told)
    if not kind:
        raise ConfigError(
            "agents",
            f"{show(path)} has no {RECORD} of a run beside it; a policy that Stable-Baselines3 saved alone, "
            f"and that you trust, is named as {SAVED_FORM}",
        )
    return PolicyFile(path, kind, action, observed_by({"kind": kind}), "balanced", True)


def policy_path(word: str) -> str:
    """Return the file of the policy in a run's folder; any other word unchanged.

    Raises:
        ConfigError: the folder is not that of a run, or its training has not ended.
    """
    folder = Path(word)
    if word in ENTRIES or not folder.is_dir():
        return word
    if (folder / POLICY).is_file():
        return str(folder / POLICY)
    from agents.rl.origin import RECORD

    if (folder / RECORD).is_file():
        begun = "its training has not ended; the same command with --resume continues it"
        raise ConfigError("agents", f"{show(word)} has no {POLICY} yet; {begun}")
    raise ConfigError("agents", f"{show(word)} is a folder without {POLICY}; name the folder of a run")


def trained_agent(agent: str, options: Mapping[str, Any]) -> PolicyFile | None:
    """Return the trained policy of an agent: its file, or a name with the file as the option `path`.

    Raises:
        ConfigError: see `policy_file`.
    """
    word = options["path"] if agent in TRAINED and "path" in options else agent
    return policy_file(str(word))


class AgentNeeds(NamedTuple):
    """Requirements for building an agent."""

    name: str
    """the agent's entry in the registry"""
    options: dict[str, Any]
    """options of the entry's builder"""
    env: dict[str, Any]
    """keyword arguments of ``gym.make_vec`` that the agent needs"""


def agent_needs(agent: str, options: Mapping[str, Any]) -> AgentNeeds:
    """Return the entry, options and environment of an agent.

    Args:
        agent: a name of the registry, or a policy as `policy_file` takes it.
        options: options of the agent; a trained agent's options are in its file.

    Raises:
        ConfigError: see `policy_file`.
    """
    trained = trained_agent(agent, options)
    if trained is None:
        return AgentNeeds(agent, dict(options), {})
    name = agent if agent in TRAINED else trained.kind
    told = {"preference": "random"} if trained.told else {}
    return AgentNeeds(name, {"path": trained.path, "trust": trained.trust}, {**trained.codecs, **told})
