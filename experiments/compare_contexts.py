"""Compare agents on the scenarios of a context: ``python -m experiments.compare_contexts infida``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from experiments.studies.agent_words import agent_name, label, preference_in_force, stated_agent
from experiments.studies.entry import StudyEntry
from experiments.training.play import open_agent, told_preference
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.options import EpisodeOptions
from idn_gym.commands.progress import steps
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, closest, show
from idn_gym.context_env import DEFAULT_CONTEXT
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.context_shares import ShareRow, context_rows, draw_episodes, episode_costs
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.evaluation.tables import interval_text, write_csv
from idn_gym.files import writable_folder
from idn_gym.optimum.solver import load_solver
from idn_gym.policies.compare import check_policies
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.contexts import HELD_OUT, load_context

GREEDY, HINDSIGHT = "static-greedy", "best-static"
"""References: the static placement found on validation episodes, and the best static one in hindsight."""


@dataclass(kw_only=True)
class CompareContextsCommand(EpisodeOptions):
    """Play agents on the scenarios of a context, with one axis held out at a time.

    Every seed is a scenario of its own, on which each agent plays one episode. Costs are shares of the costs
    of static-greedy and best-static (needs SciPy) on the same scenario. Intervals have 95 % confidence, over
    scenarios.
    Example: popularity infida runs/graph/policy.zip --context real-networks --held-out topology
    """

    policies: Positional[tuple[str, ...]] = ("popularity", "local-search")
    """names, policy.zip files of runs, or YAML files with the agent, label and options of one agent"""
    context: str = DEFAULT_CONTEXT
    """a name in configs/contexts, or a YAML file"""
    held_out: tuple[str, ...] = HELD_OUT
    """nothing, topology, catalogue, workload, all: the axis that is drawn from the part of the split"""
    seconds: float = bounded(10.0, least=0.0, most=3600.0)
    """[s] per episode for best-static, which is slightly worse where the limit stops it; 0: without it"""
    out: Path | None = None
    """folder for the table and the costs of every episode (CSV)"""
    csv: bool = False
    """print comma-separated values"""
    changes: Changes = ()
    """changes to the context's scenario, such as horizon=24"""

    def run(self) -> None:
        """Print the table, and write the files."""
        check_policies(self.policies, None, agent_name)
        names = label(self.policies)
        for axis in self.held_out:
            if axis not in HELD_OUT:
                raise ConfigError("--held-out", f"{show(axis)} is not allowed; {closest(axis, HELD_OUT)}")
        if self.seconds:
            load_solver()
        if self.out is not None:
            writable_folder(self.out)
        rows, played = [], []
        for axis in dict.fromkeys(self.held_out):
            found, costs = self.play_axis(axis, names)
            rows += found
            played += costs
        self.show(rows)
        if self.out is not None:
            write_csv(self.out / "contexts.csv", [plain_share(row) for row in rows])
            write_csv(self.out / "episodes.csv", played)
            print(f"\ntable and costs of episodes: {self.out}")

    def play_axis(
        self, axis: str, names: Mapping[str, str]
    ) -> tuple[list[ShareRow], list[dict[str, object]]]:
        """Return the rows of all agents with one axis held out, and the costs of every episode."""
        context = load_context(self.context, assignments(self.changes))
        episodes = draw_episodes(context, range(self.seeds), self.split, axis)
        stated = {GREEDY: StudyEntry(GREEDY)}
        if self.seconds:
            stated[HINDSIGHT] = StudyEntry(HINDSIGHT, options={"seconds": self.seconds})
        references = dict(stated)
        stated |= {names[word]: stated_agent(word) for word in self.policies}
        said = f"agents on {context.name}, {axis} held out, {self.seeds} {self.split} scenarios"
        costs: dict[str, Floats] = {
            name: episode_costs(partial(self.play_one, stated[name]), episodes)
            for name in steps(said, list(stated))
        }
        found = context_rows(axis, costs, {name: costs[name] for name in references})
        return found, [
            {"held_out": axis, "seed": seed, "nodes": count, "agent": name, "cost": float(cost[i])}
            for name, cost in costs.items()
            for i, (seed, count) in enumerate(_sizes(episodes))
        ]

    def play_one(self, stated: StudyEntry, scenario: Scenario, seed: int) -> Episodes:
        """Play one agent on one scenario."""
        preference = preference_in_force(self.policies, self.preference)
        env, policy = open_agent(stated.agent, scenario, [seed], self.split, preference, **stated.options)
        try:
            return rollout(policy, env, [seed], told_preference(stated.agent, preference, stated.options))
        finally:
            env.close()

    def show(self, rows: Sequence[ShareRow]) -> None:
        """Print the rows."""
        references = list(rows[0].shares)
        head = ["held out", "agent", "cost", *(f"share of {name}" for name in references)]
        head += [f"ahead of {name}" for name in references]
        if self.csv:
            plain = [plain_share(row) for row in rows]
            print_rows(list(plain[0]), [list(row.values()) for row in plain], as_csv=True)
            return
        print_rows(
            head,
            [
                [row.held_out, row.agent, f"{row.cost:.4f}"]
                + [f"{row.shares[name]:.3f}" for name in references]
                + [f"{row.ahead[name]:.0%}" for name in references]
                for row in rows
            ],
        )


def plain_share(row: ShareRow) -> dict[str, object]:
    """A row as columns of numbers."""
    plain: dict[str, object] = {"held_out": row.held_out, "agent": row.agent}
    plain |= interval_text("cost", row.cost)
    for name, share in row.shares.items():
        plain |= interval_text(f"share_of_{name}", share)
        plain[f"ahead_of_{name}"] = row.ahead[name]
    return plain


def _sizes(episodes: Sequence[tuple[Scenario, int]]) -> list[tuple[int, int]]:
    """Seed and number of nodes of every scenario."""
    return [(seed, len(expand(scenario.topology).nodes)) for scenario, seed in episodes]


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CompareContextsCommand, words, "python -m experiments.compare_contexts")


if __name__ == "__main__":
    main()
