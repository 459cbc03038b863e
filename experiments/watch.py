"""Film an agent, also a trained one: ``python -m experiments.watch runs/demo --out film.gif``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gymnasium.vector import VectorEnv

from experiments.studies.agent_words import agent_name, preference_of, stated_agent
from experiments.training.play import open_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.watch import WatchCommand
from idn_gym.policy import Policy
from idn_gym.scenarios.config import Scenario


@dataclass(kw_only=True)
class WatchAgentCommand(WatchCommand):
    """Film an agent, also a trained one, as an animated GIF, or its last slot as PNG: see idn watch.

    A policy that was trained for all preferences plays under one that is drawn for the episode.

    Example: runs/demo --scenario edge-drift --out film.gif
    """

    policy: Positional[str]
    """name, folder of a run or its policy.zip, or a policy saved by Stable-Baselines3 (CLASS:CODEC:FILE)"""

    def check(self) -> None:
        """Refuse a word that names no agent; see `agent_name`."""
        agent_name(self.policy)

    def open(self, world: Scenario) -> tuple[VectorEnv[Any, Any, Any], Policy]:
        """Return the environment that draws its slots, and the agent that acts in it."""
        preference, stated = preference_of([self.policy]), stated_agent(self.policy)
        return open_agent(
            stated.agent, world, [self.seed], self.split, preference, "rgb_array", **stated.options
        )


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(WatchAgentCommand, words, "python -m experiments.watch")


if __name__ == "__main__":
    main()
