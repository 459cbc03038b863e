"""Compare agents on the same episodes: ``python -m experiments.compare --agents random ppo.zip``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tqdm import tqdm

from agents.registry import AGENTS
from experiments.reports import plots as figures
from experiments.training.play import play_agent
from experiments.training.policy_file import policy_file
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.options import SeedOption
from idn_gym.config_reader import ConfigError, closest, read_word
from idn_gym.evaluation.comparison import ComparisonRow, summarise
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.tables import comparison_table, write_episodes, write_table
from idn_gym.files import file_name, writable_folder
from idn_gym.preferences import read_preference
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

BASELINES = ("cloud-only", "random", "popularity", "static-greedy", "local-search")


def compare_agents(
    scenarios: Sequence[Scenario],
    agents: Sequence[str],
    seeds: Sequence[int],
    split: str,
    reference: str,
    out: Path,
    preference: Any = "balanced",
) -> list[ComparisonRow]:
    """Play every agent on every scenario, print the table, and write table, episodes and figures.

    Args:
        scenarios: what to play.
        agents: names of the registry, or trained policies as `policy_file` takes them.
        seeds: of the episodes, the same for every agent.
        split: of the seeds.
        reference: one of the agents; the others are compared with it, seed by seed.
        out: folder to write into.
        preference: what the scalar cost weighs.

    Raises:
        ConfigError: an unknown agent or reference.
    """
    labels = label(agents)
    if reference not in agents:
        raise ConfigError("reference", f"{reference!r} is not among the agents; {closest(reference, agents)}")
    writable_folder(out)
    rows = []
    with tqdm(total=len(scenarios) * len(agents), unit=" agents", leave=False, disable=None) as bar:
        for scenario in scenarios:
            played: dict[str, Episodes] = {}
            for agent in agents:
                bar.set_description(f"{scenario.name}, {labels[agent]}")
                played[labels[agent]] = play_agent(agent, scenario, seeds, split, preference)
                bar.update()
            rows += summarise(scenario, played, labels[reference], preference)
            write_episodes(out / f"{file_name(scenario.name)}.csv", played)
            figures.draw_all(out, scenario, played)
    text = comparison_table(rows, f"{len(seeds)} {split} {'seed' if len(seeds) == 1 else 'seeds'}")
    write_table(out, rows, text)
    print(text)
    return rows


def label(agents: Sequence[str]) -> dict[str, str]:
    """What tables call each agent: its name; a trained one's is its algorithm, and its folder if need be.

    Raises:
        ConfigError: an unknown name, or a file of which nothing says what it holds.
    """
    names = {}
    for agent in agents:
        trained = policy_file(agent)
        if trained is not None:
            names[agent] = trained.kind
        elif agent in AGENTS:
            names[agent] = agent
        else:
            raise ConfigError("agents", f"{agent!r} is not there; {closest(agent, list(AGENTS))}")
    for more in (lambda agent: Path(agent).parent.name, str):
        shared = Counter(names.values())
        names = {
            agent: f"{name.split(' (')[0]} ({more(agent)})" if shared[name] > 1 else name
            for agent, name in names.items()
        }
    return names


def preference_of(agents: Sequence[str]) -> Any:
    """The preference that the trained policies among the agents were trained on; else the balanced one.

    Raises:
        ConfigError: they were trained on different ones.
    """
    found = [trained.preference for trained in map(policy_file, agents) if trained is not None] or [
        "balanced"
    ]
    if any(other != found[0] for other in found):
        raise ConfigError("preference", f"the policies were trained on {found}; say which with --preference")
    return found[0]


@dataclass(kw_only=True)
class CompareAgentsCommand(SeedOption):
    """Compare agents on the same episodes.

    Example: --scenario edge-small --agents cloud-only static-greedy runs/demo/policy.zip
    """

    scenario: tuple[str, ...] = ("edge-small",)
    """presets or YAML files"""
    agents: tuple[str, ...] = BASELINES
    """names, policy.zip of runs, or policies that Stable-Baselines3 saved alone, as CLASS:CODEC:FILE"""
    reference: str | None = None
    """agent that the others are compared with (default: the last)"""
    split: Literal["train", "validation", "test"] = "test"
    """of the seeds; those of one never meet those of another"""
    preference: str | None = None
    """what the cost weighs (default: what the policies were trained on, else balanced)"""
    out: Path = Path("runs/compare")
    """folder for episodes, table and figures"""
    changes: Changes = ()
    """to every scenario, such as horizon=48"""

    renamed: ClassVar[dict[str, str]] = {"--set": "key=value without it"}

    def run(self) -> None:
        """Play, print and write."""
        changes = assignments(self.changes)
        scenarios = [load_scenario(name, changes) for name in self.scenario]
        label(self.agents)  # before their files are read
        preference = (
            preference_of(self.agents)
            if self.preference is None
            else read_word("preference", self.preference)
        )
        read_preference(preference)
        reference = self.reference or self.agents[-1]
        compare_agents(scenarios, self.agents, range(self.seeds), self.split, reference, self.out, preference)
        print(f"\nepisodes, table and figures: {self.out}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CompareAgentsCommand, words, "python -m experiments.compare")


if __name__ == "__main__":
    main()
