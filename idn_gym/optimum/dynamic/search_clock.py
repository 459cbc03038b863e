"""A clock that counts work, so that a search finds the same on every machine, however busy it is."""

from __future__ import annotations

import numpy as np

SLOT, GAIN, BATCH, MOVE = 3e-6, 4e-5, 5e-8, 5e-8
"""[s] for a slot that is played, for the gain of a change that is measured, for each batch (the requests of a
class in a slot) that is served in either, and for a move that a dynamic program looks at: about what they
take on one core of a server of 2024."""


class SearchClock:
    """Nominal time of a search: what its work would take, in full, on a core of such speed.

    Attributes:
        spent: [s] so far.
        late: whether `over` ever said so.
    """

    def __init__(self, seconds: float = np.inf) -> None:
        """Start with this much time [s]."""
        self._seconds, self.spent, self.late = seconds, 0.0, False

    def play(self, slots: int, batches: int) -> None:
        """Pay for slots that were played, and for the batches served in all of them."""
        self.spent += SLOT * slots + BATCH * batches

    def measure(self, gains: int, batches: int) -> None:
        """Pay for gains that were measured, and for the batches served in all of them."""
        self.spent += GAIN * gains + BATCH * batches

    def look_at(self, moves: int) -> None:
        """Pay for moves between placements in a dynamic program."""
        self.spent += MOVE * moves

    def over(self, share: float = 1.0) -> bool:
        """Whether this share of the time is spent."""
        over = self.spent > share * self._seconds
        self.late |= over
        return over
