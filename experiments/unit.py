"""One run of a study: one agent, one variant of a scenario, one seed; played once and kept on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from agents.registry import RANDOMISED
from experiments.code_stamp import code_stamp
from experiments.files import atomically
from experiments.play import open_agent
from idn_gym.core.arrays import EMPTY, Floats
from idn_gym.evaluation.rollout import rollout
from idn_gym.policy import Bools, Feedback, OnlinePolicy, Policy
from idn_gym.scenarios.config import Scenario
from idn_gym.strict import write


@dataclass(frozen=True)
class Unit:
    """What is played; two units that are equal give the same numbers."""

    part: str
    cell: dict[str, Any]
    label: str
    agent: str
    options: dict[str, Any]
    training: dict[str, Any] | None
    scenario: Scenario
    seed: int
    split: str
    preference: Any

    def file(self, out: Path) -> Path:
        """Where the record is kept; the series lie beside it."""
        cell = ",".join(f"{key.split('.')[-1]}={value}" for key, value in self.cell.items()) or "all"
        words = (_plain(word) for word in (self.part, cell, self.label))
        return out.joinpath("units", *words, f"{self.seed}.json")

    def record(self) -> dict[str, Any]:
        """As plain data, to tell whether what is on disk is this unit."""
        plain = {**dataclasses.asdict(self), "scenario": write(self.scenario)}
        found: dict[str, Any] = json.loads(json.dumps(plain))
        return found

    def done(self, out: Path) -> bool:
        """Whether it has been played."""
        path = self.file(out)
        return path.is_file() and json.loads(path.read_text())["unit"] == self.record()


class Series(NamedTuple):
    """What a unit leaves for each slot and in all; T slots."""

    scalar: Floats  # (T,) minus the weighted cost
    figures: Floats  # (T, len(METRICS))
    fractional: Floats  # (T,) gain of the relaxed placement; nan where there is none
    resident: npt.NDArray[np.float32]  # (N, M) share of the slots in which something of the model was there
    proven: Floats | None  # (T,) what fractional regret has at most come to; None where nothing is proven

    def write(self, path: Path) -> None:
        """Beside the record at `path`; what is None is left out."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{k: v for k, v in self._asdict().items() if v is not None})
        atomically(path.with_suffix(".npz"), lambda file: file.write(buffer.getvalue()))

    @staticmethod
    def read(path: Path) -> Series:
        """Of the unit whose record lies at `path`."""
        with np.load(path.with_suffix(".npz")) as file:
            return Series(*(file.get(name) for name in Series._fields))


class Recorder:
    """Passes everything on to a policy and keeps what rollouts do not."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.fractional: list[float] = []
        self.proven: list[float] = []
        self.resident: Floats | float = 0.0
        self.slots = 0

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Bools | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        return self.policy.predict(observation, state, episode_start, deterministic)

    def update(self, feedback: Feedback) -> None:
        if isinstance(self.policy, OnlinePolicy):
            self.policy.update(feedback)
        gain = getattr(self.policy, "fractional_gain", None)
        self.fractional.append(float("nan") if gain is None else float(gain[0]))
        bound = getattr(self.policy, "regret_bound", None)
        if bound is not None:
            self.proven.append(float(bound[0]))
        self.resident = self.resident + (feedback.resident[0] != EMPTY)
        self.slots += 1


def play_unit(unit: Unit, out: Path) -> Path:
    """Play a unit and write its record and series; the record comes last and says that all is there."""
    path = unit.file(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = dict(unit.options)
    if unit.agent in RANDOMISED:
        options.setdefault("seed", unit.seed)
    agent = unit.agent
    if unit.training is not None:
        agent, options = str(train_unit(unit, out)), {}
    start = time.process_time()
    env, policy = open_agent(agent, unit.scenario, [unit.seed], unit.split, unit.preference, **options)
    built, recorder = time.process_time(), Recorder(policy)
    try:
        episodes = rollout(recorder, env, [unit.seed])
    finally:
        env.close()
    end = time.process_time()
    series = Series(
        episodes.scalar[0],
        episodes.figures[0],
        np.array(recorder.fractional),
        (recorder.resident / recorder.slots).astype(np.float32),
        np.array(recorder.proven) if recorder.proven else None,
    )
    series.write(path)
    record = {
        "unit": unit.record(),
        "figures": episodes.records()[0],
        "notes": getattr(policy, "notes", {}),
        "code": code_stamp(),
        "cpu_seconds_to_build": built - start,
        "cpu_seconds_per_slot": (end - built) / len(series.scalar),
    }
    atomically(path, lambda file: file.write((json.dumps(record, indent=1) + "\n").encode()))
    return path


def train_unit(unit: Unit, out: Path) -> Path:
    """Train the unit's agent on the training episodes of its scenario, once for all seeds.

    A killed run goes on from its last checkpoint, a finished one is used again.
    """
    from experiments import train  # torch: only for those who need it
    from experiments.run_config import resolve

    changes: Mapping[str, Any] = unit.training or {}
    base = {"scenario": write(unit.scenario), "agent": {}}
    config = resolve(base, None, unit.agent, {"preference": unit.preference, **changes})
    files = train.RunFolder(unit.file(out).parent / f"trained-{_digest(write(config))}")
    train.train(config, files)
    return files.policy


def _digest(plain: Any) -> str:
    return hashlib.blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=4).hexdigest()


def _plain(text: str) -> str:
    return re.sub(r"[^\w.,=+-]+", "_", text)
