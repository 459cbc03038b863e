"""Condition under which a learnt policy may play without breaking a promise relative to a prior.

N^P(t) is the gain of policy P over the repositories alone up to slot t, loads included. The slack

    S_t = N^S(t) - rho N^prior(t) + R

is at least 0 as long as the promise N^S(t) >= rho N^prior(t) - R holds. The learnt policy plays slot t + 1 if
S_t >= rho B + 3 D + (1 - rho) W; otherwise the prior's placement is played. No slot gains more than B, no
move loads for more than D, and the prior's own account never falls by more than W below its maximum so far. W
= 0 means a prior whose net gain is never negative. Once the learnt policy has played, the slack is never
below D:

- a slot of the learnt policy loses at most D + rho B, and the move back D, which leaves D + (1 - rho) W;
- from then on S gains as much as the prior, and the slack 1 - rho of that: it falls by at most (1 - rho) W.

Until then it also falls from R by at most (1 - rho) W: it is never below D if R >= D + (1 - rho) W, and never
below 0, as the promise requires, if R >= (1 - rho) W. A smaller R is refused.

So the promise holds after every slot of every sequence, for any learnt policy, where capacity is private,
loading is instant and priced, the score equals the serving cost, and no placement serves at a higher cost
than the repositories alone, so that a slot loses at most its loads (`unproven_gains`). Where loads take time,
a move takes the slots of its loads: the threshold is (1 + L) rho B + 3 D + (1 - rho) W with L the longest
move so far [slots], and nothing is promised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats


class SlackTerms(NamedTuple):
    """Constants declared before an episode, one entry per row [cost]."""

    largest: Floats
    """B, maximum gain of a slot"""
    diameter: Floats
    """D, maximum load cost of a move"""
    drawdown: Floats
    """W, maximum fall of the prior's account"""


def slack_threshold(rho: float, terms: SlackTerms, reload: Floats | float = 0.0) -> Floats:
    """The least slack (B,) at which the learnt policy may play [cost].

    Args:
        rho: promised share of the prior's net gain.
        terms: declared constants.
        reload: L, number of slots that a move takes beyond its own.
    """
    found: Floats = (1.0 + reload) * rho * terms.largest + 3.0 * terms.diameter + (1.0 - rho) * terms.drawdown
    return found


class SlackBook:
    """The slack of every row.

    Attributes:
        slack: (B,) S_t [cost].
        least: (B,) minimum of the slack so far.
        drawdown: (B,) maximum fall of the prior's account so far.
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
        """Book the gains of a slot, loads included, of the played placement and of the prior (B,) [cost]."""
        self.slack += net - self._rho * prior
        np.minimum(self.least, self.slack, out=self.least)
        self._prior += prior
        np.maximum(self._top, self._prior, out=self._top)
        np.maximum(self.drawdown, self._top - self._prior, out=self.drawdown)
