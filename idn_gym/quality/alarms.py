"""Alarms: has the accuracy of a stream fallen, or do its confidences merely look different?

Every alarm is a test by betting (`idn_gym.quality.wagers`): the probability that it ever fires on a stream
that keeps its hypothesis is at most alpha, however long the stream and however often one looks. What is
harmful is a mean below its source by more than a tolerance, as in Podkopaev and Ramdas, "Tracking the risk
of a deployed model and detecting harmful distribution shifts" (ICLR 2022), who test with confidence
sequences.

What is known of the source is an estimate itself. Where an alarm is told from how many samples, half of alpha
pays for a bound that holds whatever these leave open, and the bet is made with the other half: the chance of
a false alarm, over samples and stream together, is alpha at most (union bound).
"""

from __future__ import annotations

import abc
from typing import Literal

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Numbers
from idn_gym.quality.counts import SlotCounts, counted, pair_counted, per_stream
from idn_gym.quality.wagers import Wagers, bets_on_less, bets_on_more, least_means

AlarmBasis = Literal["labels", "agreement"]
"""Statistic on which an alarm of harm bets."""

RIGHT = np.array([1.0, 0.0])
"""What a right answer and a wrong one are worth."""

TINY_SHARE = 1e-9
"""Share of samples that may always be on the other side of an edge, so that no bet pays infinitely much."""


class Alarm(abc.ABC):
    """One hypothesis per stream of B rows and R streams, and the money won against it.

    Attributes:
        alpha: bound on the probability of a false alarm per stream.
        spent: part of it that pays for what the samples of the source leave open; 0 if the source is exact.

    Raises:
        ConfigError: a number is out of bounds or an array of another shape.
    """

    def __init__(self, alpha: float, samples: float | Floats | None) -> None:
        if not 0.0 < alpha < 1.0:
            raise ConfigError("alpha", f"{alpha!r} is not allowed; must be between 0 and 1")
        self.alpha, self.spent = alpha, 0.0 if samples is None else alpha / 2.0

    def _bet(self, rows: int, payoffs: Floats) -> None:
        """Start with payoffs (R, G, Y), see `Wagers`."""
        self.shape = (rows, len(payoffs))
        self.wagers = Wagers(rows, payoffs)

    def _least(self, values: Floats, shares: Floats, samples: float | Floats | None) -> Floats:
        """(R,) what the mean of values (R, Y) on the source is not below, by shares of its samples (R, Y)."""
        if samples is None:
            found: Floats = (values * shares).sum(axis=1)
            return found
        size = np.asarray(samples, float)
        if size.shape not in ((), (len(values),)) or not np.all((size > 0.0) & np.isfinite(size)):
            must = f"must be above 0, one for all streams or ({len(values)},)"
            raise ConfigError("samples", f"{samples!r} is not allowed; {must}")
        return least_means(values, shares * np.broadcast_to(size, len(values))[:, None], self.spent)

    def note(self, counts: SlotCounts) -> None:
        """Take in a slot.

        Raises:
            ConfigError: counts that the alarm needs are missing, of another shape or contradict themselves.
        """
        self.wagers.note(self._outcomes(counts))

    @property
    def fired(self) -> Bools:
        """(B, R) whether the alarm has ever fired; it stays so until `reset`."""
        return self.wagers.peak() >= -np.log(self.alpha - self.spent)

    def evidence(self) -> Floats:
        """(B, R) logarithm of an e-process: the alarm fires at log(1 / (alpha - spent)).

        Means of exp(evidence) over streams are an e-process for all of them together, if the bounds of the
        source hold for all of them.
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
    """Fires when the accuracy is below that of the source - `tolerance`.

    With ``labels`` there is no further assumption, only that probes are drawn at random; when to probe may
    depend on all that was seen before. With ``agreement`` the upstream model must err on at most `error` of
    the compared answers, since then accuracy is at most agreement plus error.

    Args:
        rows: B.
        streams: R.
        accuracy: (R,) on the source, or one for all.
        tolerance: what may be lost, from 0, below the accuracy.
        alpha: probability of a false alarm per stream.
        by: what it bets on.
        error: (R,) bound on that of the upstream model, or one for all, for ``agreement``.
        samples: (R,) from which `accuracy` was estimated, or one for all; None: it is exact.
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
        samples: float | Floats | None = None,
    ) -> None:
        if by not in ("labels", "agreement"):
            raise ConfigError("by", f"{by!r} is not allowed; allowed: labels, agreement")
        super().__init__(alpha, samples)
        self.by, known = by, per_stream("accuracy", accuracy, streams)
        lost = tolerance + (per_stream("error", error, streams) if by == "agreement" else 0.0)
        _check_tolerance(tolerance, known - lost)
        self._bet_from(rows, known, lost, samples)

    def _bet_from(
        self, rows: int, accuracy: Floats, lost: float | Floats, samples: float | Floats | None
    ) -> None:
        worth, shares = np.tile(RIGHT, (len(accuracy), 1)), np.stack([accuracy, 1.0 - accuracy], axis=1)
        self.floor = self._least(worth, shares, samples) - lost
        self._bet(rows, bets_on_less(self.floor, worth))

    def _outcomes(self, counts: SlotCounts) -> Floats:
        names = ("right", "probed") if self.by == "labels" else ("agreed", "compared")
        part, whole = pair_counted(names, getattr(counts, names[0]), getattr(counts, names[1]), self.shape)
        return np.stack([part, whole - part], axis=-1)


