"""Estimates of accuracy behind one small interface, for B rows of R streams at a time.

Each rests on an assumption, and its band covers chance only. What every one of them needs and proves is in
docs/quality.md.
"""

from __future__ import annotations

import abc

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Numbers
from idn_gym.quality.counts import SlotCounts, check_count, counted, pair_counted, per_stream
from idn_gym.quality.forgetting import Forgetting, StreamMeans
from idn_gym.quality.signals import difference_of_confidences, share_above

REMEMBER_ALL = Forgetting()


class Estimator(abc.ABC):
    """Follows the mean of one signal per stream and makes an accuracy of it.

    Args:
        rows: B.
        streams: R.
        forgetting: how the past fades.
        unseen: estimate of a stream before its first sample, from 0 to 1, (R,) or one for all; None: NaN.

    Raises:
        ConfigError: a number is out of bounds or an array of another shape.
    """

    def __init__(
        self,
        rows: int,
        streams: int,
        *,
        forgetting: Forgetting = REMEMBER_ALL,
        unseen: float | Floats | None = None,
    ) -> None:
        self.means = StreamMeans(rows, streams, forgetting)
        self.shape = (rows, streams)
        self.unseen = np.full(streams, np.nan) if unseen is None else per_stream("unseen", unseen, streams)

    def note(self, counts: SlotCounts) -> None:
        """Take in a slot.

        Raises:
            ConfigError: counts that are needed are missing, of another shape or contradict themselves.
        """
        self.means.add(*self._sums(counts))

    def estimate(self) -> Floats:
        """(B, R) accuracies, between 0 and 1; `unseen` before the first sample."""
        mean = self.means.band(0.5).estimate
        found: Floats = np.where(np.isnan(mean), self.unseen, self._accuracy(mean))
        return found

    def band(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """(B, R) lower and (B, R) upper bounds; 0 and 1 before the first sample.

        Chance moves the signal's mean out of them with probability 1 - level at most: at any time at all if
        nothing is forgotten (`anytime`), else at any one time. They do not cover what the estimator assumes.

        Raises:
            ConfigError: `level` is not between 0 and 1.
        """
        if not 0.0 < level < 1.0:
            raise ConfigError("level", f"{level!r} is not allowed; must be between 0 and 1")
        found = self.means.band(1.0 - level)
        none = np.isnan(found.estimate)
        lower, upper = self._bounds(found.low, found.high)
        return np.where(none, 0.0, lower), np.where(none, 1.0, upper)

    @property
    def anytime(self) -> bool:
        """Whether the band holds at all times simultaneously rather than at any single time."""
        return self.means.forgetting.nothing

    def reset(self, rows: Bools | None = None) -> None:
        """Forget the rows of a mask (B,), or all."""
        self.means.reset(rows)

    def get_state(self) -> dict[str, Numbers]:
        """Plain arrays, copied."""
        return self.means.get_state()

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned.

        Raises:
            ConfigError: it is of another estimator.
        """
        self.means.set_state(state)

    @abc.abstractmethod
    def _sums(self, counts: SlotCounts) -> tuple[Floats, Floats]:
        """(B, R) sum of the slot's signals and (B, R) how many they are."""

    def _accuracy(self, mean: Floats) -> Floats:
        """Estimate of the accuracy from a mean of the signal; it never falls where the mean rises."""
        return mean

    def _bounds(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        return self._accuracy(low), self._accuracy(high)


class MeanConfidence(Estimator):
    """The accuracy is the mean confidence (AC).

    Right where confidences are calibrated under the shift in force. With `bin_middles` it is the raw
    confidence; with a temperature's, isotonic or histogram map of them it is the calibrated one. With the
    source's accuracy per bin it is importance weighting by confidence (IM).

    Args:
        rows: B.
        streams: R.
        values: (K,) or (R, K) what a confidence in each bin is worth, from 0 to 1.
        forgetting: how the past fades.
        unseen: see `Estimator`.
    """

    def __init__(
        self,
        rows: int,
        streams: int,
        values: Floats,
        *,
        forgetting: Forgetting = REMEMBER_ALL,
        unseen: float | Floats | None = None,
    ) -> None:
        super().__init__(rows, streams, forgetting=forgetting, unseen=unseen)
        bins = check_count("values", np.shape(values)[-1] if np.ndim(values) else 0)
        self.values = per_stream("values", values, streams, bins)

    def _sums(self, counts: SlotCounts) -> tuple[Floats, Floats]:
        served = counted("served", counts.served, (*self.shape, self.values.shape[1]))
        # Not a product of matrices: its last bits would depend on the number of rows.
        return (served * self.values).sum(axis=2), served.sum(axis=2)


class ConfidenceDifference(MeanConfidence):
    """The accuracy moves as the mean confidence does (DoC), from what both were on the source.

    Right where the shift moves both by the same amount. It mends a constant lack of calibration.

    Args:
        rows: B.
        streams: R.
        values: as in `MeanConfidence`.
        accuracy: (R,) on the source, or one for all; also the estimate of a stream without samples.
        confidence: (R,) mean of `values` on the source, or one for all.
        forgetting: how the past fades.
    """

    def __init__(
        self,
        rows: int,
        streams: int,
        values: Floats,
        *,
        accuracy: float | Floats,
        confidence: float | Floats,
        forgetting: Forgetting = REMEMBER_ALL,
    ) -> None:
        self.accuracy = per_stream("accuracy", accuracy, streams)
        self.confidence = per_stream("confidence", confidence, streams)
        super().__init__(rows, streams, values, forgetting=forgetting, unseen=self.accuracy)

    def _accuracy(self, mean: Floats) -> Floats:
        return difference_of_confidences(self.accuracy, self.confidence, mean)


class ThresholdedConfidence(MeanConfidence):
    """The accuracy is the share of confidences above a threshold (ATC, Garg et al., ICLR 2022).

    The threshold is the one above which, on the source, as many samples were as were right. Right where the
    errors of the shift have confidences below it. Inside a bin, samples are taken to be spread evenly.

    Args:
        rows: B.
        streams: R.
        bins: K.
        threshold: (R,) on raw confidence, or one for all.
        forgetting: how the past fades.
        unseen: see `Estimator`.
    """

    def __init__(
        self,
        rows: int,
        streams: int,
        bins: int,
        *,
        threshold: float | Floats,
        forgetting: Forgetting = REMEMBER_ALL,
        unseen: float | Floats | None = None,
    ) -> None:
        self.threshold = per_stream("threshold", threshold, streams)
        values = share_above(self.threshold, bins)
        super().__init__(rows, streams, values, forgetting=forgetting, unseen=unseen)


class UpstreamAgreement(Estimator):
    """The accuracy is the share of answers on which a better model upstream agrees.

    Proven, on the compared answers: where the upstream model errs on a share of at most `error` of them,
    accuracy lies within `error` of the agreement, for what both answer alike is wrong only where upstream is,
    and what is right differs only where upstream is wrong. So it is at least 1 - disagreement - error, and
    the band says so, chance included. Not proven: that the upstream model's error is what it was on the
    source, and that the requests compared are like the others.

    Args:
        rows: B.
        streams: R.
        error: (R,) of the upstream model, or one for all.
        forgetting: how the past fades.
        unseen: see `Estimator`.
    """

    def __init__(
        self,
        rows: int,
        streams: int,
        *,
        error: float | Floats,
        forgetting: Forgetting = REMEMBER_ALL,
        unseen: float | Floats | None = None,
    ) -> None:
        super().__init__(rows, streams, forgetting=forgetting, unseen=unseen)
        self.error = per_stream("error", error, streams)

    def _sums(self, counts: SlotCounts) -> tuple[Floats, Floats]:
        return pair_counted(("agreed", "compared"), counts.agreed, counts.compared, self.shape)

    def _bounds(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        return np.maximum(low - self.error, 0.0), np.minimum(high + self.error, 1.0)


class ProbedLabels(Estimator):
    """The accuracy is the share of right answers among those whose label arrived.

    Needs no assumption on the shift, only that probes are drawn at random among the answers.
    """

    def _sums(self, counts: SlotCounts) -> tuple[Floats, Floats]:
        return pair_counted(("right", "probed"), counts.right, counts.probed, self.shape)
