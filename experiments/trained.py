"""Agents that are trained once for all runs of a study that need them, and what that took."""

from __future__ import annotations

import functools
import hashlib
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.code_stamp import code_stamp
from experiments.files import atomically
from idn_gym.scenarios.config import Scenario
from idn_gym.strict import write

if TYPE_CHECKING:
    from experiments.run_config import RunConfig


@dataclass(frozen=True)
class Training:
    """What is trained; two whose resolved configurations are equal give the same policy."""

    agent: str
    scenario: Scenario
    preference: Any
    changes: Mapping[str, Any]
    """fields of the training run that differ from its defaults"""

    @functools.cached_property
    def config(self) -> RunConfig:
        """The run, with the hyper-parameters that the agent's file states now.

        Raises:
            ConfigError: there is no such run.
        """
        from experiments.run_config import resolve  # torch: only for those who need it

        base = {"scenario": write(self.scenario), "agent": {}}
        return resolve(base, None, self.agent, {"preference": self.preference, **self.changes})

    @functools.cached_property
    def name(self) -> str:
        """The agent, and a digest of all that defines the run."""
        text = json.dumps(write(self.config), sort_keys=True)
        return f"{Path(self.agent).stem}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"

    def folder(self, out: Path) -> Path:
        """Where the run is kept."""
        return out / "trained" / self.name

    def policy(self, out: Path) -> Path:
        """The trained policy's file, there once training is over."""
        return self.folder(out) / "policy.zip"

    def run(self, out: Path) -> Path:
        """Train, go on where a killed run stopped, or use what is there; returns the policy's file."""
        if (self.folder(out) / "budget.json").is_file():
            return self.policy(out)
        from experiments import train

        start = time.process_time()
        train.train(self.config, train.RunFolder(self.folder(out)))
        spent = {
            "steps": _steps(self.policy(out)),
            "cpu_seconds": time.process_time() - start,
            "code": code_stamp(),
        }
        text = json.dumps(spent) + "\n"
        atomically(self.folder(out) / "budget.json", lambda file: file.write(text.encode()))
        return self.policy(out)

    def budget(self, out: Path) -> dict[str, Any]:
        """Environment steps, whole rollouts of them, CPU seconds and code of the training.

        Seconds before a kill are not counted.
        """
        found: dict[str, Any] = json.loads((self.folder(out) / "budget.json").read_text())
        return found


def _steps(policy: Path) -> int:
    with zipfile.ZipFile(policy) as file:
        return int(json.loads(file.read("data"))["num_timesteps"])
