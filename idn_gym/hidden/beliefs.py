"""Which estimate goes with a scenario whose quality is hidden."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Ints
from idn_gym.quality.in_force import (
    AgreementBelief,
    AlarmBelief,
    Belief,
    ConditionBelief,
    ConfidenceBelief,
    FadingMeans,
    LabelBelief,
)
from idn_gym.quality.signals import share_above
from idn_gym.quality.source import fit_streams
from idn_gym.scenarios.compile.answers import RAW_BINS, AnswerTables
from idn_gym.scenarios.config_quality import HiddenQuality


def make_belief(
    quality: HiddenQuality, answers: AnswerTables, class_ingress: Ints, rows: int
) -> Belief | None:
    """The estimate that a scenario asks for; None where it asks for the catalogue's accuracy or the truth.

    Args:
        quality: the scenario's.
        answers: of its models.
        class_ingress: (R,) ingress node of each class.
        rows: B.
    """
    kind, nominal = answers.stream_kind, answers.nominal[answers.stream_kind]
    site = class_ingress[answers.stream_class]
    means = FadingMeans(rows, nominal, site, quality.half_life, quality.prior)
    samples = answers.calibrating.sum(axis=2)
    # An empty cell is worth its middle, which counts as one answer in the others.
    worth = (answers.calibrating[..., 1] + answers.middle) / (samples + 1.0)
    raw = np.broadcast_to(answers.middle, samples.shape)
    match quality.accuracy:
        case "confidence":
            return ConfidenceBelief(means, raw[kind])
        case "calibrated":
            return ConfidenceBelief(means, worth[kind])
        case "difference":
            source = (raw * samples).sum(axis=1) / samples.sum(axis=1)
            return ConfidenceBelief(means, raw[kind], shift=nominal - source[kind])
        case "atc":
            # One threshold on the confidence of an answer, whatever exit it left by.
            bins = answers.calibrating.reshape(len(samples), -1, RAW_BINS, 2).sum(axis=1)
            source = fit_streams(bins.sum(axis=2), bins[..., 1], answers.middle[:RAW_BINS])
            above = share_above(source.threshold, RAW_BINS)
            return ConfidenceBelief(means, np.tile(above, samples.shape[1] // RAW_BINS)[kind])
        case "disagreement":
            assert answers.copies is not None
            return AgreementBelief(means, nominal - answers.copies.source)
        case "labels":
            return LabelBelief(means)
        case "alarm":
            return AlarmBelief(means, worth[kind], answers.usual[kind], quality.alpha, quality.hold)
        case "conditions":
            return ConditionBelief(rows, site, kind, answers.known, quality.stay)
        case _:
            return None