class SafetyProof(HarmAlarm):
    """Fires when labels prove an accuracy ABOVE the source's - `tolerance`, wrongly with alpha at most."""

    def __init__(
        self,
        rows: int,
        streams: int,
        *,
        accuracy: float | Floats,
        tolerance: float,
        alpha: float = 0.05,
        samples: float | Floats | None = None,
    ) -> None:
        super().__init__(rows, streams, accuracy=accuracy, tolerance=tolerance, alpha=alpha, samples=samples)

    def _bet_from(
        self, rows: int, accuracy: Floats, lost: float | Floats, samples: float | Floats | None
    ) -> None:
        worth, shares = np.tile(RIGHT, (len(accuracy), 1)), np.stack([accuracy, 1.0 - accuracy], axis=1)
        self.floor = 1.0 - self._least(1.0 - worth, shares, samples) - lost
        self._bet(rows, bets_on_more(self.floor, worth))


class FallAlarm(Alarm):
    """Fires when the mean calibrated confidence is below that of the source - `tolerance`.

    It raises a suspicion: alpha holds for streams whose mean confidence has not fallen by more. Harm it does
    not prove. It cannot tell apart two shifts with the same confidences, whatever they do to accuracy: so it
    fires on streams that are not harmed where confidences fall by more than accuracy, and misses answers that
    are wrong with confidence. Labels must decide (`HarmAlarm`).

    Args:
        rows: B.
        values: (R, K) what a confidence in each bin is worth, from 0 to 1.
        shares: (R, K) of source samples per bin, as of `fit_streams`.
        tolerance: what the mean value may lose, from 0, below the source's.
        alpha: probability of a false alarm per stream.
        samples: (R,) of the source, or one for all; None: `shares` are exact. They must not be those that
            `values` were fitted to.
    """

    def __init__(
        self,
        rows: int,
        values: Floats,
        shares: Floats,
        *,
        tolerance: float,
        alpha: float = 0.05,
        samples: float | Floats | None = None,
    ) -> None:
        super().__init__(alpha, samples)
        streams, self.bins = _check_shares(shares)
        worth = per_stream("values", values, streams, self.bins)
        _check_tolerance(tolerance, (worth * shares).sum(axis=1) - tolerance)
        self.floor = self._least(worth, shares, samples) - tolerance
        self._bet(rows, bets_on_less(self.floor, worth))

    def _outcomes(self, counts: SlotCounts) -> Floats:
        return counted("served", counts.served, (*self.shape, self.bins))


class MoveAlarm(Alarm):
    """Fires when the distribution of confidences is another one, harmful or not.

    The hypothesis is that at the upper edge of every bin the share of samples below is within `slack` of the
    source's. What the source's shares may be off by is added: with n samples sqrt(log(2 / spent) / (2 n))
    (Dvoretzky, Kiefer and Wolfowitz 1956; Massart 1990).

    Args:
        rows: B.
        shares: (R, K) of source samples per bin, as of `fit_streams`.
        slack: from 0, below 1.
        alpha: probability of a false alarm per stream.
        samples: of the source, of every stream; None: `shares` are exact.
    """

    def __init__(
        self,
        rows: int,
        shares: Floats,
        *,
        slack: float = 0.05,
        alpha: float = 0.05,
        samples: float | None = None,
    ) -> None:
        super().__init__(alpha, samples)
        streams, bins = _check_shares(shares)
        if not 0.0 <= slack < 1.0:
            raise ConfigError("slack", f"{slack!r} is not allowed; must be from 0, below 1")
        if samples is not None:
            if not samples > 0.0:
                raise ConfigError("samples", f"{samples!r} is not allowed; must be above 0")
            slack = slack + float(np.sqrt(np.log(2.0 / self.spent) / (2.0 * samples)))
        payoffs = []
        for edge, below in enumerate(np.cumsum(shares, axis=1).T[:-1]):
            worth = np.tile(np.arange(bins) <= edge, (streams, 1)).astype(float)
            low, high = np.clip(below - slack, 0.0, 1.0 - TINY_SHARE), np.clip(below + slack, TINY_SHARE, 1.0)
            payoffs += [bets_on_less(low, worth), bets_on_more(high, worth)]
        self.bins = bins
        self._bet(rows, np.concatenate(payoffs, axis=1))

    def _outcomes(self, counts: SlotCounts) -> Floats:
        return counted("served", counts.served, (*self.shape, self.bins))


def _check_shares(shares: Floats) -> tuple[int, int]:
    """Numbers of streams and bins."""
    streams, bins = np.shape(shares) if np.ndim(shares) == 2 else (0, 0)
    if bins < 2 or not np.allclose(np.sum(shares, axis=1), 1.0) or np.min(shares) < 0.0:
        raise ConfigError("shares", "must be (streams, 2 bins and more), rows adding up to 1")
    return streams, bins


def _check_tolerance(tolerance: float, floor: Floats) -> None:
    if not (tolerance >= 0.0 and np.all((floor > 0.0) & (floor < 1.0))):
        raise ConfigError(
            "tolerance", f"{tolerance!r} is not allowed; must leave a floor between 0 and 1 ({floor})"
        )
