"""When a learnt policy may play: while its account cannot fall below what is promised of another one.

N^P(t) is what policy P has gained against the repositories alone by slot t, loads paid. The slack

    S_t = N^S(t) - rho N^prior(t) + R

is 0 at least as long as the promise N^S(t) >= rho N^prior(t) - R holds. The learnt policy plays slot t + 1
if S_t >= rho B + 3 D + (1 - rho) W, else the prior's placement is played: no slot gains more than B, no move
loads for more than D, and the prior's own account never falls by more than W below where it has been. W = 0
is a prior whose net gain is never negative. Once the learnt policy has played, the slack is never below D:

- a slot of the learnt policy loses D + rho B at most, the move back D, which leaves D + (1 - rho) W;
- from there on S gains what the prior gains, and the slack 1 - rho of that: it falls by (1 - rho) W at most.

Until then it falls from R by (1 - rho) W at most, too: it is never below D if R >= D + (1 - rho) W, and never
below 0, as the promise asks, if R >= (1 - rho) W. A smaller R is refused.

So the promise holds after every slot of every sequence, whatever is learnt, where capacity is private,
loading instant and priced, the score serves, and no placement serves dearer than the repositories alone, so
that a slot loses no more than its loads (`unproven_gains`). Where loads take time, a move takes the slots of
its loads: the threshold is (1 + L) rho B + 3 D + (1 - rho) W, L being the longest move so far [slots], and
nothing is promised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats


class SlackTerms(NamedTuple):
    """What is declared before an episode, one entry per row [cost]."""

    largest: Floats
    """B, the most that a slot gains"""
    diameter: Floats
    """D, the most that a move loads for"""
    drawdown: Floats
    """W, by which the prior's account may fall"""


def slack_threshold(rho: float, terms: SlackTerms, reload: Floats | float = 0.0) -> Floats:
    """The least slack (B,) at which the learnt policy may play [cost].

    Args:
        rho: share of the prior's net gain that is promised.
        terms: what is declared.
        reload: L, slots that a move takes beyond its own.
    """
    found: Floats = (1.0 + reload) * rho * terms.largest + 3.0 * terms.diameter + (1.0 - rho) * terms.drawdown
    return found


class SlackBook:
    """The slack of every row.

    Attributes:
        slack: (B,) S_t [cost].
        least: (B,) of it so far.
        drawdown: (B,) the most by which the prior's account has fallen so far.
    """

    def __init__(self, rows: int, rho: float) -> None:
        self._rho = rho
        self.slack, self.least, self.drawdown = np.zeros((3, rows))
        self._prior, self._top = np.zeros((2, rows))

    def begin(self, rows: Bools, allowance: Floats) -> None:
        """Open the accounts of the marked rows with R (B,)."""
        self.slack[rows] = self.least[rows] = allowance[rows]
        for account in (self.drawdown, self._prior, self._top):
            account[rows] = 0.0

    def enter(self, net: Floats, prior: Floats) -> None:
        """Enter what was gained in a slot, loads paid, by what was played and by the prior (B,) [cost]."""
        self.slack += net - self._rho * prior
        np.minimum(self.least, self.slack, out=self.least)
        self._prior += prior
        np.maximum(self._top, self._prior, out=self._top)
        np.maximum(self.drawdown, self._top - self._prior, out=self.drawdown)
