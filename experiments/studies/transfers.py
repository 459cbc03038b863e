"""Results of a measurement of transfer: shares of each episode's own bracket."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.studies.config import BASELINE
from experiments.studies.transfer_config import TransferPart
from experiments.studies.transfer_run import TransferBracket, TransferUnit
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.generality import generality_ratio
from idn_gym.evaluation.intervals import ITSELF, UNKNOWN, Interval, alone, mean_interval, paired_difference
from idn_gym.evaluation.transfer_protocol import REFERENCE_AXIS

MEASURE = Literal["score", "saved"]
"""score: as the protocol says; saved: share of what placing can save against the repositories alone."""

TOLD = ("accuracy", "latency", "energy", "traffic", "update")
"""Metrics of every run that the file of runs has, to look up why a cost is what it is."""

ZERO_SHOT = "transferred"
"""Mode of what is played without having learnt there."""


class Transfers:
    """The runs of one part, all of them played."""

    def __init__(
        self,
        part: TransferPart,
        units: Sequence[TransferUnit],
        ends: Sequence[TransferBracket],
        out: Path,
    ) -> None:
        """Read the records of `units` and `ends`, both of the part, under `out`."""
        self.part, self.units = part, units
        self._records = {self._place(unit): unit.read(out) for unit in units}
        self.ends = {(one.held_out, one.seed): one.read(out) for one in ends}

    @staticmethod
    def _place(unit: TransferUnit) -> tuple[str, int, str, int]:
        return unit.held_out, unit.seed, unit.label, unit.trained_with

    @cached_property
    def labels(self) -> list[str]:
        """All agents that play every scenario, and those that do so after they have learnt there."""
        return list(dict.fromkeys(unit.label for unit in self.units))

    def trainings(self, label: str) -> int:
        """Number of trainings of an agent; 1 if it is not trained."""
        return 1 + max(unit.trained_with for unit in self.units if unit.label == label)

    def learnt(self, label: str) -> bool:
        """Whether it learnt on the part train only."""
        return any(unit.mode == ZERO_SHOT for unit in self.units if unit.label == label)

    def tuned(self, label: str) -> bool:
        """Whether it learnt on the scenarios that it plays."""
        return any(unit.mode not in (None, ZERO_SHOT) for unit in self.units if unit.label == label)

    def tuned_at(self, axis: str) -> list[int]:
        """Seeds of an axis's scenarios on which some agent has learnt."""
        tuned = (unit for unit in self.units if unit.mode not in (None, ZERO_SHOT))
        return sorted({unit.seed for unit in tuned if unit.held_out == axis})

    def seeds(self, axis: str) -> list[int]:
        """Seeds of all scenarios that were played on an axis."""
        return sorted(seed for of, seed in self.ends if of == axis)

    def counted(self, axis: str) -> list[int]:
        """Seeds whose bracket leaves something to gain, as the protocol asks for."""
        least = self.part.asked.least_headroom
        return [seed for seed in self.seeds(axis) if self.headroom(axis, seed) >= least]

    def sizes(self, axis: str) -> dict[str, list[int]]:
        """Seeds that count, by how large their networks are beside those that were learnt on.

        Empty where all are of one kind.
        """
        most, played = self.part.learning.largest, self.part.largest
        if most is None or (played is not None and played <= most):
            return {}
        learnt = [seed for seed in self.counted(axis) if self.ends[axis, seed]["nodes"] <= most]
        larger = [seed for seed in self.counted(axis) if seed not in learnt]
        return {f"at most {most} nodes": learnt, f"more than {most} nodes": larger}

    def headroom(self, axis: str, seed: int) -> float:
        """Share of the static cost that no sequence can save more than."""
        end = self.ends[axis, seed]
        return float(1.0 - end["bound"] / end["static"]) if end["static"] > 0.0 else 0.0

    def found_share(self, axis: str, seed: int) -> float:
        """Score of the best sequence of placements that was found for an episode."""
        end = self.ends[axis, seed]
        return float((end["static"] - end["reached"]) / (end["static"] - end["bound"]))

    def cost(self, axis: str, seed: int, label: str, training: int = 0) -> float:
        """Per slot."""
        return float(self._records[axis, seed, label, training]["cost"])

    def share(self, measure: MEASURE, axis: str, seed: int, label: str, training: int = 0) -> float:
        """A cost as a share of its episode's bracket."""
        end = self.ends[axis, seed]
        above = end["static"] if measure == "score" else self.cost(axis, seed, BASELINE)
        return (above - self.cost(axis, seed, label, training)) / (above - end["bound"])

    def matrix(
        self,
        measure: MEASURE,
        axis: str,
        label: str,
        seeds: Sequence[int] | None = None,
        trainings: int | None = None,
    ) -> Floats:
        """(r, n) shares, trainings by seeds; without seeds: those that count, all of the part for `saved`."""
        if seeds is None:
            seeds = self.counted(axis) if measure == "score" else self.seeds(axis)
        count = self.trainings(label) if trainings is None else min(trainings, self.trainings(label))
        return np.array([[self.share(measure, axis, s, label, t) for s in seeds] for t in range(count)])

    def mean(self, measure: MEASURE, axis: str, label: str) -> Interval:
        """Over scenarios and trainings."""
        return mean_of(self.matrix(measure, axis, label))

    def ratio(self, measure: MEASURE, axis: str, label: str) -> Interval:
        """Interval of generality, over the seeds that count on both sides.

        Unknown where the score with nothing held out is not above 0 with 95 %.
        """
        if REFERENCE_AXIS not in self.part.axes:
            return UNKNOWN
        chosen = self.counted if measure == "score" else self.seeds
        seeds = sorted(set(chosen(axis)) & set(chosen(REFERENCE_AXIS)))
        if len(seeds) < 2:
            return UNKNOWN
        one, other = (self.matrix(measure, of, label, seeds) for of in (axis, REFERENCE_AXIS))
        if not mean_of(other).low > 0.0:
            return UNKNOWN
        return generality_ratio(one, other)

    def ahead(
        self,
        axis: str,
        label: str,
        of: str | None = None,
        seeds: Sequence[int] | None = None,
        trainings: int | None = None,
    ) -> Interval:
        """Score minus that of another agent, by default the one that the part compares with.

        Without seeds: over all that count; without a number of trainings: over all.
        """
        of = of or self.part.compared
        if label == of:
            return ITSELF
        mine, others = (self.matrix("score", axis, one, seeds, trainings) for one in (label, of))
        if mine.shape[1] < 2:
            return alone(float(mine.mean() - others.mean())) if mine.size else UNKNOWN
        return paired_difference(mine, others)

    def wins(self, axis: str, label: str, of: str | None = None, seeds: Sequence[int] | None = None) -> float:
        """Share of scenarios and trainings whose score is higher; nan where none counts."""
        of = of or self.part.compared
        mine, others = (self.matrix("score", axis, one, seeds) for one in (label, of))
        return float((mine > others.mean(axis=0)).mean()) if mine.size else float("nan")

    def spent(self, label: str) -> dict[str, float]:
        """Slots and CPU seconds of learning, one training's mean, and CPU seconds of playing a scenario."""
        mine = [self._records[self._place(unit)] for unit in self.units if unit.label == label]
        names = ("training_steps", "training_cpu_seconds", "cpu_seconds")
        return {name: float(np.mean([record[name] for record in mine])) for name in names}

    def rows(self) -> list[dict[str, Any]]:
        """One line per run."""
        return [
            {
                "part": unit.part,
                "held_out": unit.held_out,
                "seed": unit.seed,
                "agent": unit.label,
                "training": unit.trained_with if unit.training else "",
                "nodes": end["nodes"],
                "cost": self._records[self._place(unit)]["cost"],
                "nothing": self.cost(unit.held_out, unit.seed, BASELINE),
                **{name: end[name] for name in ("static", "reached", "bound")},
                "counted": unit.seed in self.counted(unit.held_out),
                **{name: self._records[self._place(unit)]["metrics"][name] for name in TOLD},
            }
            for unit in self.units
            for end in [self.ends[unit.held_out, unit.seed]]
        ]


def mean_of(values: Floats) -> Interval:
    """Interval of shares (r, n); without bounds for a single seed, unknown without any."""
    if not values.size:
        return UNKNOWN
    return mean_interval(values) if values.shape[1] > 1 else alone(float(values.mean()))
