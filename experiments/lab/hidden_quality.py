"""Estimators and alarms on the answers of trained networks, condition by condition.

Of the samples of an outcome table one half, drawn at random, is the labelled source, as it is under the first
condition; the other half is what the streams are made of, under every condition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, Outcomes
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.quality.alarms import HarmAlarm, MoveAlarm
from idn_gym.quality.counts import SlotCounts
from idn_gym.quality.estimators import (
    ConfidenceDifference,
    Estimator,
    MeanConfidence,
    ProbedLabels,
    ThresholdedConfidence,
)
from idn_gym.quality.signals import bin_middles, confidence_places
from idn_gym.quality.source import StreamSource, fit_streams

QUALITY_BINS = 20
PROBED_SHARE = 0.1
"""of the answers"""

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
            counts = _counts(halves.places[1, :, k], halves.correct[1, :, k], rng)
            for name, estimator in make_estimators(source).items():
                if name != "nominal":
                    estimator.note(counts)
                found.setdefault(name, []).append(estimator.estimate()[0])
        for name, columns in found.items():
            errors.setdefault(name, []).append(np.abs(np.stack(columns, axis=1) - truth))
        truths.append(truth)
    return {name: np.stack(rows) for name, rows in errors.items()}, np.stack(truths)


class Watched(NamedTuple):
    """Streams of all conditions: K conditions, n streams of each, one per exit and split."""

    lost: Floats  # (K, n) accuracy
    harmed: Bools  # (K, n) whether that is more than is tolerated
    fired: Bools  # (3, K, n) alarms on labels, on confidences, on moved confidences


def watch_conditions(outcomes: Outcomes, splits: int) -> Watched:
    """Alarms of 5 % on streams that are under one condition from the start."""
    found = np.stack(
        [
            np.concatenate([_watch(outcomes, k, split) for split in range(splits)], axis=1)
            for k in range(len(outcomes.conditions))
        ],
        axis=1,
    )
    return Watched(found[0], found[0] > TOLERATED, found[1:] > 0.5)


def _watch(outcomes: Outcomes, k: int, split: int) -> Floats:
    """(4, X) loss of accuracy, and which alarms fired."""
    rng = np.random.default_rng([5, split])
    halves = halve(outcomes, rng)
    source = source_of(halves)
    streams, samples = halves.correct.shape[1], halves.correct.shape[3]
    margin = float(np.sqrt(np.log(2.0 / 0.05) / (2.0 * samples)))  # of the source's distribution
    floor = np.minimum(source.accuracy, 0.999)
    alarms = (
        HarmAlarm(1, streams, accuracy=floor, tolerance=TOLERATED),
        HarmAlarm(
            1, streams, accuracy=floor, tolerance=TOLERATED, by="confidence", values=bin_middles(QUALITY_BINS)
        ),
        MoveAlarm(1, source.shares, slack=margin),
    )
    for _ in range(STREAM_SLOTS):
        drawn = rng.integers(samples, size=STREAM_ANSWERS)
        counts = _counts(halves.places[1, :, k, drawn].T, halves.correct[1, :, k, drawn].T, rng)
        for alarm in alarms:
            alarm.note(counts)
    lost = source.accuracy - halves.correct[1, :, k].mean(axis=1)
    return np.stack([lost, *(alarm.fired[0] for alarm in alarms)])


def _counts(places: Ints, correct: Bools, rng: np.random.Generator) -> SlotCounts:
    """Statistics of one row of X streams, answers (X, n), of which a share is probed."""
    n = places.shape[1]
    probed = rng.permutation(n)[: max(round(PROBED_SHARE * n), 1)]
    whole = np.full((1, len(places)), float(len(probed)))
    right = correct[:, probed].sum(axis=1)[None].astype(float)
    return SlotCounts(bin_counts(places)[None], probed=whole, right=right)
