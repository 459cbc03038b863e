"""Agents that are trained once for all runs of a study that need them, and what that took."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from experiments.studies.code_stamp import code_stamp
from idn_gym.config_reader import ConfigError, read_yaml, show, to_plain
from idn_gym.core.kernel import processor_seconds
from idn_gym.files import file_name, write_text
from idn_gym.scenarios.config import Scenario

if TYPE_CHECKING:
    from experiments.training.run_config import RunConfig


class StudyTraining(Protocol):
    """A training that all runs of a study that need it share."""

    @property
    def depth(self) -> int:
        """Trainings that have to be over one after the other before this one begins."""

    @property
    def name(self) -> str:
        """With a digest of all that defines it."""

    @property
    def config(self) -> Any:
        """The configuration that is run.

        Raises:
            ConfigError: there is no such run.
        """

    def folder(self, out: Path) -> Path:
        """Folder of the training."""

    @property
    def chain(self) -> Sequence[StudyTraining]:
        """All that has to be there before, however far back, and itself at the end."""

    def files(self, out: Path) -> tuple[Path, ...]:
        """What is read of it when it is over."""

    def done(self, out: Path) -> bool:
        """Whether it is over, and what it took is written down."""

    def took(self, out: Path) -> float:
        """CPU seconds."""

    def run(self, out: Path) -> Path:
        """Train, or return the existing policy."""


@dataclass(frozen=True)
class CachedTraining:
    """A training; two trainings with equal resolved configurations give the same policy."""

    agent: str
    scenario: Scenario
    preference: Any
    changes: Mapping[str, Any]
    """fields of the training run that differ from its defaults"""

    depth: ClassVar[int] = 0

    @functools.cached_property
    def config(self) -> RunConfig:
        """The run, with the hyper-parameters that the agent's file states now.

        Raises:
            ConfigError: there is no such run.
        """
        from experiments.training.run_config import load_run_config  # torch: only for those who need it

        base = {"scenario": to_plain(self.scenario), "agent": {}}
        return load_run_config(base, None, self.agent, {"preference": self.preference, **self.changes})

    @functools.cached_property
    def name(self) -> str:
        """The agent, and a digest of all that defines the run."""
        text = json.dumps(to_plain(self.config), sort_keys=True)
        return (
            f"{file_name(Path(self.agent).stem)}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"
        )

    @property
    def chain(self) -> list[CachedTraining]:
        """It starts from nothing."""
        return [self]

    def folder(self, out: Path) -> Path:
        """Folder of the run."""
        return out / "trained" / self.name

    def files(self, out: Path) -> tuple[Path, ...]:
        """Policy, configuration, and what the training took."""
        return tuple(self.folder(out) / name for name in ("policy.zip", "config.yaml", "budget.json"))

    def policy(self, out: Path) -> Path:
        """The trained policy's file, there once training is over."""
        return self.folder(out) / "policy.zip"

    def run(self, out: Path) -> Path:
        """Train, go on where a killed run stopped, or use the finished one; returns the policy's file."""
        if self.done(out):
            return self.policy(out)
        from agents.rl.weights import steps_of
        from experiments.training.run_folder import RunFolder
        from experiments.training.train_run import train_run

        start = processor_seconds()
        train_run(self.config, RunFolder(self.folder(out)))
        spent = {
            "steps": steps_of(self.policy(out)),
            "cpu_seconds": processor_seconds() - start,
            "code": code_stamp(),
        }
        write_text(self.folder(out) / "budget.json", json.dumps(spent) + "\n")
        return self.policy(out)

    def done(self, out: Path) -> bool:
        """Whether training is over, and what it took is written down."""
        try:
            return self.policy(out).is_file() and bool(self.budget(out))
        except ConfigError:
            return False

    def budget(self, out: Path) -> dict[str, Any]:
        """Environment steps, whole rollouts of them, CPU seconds and code of the training.

        Seconds before a kill are not counted.

        Raises:
            ConfigError: they are not written down, or the file is damaged.
        """
        path = self.folder(out) / "budget.json"
        found = read_yaml(path)
        right = isinstance(found, dict) and isinstance(found.get("code"), str)
        if not right or not all(isinstance(found.get(key), (int, float)) for key in ("steps", "cpu_seconds")):
            raise ConfigError(str(path), f"{show(found)} is not a record of a training")
        return found

    def took(self, out: Path) -> float:
        """CPU seconds, as the budget says."""
        return float(self.budget(out)["cpu_seconds"])
