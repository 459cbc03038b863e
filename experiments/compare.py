"""Compare agents, also trained ones: ``python -m experiments.compare static-greedy runs/demo``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from agents.policy_file import policy_file, policy_path
from agents.registry import AGENTS, TRAINED
from experiments.studies.entry import StudyEntry, check_entries
from experiments.training.play import play_agent
from idn_gym.commands import grammar
from idn_gym.commands.compare import CompareCommand
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml, show
from idn_gym.evaluation.rollout import Episodes
from idn_gym.policies.compare import check_policies
from idn_gym.scenarios.config import Scenario

BASELINES = ("cloud-only", "random", "popularity", "static-greedy", "local-search")


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


@dataclass(kw_only=True)
class CompareAgentsCommand(CompareCommand):
    """Compare agents on the same held-out episodes: idn compare, also for trained policies, with figures.

    Example: cloud-only static-greedy runs/demo --scenario edge-drift
    """

    policies: Positional[tuple[str, ...]] = BASELINES
    """names, folders of runs or their policy.zip, policies saved by Stable-Baselines3 (CLASS:CODEC:FILE), or
    YAML files with the agent, label and options of one agent"""
    preference: str | None = None
    """weights of the cost, as in idn compare (default: the preference of the policies' training, otherwise
    balanced)"""
    out: Path | None = Path("runs/compare")
    """folder for episodes, table and figures"""

    written: ClassVar[str] = "episodes, table and figures"
    fewest: ClassVar[int] = 1  # `idn play` cannot read policies that were trained here
    renamed: ClassVar[dict[str, str]] = {
        "--set": "key=value without it",
        "--agents": "the same words first and without it",
    }

    def names(self) -> dict[str, str]:
        """Map each word to the agent's name in tables; files have not been read yet."""
        check_policies(self.policies, self.reference, agent_name)
        return label(self.policies)

    def weighing(self) -> Any:
        """The preference as ``gym.make`` takes it."""
        return preference_of(self.policies) if self.preference is None else super().weighing()

    def play_one(self, word: str, scenario: Scenario) -> Episodes:
        """Play one agent."""
        stated = entry_file(word) or StudyEntry(word)
        seeds, options = range(self.seeds), stated.options
        return play_agent(stated.agent, scenario, seeds, self.split, self.weighing(), **options)

    def play(self, policies: Any, scenario: Scenario) -> dict[str, Episodes]:
        """Play all agents, write their episodes and draw the figures."""
        played = super().play(policies, scenario)
        if self.out is not None:
            from experiments.reports.plots import plot_comparison  # matplotlib is imported only for drawing

            plot_comparison(self.out, scenario, played)
        return played


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CompareAgentsCommand, words, "python -m experiments.compare")


if __name__ == "__main__":
    main()
