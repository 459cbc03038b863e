"""Measure the computing time of online learners: ``python -m experiments.bench_learners``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.registry import AGENTS
from experiments.benchmarks.learner_costs import Cost, time_learners
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, closest


def learners() -> list[str]:
    """Names of all agents that this benchmark measures."""
    return [name for name, target in AGENTS.items() if target.startswith("idn_gym.policies.online.")]


_HEAD = ("agent", "build ms", "slot us", "env slot us", "env slots")


def learner_table(costs: Sequence[Cost]) -> list[list[str]]:
    """Return one line per agent; the last column is the learner's time over the environment's time."""
    return [
        [
            cost.agent,
            f"{1e3 * cost.build:.0f}",
            f"{1e6 * cost.slot:.0f}",
            f"{1e6 * cost.environment:.0f}",
            f"{cost.environment_slots:.1f}",
        ]
        for cost in costs
    ]


@dataclass(kw_only=True)
class BenchLearnersCommand:
    """Measure the computing time of online learners.

    CPU time of one thread per slot, the median over the slots of one episode: the time of the learner for
    learning and planning, beside the time of the environment for the slot itself.
    """

    scenario: str = "isp-hierarchy"
    """preset or YAML file"""
    slots: int = bounded(100, least=4, most=9_999_999)
    """length of the episode; slow learners play a tenth of it"""
    agents: tuple[str, ...] = ()
    """online learners (default: all of them)"""

    def run(self) -> None:
        """Measure and print."""
        for name in self.agents:
            if name not in learners():
                raise ConfigError("agents", f"{name!r} is not allowed; {closest(name, learners())}")
        costs = [time_learners(name, self.scenario, self.slots) for name in self.agents or learners()]
        print_rows(_HEAD, learner_table(costs))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(BenchLearnersCommand, words, "python -m experiments.bench_learners")


if __name__ == "__main__":
    main()
