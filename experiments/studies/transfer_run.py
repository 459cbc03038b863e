"""One run of a measurement of transfer: one agent on one scenario; and the bracket of its episode."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from agents.registry import RANDOMISED
from experiments.studies.cached_run import CachedRun, Fields
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import BASELINE
from experiments.studies.entry import StudyEntry
from experiments.studies.transfer_config import TransferPart
from experiments.studies.transfer_training import MODE, TransferTraining
from experiments.training.play import play_agent
from idn_gym.config_reader import ConfigError, read_yaml, show, to_plain
from idn_gym.core.kernel import processor_seconds
from idn_gym.evaluation.wishes import wishes
from idn_gym.files import file_name, write_text
from idn_gym.optimum.dynamic.bracket import dynamic_bracket
from idn_gym.optimum.hindsight import best_static
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.contexts import draw_scenario
from idn_gym.scenarios.episodes import build_instance

STATIC_SHARE = 0.25
"""Maximum share of a bracket's time for the search for a static placement."""


PLANNED = "static-greedy"
"""Whose placement is a candidate for the best one to keep: on large networks short searches find worse."""


@dataclass(frozen=True)
class TransferUnit(CachedRun):
    """An agent, one choice of what is held out, one scenario and episode."""

    held_out: str
    preference: Any
    taught: TransferTraining | None
    """what is played, where it was learnt for this"""

    FIELDS: ClassVar[Fields] = {
        "cost": float,
        "metrics": dict,
        "code": str,
        "training_code": list,
        "training_steps": (int, float),
        "training_cpu_seconds": (int, float),
        "cpu_seconds": float,
    }

    def file(self, out: Path) -> Path:
        words = [file_name(word) for word in (self.part, self.held_out, self.label)]
        words += [f"training-{self.trained_with}"] if self.training else []
        return out.joinpath("transfers", *words, f"{self.seed}.json")

    @property
    def trained_with(self) -> int:
        """Seed of the training; 0 where nothing is trained."""
        return self.training["seed"] if self.training else 0

    @property
    def mode(self) -> MODE | None:
        """Training of the agent, if it was trained."""
        return None if self.taught is None else self.taught.mode

    def record(self) -> dict[str, Any]:
        plain = dataclasses.asdict(dataclasses.replace(self, taught=None))
        plain |= {"scenario": to_plain(self.scenario), "trained": [one.name for one in self.trainings()]}
        found: dict[str, Any] = json.loads(json.dumps(plain))
        return found

    def trainings(self) -> list[TransferTraining]:
        return [] if self.taught is None else self.taught.chain

    def check_arrays(self, out: Path) -> None:
        """There are none."""

    def play(self, out: Path) -> Path:
        self.file(out).parent.mkdir(parents=True, exist_ok=True)
        agent, options = self.agent, dict(self.options)
        spent: dict[str, Any] = {"steps": 0, "cpu_seconds": 0.0, "code": code_stamp()}
        if self.taught is not None:
            agent, options = self.taught.played(out)
            spent = self.taught.spent(out)
        elif agent in RANDOMISED:
            options.setdefault("seed", self.seed)
        start = processor_seconds()
        played = play_agent(agent, self.scenario, [self.seed], self.split, self.preference, **options)
        record = {
            "cost": -float(played.scalar.mean()),
            "metrics": played.records()[0],
            "code": code_stamp(),
            "training_code": [spent["code"]],
            "training_steps": spent["steps"],
            "training_cpu_seconds": spent["cpu_seconds"],
            "cpu_seconds": processor_seconds() - start,
        }
        return self.save(out, record)


