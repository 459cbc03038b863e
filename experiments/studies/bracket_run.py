"""Bracket of the best sequence of placements in one episode of a study; kept on disk.

Every sequence that was played in the episode is a candidate, so that no policy is ahead of the lower end.
Agents that a study plays in a scenario of their own (`StudyEntry.overrides`) are measured against the bracket
of the cell's scenario, as their gains are; what they ask for is no candidate, since it may not fit there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from experiments.studies.cached_record import CachedRecord
from experiments.studies.config import BASELINE, of_scenario
from experiments.studies.run import Series, Unit
from idn_gym.core.arrays import Residents
from idn_gym.evaluation.wishes import wishes
from idn_gym.files import file_name
from idn_gym.optimum.dynamic.bracket import dynamic_bracket
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

BRACKET_FIGURES = ("least", "reached", "static", "seconds")
"""Numbers of a record: mean scalar costs per slot, and CPU seconds."""


@dataclass(frozen=True)
class BracketRun(CachedRecord):
    """One episode, and the units that played it."""

    units: tuple[Unit, ...]
    """of one part, scenario and seed; the repositories alone come first"""
    seconds: float
    """CPU seconds to spend"""

    KINDS: ClassVar[Mapping[str, type]] = {"of": str, **dict.fromkeys(BRACKET_FIGURES, float)}
    DAMAGED: ClassVar[str] = "is not a bracket"

    @property
    def part(self) -> str:
        """Name of the study's part."""
        return self.units[0].part

    def file(self, out: Path) -> Path:
        """File of the record."""
        unit = self.units[0]
        cell = ",".join(f"{k}={json.dumps(v)}" for k, v in of_scenario(unit.cell).items()) or "all"
        return out.joinpath("brackets", file_name(unit.part), file_name(cell), f"{unit.seed}.json")

    def play(self, out: Path) -> Path:
        """Find and write it; returns the record's path."""
        unit = self.units[0]
        compiled = compile_scenario(unit.scenario)
        instance = build_instance(unit.scenario, unit.seed, unit.split, unit.preference)
        played = self._played(out, unit.scenario.horizon, compiled.tables.pinned.shape)
        bracket = dynamic_bracket(compiled, instance, seconds=self.seconds, played=played)
        costs = {name: getattr(bracket, name) / unit.scenario.horizon for name in BRACKET_FIGURES[:3]}
        return self.keep(out, {**costs, "seconds": bracket.seconds, "status": bracket.status})

    def _played(self, out: Path, slots: int, shape: tuple[int, int]) -> list[Residents]:
        """The sequences (T, N, M) of all units, each once."""
        found = {_changes(unit, out).tobytes(): _changes(unit, out) for unit in self.units}
        return [wishes(changes, slots, shape) for changes in found.values()]

    def asked(self, out: Path) -> str:
        """Digest that separates brackets of other episodes, preferences, sequences or seconds."""
        told = hashlib.sha256(json.dumps([self.units[0].record(), self.seconds]).encode())
        for unit in self.units:
            told.update(_changes(unit, out).tobytes())
        return told.hexdigest()


def _changes(unit: Unit, out: Path) -> np.ndarray[Any, Any]:
    return Series.read(unit.file(out)).changes


def list_brackets(units: Sequence[Unit], seconds: dict[str, float]) -> list[BracketRun]:
    """One run per episode of the parts that ask for brackets.

    Args:
        units: all that are played, the repositories alone among them in every cell.
        seconds: by part; 0: it asks for none.
    """
    episodes: dict[str, list[Unit]] = {}
    for unit in units:
        if seconds[unit.part] > 0.0:
            key = json.dumps([unit.part, unit.seed, of_scenario(unit.cell)])
            episodes.setdefault(key, []).append(unit)
    found = []
    for mine in episodes.values():
        first = next(unit for unit in mine if unit.label == BASELINE)
        others = (unit for unit in mine if unit is not first and unit.scenario == first.scenario)
        found.append(BracketRun((first, *others), seconds[first.part]))
    return found
