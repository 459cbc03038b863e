"""Estimators and alarms on the answers of trained networks, condition by condition.

Of the samples of an outcome table one half, drawn at random, is the labelled source, as it is under the first
condition; the other half is what the streams are made of, under every condition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, Outcomes
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.quality.alarms import FallAlarm, HarmAlarm, MoveAlarm, SafetyProof
from idn_gym.quality.counts import SlotCounts
from idn_gym.quality.estimators import (
    ConfidenceDifference,
    Estimator,
    MeanConfidence,
    ProbedLabels,
    ThresholdedConfidence,
)
from idn_gym.quality.monitor import HARMFUL, MOVED, ShiftMonitor
from idn_gym.quality.signals import bin_middles, confidence_places
from idn_gym.quality.source import StreamSource, fit_streams

QUALITY_BINS = 20
PROBED_SHARE, SUSPECT_SHARE = 0.1, 0.5
"""Of the answers: labels of all streams, and of those under suspicion."""

STREAM_SLOTS, STREAM_ANSWERS = 40, 25
"""Slots of a stream that alarms watch, and answers in each, drawn with replacement."""

TOLERATED = 0.05
"""Loss of accuracy that does not count as harm."""


class Halves(NamedTuple):
    """A random half of the samples of a table, and the rest. X exits, K conditions, S samples of a half."""

    places: Ints  # (2, X, K, S) bins of confidence
    correct: Bools  # (2, X, K, S)


def halve(outcomes: Outcomes, rng: np.random.Generator) -> Halves:
    """Split the samples of a table in two."""
    samples = outcomes.correct.shape[2] // 2
    order = rng.permutation(outcomes.correct.shape[2])[: 2 * samples].reshape(2, samples)
    places = confidence_places(outcomes.confidence / CONFIDENCE_STEPS, QUALITY_BINS)
    return Halves(
        places=np.stack([places[:, :, half] for half in order]),
        correct=np.stack([outcomes.correct[:, :, half] for half in order]),
    )


def bin_counts(places: Ints, weight: Bools | None = None) -> Floats:
    """(..., bins) samples by bin, of places (..., S); with `weight`, those where it is true."""
    hit = places[..., None] == np.arange(QUALITY_BINS)
    counts: Floats = (hit if weight is None else hit & weight[..., None]).sum(axis=-2).astype(float)
    return counts


def source_of(halves: Halves) -> StreamSource:
    """Source data: the first half under the first condition."""
    places, correct = halves.places[0, :, 0], halves.correct[0, :, 0]
    return fit_streams(bin_counts(places), bin_counts(places, correct), bin_middles(QUALITY_BINS))


def make_estimators(source: StreamSource) -> dict[str, Estimator]:
    """One row of as many streams as exits, by name."""
    streams, middles = len(source.accuracy), bin_middles(QUALITY_BINS)
    return {
        "nominal": ProbedLabels(1, streams, unseen=source.accuracy),  # which never sees a label
        "confidence": MeanConfidence(1, streams, middles),
        "histogram": MeanConfidence(1, streams, source.bin_accuracy),
        "difference": ConfidenceDifference(
            1, streams, middles, accuracy=source.accuracy, confidence=source.confidence
        ),
        "ATC": ThresholdedConfidence(1, streams, QUALITY_BINS, threshold=source.threshold),
        "labels of 10 %": ProbedLabels(1, streams),
    }


def estimate_errors(outcomes: Outcomes, splits: int) -> tuple[dict[str, Floats], Floats]:
    """Absolute errors by estimator (splits, X, K), and the true accuracies, of the same shape."""
    errors: dict[str, list[Floats]] = {}
    truths = []
    for split in range(splits):
        rng = np.random.default_rng([5, split])
        halves = halve(outcomes, rng)
        source, truth = source_of(halves), halves.correct[1].mean(axis=2)
        found: dict[str, list[Floats]] = {}
        for k in range(len(outcomes.conditions)):
            probed = _probe(rng, halves.places.shape[3], PROBED_SHARE)
            counts = _counts(halves.places[1, :, k], halves.correct[1, :, k], probed)
            for name, estimator in make_estimators(source).items():
                if name != "nominal":
                    estimator.note(counts)
                found.setdefault(name, []).append(estimator.estimate()[0])
        for name, columns in found.items():
            errors.setdefault(name, []).append(np.abs(np.stack(columns, axis=1) - truth))
        truths.append(truth)
    return {name: np.stack(rows) for name, rows in errors.items()}, np.stack(truths)


class Watched(NamedTuple):
    """Streams of X exits under K conditions, in several splits; losses are against all clean samples.

    All arrays begin with (splits, X, K).
    """

    lost: Floats  # accuracy
    fallen: Floats  # loss of mean calibrated confidence
    labels: Bools  # whether the alarm on labels fired
    decided: Bools  # whether `ShiftMonitor` found harm by labels that it bought under suspicion
    bought: Floats  # labels that it bought, as a share of the answers
    confidence: Bools  # whether the alarm on fallen confidences fired
    moved: Bools  # whether the one on moved confidences did

    @property
    def harmed(self) -> Bools:
        """Whether more accuracy was lost than is tolerated."""
        return self.lost > TOLERATED


def watch_conditions(outcomes: Outcomes, splits: int) -> Watched:
    """Alarms of 5 % on streams that are under one condition from the start."""
    conditions = range(len(outcomes.conditions))
    found = [[_watch(outcomes, k, split) for k in conditions] for split in range(splits)]
    fields = zip(*(zip(*row, strict=True) for row in found), strict=True)
    return Watched(*(np.stack([np.stack(column, axis=1) for column in field]) for field in fields))


def _watch(outcomes: Outcomes, k: int, split: int) -> Watched:
    """The streams (X,) of a split under a condition."""
    rng = np.random.default_rng([5, split])
    halves = halve(outcomes, rng)
    labels, monitor, confidence = _alarms(source_of(halves))
    samples, bought = halves.correct.shape[3], np.zeros(halves.correct.shape[1])
    for _ in range(STREAM_SLOTS):
        drawn = rng.integers(samples, size=STREAM_ANSWERS)
        places, correct = halves.places[1, :, k, drawn].T, halves.correct[1, :, k, drawn].T
        counts = _counts(places, correct, _probe(rng, STREAM_ANSWERS, PROBED_SHARE))
        labels.note(counts)
        confidence.note(counts)
        suspected, probed = monitor.verdict()[0] == MOVED, _probe(rng, STREAM_ANSWERS, SUSPECT_SHARE)
        monitor.note(_counts(places, correct, probed, suspected))
        bought += len(probed) * suspected
    middles, clean = bin_middles(QUALITY_BINS), (slice(None), slice(None), 0)
    return Watched(
        lost=halves.correct[clean].mean(axis=(0, 2)) - halves.correct[1, :, k].mean(axis=1),
        fallen=middles[halves.places[clean]].mean(axis=(0, 2)) - middles[halves.places[1, :, k]].mean(axis=1),
        labels=labels.fired[0],
        decided=monitor.verdict()[0] == HARMFUL,
        bought=bought / (STREAM_SLOTS * STREAM_ANSWERS),
        confidence=confidence.fired[0],
        moved=monitor.moved.fired[0],
    )


def _alarms(source: StreamSource) -> tuple[HarmAlarm, ShiftMonitor, FallAlarm]:
    """One row of streams for each exit of a source: labels of all, labels under suspicion, confidences."""
    streams, size = len(source.accuracy), source.samples

    def harm() -> HarmAlarm:
        return HarmAlarm(1, streams, accuracy=source.accuracy, tolerance=TOLERATED, samples=size)

    moved = MoveAlarm(1, source.shares, slack=0.0, samples=float(size[0]))
    safe = SafetyProof(1, streams, accuracy=source.accuracy, tolerance=TOLERATED, samples=size)
    fallen = FallAlarm(1, bin_middles(QUALITY_BINS), source.shares, tolerance=TOLERATED, samples=size)
    return harm(), ShiftMonitor(harm(), moved, safe), fallen


def _probe(rng: np.random.Generator, answers: int, share: float) -> Ints:
    """Which of a slot's answers are labelled, at least one, in random order."""
    return rng.permutation(answers)[: max(round(share * answers), 1)]


def _counts(places: Ints, correct: Bools, probed: Ints, asked: Bools | bool = True) -> SlotCounts:
    """Statistics of one row of X streams, answers (X, n); those of some indices are labelled where asked."""
    whole, right = np.full(len(places), float(len(probed))), correct[:, probed].sum(axis=1)
    return SlotCounts(bin_counts(places)[None], probed=(whole * asked)[None], right=(right * asked)[None])
