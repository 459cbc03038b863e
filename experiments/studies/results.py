"""Results of a study's runs: gains over the repositories alone, and relative to the optimum."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.studies.bracket_run import BracketRun
from experiments.studies.config import BASELINE, of_scenario
from experiments.studies.metric_names import DEVICE_METRICS, GAIN_METRICS, MOVING_METRICS
from experiments.studies.run import Series, Unit
from idn_gym.core.arrays import Floats
from idn_gym.evaluation import regret as measures
from idn_gym.evaluation.dynamic_ceiling import optimum_share
from idn_gym.evaluation.latencies import LATENCY_COLUMNS
from idn_gym.metrics import METRICS
from idn_gym.optimum.dynamic.bracket import sequence_headroom

OPTIMUM, CLAIRVOYANT = "best-static", "clairvoyant-greedy"
"""Labels of what regrets, and the figures about greedy, are measured against, where a part has it. Greedy
knows each slot beforehand; that is not the best sequence, nor the best placement of every slot."""

RESULT_METRICS = (
    "accuracy",
    "latency",
    *LATENCY_COLUMNS,
    "wait",
    "energy",
    "traffic",
    "penalty_latency",
    "penalty_energy",
    "penalty_traffic",
    "update",
    "drop_rate",
    "late_rate",
    "split_rate",
    "early_rate",
    "node_load",
    "node_load_max",
    "link_load",
    "link_load_max",
)
"""Columns of an episode's record that tables show unchanged."""


class Play:
    """A unit that was played, with those of the same episode that it is measured against."""

    def __init__(self, unit: Unit, out: Path) -> None:
        self.unit, self._path = unit, unit.file(out)
        self.record = unit.read(out)
        self.baseline: Play = self
        self.optimum: Play | None = None
        self.clairvoyant: Play | None = None
        self.bracket: dict[str, float] | None = None
        """of the best sequence in the world of the baseline: see `BracketRun`"""

    @cached_property
    def series(self) -> Series:
        """Slot by slot."""
        return Series.read(self._path)

    def figure(self, name: str) -> Floats:
        """A column of `METRICS`, (T,)."""
        return np.asarray(self.series.metrics[:, METRICS.index(name)], float)

    @cached_property
    def gain(self) -> Floats:
        """Tariff saved per slot against the repositories alone, (T,)."""
        saved = self.baseline.figure("tariff_cost") - self.figure("tariff_cost")
        return np.asarray(saved * self.unit.scenario.nominal_requests)

    def bound(self, name: str = "upper") -> float:
        """Bound on the gain of static placements in the episode; `relaxed`: also fractions. nan: unknown."""
        notes = {} if self.optimum is None else self.optimum.record["notes"]
        return float(notes.get(name, np.nan))

    def share(self, gain: float, bound: str = "upper") -> float:
        """A gain summed over the episode, over a bound of it."""
        return gain / self._positive(self.bound(bound))

    @staticmethod
    def _positive(bound: float) -> float:
        """Shares of nothing are not defined."""
        return bound if bound > 0.0 else np.nan

    def value(self, name: str) -> float:
        """One number for the episode: see `experiments.studies.metric_names.METRIC`."""
        if name == "cost":
            return -float(self.record["metrics"]["reward"])
        if name in self.record["metrics"]:
            return float(self.record["metrics"][name])
        if name in DEVICE_METRICS:
            return np.nan
        if name in MOVING_METRICS:
            return self._of_sequences(name)
        if name == "second_half":
            half = len(self.gain) // 2
            return float(measures.gain_per_request(self.gain[half:], self.figure("requests")[half:])[-1])
        return float(self.course(name)[-1])

    def _of_sequences(self, name: str) -> float:
        """One of `MOVING_METRICS`; nan without a bracket."""
        if self.bracket is None:
            return np.nan
        cost, alone, slots = self.value("cost"), self.baseline.value("cost"), len(self.series.scalar)
        least, reached, static = (self.bracket[end] for end in ("least", "reached", "static"))
        ends = {
            "of_dynamic": optimum_share(cost, alone, least, reached),
            "dynamic_regret": measures.dynamic_regret(*(slots * x for x in (cost, reached, least))),
            "competitive": measures.competitive_ratio(cost, reached, least),
            "headroom": sequence_headroom(static, reached, least),
        }
        values = {"saved": (static - cost) / self._positive(static)}
        for of, (low, high) in ends.items():
            values |= {of: low, f"{of}_most": high}
        return float(values[name])

    def course(self, name: str, window: int | None = None) -> Floats:
        """The number after each slot, (T,): running means, but for regrets, which add up.

        nan where a part lacks what the number is measured against.

        Args:
            name: see `experiments.studies.metric_names.METRIC`.
            window: slots of a sliding mean, for what is a mean; None: over all slots so far.
        """
        if window is not None and name == "ntag":
            sums = (
                measures.last_slots(self.gain, window),
                measures.last_slots(self.figure("requests"), window),
            )
            return np.divide(*sums, out=np.zeros(len(self.gain)), where=sums[1] > 0.0)
        if window is not None or name == "cost":
            values = -self.series.scalar if name == "cost" else self.figure(name)
            last = len(values) if window is None else window
            return measures.last_slots(values, last) / np.minimum(np.arange(1, len(values) + 1), last)
        nothing = np.full(len(self.gain), np.nan)
        best = nothing if self.optimum is None else self.optimum.gain
        clairvoyant = nothing if self.clairvoyant is None else self.clairvoyant.gain
        spread = np.full(len(self.gain), 1.0 / len(self.gain))
        courses: dict[str, Callable[[], Floats]] = {
            "ntag": lambda: measures.gain_per_request(self.gain, self.figure("requests")),
            "share": lambda: measures.gain_share(self.gain, self.bound() * spread),
            "regret": lambda: measures.regret(self.gain, best),
            "rounding_regret": lambda: measures.regret(self.gain, best, measures.ROUNDING_FACTOR),
            "fractional_regret": lambda: measures.regret(self.series.fractional, best),
            "fractional_regret_most": lambda: measures.regret(
                self.series.fractional, self.bound("relaxed") * spread
            ),
            "behind_greedy": lambda: measures.regret(self.gain, clairvoyant),
            "of_greedy": lambda: measures.gain_share(self.gain, clairvoyant),
        }
        if name in courses:
            return courses[name]()
        return measures.updates_per_slot(self.figure(name))

    def latencies(self) -> list[dict[str, Any]]:
        """Percentiles of latency [s], one line per task and per class."""
        unit = self.unit
        run: dict[str, Any] = {"part": unit.part, "cell": json.dumps(unit.cell), "agent": unit.label}
        run |= {"training": unit.trained_with, "seed": unit.seed}
        return [
            {**run, "of": of, "name": name, **dict(zip(LATENCY_COLUMNS, found, strict=True))}
            for of, groups in self.record["latencies"].items()
            for name, found in groups.items()
        ]

    def row(self) -> dict[str, Any]:
        """One line of the tidy table."""
        unit, metrics, notes = self.unit, self.record["metrics"], self.record["notes"]
        fractional = float(self.series.fractional.sum())
        return {
            "part": unit.part,
            "cell": json.dumps(unit.cell),
            "scenario": unit.scenario.name,
            "agent": unit.label,
            "training": unit.trained_with,
            "seed": unit.seed,
            "slots": len(self.gain),
            "cost": self.value("cost"),
            "gain": float(self.gain.sum()),
            "ntag": self.value("ntag"),
            "share": self.value("share"),
            "fractional_gain": fractional,
            "fractional_share": self.share(fractional, "relaxed"),
            **{name: self.value(name) for name in GAIN_METRICS},
            "regret_bound": np.nan if self.series.proven is None else float(self.series.proven[-1]),
            **{name: self.value(name) for name in MOVING_METRICS},
            **{name: metrics[name] for name in RESULT_METRICS},
            **{name: self.value(name) for name in DEVICE_METRICS},
            "bound_gap": notes.get("gap", np.nan),
            "cpu_seconds_to_build": self.record["cpu_seconds_to_build"],
            "cpu_seconds_per_slot": self.record["cpu_seconds_per_slot"],
        }


