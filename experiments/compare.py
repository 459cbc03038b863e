"""Compare agents, also trained ones: ``python -m experiments.compare static-greedy runs/demo``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from experiments.studies.agent_words import (
    agent_name,
    label,
    preference_in_force,
    registered_names,
    stated_agent,
)
from experiments.training.play import play_agent
from idn_gym.commands import grammar
from idn_gym.commands.compare import CompareCommand
from idn_gym.commands.grammar import Positional
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.served import ServedLog, served_rows
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import file_name
from idn_gym.policies.compare import check_policies
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario

BASELINES = ("cloud-only", "random", "popularity", "static-greedy", "local-search")


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
        return preference_in_force(self.policies, self.preference)

    def play_one(self, word: str, scenario: Scenario) -> Episodes:
        """Play one agent."""
        stated = stated_agent(word)
        seeds, options = range(self.seeds), stated.options
        log = None if self.out is None else ServedLog()
        note = None if log is None else log.note
        played = play_agent(stated.agent, scenario, seeds, self.split, self.weighing(), note, **options)
        return played if log is None else played._replace(served=log.requests)

    def play(self, policies: Any, scenario: Scenario) -> dict[str, Episodes]:
        """Play all agents, write their episodes and who served, and draw the figures."""
        played = super().play(policies, scenario)
        if self.out is not None:
            compiled, rows = compile_scenario(scenario), list[dict[str, object]]()
            for agent, episodes in played.items():
                if episodes.served is not None:
                    rows += ({"agent": agent, **row} for row in served_rows(compiled, episodes.served))
            if rows:  # none without requests
                write_csv(self.out / f"{file_name(scenario.name)}-served.csv", rows)
            # matplotlib is imported only for drawing
            from experiments.reports.agent_styles import agent_styles
            from experiments.reports.plots import plot_comparison

            reference = policies[self.reference or self.policies[0]]
            styles = agent_styles(registered_names(policies))
            plot_comparison(self.out, scenario, played, styles, reference, self.weighing())
        return played


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CompareAgentsCommand, words, "python -m experiments.compare")


if __name__ == "__main__":
    main()
