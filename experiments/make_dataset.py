"""Record policies as Minari datasets: ``python -m experiments.make_dataset --out runs/datasets``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from agents.policy_file import policy_file
from agents.registry import AGENTS, TRAINED
from experiments.training.recorded import DatasetFolder, DatasetPlan
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.progress import ProgressBar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, closest, read_word, show
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.files import writable_folder

RECORDED_POLICIES = ("random", "static-greedy", "library-greedy", "agents/shipped/edge-drift/policy.zip")


@dataclass(kw_only=True)
class MakeDatasetCommand:
    """Record policies as Minari datasets, for learning from what others did.

    One dataset per policy, with the same spaces for all: flat observations, and the placement of every slot
    as the action (codec segments). Rewards are scalars, and infos have the vectors. Every episode is acted
    again from what was asked for and has to earn the same. The same command goes on with datasets that were
    not complete; those that are stay as they are. Needs the extra rl, and minari[create,hdf5].

    Example: random static-greedy --scenario tiny --episodes 4 --out runs/datasets
    """

    policies: Positional[tuple[str, ...]] = RECORDED_POLICIES
    """names, or folders of runs"""
    scenario: str = "edge-drift"
    """preset or YAML file"""
    out: Path = Path("runs/datasets")
    """folder for the datasets, MINARI_DATASETS_PATH of who loads them"""
    episodes: int = bounded(20, least=1, most=100_000)
    """per policy: seeds 0 to N - 1 of --split"""
    split: Literal["train", "validation", "test"] = "train"
    """that the seeds are of; the test is for playing what was learnt"""
    preference: str = "balanced"
    """what rewards weigh: a name, or weights such as {latency: 1}"""
    changes: Changes = ()
    """such as dynamics.link.kind=ar1"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Record, and say what the policies earned."""
        labels = dataset_labels(self.policies)
        out = writable_folder(self.out).resolve()
        os.environ["MINARI_DATASETS_PATH"] = str(out)
        weighing = read_word("--preference", self.preference)
        plan = DatasetPlan(self.scenario, assignments(self.changes), self.split, self.episodes, weighing)
        folder = DatasetFolder(out, plan)
        waiting = folder.waiting(labels)
        total = len(labels) * self.episodes
        done = total - len(waiting) * self.episodes
        with ProgressBar("episodes", total, done) as bar:
            for label, agent in waiting.items():
                folder.record(agent, label, bar.advance)
        folder.state_references()
        head = ("dataset", "episodes", "mean return")
        rows = (
            (folder.dataset_id(label), len(x), f"{mean_interval(np.array(x)):.4g}")
            for label, x in folder.returns.items()
        )
        print_rows(head, rows)
        print(f"\nMINARI_DATASETS_PATH={out}")


def dataset_labels(policies: Sequence[str]) -> dict[str, str]:
    """What datasets are called, to the word that means each policy: its name, the algorithm of a trained one.

    Raises:
        ConfigError: an unknown name, a file that is not there, or two that would be called alike.
    """
    found: dict[str, str] = {}
    for word in policies:
        trained = policy_file(word)
        label = word if trained is None else trained.kind
        if trained is None and (word not in AGENTS or word in TRAINED):
            known = [name for name in AGENTS if name not in TRAINED]
            raise ConfigError("policy", f"{show(word)} is not there; {closest(word, known)}")
        if label in found:
            raise ConfigError("policy", f"{show(word)} would be called {label!r}, as {found[label]!r} is")
        found[label] = word
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line."""
    grammar.run_command(MakeDatasetCommand, words, "python -m experiments.make_dataset")


if __name__ == "__main__":
    main()