def by_training(plays: Sequence[Play], values: npt.ArrayLike) -> Floats:
    """(r, n, ...) a row per training, a column per seed; the plays are in the order of `Plays.of`."""
    trainings = len({play.unit.trained_with for play in plays})
    found = np.array(values)
    return found.reshape(trainings, len(plays) // trainings, *found.shape[1:])


class Plays:
    """All runs of a study."""

    def __init__(self, units: Sequence[Unit], out: Path, brackets: Sequence[BracketRun] = ()) -> None:
        """Read the records of `units` under `out`, and the brackets of their episodes."""
        self.all = [Play(unit, out) for unit in units]
        self._at = {self._key(p.unit, p.unit.label, p.unit.cell): p for p in self.all}
        for play in self.all:
            scenario = of_scenario(play.unit.cell)
            play.baseline = self._at[self._key(play.unit, BASELINE, scenario)]
            play.optimum = self._at.get(self._key(play.unit, OPTIMUM, scenario))
            play.clairvoyant = self._at.get(self._key(play.unit, CLAIRVOYANT, scenario))
        known = {one.units[0].file(out): one.read(out) for one in brackets}
        for play in self.all:
            play.bracket = known.get(play.baseline.unit.file(out))

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
        """Runs of an agent in a cell, by training and seed; agents that play once represent all options."""
        cells = (str(cell), str(of_scenario(cell)))
        mine = [
            p for p in self.all if p.unit.part == part and p.unit.label == label and str(p.unit.cell) in cells
        ]
        return sorted(mine, key=lambda play: (play.unit.trained_with, play.unit.seed))

    def values(self, part: str, label: str, cell: dict[str, Any], name: str) -> Floats:
        """(r, n) values of `Play.value` in a cell: a row per training, a column per seed."""
        mine = self.of(part, label, cell)
        return by_training(mine, [play.value(name) for play in mine])

    def parts(self) -> Iterator[str]:
        """Names of the parts."""
        yield from dict.fromkeys(p.unit.part for p in self.all)
