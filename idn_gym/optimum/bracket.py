"""Two ends between which the gain of the best static placement lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Residents


class FalseBoundError(RuntimeError):
    """A placement gains more than a bound says that any can: the program behind the bound is wrong."""


class GapShares(NamedTuple):
    """Parts of a bracket's gap: shares of the played cost that add up to it."""

    serving: float
    """the environment's serving costs more than the best routing that was found"""
    waiting: float
    """that routing costs more than any routing of its placement is proven to: waits are under-estimated"""
    placement: float
    """any routing of this placement is proven to cost more than the bound on all placements"""


@dataclass(frozen=True, eq=False)
class Bracket:
    """A placement and how far it can be from the best one; gains are summed over the slots of the row."""

    lower: float
    """[cost] true gain of `placement`, against the repositories alone"""
    upper: float
    """[cost] no static placement gains more, however requests are routed"""
    placement: Residents
    """(N, M)"""
    status: str
    """why the search stopped: closed (the gap is at most the requested one), time (no more of it), size (the
    program is too large) or stalled (nothing that was tried gains more)"""
    seconds: float
    relaxed: float
    """[cost] bound of the linear program alone; `alone` where none was solved in time"""
    alone: float
    """[cost] of the repositories alone, from which gains count"""
    routed: float | None = None
    """[cost] gain of the best placement found if its requests are routed as well as we can; None where
    private capacities leave no choice, or where that was not solved in time"""
    routed_upper: float | None = None
    """[cost] no routing of that placement gains more"""

    @property
    def played(self) -> float:
        """[cost] of `placement` as the environment serves."""
        return self.alone - self.lower

    @property
    def routed_cost(self) -> float | None:
        """[cost] of the best placement found under the best routing found."""
        return None if self.routed is None else self.alone - self.routed

    @property
    def least(self) -> float:
        """[cost] no static placement costs less, however requests are routed."""
        return self.alone - self.upper

    @property
    def gap(self) -> float:
        """(cost played - least cost proven) / cost played; 0 where nothing costs anything."""
        return self._share(self.upper - self.lower)

    @property
    def routed_gap(self) -> float | None:
        """The gap if the best placement found were routed as well as we can."""
        cost = self.routed_cost
        return None if cost is None else (cost - self.least) / cost if cost > 0.0 else 0.0

    @property
    def shares(self) -> GapShares | None:
        """Parts of the gap; None where the best routing is unknown."""
        if self.routed is None or self.routed_upper is None:
            return None
        parts = self.routed - self.lower, self.routed_upper - self.routed, self.upper - self.routed_upper
        return GapShares(*map(self._share, parts))

    def enough(self, gap: float) -> float:
        """[cost] gain from which on the bracket is as narrow as `gap`."""
        return (self.upper - gap * self.alone) / (1.0 - gap) if gap < 1.0 else -np.inf

    def _share(self, cost: float) -> float:
        return cost / self.played if self.played > 0.0 else 0.0

    def judged(self, placement: Residents, gained: float) -> Bracket:
        """The bracket that also knows of a placement (N, M) and its true gain [cost].

        Raises:
            FalseBoundError: it gains more than the bound says that any can.
        """
        if gained > self.upper * (1.0 + 1e-6) + 1e-9:
            raise FalseBoundError(f"a placement gains {gained:g}, more than the bound of {self.upper:g}")
        if gained <= self.lower:
            return self
        return replace(self, lower=gained, placement=placement, upper=max(self.upper, gained))

    def ended(self, gap: float, late: bool) -> Bracket:
        """The bracket with the reason why the search ended; `gap`: requested gap, `late`: out of time."""
        return replace(self, status="closed" if self.gap <= gap else "time" if late else self.status)


def open_bracket(placement: Residents, alone: float) -> Bracket:
    """Bound that is known before any search: no placement saves more than all costs.

    Args:
        placement: (N, M) the repositories alone.
        alone: [cost] of it, at least 0.
    """
    return Bracket(0.0, alone, placement, "time", 0.0, alone, alone)
