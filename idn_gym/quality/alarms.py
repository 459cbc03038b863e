"""Alarms: has the accuracy of a stream fallen, or do its confidences merely look different?

Every alarm is a test by betting (`idn_gym.quality.wagers`): the probability that it ever fires on a stream
that keeps its hypothesis is at most alpha, however long the stream and however often one looks. What is
harmful is a mean below its source by more than a tolerance, as in Podkopaev and Ramdas, "Tracking the risk
of a deployed model and detecting harmful distribution shifts" (ICLR 2022), who test with confidence
sequences.
"""

from __future__ import annotations

import abc
from typing import Literal

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Ints, Numbers
from idn_gym.quality.counts import SlotCounts, counted, pair_counted, per_stream
from idn_gym.quality.wagers import Wagers, bets_on_less, bets_on_more

AlarmBasis = Literal["labels", "agreement", "confidence"]
"""Statistic on which an alarm bets."""

QUIET, MOVED, BENIGN, HARMFUL = range(4)
"""Verdicts: nothing is proven; confidences moved and nothing is proven of the accuracy; they moved, and since
then the labels prove an accuracy above the floor; the accuracy fell below it."""


class Alarm(abc.ABC):
    """One hypothesis per stream of B rows and R streams, and the money won against it.

    Raises:
        ConfigError: a number is out of bounds or an array of another shape.
    """

    def __init__(self, rows: int, payoffs: Floats, alpha: float) -> None:
        if not 0.0 < alpha < 1.0:
            raise ConfigError("alpha", f"{alpha!r} is not allowed; must be between 0 and 1")
        self.alpha, self.shape = alpha, (rows, len(payoffs))
        self.wagers = Wagers(rows, payoffs)

    def note(self, counts: SlotCounts) -> None:
        """Take in a slot.

        Raises:
            ConfigError: counts that the alarm needs are missing, of another shape or contradict themselves.
        """
        self.wagers.note(self._outcomes(counts))

    @property
    def fired(self) -> Bools:
        """(B, R) whether the alarm has ever fired; it stays so until `reset`."""
        return self.wagers.peak() >= -np.log(self.alpha)

    def evidence(self) -> Floats:
        """(B, R) logarithm of an e-process: the alarm fires at log(1 / alpha).

        Means of exp(evidence) over streams are an e-process for all of them together.
        """
        return self.wagers.evidence()

    def reset(self, rows: Bools | None = None) -> None:
        """Restart the rows of a mask (B,), or all."""
        self.wagers.reset_rows(rows)

    def get_state(self) -> dict[str, Numbers]:
        """Plain arrays, copied."""
        return self.wagers.get_state()

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned.

        Raises:
            ConfigError: it is of another alarm.
        """
        self.wagers.set_state(state)

    @abc.abstractmethod
    def _outcomes(self, counts: SlotCounts) -> Floats:
        """(B, R, Y) how often each outcome came."""


class HarmAlarm(Alarm):
    """Fires when the accuracy is below `accuracy` - `tolerance`.

    With ``labels`` there is no further assumption, only that probes are drawn at random. With ``agreement``
    the upstream model must err on at most `error` of the compared answers, since then accuracy is at most
    agreement plus error. With ``confidence`` it tests the mean of `values`, and alpha holds if these never
    understate the accuracy: an overconfident model, which severe shifts make, is not noticed.

    Args:
        rows: B.
        streams: R.
        accuracy: (R,) on the source, or one for all. An estimate of it should be a lower bound.
        tolerance: what may be lost, from 0, below the accuracy.
        alpha: probability of a false alarm per stream.
        by: what it bets on.
        error: (R,) of the upstream model, or one for all, for ``agreement``.
        values: (K,) or (R, K) what a confidence in each bin is worth, for ``confidence``.
    """

    def __init__(
        self,
        rows: int,
        streams: int,
        *,
        accuracy: float | Floats,
        tolerance: float,
        alpha: float = 0.05,
        by: AlarmBasis = "labels",
        error: float | Floats = 0.0,
        values: Floats | None = None,
    ) -> None:
        if by not in ("labels", "agreement", "confidence"):
            raise ConfigError("by", f"{by!r} is not allowed; allowed: labels, agreement, confidence")
        if (values is not None) != (by == "confidence"):
            raise ConfigError("values", f"with by {by!r}: needed for confidence and not allowed otherwise")
        floor = per_stream("accuracy", accuracy, streams) - tolerance
        if by == "agreement":
            floor = floor - per_stream("error", error, streams)
        if not (tolerance >= 0.0 and np.all((floor > 0.0) & (floor < 1.0))):
            raise ConfigError(
                "tolerance", f"{tolerance!r} is not allowed; must leave a floor between 0 and 1 ({floor})"
            )
        self.by, self.floor = by, floor
        worth = np.array([1.0, 0.0]) if values is None else values
        self._worth = per_stream("values", worth, streams, np.shape(worth)[-1])
        super().__init__(rows, bets_on_less(floor, self._worth), alpha)

    def _outcomes(self, counts: SlotCounts) -> Floats:
        if self.by == "confidence":
            return counted("served", counts.served, (*self.shape, self._worth.shape[1]))
        names = ("right", "probed") if self.by == "labels" else ("agreed", "compared")
        part, whole = pair_counted(names, getattr(counts, names[0]), getattr(counts, names[1]), self.shape)
        return np.stack([part, whole - part], axis=-1)


class SafetyProof(HarmAlarm):
    """Fires when the labels prove an accuracy ABOVE `accuracy` - `tolerance`, wrongly with alpha at most."""

    def __init__(
        self, rows: int, streams: int, *, accuracy: float | Floats, tolerance: float, alpha: float = 0.05
    ) -> None:
        super().__init__(rows, streams, accuracy=accuracy, tolerance=tolerance, alpha=alpha)
        self.wagers = Wagers(rows, bets_on_more(self.floor, self._worth))


class MoveAlarm(Alarm):
    """Fires when the distribution of confidences is another one, harmful or not.

    The hypothesis is that at the upper edge of every bin the share of samples below is within `slack` of the
    source's. The slack covers what the source's shares, estimated as they are, may be off by: with n source
    samples about sqrt(log(2 / 0.05) / (2 n)) (Dvoretzky, Kiefer and Wolfowitz; Massart 1990).

    Args:
        rows: B.
        shares: (R, K) of source samples per bin, as of `fit_streams`.
        slack: from 0, below 1.
        alpha: probability of a false alarm per stream.
    """

    def __init__(self, rows: int, shares: Floats, *, slack: float = 0.05, alpha: float = 0.05) -> None:
        streams, bins = np.shape(shares) if np.ndim(shares) == 2 else (0, 0)
        if bins < 2 or not np.allclose(np.sum(shares, axis=1), 1.0) or np.min(shares) < 0.0:
            raise ConfigError("shares", "must be (streams, 2 bins and more), rows adding up to 1")
        if not 0.0 <= slack < 1.0:
            raise ConfigError("slack", f"{slack!r} is not allowed; must be from 0, below 1")
        payoffs = []
        for edge, below in enumerate(np.cumsum(shares, axis=1).T[:-1]):
            worth = np.tile(np.arange(bins) <= edge, (streams, 1)).astype(float)
            low, high = below - slack, below + slack
            # What cannot happen is not bet on: payoffs of 1.
            for can, bets in (
                (low > 0.0, bets_on_less(np.where(low > 0.0, low, 0.5), worth)),
                (high < 1.0, bets_on_more(np.where(high < 1.0, high, 0.5), worth)),
            ):
                payoffs.append(np.where(can[:, None, None], bets, 0.0))
        self.bins = bins
        super().__init__(rows, np.concatenate(payoffs, axis=1), alpha)

    def _outcomes(self, counts: SlotCounts) -> Floats:
        return counted("served", counts.served, (*self.shape, self.bins))


class ShiftMonitor:
    """Tells harmful shifts from benign ones: three alarms side by side.

    `safe` begins when `moved` fires, so that it speaks of the accuracy since then. All alarms keep their own
    alpha.

    Raises:
        ConfigError: the alarms are of different shapes.
    """

    def __init__(self, harm: HarmAlarm, moved: MoveAlarm, safe: SafetyProof) -> None:
        if not harm.shape == moved.shape == safe.shape:
            raise ConfigError("moved", f"shapes {harm.shape}, {moved.shape}, {safe.shape} must be the same")
        self.harm, self.moved, self.safe = harm, moved, safe

    def note(self, counts: SlotCounts) -> None:
        """Take in a slot."""
        before = self.moved.fired
        for alarm in (self.harm, self.moved, self.safe):
            alarm.note(counts)
        self.safe.wagers.reset(~before)

    def verdict(self) -> Ints:
        """(B, R) `QUIET`, `MOVED`, `BENIGN` or `HARMFUL`."""
        moved = np.where(self.safe.fired, BENIGN, MOVED)
        found: Ints = np.where(self.harm.fired, HARMFUL, np.where(self.moved.fired, moved, QUIET))
        return found

    def reset(self, rows: Bools | None = None) -> None:
        """Restart the rows of a mask (B,), or all."""
        for alarm in (self.harm, self.moved, self.safe):
            alarm.reset(rows)