@dataclass(frozen=True)
class TransferBracket:
    """Both ends of one episode: the best placement found to keep, and what no sequence undercuts.

    What static greedy holds is a candidate, so that it is never ahead of `static`; nothing else that agents
    played goes into it, so that shares do not depend on the compared agents.
    """

    part: str
    held_out: str
    scenario: Scenario
    seed: int
    split: str
    preference: Any
    seconds: float

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.part}, bracket, {self.held_out} held out, episode {self.seed}"

    def file(self, out: Path) -> Path:
        """File of the record."""
        words = file_name(self.part), file_name(self.held_out)
        return out.joinpath("transfer-brackets", *words, f"{self.seed}.json")

    def done(self, out: Path) -> bool:
        """Whether the record exists and belongs to the current configuration."""
        try:
            return self.file(out).is_file() and self.read(out)["of"] == self._record()
        except ConfigError:
            return False

    def took(self, out: Path) -> float:
        """CPU seconds, as the record says."""
        return float(self.read(out)["seconds"])

    def read(self, out: Path) -> dict[str, Any]:
        """Read the result of `play`: costs per slot.

        Raises:
            ConfigError: it is not there, or damaged.
        """
        path = self.file(out)
        found = read_yaml(path)
        kinds = {**dict.fromkeys(("static", "reached", "bound", "seconds"), float), "of": dict, "code": str}
        if not isinstance(found, dict) or not all(isinstance(found.get(k), kinds[k]) for k in kinds):
            raise ConfigError(str(path), f"{show(found)} is not a bracket")
        return found

    def play(self, out: Path) -> Path:
        """Find and write it; returns the record's path."""
        path, slots = self.file(out), self.scenario.horizon
        path.parent.mkdir(parents=True, exist_ok=True)
        compiled = compile_scenario(self.scenario)
        instance = build_instance(self.scenario, self.seed, self.split, self.preference)
        still = best_static(compiled, instance, seconds=STATIC_SHARE * self.seconds)
        greedy = play_agent(PLANNED, self.scenario, [self.seed], self.split, self.preference).wishes[0]
        kept = np.repeat(still.placement[None], slots, axis=0)
        found = dynamic_bracket(
            compiled,
            instance,
            seconds=self.seconds - still.seconds,
            played=[kept, wishes(greedy, slots, compiled.tables.pinned.shape)],
        )
        record = {
            "of": self._record(),
            "static": found.static / slots,
            "reached": found.reached / slots,
            "bound": found.least / slots,
            "seconds": still.seconds + found.seconds,
            "nodes": len(compiled.names.nodes),
            "code": code_stamp(),
        }
        write_text(path, json.dumps(record, indent=1) + "\n")
        return path

    def _record(self) -> dict[str, Any]:
        asked = [self.seed, self.split, self.preference, self.seconds]
        found: dict[str, Any] = json.loads(json.dumps({"scenario": to_plain(self.scenario), "asked": asked}))
        return found


def list_transfers(parts: Sequence[TransferPart], smoke: bool) -> list[TransferUnit]:
    """All runs of the parts, whole or reduced.

    Raises:
        ConfigError: all networks of an axis are larger than its part allows.
    """
    return [unit for part in parts for unit in _units_of_part(part.reduced(smoke))]


def _units_of_part(part: TransferPart) -> Iterator[TransferUnit]:
    asked = part.asked
    for axis in part.axes:
        for seed, scenario in _scenarios(part, axis).items():
            told: dict[str, Any] = {
                "part": part.name,
                "scenario": scenario,
                "seed": seed,
                "split": asked.split,
            }
            told |= {"held_out": axis, "preference": asked.preference}
            for entry in (StudyEntry(BASELINE), *part.agents):
                named: dict[str, Any] = {"label": entry.name, "agent": entry.agent, "options": entry.options}
                yield TransferUnit(**told, **named, training=None, taught=None)
            for taught in _taught(part, axis, scenario, seed):
                label = taught.learner if taught.mode == "transferred" else f"{taught.learner} {taught.mode}"
                named = {"label": label, "agent": taught.learner, "options": {}}
                training = {"seed": taught.seed, "mode": taught.mode}
                yield TransferUnit(**told, **named, training=training, taught=taught)


def _scenarios(part: TransferPart, axis: str) -> dict[int, Scenario]:
    """Scenarios of an axis that are played, by seed."""
    drawn = {seed: draw_scenario(part.context(), part.asked.split, seed, axis) for seed in part.episodes}
    if part.largest is None:
        return drawn
    sizes = {seed: len(expand(scenario.topology).nodes) for seed, scenario in drawn.items()}
    if min(sizes.values()) > part.largest:
        least = f"at least {min(sizes.values())}, the smallest network with {axis} held out"
        raise ConfigError(f"transfers.{part.name}.largest", f"{part.largest} is not allowed; must be {least}")
    return {seed: scenario for seed, scenario in drawn.items() if sizes[seed] <= part.largest}


def _taught(part: TransferPart, axis: str, scenario: Scenario, seed: int) -> Iterator[TransferTraining]:
    """Trainings for one scenario, or before it."""
    tuning = part.tuning
    here = axis in tuning.held_out and seed in tuning.seeds
    for learner in part.learners:
        for training in range(part.trainings):
            yield TransferTraining(part, learner, "transferred", training)
            if here and training < tuning.trainings:
                yield TransferTraining(part, learner, "tuned", training, scenario)
                if tuning.scratch:
                    yield TransferTraining(part, learner, "scratch", training, scenario)
                    yield TransferTraining(part, learner, "scratch-short", training, scenario)


def list_transfer_brackets(
    units: Sequence[TransferUnit], parts: Sequence[TransferPart]
) -> list[TransferBracket]:
    """One per episode of the units.

    Args:
        units: of the parts.
        parts: as they are played, reduced or not.
    """
    seconds = {part.name: part.bracket_seconds for part in parts}
    return [
        TransferBracket(
            *(unit.part, unit.held_out, unit.scenario, unit.seed, unit.split, unit.preference),
            seconds[unit.part],
        )
        for unit in units
        if unit.label == BASELINE
    ]
