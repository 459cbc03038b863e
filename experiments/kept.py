"""What all runs of a study share: played once, kept on disk, told apart by all that defines them."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.files import atomically
from experiments.trained import Training
from idn_gym.scenarios.config import Scenario
from idn_gym.strict import write


@dataclass(frozen=True)
class Kept:
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

    def file(self, out: Path) -> Path:
        """Where the record is kept; arrays lie beside it."""
        raise NotImplementedError

    def trainings(self) -> list[Training]:
        """What has to be trained before it is played."""
        raise NotImplementedError

    def play(self, out: Path) -> Path:
        """Play it and write arrays and record; returns the record's path."""
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """As plain data, to tell whether what is on disk is this run."""
        plain = {**dataclasses.asdict(self), "scenario": write(self.scenario)}
        plain["trained"] = [training.name for training in self.trainings()]
        found: dict[str, Any] = json.loads(json.dumps(plain))
        return found

    def done(self, out: Path) -> bool:
        """Whether it has been played."""
        path = self.file(out)
        return path.is_file() and json.loads(path.read_text())["unit"] == self.record()

    def keep(self, out: Path, found: dict[str, Any]) -> Path:
        """Write the record, which comes last: where it is, all is there."""
        path = self.file(out)
        text = json.dumps({"unit": self.record(), **found}, indent=1) + "\n"
        atomically(path, lambda file: file.write(text.encode()))
        return path


def plain_word(text: str) -> str:
    """Text as the name of a file or folder."""
    return re.sub(r"[^\w.,=+-]+", "_", text)
