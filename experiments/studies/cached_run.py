"""Base of a study's runs: played once, kept on disk, identified by everything that defines them."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from experiments.studies.cached_training import StudyTraining
from idn_gym.config_reader import ConfigError, read_yaml, show, to_plain
from idn_gym.files import write_text
from idn_gym.scenarios.config import Scenario

Fields = Mapping[str, type | tuple[type, ...]]
"""Entries of a record, with what they have to be."""


@dataclass(frozen=True)
class CachedRun:
    """A run of an agent on a scenario; two that are equal give the same numbers."""

    part: str
    label: str
    agent: str
    options: dict[str, Any]
    training: dict[str, Any] | None
    """fields of the training run, its seed among them; None: nothing is trained"""
    scenario: Scenario
    seed: int
    split: str

    FIELDS: ClassVar[Fields]
    """what the record holds beside the unit itself"""

    def file(self, out: Path) -> Path:
        """File of the record; arrays are stored beside it."""
        raise NotImplementedError

    def trainings(self) -> Sequence[StudyTraining]:
        """Trainings that must be finished before it is played."""
        raise NotImplementedError

    def play(self, out: Path) -> Path:
        """Play it and write arrays and record; returns the record's path."""
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """Plain data that identify this run on disk."""
        plain = {**dataclasses.asdict(self), "scenario": to_plain(self.scenario)}
        plain["trained"] = [training.name for training in self.trainings()]
        found: dict[str, Any] = json.loads(json.dumps(plain))
        return found

    def check_arrays(self, out: Path) -> None:
        """See that the arrays beside the record can be read.

        Raises:
            ConfigError: they cannot.
        """
        raise NotImplementedError

    def read(self, out: Path) -> dict[str, Any]:
        """Read the record that `keep` wrote.

        Raises:
            ConfigError: it is not there, or damaged.
        """
        path = self.file(out)
        found = read_yaml(path)
        if not isinstance(found, dict):
            raise ConfigError(str(path), f"{show(found)} is not a record")
        for name, kind in {"unit": dict, **self.FIELDS}.items():
            if not isinstance(found.get(name), kind):
                raise ConfigError(str(path), f"{name} is {show(found.get(name))}, so this is not a record")
        return found

    def took(self, out: Path) -> float:
        """CPU seconds that playing took, as the record says."""
        return float(self.read(out)["cpu_seconds"])

    def done(self, out: Path) -> bool:
        """Whether it has been played; a damaged record does not count."""
        if not self.file(out).is_file():
            return False
        try:
            if self.read(out)["unit"] != self.record():
                return False
            self.check_arrays(out)
        except ConfigError as error:
            print(f"played again: {error}", file=sys.stderr)
            return False
        return True

    def save(self, out: Path, found: dict[str, Any]) -> Path:
        """Write the record, which comes last: where it is, all is there."""
        path = self.file(out)
        write_text(path, json.dumps({"unit": self.record(), **found}, indent=1) + "\n")
        return path
