"""Train an agent and compare it with static and adaptive policies: ``python -m experiments.demo``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments import train
from experiments.compare import CompareAgentsCommand
from experiments.training.run_config import RunConfig
from experiments.training.run_folder import RunFolder
from idn_gym.commands import grammar
from idn_gym.commands.endings import ending
from idn_gym.commands.grammar import Changes
from idn_gym.commands.options import SeedOption
from idn_gym.config_reader import bounded
from idn_gym.files import file_name, writable_folder
from idn_gym.preset_ids import DEFAULT_SCENARIO

SHOWN_AGENT = "ppo-imitation"
SHOWN_SETTINGS = (
    *("action=scores", "envs=32", "steps=20000", "evaluate_every=10000"),
    *("agent.imitation.episodes=20", "agent.imitation.seconds=2"),
)
"""The recipe was chosen on validation episodes, the lengths for a demo of a few minutes (docs/demo.md)."""
RIVALS = ("cloud-only", "static-greedy", "infida", "lru", "olag")
"""Static placements, online learners, and rules that move models."""

WAYS_ON = """
{out}/
  table.txt, table.csv, table.json   the comparison
  dynamic-ceilings.csv               the best sequence of placements
  {scenario}.csv                     every episode
  {scenario}-*.png, .pdf, .svg       figures
  policy.zip                         the trained policy
  config.yaml                        everything that was set, and versions
curves and pictures of the training run:
  {curves}
a film of the policy:
  {film}"""


def run_demo(out: Path, seeds: int, words: Sequence[str], force: bool = False, dynamic: float = 0.0) -> None:
    """Train and compare, skipping the steps that are already done.

    Args:
        out: folder of the training run and of the comparison.
        seeds: number of test episodes.
        words: changes to the training run, such as ``steps=2000``.
        force: delete the existing run once the new configuration has been checked.
        dynamic: [s] per episode for a bracket of the best sequence of placements; 0: no bracket.

    Raises:
        ConfigError: the folder holds another run or other files.
    """
    folder = RunFolder(out)
    # Named although it is the default, so that a folder written with an earlier default is noticed.
    asked = train.TrainCommand(
        scenario=DEFAULT_SCENARIO,
        agent=SHOWN_AGENT,
        out=out,
        resume=True,
        changes=(*SHOWN_SETTINGS, *words),
    )
    if force:
        train.requested(asked)
        throw_away(folder)
    config = train.configure_run(asked)
    writable_folder(out)
    if folder.policy.exists():
        print(f"{folder.policy} is there: training is done; --force (or make demo FORCE=1) starts over")
    else:
        print(describe_training(config, folder), flush=True)  # now, in a file too
        from experiments.training.train_run import train_run  # torch takes seconds: not for --help

        train_run(config, folder)
    table = out / "table.txt"
    made = [table, out / "dynamic-ceilings.csv"] if dynamic else [table]  # in this order
    if all(file.exists() and file.stat().st_mtime >= folder.policy.stat().st_mtime for file in made):
        print(f"{table} is there:\n{table.read_text(encoding='utf-8')}")
    else:
        bracket = f", then a bracket of {dynamic:g} s per episode" if dynamic else ""
        print(f"Comparing with {', '.join(RIVALS)} in {seeds} episodes{bracket}", flush=True)
        agents = (str(folder.policy), *RIVALS)
        comparison = CompareAgentsCommand(policies=agents, seeds=seeds, out=out, dynamic=dynamic)
        comparison.compare_on([config.scenario])
    print(
        WAYS_ON.format(
            out=out,
            scenario=file_name(config.scenario.name),
            curves=folder.showing_curves(),
            film=folder.playing(config.scenario, "watch", after=("--out", f"{out}.gif")),
        )
    )


def describe_training(config: RunConfig, folder: RunFolder) -> str:
    """Describe what is to be done, in the words of the lines that say how far it is."""
    parts, begun = [f"{config.steps:,} training steps"], ""
    imitation = getattr(config.agent, "imitation", None)
    if folder.checkpoint.exists():
        begun = f", going on from {folder.checkpoint}"
    elif imitation is not None:
        parts = [f"{imitation.episodes} sequences to find", f"{imitation.rounds} rounds of imitation", *parts]
    return f"Training {config.agent.kind} on {config.scenario.name}: {', '.join(parts)}{begun}"


def throw_away(folder: RunFolder) -> None:
    """Delete the run in the folder, and its comparison.

    Raises:
        ConfigError: the folder holds other files; nothing is deleted.
    """
    saved = folder.saved()
    if saved is None:
        folder.clear()
        return
    scenario = file_name(str(saved["scenario"].get("name")))
    tables = ("table.txt", "table.csv", "table.json", "dynamic-ceilings.csv")
    folder.clear(
        (
            *tables,
            f"{scenario}.csv",
            f"{scenario}-latencies.csv",
            f"{scenario}-served.csv",
            *(f"{scenario}-*.{ending}" for ending in ("png", "pdf", "svg")),
        )
    )


@dataclass(kw_only=True)
class DemoCommand(SeedOption):
    """Train an agent on the default scenario; compare it with static placements and with moving models."""

    out: Path = Path("runs/demo")
    """folder of the training run and of the comparison"""
    seeds: int = bounded(10, least=1, most=9_999_999)
    """number of held-out test episodes: seeds 0 to N - 1"""
    dynamic: float = bounded(3.0, least=0.0, most=3600.0)
    """[s] per episode for a bracket of the best sequence of placements (needs SciPy); 0: no bracket"""
    force: bool = False
    """delete the existing run and start over"""
    changes: Changes = ()
    """changes to the training run, such as steps=2000"""

    def run(self) -> None:
        """Train and compare, skipping the steps that are already done."""
        there = os.path.exists(RunFolder(self.out).config)  # False for names that no file can have
        advice = f"--force throws away the run in {self.out}" if there and not self.force else ""
        with ending(RunFolder(self.out).going_on, advice):
            run_demo(self.out, self.seeds, self.changes, self.force, self.dynamic)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DemoCommand, words, "python -m experiments.demo")


if __name__ == "__main__":
    main()
