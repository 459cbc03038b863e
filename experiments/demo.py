"""Train PPO on the default scenario and compare it with baselines: ``python -m experiments.demo``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from experiments import train
from experiments.commands import Parser, command, read_count
from experiments.compare import BASELINES, compare_agents
from experiments.training.run_folder import RunFolder
from idn_gym.files import file_name, writable_folder

WAYS_ON = """
{out}/
  table.txt, table.csv, table.json   the comparison
  {scenario}.csv                     every episode
  {scenario}-*.png                   figures
  policy.zip                         the trained policy
  config.yaml                        everything that was set, and versions
curves and pictures of the training run:
  {tensorboard} --logdir {events}"""


def run_demo(out: Path, seeds: int, words: list[str], force: bool = False) -> None:
    """Train and compare, as far as that has not been done already.

    Args:
        out: folder of the training run and of the comparison.
        seeds: number of test episodes.
        words: changes to the training run, such as ``steps=2000``.
        force: throw away the run that is there, once it is clear what to do instead.

    Raises:
        ConfigError: the folder holds another run, or something else.
    """
    folder = RunFolder(out)
    # Named although they are the defaults, so that a folder from before they changed is noticed.
    default = ["--scenario", "edge-small", "--agent", "ppo"]
    arguments = train.parse([*default, "--out", str(out), "--resume", *words])
    if force:
        train.requested(arguments)
        throw_away(folder)
    config = train.configure_run(arguments)
    writable_folder(out)
    if folder.policy.exists():
        print(f"{folder.policy} is there: training is done; --force (or make demo FORCE=1) starts over")
    else:
        begun = f", going on from {folder.checkpoint}" if folder.checkpoint.exists() else ""
        print(f"Training PPO for {config.steps} steps on {config.scenario.name}{begun}")
        train.train_run(config, folder)
    table = out / "table.txt"
    if table.exists() and table.stat().st_mtime >= folder.policy.stat().st_mtime:
        print(f"{table} is there:\n{table.read_text(encoding='utf-8')}")
    else:
        print(f"Comparing with {', '.join(BASELINES)}")
        agents = [str(folder.policy), *BASELINES]
        compare_agents([config.scenario], agents, range(seeds), "test", agents[0], out)
    print(
        WAYS_ON.format(
            tensorboard=Path(sys.executable).with_name("tensorboard"),
            out=out,
            scenario=file_name(config.scenario.name),
            events=folder.events,
        )
    )


def throw_away(folder: RunFolder) -> None:
    """Delete the run in the folder, and its comparison.

    Raises:
        ConfigError: there is something else in it; nothing is deleted.
    """
    saved = folder.saved()
    if saved is None:
        folder.clear()
        return
    scenario = file_name(str(saved["scenario"].get("name")))
    folder.clear(("table.txt", "table.csv", "table.json", f"{scenario}.csv", f"{scenario}-*.png"))


def main(words: list[str] | None = None) -> None:
    """Entry point of the command line."""
    parser = Parser(
        prog="python -m experiments.demo",
        description="Train PPO on the default scenario and compare it with baselines.",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    parser.add_argument("--seeds", type=read_count, default=30, help="number of test episodes")
    parser.add_argument("--force", action="store_true", help="throw away what is there and start over")
    parser.add_argument(
        "changes", nargs="*", metavar="key=value", help="to the training run, such as steps=2000"
    )
    arguments = parser.parse_intermixed_args(words)
    there = os.path.exists(RunFolder(arguments.out).config)  # False for names that no file can have
    advice = f"--force throws away the run in {arguments.out}" if there and not arguments.force else ""
    with command("the same command goes on from the last checkpoint", advice):
        run_demo(arguments.out, arguments.seeds, arguments.changes, arguments.force)


if __name__ == "__main__":
    main()
