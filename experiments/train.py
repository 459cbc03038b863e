"""Train an agent: ``python -m experiments.train --out runs/mine agent.learning_rate=1e-3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.engines.job import Job
from experiments.engines.options import EngineOptions, open_engine
from experiments.studies.code_stamp import code_stamp
from experiments.training import run_config
from experiments.training.run_config import RunConfig, flat
from experiments.training.run_folder import RunFolder
from idn_gym.commands import grammar
from idn_gym.commands.endings import START_OVER, ending
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.config_reader import ConfigError
from idn_gym.files import writable_folder


@dataclass(kw_only=True)
class TrainCommand(EngineOptions):
    """Train an agent; every field of the configuration can be set with a dotted key.

    Example: --out runs/ar1 agent.gamma=0.95 scenario.dynamics.link.kind=ar1
    """

    scenario: str | None = None
    """preset or YAML file (default: edge-drift)"""
    agent: str | None = None
    """name of a file in configs/agents, such as ppo, dqn or sac, or another YAML file (default: ppo)"""
    steps: int | None = None
    """total number of slots, summed over environments (default: 400000)"""
    envs: int | None = None
    """number of environments side by side (default: 64)"""
    seed: int | None = None
    """seed of weights, exploration and training episodes (default: 0)"""
    out: Path
    """folder for all files of the run"""
    resume: bool = False
    """continue the run in that folder, if there is one"""
    changes: Changes = ()
    """changes to the configuration, such as agent.learning_rate=1e-3"""

    def run(self) -> None:
        """Train, and say where everything is."""
        with ending(self.going_on):
            self.train()

    def going_on(self) -> str:
        """What is printed when the command is stopped."""
        folder = RunFolder(self.out)
        return folder.going_on("the same command with --resume") if folder.config.exists() else START_OVER

    def train(self) -> None:
        """Train, in this process or where the engine says."""
        self.check_engine()
        folder = RunFolder(self.out)
        config = configure_run(self)
        default = config.scenario.action
        if not config.agent.supports(default) and "action" not in assignments(self.changes):
            print(f"{config.agent.kind} cannot act through {default}; it acts through {config.action}")
        writable_folder(folder.path)
        if self.engine == "local":
            train_in(config, folder.path)
        else:
            train_away(config, folder, self)
        print(f"trained policy: {folder.policy}\ncurves: {folder.showing_curves()}")
        world = config.scenario
        print(f"compare it: {folder.playing(world, 'compare', 'static-greedy')}")
        print(f"film it: {folder.playing(world, 'watch', after=('--out', f'{folder.path}.gif'))}")


def requested(asked: TrainCommand, saved: Mapping[str, Any] | None = None) -> RunConfig:
    """Return the run that the command line describes, starting from a saved one if there is one.

    Raises:
        ConfigError: a key or value is invalid.
    """
    changes = assignments(asked.changes)
    for name in ("steps", "envs", "seed"):
        if getattr(asked, name) is not None:
            changes[name] = getattr(asked, name)
    return run_config.load_run_config(saved, asked.scenario, asked.agent, changes)


def configure_run(asked: TrainCommand) -> RunConfig:
    """Return the run that the command line describes, in its folder.

    Raises:
        ConfigError: a key or value is invalid, or the folder holds another run.
    """
    folder = RunFolder(asked.out)
    saved = folder.saved()
    if saved is not None and not asked.resume:
        raise ConfigError("out", f"{folder.path} holds a run; add --resume to continue it")
    config = requested(asked, saved)
    if saved is not None:
        before, after = flat(run_config.load_run_config(saved)), flat(config)
        for key in [*before, *after]:
            if before.get(key) != after.get(key):
                was = f"{before.get(key)!r} in {folder.config}"
                raise ConfigError(key, f"{after.get(key)!r} differs from the run's value: {was}")
    return config


def train_in(config: RunConfig, path: Path) -> None:
    """Train in this process, and say what it came to beside simple policies."""
    from experiments.training.train_run import train_run  # torch takes seconds: not for --help

    said = train_run(config, RunFolder(path))
    if said:
        print(said)


def train_away(config: RunConfig, folder: RunFolder, asked: EngineOptions) -> None:
    """Train where the engine says; files come back as they are written."""
    path = folder.path.resolve()
    job = Job(
        f"training {path.name}",
        lambda out: train_in(config, out / path.name),
        Path(path.name),
        lambda out: RunFolder(out / path.name).policy.is_file(),
    )
    with open_engine(asked, 1, path.parent, code_stamp) as engine:
        for _ in engine.run([job], path.parent):
            pass


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(TrainCommand, words, "python -m experiments.train")


if __name__ == "__main__":
    main()
