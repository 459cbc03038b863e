"""Accounts of episodes against their budgets, as costs for constrained learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Outcome
from idn_gym.objective_records import Objective, charged
from idn_gym.scenarios.config_budgets import Budgets

_UNITS = {
    "energy": "J",
    "traffic": "byte-hops",
    "price": "EUR",
    "carbon": "g CO2e",
    "airtime": "s",
    "dropped": "requests",
    "late": "requests",
}


class BudgetBook:
    """Consumption of B episodes.

    Attributes:
        names: names of the K budgets in force.
        limits: (K,) limits per episode.
        spent: (B, K) consumption so far.
    """

    def __init__(self, budgets: Budgets, objectives: Sequence[Objective], batch: int) -> None:
        """Open a book.

        Args:
            budgets: budgets of the scenario.
            objectives: objectives in force.
            batch: number of episodes B.
        """
        self.names = tuple(budgets.limits)
        self.limits = np.array(list(budgets.limits.values()))
        self.spent = np.zeros((batch, len(self.names)))
        self._slot = np.zeros_like(self.spent)
        self._ends = budgets.ends
        further = [objective.name for objective in charged(objectives)]
        self._column = {name: further.index(name) for name in self.names if name in further}

    def enter(self, outcome: Outcome) -> None:
        """Add a slot that all rows have played."""
        if not self.names:
            return
        for k, name in enumerate(self.names):
            self._slot[:, k] = self._total(name, outcome)
        self.spent += self._slot

    def clear(self, rows: npt.NDArray[np.int64]) -> None:
        """Reset rows to the start of an episode."""
        self.spent[rows] = self._slot[rows] = 0.0

    @property
    def terminated(self) -> npt.NDArray[np.bool_]:
        """(B,) which episodes end because a budget is exceeded."""
        if not self._ends:
            return np.zeros(len(self.spent), np.bool_)
        over: npt.NDArray[np.bool_] = np.any(self.spent > self.limits, axis=1)
        return over

    def infos(self) -> dict[str, Floats]:
        """Entries of infos about the last slot, (B,) each; empty where there is no budget."""
        if not self.names:
            return {}
        found = {"cost": (self._slot / self.limits).sum(axis=1)}
        for k, name in enumerate(self.names):
            found[f"cost_{name}"] = self._slot[:, k].copy()
            found[f"budget_{name}"] = self.limits[k] - self.spent[:, k]
        return found

    def describe(self) -> list[dict[str, Any]]:
        """Name, unit and limit of each budget."""
        named = zip(self.names, self.limits.tolist(), strict=True)
        return [{"name": name, "unit": _UNITS[name], "limit": limit} for name, limit in named]

    def _total(self, name: str, outcome: Outcome) -> Floats:
        if name in self._column:
            f = self._column[name]
            total: Floats = outcome.charged[:, :, f].sum(axis=1)
            return total + outcome.idle_charged[:, f] + outcome.load_charged[:, f]
        return _TOTALS[name](outcome)


def _energy(outcome: Outcome) -> Floats:
    total: Floats = outcome.energy.sum(axis=1) + outcome.idle_energy + outcome.load_energy
    return total


def _traffic(outcome: Outcome) -> Floats:
    total: Floats = outcome.traffic.sum(axis=1) + outcome.load_traffic
    return total


def _dropped(outcome: Outcome) -> Floats:
    total: Floats = np.maximum(outcome.arrived - outcome.served, 0.0).sum(axis=1)
    return total


def _late(outcome: Outcome) -> Floats:
    total: Floats = outcome.late.sum(axis=1)
    return total


_TOTALS: dict[str, Callable[[Outcome], Floats]] = {
    "energy": _energy,
    "traffic": _traffic,
    "dropped": _dropped,
    "late": _late,
}
