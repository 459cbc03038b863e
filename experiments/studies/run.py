"""One run of a study: one agent, one variant of a scenario, one seed; played once and kept on disk."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from agents.registry import HYBRIDS, RANDOMISED
from experiments.studies.cached_run import CachedRun, Fields
from experiments.studies.cached_training import CachedTraining
from experiments.studies.code_stamp import code_stamp
from experiments.studies.entry import OWN
from experiments.training.play import open_agent, told_preference
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Ints
from idn_gym.core.kernel import processor_seconds
from idn_gym.evaluation.latencies import LATENCY_COLUMNS, LatencyLog, LatencyQuantiles
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.tables import known
from idn_gym.files import atomically, file_name, read_arrays
from idn_gym.metrics import METRICS
from idn_gym.policy import Feedback, Policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario


@dataclass(frozen=True)
class Unit(CachedRun):
    """One agent, one variant of a scenario, one seed."""

    cell: dict[str, Any]
    preference: Any

    FIELDS: ClassVar[Fields] = {
        "metrics": dict,
        "latencies": dict,
        "notes": dict,
        "code": str,
        "training_code": list,
        "training_steps": (int, float),
        "training_cpu_seconds": (int, float),
        "cpu_seconds_to_build": (int, float),
        "cpu_seconds_per_slot": (int, float),
    }

    @property
    def trained_with(self) -> int:
        """Seed of the training; 0 where nothing is trained."""
        return self.training["seed"] if self.training else 0

    def file(self, out: Path) -> Path:
        cell = ",".join(f"{key}={json.dumps(value)}" for key, value in self.cell.items()) or "all"
        words = [file_name(word) for word in (self.part, cell, self.label)]
        words += [f"training-{self.trained_with}"] if self.training else []
        return out.joinpath("units", *words, f"{self.seed}.json")

    def read(self, out: Path) -> dict[str, Any]:
        found = super().read(out)
        for name in ("reward", *METRICS, *LATENCY_COLUMNS):
            if not isinstance(found["metrics"].get(name), (int, float)):
                raise ConfigError(str(self.file(out)), f"has no figure {name!r}, so this is not a record")
        return found

    def check_arrays(self, out: Path) -> None:
        Series.read(self.file(out))

    def took(self, out: Path) -> float:
        found = self.read(out)
        per_slot = found["cpu_seconds_per_slot"]
        return float(found["cpu_seconds_to_build"] + per_slot * self.scenario.horizon)

    def trainings(self) -> list[CachedTraining]:
        """Nothing, or the policy that plays; of a combiner, that of its own expert."""
        if self.training is None:
            return []
        changes = dict(self.training)
        agent = changes.pop("agent") if self.agent in HYBRIDS else self.agent
        return [CachedTraining(agent, self.scenario, self.preference, changes)]

    def play(self, out: Path) -> Path:
        path = self.file(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        options = dict(self.options)
        if self.agent in RANDOMISED:
            options.setdefault("seed", self.seed)
        agent, budget = self.agent, {"steps": 0, "cpu_seconds": 0.0, "code": code_stamp()}
        for training in self.trainings():
            trained, budget = str(training.run(out)), training.budget(out)
            if agent in HYBRIDS:
                own = {"agent": trained, "label": training.agent}
                options["experts"] = [own if one == OWN else one for one in options["experts"]]
            else:
                agent, options = trained, {}
        start = processor_seconds()
        env, policy = open_agent(agent, self.scenario, [self.seed], self.split, self.preference, **options)
        built, recorder = processor_seconds(), Recorder(policy)
        told = told_preference(agent, self.preference, options)
        try:
            episodes = rollout(policy, env, [self.seed], told, on_slot=recorder.note, wishes=True)
        finally:
            env.close()
        end = processor_seconds()
        episodes = episodes._replace(latencies=recorder.latencies.quantiles())
        series = Series(
            episodes.scalar[0],
            episodes.metrics[0],
            np.array(recorder.fractional),
            np.asarray(recorder.resident / recorder.slots, np.float32),
            episodes.wishes[0],
            np.array(recorder.proven) if recorder.proven else None,
        )
        series.write(path)
        record = {
            "metrics": episodes.records()[0],
            "latencies": named_latencies(self.scenario, episodes.latencies[0]),
            "notes": getattr(policy, "notes", {}),
            "code": code_stamp(),
            "training_code": [budget["code"]],
            "training_steps": budget["steps"],
            "training_cpu_seconds": budget["cpu_seconds"],
            "cpu_seconds_to_build": built - start,
            "cpu_seconds_per_slot": (end - built) / len(series.scalar),
        }
        return self.save(out, record)


def named_latencies(scenario: Scenario, found: LatencyQuantiles) -> dict[str, dict[str, list[float | None]]]:
    """Percentiles [s] of each task and of each class, by name; None where no requests came."""
    names = compile_scenario(scenario).names
    groups = {"task": (names.tasks, found.tasks), "class": (names.classes, found.classes)}
    return {of: known(dict(zip(name, values.tolist(), strict=True))) for of, (name, values) in groups.items()}


class Series(NamedTuple):
    """Arrays of a unit for each slot and in total; T slots."""

    scalar: Floats  # (T,) minus the weighted cost
    metrics: Floats  # (T, len(METRICS))
    fractional: Floats  # (T,) gain of the relaxed placement; nan where there is none
    resident: npt.NDArray[np.float32]  # (N, M) share of the slots in which something of the model was there
    changes: Ints  # (n, 4) of the wishes, see `WishLog.changes`
    proven: Floats | None  # (T,) bound on the fractional regret; None where nothing is proven

    def write(self, path: Path) -> None:
        """Beside the record at `path`; what is None is left out."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{k: v for k, v in self._asdict().items() if v is not None})
        atomically(path.with_suffix(".npz"), lambda file: file.write(buffer.getvalue()))

    @staticmethod
    def read(path: Path) -> Series:
        """Read the arrays of the unit whose record is at `path`.

        Raises:
            ConfigError: the arrays are not there, damaged, or others.
        """
        path = path.with_suffix(".npz")
        file = read_arrays(path)
        # What is missing is None, whose shape is none of those below.
        series = Series(*(file.get(name) for name in Series._fields))  # type: ignore[arg-type]
        shapes = [np.shape(value) for value in series if value is not None]
        slots = np.shape(series.scalar)
        changes = np.shape(series.changes)
        wanted = [slots, (*slots, len(METRICS)), slots, np.shape(series.resident), (*changes[:1], 4), slots]
        flat = len(slots) != 1 or np.ndim(series.resident) != 2 or len(changes) != 2
        if flat or shapes != wanted[: len(shapes)]:
            raise ConfigError(str(path), f"has shapes {shapes}, which are not those of a run")
        return series


class Recorder:
    """Keeps of every slot what rollouts do not."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.fractional: list[float] = []
        self.proven: list[float] = []
        self.resident: Floats | float = 0.0
        self.slots = 0
        self.latencies = LatencyLog()

    def note(self, feedback: Feedback) -> None:
        """A slot that is over; the policy has learnt from it."""
        self.latencies.note(feedback)
        gain = getattr(self.policy, "fractional_gain", None)
        self.fractional.append(float("nan") if gain is None else float(gain[0]))
        bound = getattr(self.policy, "regret_bound", None)
        if bound is not None:
            self.proven.append(float(bound[0]))
        self.resident = self.resident + (feedback.resident[0] != EMPTY)
        self.slots += 1
