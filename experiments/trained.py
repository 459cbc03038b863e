"""Agents that are trained once for all runs of a study that need them, and what that took."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.files import atomically
from idn_gym.scenarios.config import Scenario
from idn_gym.strict import write


@dataclass(frozen=True)
class Training:
    """What is trained; two that are equal give the same policy."""

    agent: str
    scenario: Scenario
    preference: Any
    changes: Mapping[str, Any]
    """fields of the training run that differ from its defaults"""

    def folder(self, out: Path) -> Path:
        """Where the run is kept."""
        plain = {**dataclasses.asdict(self), "scenario": write(self.scenario)}
        text = json.dumps(plain, sort_keys=True)
        return out / "trained" / f"{self.agent}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"

    def policy(self, out: Path) -> Path:
        """The trained policy's file, there once training is over."""
        return self.folder(out) / "policy.zip"

    def run(self, out: Path) -> Path:
        """Train, go on where a killed run stopped, or use what is there; returns the policy's file."""
        from experiments import train  # torch: only for those who need it
        from experiments.run_config import resolve

        if (self.folder(out) / "budget.json").is_file():
            return self.policy(out)
        base = {"scenario": write(self.scenario), "agent": {}}
        config = resolve(base, None, self.agent, {"preference": self.preference, **self.changes})
        start = time.process_time()
        train.train(config, train.RunFolder(self.folder(out)))
        spent = {"steps": config.steps, "cpu_seconds": time.process_time() - start}
        text = json.dumps(spent) + "\n"
        atomically(self.folder(out) / "budget.json", lambda file: file.write(text.encode()))
        return self.policy(out)

    def budget(self, out: Path) -> dict[str, float]:
        """Environment steps and CPU seconds of the training; seconds before a kill are not counted."""
        path = self.folder(out) / "budget.json"
        found: dict[str, float] = json.loads(path.read_text())
        return found
