"""Course of a combiner, slot by slot: weights, changes, slack and bound, as arrays and as table rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints


class CombinerCourse(NamedTuple):
    """T slots of B episodes with n experts; nan where a value does not apply."""

    experts: tuple[str, ...]
    played: Ints
    """(T, B) expert whose placement was played; -1: none"""
    weights: Floats
    """(T, B, n) weights from which it was drawn"""
    cost: Floats
    """(T, B) cost of the slot, loads included [cost]"""
    virtual: Floats
    """(T, B, n) cost of each expert in its own network [cost]"""
    loaded: Floats
    """(T, B) loaded bytes [bytes]"""
    slack: Floats
    """(T, B) slack after the slot [cost], of combiners with a promise"""
    threshold: Floats
    """(T, B) threshold of the slack for the slot [cost]"""
    bound: Floats
    """(T, B) proven bound on the expected cost up to the slot, from the best expert in hindsight [cost]"""

    def switches(self) -> Ints:
        """(T, B) number of changes of expert up to each slot."""
        changed = self.played[1:] != self.played[:-1]
        return np.concatenate([np.zeros_like(self.played[:1]), np.cumsum(changed, axis=0)])

    def best(self) -> Floats:
        """(T, B) cost up to each slot of the expert that is best until then, known in hindsight [cost]."""
        found: Floats = np.cumsum(self.virtual, axis=0).min(axis=2)
        return found

    def expected(self, diameter: Floats) -> Floats:
        """(T, B) upper bound on the cost up to each slot in the mean over all draws [cost].

        Weights do not depend on the draws, so the slots' part is exact; a change has the probability of the
        total variation between two slots' weights, and is charged with D.

        Args:
            diameter: (B,) D [cost].
        """
        served = (self.weights * self.virtual).sum(axis=2)
        served[1:] += diameter * 0.5 * np.abs(np.diff(self.weights, axis=0)).sum(axis=2)
        found: Floats = np.cumsum(served, axis=0)
        return found

    def rows(self, row: int) -> list[dict[str, float | str]]:
        """Rows of a CSV file: one per slot of one episode, with sums from its beginning."""
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
    """Collects a course during play."""

    def __init__(self, experts: tuple[str, ...]) -> None:
        self._experts = experts
        self._slots: list[tuple[Ints | Floats, ...]] = []

    def clear(self) -> None:
        """Start again."""
        self._slots.clear()

    def note(self, *fields: Ints | Floats) -> None:
        """Store a slot: the fields of `CombinerCourse` in their order, without the first axis."""
        self._slots.append(tuple(field.copy() for field in fields))

    def course(self) -> CombinerCourse:
        """Return the course so far."""
        fields = zip(*self._slots, strict=True) if self._slots else ([] for _ in range(8))
        return CombinerCourse(self._experts, *(np.array(list(field)) for field in fields))
