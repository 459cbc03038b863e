"""Totals that an episode may consume, for constrained learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Budgets:
    """Totals over an episode that should not be exceeded; null: no limit. Drops add no penalty."""

    energy: float | None = bounded(None, above=0)
    """[J] of requests, loads and, where it counts, idle power"""
    traffic: float | None = bounded(None, above=0)
    """[byte-hops] of requests and loads"""
    price: float | None = bounded(None, above=0)
    """[EUR] for that energy; only where the objective price is in force"""
    carbon: float | None = bounded(None, above=0)
    """[g] of CO2e for that energy; only where the objective carbon is in force"""
    airtime: float | None = bounded(None, above=0)
    """[s] of airtime of requests, in LoRaWAN frames; only where the objective airtime is in force"""
    dropped: float | None = bounded(None, above=0)
    """[requests] that are dropped"""
    late: float | None = bounded(None, above=0)
    """[requests] that end past their deadline, drops included"""
    ends: bool = False
    """whether an episode ends, as terminated, with the slot in which a budget is exceeded"""

    def __post_init__(self) -> None:
        if self.ends and not self.limits:
            raise ConfigError("ends", "true is not allowed; must be false, unless there is a budget")

    def check(self, objectives: Sequence[str]) -> None:
        """Check that the objectives needed by the budgets are in force.

        Args:
            objectives: names of the objectives in force.

        Raises:
            ConfigError: a budget needs an objective that is not in force.
        """
        for name in {"price", "carbon", "airtime"} & (self.limits.keys() - set(objectives)):
            wrong = f"{self.limits[name]:g} is not allowed; must be null, unless objectives has {name}"
            raise ConfigError(f"budgets.{name}", wrong)

    @property
    def limits(self) -> dict[str, float]:
        """Budgets by quantity, in the order of the fields."""
        given = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "ends"}
        return {name: float(limit) for name, limit in given.items() if limit is not None}
