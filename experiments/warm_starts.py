"""What learners gain that start from what was learnt before: ``python -m experiments.warm_starts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.training.play import open_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.options import EpisodeOptions
from idn_gym.commands.progress import steps
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import mean_interval, paired_difference
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder
from idn_gym.policies.online.warm_start import EVEN, GREEDY, LAST, OTHER_NODES
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

BEFORE = "train"
"""Split of the episodes that learners play before those that are judged."""


@dataclass(kw_only=True)
class WarmStartsCommand(EpisodeOptions):
    """Play learners from every start on the same episodes.

    Every learner first plays other episodes, seeds N to 2 N - 1 of the split train, and then those that are
    judged; "last" and "peers" take over what it has learnt by then. Per learner and start: cost per slot in
    the first slots and in the whole episode, what is saved against the even start (paired, 95 % intervals),
    and the slot from which the even start is level: the first one at which the interval of what is saved
    over so many slots reaches zero.

    Example: infida infida-adahedge --scenario edge-drift --seeds 20
    """

    agents: Positional[tuple[str, ...]] = ("infida-adahedge",)
    """learners that have the option `start`"""
    scenario: str = "edge-drift"
    """a preset's name or a YAML file"""
    first: int = bounded(10, least=1)
    """slots that count as the first ones; the even start is compared over as many"""
    trust: float = bounded(0.9, least=0, below=1)
    """weight of what is taken over"""
    out: Path | None = None
    """folder for warm-starts.csv, one line per learner, start, episode and slot"""
    changes: Changes = ()
    """to the scenario, such as horizon=100"""

    def run(self) -> None:
        """Play, print and write."""
        scenario = load_scenario(self.scenario, assignments(self.changes))
        if self.first > scenario.horizon:
            most = f"must be at most {scenario.horizon}, the slots of an episode"
            raise ConfigError("--first", f"{self.first} is not allowed; {most}")
        out = None if self.out is None else writable_folder(self.out, "--out")
        rows: list[list[str]] = []
        lines: list[dict[str, Any]] = []
        for agent in self.agents:
            starts = (EVEN, GREEDY, LAST, OTHER_NODES)
            costs = {
                start: self.play(agent, scenario, start) for start in steps(f"starts of {agent}", starts)
            }
            for start, cost in costs.items():
                rows.append([agent, start, *start_cells(cost, costs[EVEN], self.first)])
                lines += [
                    {"agent": agent, "start": start, "seed": seed, "slot": t, "cost": float(cost[seed, t])}
                    for seed, t in np.ndindex(cost.shape)
                ]
        print(f"{scenario.name}, seeds 0 to {self.seeds - 1}, {self.split}; trust {self.trust:g}\n")
        head = f"first {self.first} slots"
        print_rows(("agent", "start", head, "saved there", "cost", "saved", "even is level from"), rows)
        if out is not None:
            write_csv(out / "warm-starts.csv", lines)

    def play(self, agent: str, scenario: Scenario, start: str) -> Floats:
        """(B, T) costs of the judged episodes."""
        seeds, earlier = range(self.seeds), range(self.seeds, 2 * self.seeds)
        options: dict[str, Any] = {"start": start, "trust": self.trust}
        before, policy = open_agent(agent, scenario, earlier, BEFORE, self.weighing(), **options)
        judged, _ = open_agent(agent, scenario, seeds, self.split, self.weighing(), start=EVEN)
        try:
            rollout(policy, before, earlier)
            return -rollout(policy, judged, seeds).scalar
        finally:
            before.close()
            judged.close()


def start_cells(cost: Floats, even: Floats, first: int) -> list[str]:
    """Cells of one start, from costs (B, T) of the same episodes."""
    early, whole = cost[:, :first].mean(axis=1), cost.mean(axis=1)
    cells = [f"{mean_interval(early):.4f}", "-", f"{mean_interval(whole):.4f}", "-", "-"]
    if cost is not even:
        cells[1] = f"{paired_difference(even[:, :first].mean(axis=1), early):.4f}"
        cells[3] = f"{paired_difference(even.mean(axis=1), whole):.4f}"
        cells[4] = f"{level_from(cost, even, first)}"
    return cells


def level_from(cost: Floats, even: Floats, window: int) -> int:
    """The first slot from which `window` slots of an even start (B, T) are not proven to cost more.

    T where that never happens.
    """
    slots = cost.shape[1]
    for t in range(slots - window + 1):
        part = slice(t, t + window)
        if paired_difference(even[:, part].mean(axis=1), cost[:, part].mean(axis=1)).low <= 0.0:
            return t
    return slots


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(WarmStartsCommand, words, "python -m experiments.warm_starts")


if __name__ == "__main__":
    main()
