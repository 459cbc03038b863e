"""What a combiner did, slot by slot: weights, changes, slack and bound, as arrays and as rows of a table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints


class CombinerCourse(NamedTuple):
    """T slots of B episodes with n experts; nan where something does not apply."""

    experts: tuple[str, ...]
    played: Ints
    """(T, B) which expert's placement was played; -1: that of none"""
    weights: Floats
    """(T, B, n) that it was drawn from"""
    cost: Floats
    """(T, B) of the slot, loads paid [cost]"""
    virtual: Floats
    """(T, B, n) what it cost each expert by itself [cost]"""
    loaded: Floats
    """(T, B) [bytes]"""
    slack: Floats
    """(T, B) after the slot [cost]; of combiners with a promise"""
    threshold: Floats
    """(T, B) of the slack for the slot [cost]"""
    bound: Floats
    """(T, B) of the expected cost up to the slot, by the best expert in hindsight [cost], where proven"""

    def switches(self) -> Ints:
        """(T, B) changes of expert up to each slot."""
        changed = self.played[1:] != self.played[:-1]
        return np.concatenate([np.zeros_like(self.played[:1]), np.cumsum(changed, axis=0)])

    def best(self) -> Floats:
        """(T, B) cost up to each slot of the expert that is best by then, known in hindsight [cost]."""
        found: Floats = np.cumsum(self.virtual, axis=0).min(axis=2)
        return found

    def expected(self, diameter: Floats) -> Floats:
        """(T, B) cost up to each slot in the mean over all draws, at most [cost].

        Weights do not depend on what is drawn, so the slots' part is exact; each change, which has the
        probability of the total variation between two slots' weights, is taken to load for D.

        Args:
            diameter: (B,) D [cost].
        """
        served = (self.weights * self.virtual).sum(axis=2)
        served[1:] += diameter * 0.5 * np.abs(np.diff(self.weights, axis=0)).sum(axis=2)
        found: Floats = np.cumsum(served, axis=0)
        return found

    def rows(self, row: int) -> list[dict[str, float | str]]:
        """One line per slot of one episode, sums from its beginning on: what CSV files have."""
        switches, best = self.switches()[:, row], self.best()[:, row]
        total, loaded = np.cumsum(self.cost[:, row]), np.cumsum(self.loaded[:, row])
        virtual = np.cumsum(self.virtual[:, row], axis=0)
        lines: list[dict[str, float | str]] = []
        for t, played in enumerate(self.played[:, row].tolist()):
            line: dict[str, float | str] = {
                "slot": t,
                "played": self.experts[played] if played >= 0 else "",
                "switches": int(switches[t]),
                "cost": float(total[t]),
                "best_expert": float(best[t]),
                "bound": float(self.bound[t, row]),
                "slack": float(self.slack[t, row]),
                "threshold": float(self.threshold[t, row]),
                "loaded": float(loaded[t]),
            }
            for i, name in enumerate(self.experts):
                line[f"weight_{name}"] = float(self.weights[t, row, i])
                line[f"cost_{name}"] = float(virtual[t, i])
            lines.append(line)
        return lines


class CourseLog:
    """Collects a course while it is played."""

    def __init__(self, experts: tuple[str, ...]) -> None:
        self._experts = experts
        self._slots: list[tuple[Ints | Floats, ...]] = []

    def clear(self) -> None:
        """Begin anew."""
        self._slots.clear()

    def note(self, *fields: Ints | Floats) -> None:
        """Keep a slot: the fields of `CombinerCourse` in their order, without the first axis."""
        self._slots.append(tuple(field.copy() for field in fields))

    def course(self) -> CombinerCourse:
        """What was kept so far."""
        fields = zip(*self._slots, strict=True) if self._slots else ([] for _ in range(8))
        return CombinerCourse(self._experts, *(np.array(list(field)) for field in fields))
