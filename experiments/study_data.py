"""What the runs of a study come to: gains against the repositories alone, and against the optimum."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from experiments.study_config import of_scenario
from experiments.unit import Series, Unit
from idn_gym.core.arrays import Floats
from idn_gym.metrics import METRICS

BASELINE, OPTIMUM = "cloud-only", "best-static"
"""Labels: what gains are measured against, and what regret is measured against where a part has it."""

COLUMNS = (
    "accuracy",
    "latency",
    "energy",
    "traffic",
    "update",
    "drop_rate",
    "late_rate",
    "split_rate",
    "early_rate",
)
"""Columns of an episode's record that tables keep as they are."""


class Play:
    """A unit that was played, with those of the same episode that it is measured against."""

    def __init__(self, unit: Unit, out: Path) -> None:
        self.unit, self._path = unit, unit.file(out)
        self.record: dict[str, Any] = json.loads(self._path.read_text())
        self.baseline: Play = self
        self.optimum: Play | None = None

    @cached_property
    def series(self) -> Series:
        """Slot by slot."""
        return Series.read(self._path)

    def figure(self, name: str) -> Floats:
        """A column of `METRICS`, (T,)."""
        return np.asarray(self.series.figures[:, METRICS.index(name)], float)

    @cached_property
    def gain(self) -> Floats:
        """Tariff saved per slot against the repositories alone, (T,)."""
        saved = self.baseline.figure("tariff_cost") - self.figure("tariff_cost")
        return np.asarray(saved * self.unit.scenario.nominal_requests)

    @cached_property
    def gain_per_request(self) -> Floats:
        """Of each slot, (T,); 0 in a slot without requests."""
        requests = self.figure("requests")
        return np.divide(self.gain, requests, out=np.zeros_like(self.gain), where=requests > 0.0)

    @cached_property
    def regret(self) -> Floats:
        """Gain by which the best static placement is ahead, cumulative (T,); nan where there is none."""
        if self.optimum is None:
            return np.full(len(self.gain), np.nan)
        return np.cumsum(self.optimum.gain - self.gain)

    def bound(self, name: str = "upper") -> float:
        """What no static placement gains in the episode; `relaxed`: nor any fraction. nan: nobody looked."""
        notes = {} if self.optimum is None else self.optimum.record["notes"]
        return float(notes.get(name, np.nan))

    def share(self, gain: float, bound: str = "upper") -> float:
        """A gain summed over the episode, over a bound of it."""
        return gain / self.bound(bound) if self.bound(bound) > 0.0 else np.nan

    def value(self, name: str) -> float:
        """One number for the episode: ntag, share, regret or a column of its record."""
        if name == "ntag":
            return float(self.gain_per_request.mean())
        if name == "share":
            return float(self.share(self.gain.sum()))
        if name == "regret":
            return float(self.regret[-1])
        return float(self.record["figures"][name])

    def course(self, name: str) -> Floats:
        """The number after each slot, (T,): running means, but for regret, which adds up."""
        if name == "regret":
            return self.regret
        if name == "share":
            slots = np.arange(1, len(self.gain) + 1)
            return np.cumsum(self.gain) / (self.bound() * slots / len(self.gain))
        values = self.gain_per_request if name == "ntag" else self.figure(name)
        return np.asarray(np.cumsum(values) / np.arange(1, len(values) + 1))

    def row(self) -> dict[str, Any]:
        """One line of the tidy table."""
        unit, figures, notes = self.unit, self.record["figures"], self.record["notes"]
        fractional = float(self.series.fractional.sum())
        return {
            "part": unit.part,
            "cell": json.dumps(unit.cell),
            "scenario": unit.scenario.name,
            "agent": unit.label,
            "seed": unit.seed,
            "slots": len(self.gain),
            "cost": -figures["reward"],
            "gain": float(self.gain.sum()),
            "ntag": self.value("ntag"),
            "share": self.value("share"),
            "fractional_gain": fractional,
            "fractional_share": self.share(fractional, "relaxed"),
            "regret": self.value("regret"),
            "fractional_regret": self.bound("relaxed") - fractional,
            "regret_bound": notes.get("regret_bound", np.nan),
            **{name: figures[name] for name in COLUMNS},
            "bound_gap": notes.get("gap", np.nan),
            "cpu_seconds_to_build": self.record["cpu_seconds_to_build"],
            "cpu_seconds_per_slot": self.record["cpu_seconds_per_slot"],
        }


class Plays:
    """All runs of a study."""

    def __init__(self, units: Sequence[Unit], out: Path) -> None:
        """Read the records of `units` under `out`."""
        self.all = [Play(unit, out) for unit in units]
        self._at = {self._key(p.unit, p.unit.label, p.unit.cell): p for p in self.all}
        for play in self.all:
            scenario = of_scenario(play.unit.cell)
            play.baseline = self._at[self._key(play.unit, BASELINE, scenario)]
            play.optimum = self._at.get(self._key(play.unit, OPTIMUM, scenario))

    @staticmethod
    def _key(unit: Unit, label: str, cell: dict[str, Any]) -> tuple[str, str, str, int]:
        return unit.part, label, str(cell), unit.seed

    def cells(self, part: str) -> list[dict[str, Any]]:
        """Grid cells of a part, in the order of its grid."""
        found = {str(p.unit.cell): p.unit.cell for p in self.all if p.unit.part == part}
        longest = max(len(cell) for cell in found.values())
        return [cell for cell in found.values() if len(cell) == longest]

    def labels(self, part: str) -> list[str]:
        """Agents of a part, in the order of its list."""
        return list(dict.fromkeys(p.unit.label for p in self.all if p.unit.part == part))

    def of(self, part: str, label: str, cell: dict[str, Any]) -> list[Play]:
        """Runs of an agent in a cell, by seed; those that play once stand for all options."""
        cells = (str(cell), str(of_scenario(cell)))
        mine = [
            p for p in self.all if p.unit.part == part and p.unit.label == label and str(p.unit.cell) in cells
        ]
        return sorted(mine, key=lambda play: play.unit.seed)

    def parts(self) -> Iterator[str]:
        """Names of the parts."""
        yield from dict.fromkeys(p.unit.part for p in self.all)
