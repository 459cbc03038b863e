"""Tests by betting: the capital of a gambler who bets against a hypothesis.

A hypothesis says that a stream's mean has been on the good side at every time so far. A bet multiplies its
stake by a payoff per sample whose mean is at most 1 under the hypothesis; so wealth is a nonnegative
supermartingale and exceeds 1 / alpha, ever, with probability alpha at most (Ville 1939). Payoffs of the form
1 + a (m - x) are those of Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting"
(JRSS B, 2023).

A shift comes late, when a bettor who began at the start would have lost everything. So the first unit of
money is split over starts: 1 / (k (k + 1)) of it waits for the stream's k-th slot, what waits counts as it
is, and at each start it is split equally over the bets. Wealth is still a supermartingale that begins at 1,
hence the level is alpha over a stream without end, and waiting k slots costs log k (k + 1) in the logarithm
of wealth rather than something linear in k. This is the mixture over starts of Shiryaev's statistic, with
weights that sum to 1.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints, Numbers
from idn_gym.quality.counts import check_count, chosen_rows, put_state

STAKES = np.array([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 0.9])
"""Bets, as shares of the largest bet that cannot go below nothing."""

BISECTIONS = 40
"""The interval between 0 and 1 is halved so often in search of a bound."""


def bets_on_less(floor: Floats, values: Floats) -> Floats:
    """(R, G, Y) logarithms of payoffs that grow where the mean value is below a floor.

    Args:
        floor: (R,) least mean under the hypothesis, below 1; on a mean below 0 nothing is bet.
        values: (R, Y) from 0 to 1, of each possible outcome.
    """
    gap = floor[:, None] - values
    payoffs = np.log1p(STAKES[:, None] * (gap / (1.0 - floor)[:, None])[:, None, :])
    return np.where((floor > 0.0)[:, None, None], payoffs, 0.0)


def bets_on_more(ceiling: Floats, values: Floats) -> Floats:
    """(R, G, Y) logarithms of payoffs that grow where the mean value is above a ceiling (R,), above 0.

    On a mean above 1 nothing is bet.
    """
    return bets_on_less(1.0 - ceiling, 1.0 - values)


def least_means(values: Floats, counts: Floats, delta: float) -> Floats:
    """(R,) lower bounds of the means that samples were drawn with; each fails with delta at most.

    A bound is the largest mean against which bets on more, with the money split equally, would have won 1 /
    delta by these samples: if the mean is no larger, that happens with probability delta at most (Markov). It
    adapts to the variance of the values. It holds for independent samples, and for draws without replacement,
    where products of increasing functions are no larger on average (Joag-Dev and Proschan 1983). An upper
    bound is 1 minus the lower bound for 1 - values.

    Args:
        values: (R, Y) from 0 to 1, of each possible outcome.
        counts: (R, Y) samples of it, as fixed beforehand in number.
        delta: between 0 and 1.
    """
    low, high = np.zeros(len(counts)), (values * counts).sum(axis=1) / counts.sum(axis=1)
    for _ in range(BISECTIONS):
        middle = np.maximum((low + high) / 2.0, 1e-12)
        wealth = (bets_on_more(middle, values) * counts[:, None, :]).sum(axis=2)
        proven = np.logaddexp.reduce(wealth, axis=1) - np.log(len(STAKES)) >= -np.log(delta)
        low, high = np.where(proven, middle, low), np.where(proven, high, middle)
    return low


class Wagers:
    """Wealth of all bets for B rows of R streams.

    Args:
        rows: B.
        payoffs: (R, G, Y) logarithms, per stream, bet and outcome of a sample.
    """

    def __init__(self, rows: int, payoffs: Floats) -> None:
        self.payoffs = payoffs
        streams, bets, _ = payoffs.shape
        shape = (check_count("rows", rows), streams)
        self._wealth = np.full((*shape, bets), -np.inf)  # logarithms, of what has been staked
        self._slots = np.zeros(shape, int)  # with samples
        self._peak = np.zeros(shape)  # of the evidence

    def note(self, counts: Floats) -> None:
        """Take in how often every outcome came, (B, R, Y)."""
        active = np.nonzero(counts.sum(axis=2) > 0.0)
        self._slots[active] += 1
        slots = self._slots[active]
        staked = np.logaddexp(self._wealth[active], -np.log(slots * (slots + 1.0))[:, None])
        told, payoffs = counts[active], self.payoffs[active[1]]
        # Not a product of matrices: its last bits would depend on the number of rows.
        for outcome in np.flatnonzero(told.any(axis=0)):
            staked += told[:, outcome, None] * payoffs[:, :, outcome]
        self._wealth[active] = staked
        self._peak[active] = np.maximum(self._peak[active], _evidence(slots, staked))

    def evidence(self) -> Floats:
        """(B, R) logarithm of the wealth against the hypothesis; 0 at the start."""
        return _evidence(self._slots, self._wealth)

    def peak(self) -> Floats:
        """(B, R) largest evidence so far."""
        return self._peak.copy()

    def reset(self, chosen: Bools) -> None:
        """Restart the streams of a mask (B, R) or the rows of a mask (B,)."""
        self._wealth[chosen], self._slots[chosen], self._peak[chosen] = -np.inf, 0, 0.0

    def reset_rows(self, rows: Bools | None = None) -> None:
        """Restart the rows of a mask (B,), or all."""
        self.reset(chosen_rows(rows, len(self._slots)))

    def get_state(self) -> dict[str, Numbers]:
        """Copies of all that is remembered."""
        return {name: array.copy() for name, array in self.arrays().items()}

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned.

        Raises:
            ConfigError: it is of other bets or streams.
        """
        put_state(self.arrays(), state)

    def arrays(self) -> dict[str, Numbers]:
        return {"wealth": self._wealth, "slots": self._slots, "peak": self._peak}


def _evidence(slots: Ints, wealth: Floats) -> Floats:
    """Logarithm of the wealth (..., G) against the hypothesis after so many slots."""
    waiting = -np.log(slots + 1.0)
    found: Floats = np.logaddexp(waiting, np.logaddexp.reduce(wealth, axis=-1) - np.log(wealth.shape[-1]))
    return found
