"""Agents on command lines: a name, the folder of a run, the file of a policy or of an agent with options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.policy_file import policy_file, policy_path
from agents.registry import AGENTS, TRAINED
from experiments.studies.entry import StudyEntry, check_entries
from idn_gym.config_reader import ConfigError, closest, from_plain, read_word, read_yaml, show


def label(agents: Sequence[str]) -> dict[str, str]:
    """Map each word to the agent's name in tables; a trained agent is named after its algorithm.

    Its folder is added where two agents share a name.

    Raises:
        ConfigError: see `agent_name`.
    """
    names = {agent: agent_name(agent) for agent in agents}
    for more in (lambda agent: Path(policy_path(agent)).parent.name, str):
        shared = Counter(names.values())
        names = {
            agent: f"{name.split(' (')[0]} ({more(agent)})" if shared[name] > 1 else name
            for agent, name in names.items()
        }
    return names


def stated_agent(word: str) -> StudyEntry:
    """Return the agent that a word means, with its options where a YAML file describes it.

    Raises:
        ConfigError: the file does not exist, or its content is wrong.
    """
    return entry_file(word) or StudyEntry(word)


def entry_file(word: str) -> StudyEntry | None:
    """Read the agent that a YAML file describes, as in studies; None where the word names no such file.

    Raises:
        ConfigError: the file does not exist, or its content is wrong.
    """
    if not word.endswith((".yaml", ".yml")):
        return None
    entry = from_plain(StudyEntry, read_yaml(word), word)
    if entry.overrides or entry.train is not None:
        raise ConfigError(word, "overrides and train are not allowed here; allowed: agent, label, options")
    check_entries(word, [entry])
    return entry


def agent_name(word: str) -> str:
    """Return the name of the agent that a word means; for a trained agent, its algorithm.

    Raises:
        ConfigError: the name is unknown, an algorithm is given without its policy, or a file does not say
            what it holds.
    """
    trained, stated = policy_file(word), entry_file(word)
    if trained is not None:
        return trained.kind
    if stated is not None:
        return stated.name
    if word in TRAINED:
        wanted = "name the folder of a run instead, such as runs/demo"
        raise ConfigError("policy", f"{show(word)} must be trained first; {wanted}")
    if word not in AGENTS:
        known = [name for name in AGENTS if name not in TRAINED]
        raise ConfigError("policy", f"{show(word)} is unknown; {closest(word, known)}")
    return word


def registered_names(names: Mapping[str, str]) -> dict[str, str]:
    """Map the names of agents in tables to those in the registry, which decide how agents are drawn.

    Args:
        names: word of a command line, mapped to the agent's name in tables.

    Raises:
        ConfigError: see `agent_name`.
    """
    trained = {word: policy_file(word) for word in names}
    return {
        name: stated_agent(word).agent if (policy := trained[word]) is None else policy.kind
        for word, name in names.items()
    }


def preference_of(agents: Sequence[str]) -> Any:
    """Return the preference of the trained policies' trainings; balanced if no policy is trained.

    Raises:
        ConfigError: the policies were trained on different preferences.
    """
    found = [trained.preference for trained in map(policy_file, agents) if trained is not None] or [
        "balanced"
    ]
    if any(other != found[0] for other in found):
        raise ConfigError("preference", f"the policies were trained on {found}; choose one with --preference")
    return found[0]


def preference_in_force(agents: Sequence[str], stated: str | None) -> Any:
    """Return the preference of a command line, or that of `preference_of` where it states none."""
    return preference_of(agents) if stated is None else read_word("--preference", stated)
