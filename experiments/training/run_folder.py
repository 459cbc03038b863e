"""The folder of a training run: what is in it, and what of it may be deleted."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from experiments.training import run_config
from experiments.training.run_config import RunConfig
from idn_gym.config_reader import ConfigError, read_yaml, to_plain
from idn_gym.files import write_text
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS, from_folder

EVENTS = ("events.out.tfevents.*", "evaluations.csv")
"""What a run writes into the folder of its curves, beside `REFERENCES`."""

REFERENCES = ("static-greedy", "cloud-only")
"""Policies whose rewards are lines on the page; folders of the curves, too."""


class RunFolder:
    """The files of a run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        """there before anything else; with a run in it, it is the mark of a run"""
        self.checkpoint = self.path / "checkpoint.pt"
        self.teacher = self.path / "teacher.npz"
        """sequences for an imitation; reused if the file exists"""
        self.imitated = self.path / "imitation.csv"
        """its rounds"""
        self.events = self.path / "tensorboard"
        self.policy = self.path / "policy.zip"
        """there once training is over"""
        self.scenario = self.path / "scenario.yaml"
        """the scenario of the training, where no preset is the same"""

    def saved(self) -> Mapping[str, Any] | None:
        """The configuration of the run in the folder; None where there is no run.

        Raises:
            ConfigError: there is something else in its place, or a run whose configuration is gone.
        """
        if not self.config.exists():
            for file in (self.policy, self.checkpoint, *written(self.events)):
                if file.exists():
                    raise ConfigError("out", f"{file} exists, but the run's {self.config.name} is missing")
            return None
        found = read_yaml(self.config)
        run = found.get("run") if isinstance(found, Mapping) else None
        if not isinstance(run, Mapping) or not all(
            isinstance(run.get(part), Mapping) for part in ("scenario", "agent")
        ):
            raise ConfigError("out", f"{self.config} is not a file of a training run; name another folder")
        return run

    def begin(self, config: RunConfig) -> None:
        """Write down what is run, and remove the curves of a run that left no checkpoint."""
        begun = self.saved() is not None
        self.path.mkdir(parents=True, exist_ok=True)
        if begun:
            self._remove_events()
        record = {
            "command": shlex.join(["python", *sys.orig_argv[1:]]),
            "versions": run_config.run_versions(),
            "run": to_plain(config),
        }
        write_text(self.config, yaml.safe_dump(record, sort_keys=False))

    def going_on(self, command: str = "the same command") -> str:
        """What a command does that comes after a stopped one: it depends on what the latter has left."""
        if self.policy.exists():
            return f"{command} keeps the trained policy"
        if self.checkpoint.exists():
            return f"{command} continues from the last checkpoint"
        if self.teacher.exists():
            return f"{command} keeps the sequences found, and trains from the beginning"
        return f"{command} trains from the beginning"

    def playing(self, scenario: Scenario, command: str, *before: str, after: Sequence[str] = ()) -> str:
        """The shell command that plays the policy in the world of its training.

        A scenario that differs from the preset of its name is written into the folder.

        Args:
            scenario: of the training.
            command: in `experiments`, such as ``compare``.
            before: words before the policy.
            after: words after the scenario.
        """
        world = scenario.name
        if PRESETS.get(world) != scenario:
            if not self.scenario.exists():
                # Paths of the command line begin at the working folder, those in a file at the file's folder.
                plain = from_folder(to_plain(scenario), Path.cwd())
                write_text(self.scenario, yaml.safe_dump(plain, sort_keys=False))
            world = str(self.scenario)
        words = [*before, str(self.path), "--scenario", world, *after]
        return shlex.join([sys.executable, "-m", f"experiments.{command}", *words])

    def showing_curves(self) -> str:
        """The shell command that shows the curves."""
        tensorboard = Path(sys.executable).with_name("tensorboard")
        return shlex.join([str(tensorboard), "--logdir", str(self.events)])

    def clear(self, more: tuple[str, ...] = ()) -> None:
        """Delete a run: the files that it wrote, and the folder where nothing else is in it.

        Args:
            more: patterns of files that were made from the run, in the same folder.

        Raises:
            ConfigError: the folder has no marks of a run; nothing is deleted.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ConfigError("out", f"{self.path} is not a folder; nothing is deleted")
        if self.saved() is None:
            if any(self.path.iterdir()):
                raise ConfigError("out", f"{self.path} does not hold a training run; nothing is deleted")
            return
        self._remove_events()
        for file in (path for pattern in more for path in self.path.glob(pattern)):
            file.unlink()
        for file in (self.policy, self.checkpoint, self.teacher, self.imitated, self.scenario):
            file.unlink(missing_ok=True)
        self.config.unlink()  # last: until then it is still known as a run
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _remove_events(self) -> None:
        folders = [self.events / name for name in REFERENCES]
        for file in [*written(self.events), *(path for one in folders for path in one.glob(EVENTS[0]))]:
            file.unlink()
        for folder in (*folders, self.events):
            with contextlib.suppress(OSError):
                folder.rmdir()


def written(events: Path) -> list[Path]:
    """Files that a run wrote into the folder of its curves."""
    return [path for pattern in EVENTS for path in events.glob(pattern)]
