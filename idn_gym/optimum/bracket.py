"""Two ends between which the gain of the best static placement lies."""

from __future__ import annotations

from dataclasses import dataclass, replace

from idn_gym.core.arrays import Residents


class FalseBoundError(RuntimeError):
    """A placement gains more than a bound says that any can: the program behind the bound is wrong."""


@dataclass(frozen=True, eq=False)
class Bracket:
    """A placement and how far it can be from the best one; gains are summed over the slots of the row."""

    lower: float
    """[cost] true gain of `placement`, against the repositories alone"""
    upper: float
    """[cost] no static placement gains more"""
    placement: Residents
    """(N, M)"""
    status: str
    """why the search stopped: closed (the gap is at most the one asked for), time (no more of it), size (the
    programme is too large) or stalled (nothing that was tried gains more)"""
    seconds: float
    relaxed: float
    """[cost] bound of the linear program alone"""
    routed: float | None = None
    """[cost] gain of `placement` if its requests were routed in the best way; None where private
    capacities leave no choice, or where that was not solved in time"""

    @property
    def gap(self) -> float:
        """(upper - lower) / upper; 0 where nothing can be gained."""
        return (self.upper - self.lower) / self.upper if self.upper > 0.0 else 0.0

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
        """The bracket with the reason why the search is over: `gap` was asked for, `late` is out of time."""
        return replace(self, status="closed" if self.gap <= gap else "time" if late else self.status)
