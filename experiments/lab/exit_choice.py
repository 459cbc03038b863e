"""Thresholds chosen online on the answers of a trained network: at the first exit, or else at the last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, Outcomes
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.quality.exit_thresholds import CautiousExits, ThresholdBandit, exit_loss
from idn_gym.quality.signals import confidence_places

CHOICE_GRID = np.array([0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01])
"""Thresholds, from always answering to always passing on."""

PASSING = 0.05
"""Cost of passing on, in errors."""

CHOICE_BINS = 20
CHOICE_ANSWERS = 25
"""per slot"""


class Drawn(NamedTuple):
    """Answers of a slot, n of each of B streams: of the first exit and of the last."""

    confidence: Floats  # (2, B, n)
    correct: Bools  # (2, B, n)


def play_exits(
    outcomes: Outcomes, network: str, conditions: tuple[str, ...], streams: int, slots: int
) -> dict[str, Floats]:
    """Mean error + `PASSING` x share passed on of each stream, by how thresholds are chosen.

    Args:
        outcomes: a table.
        network: with early exits.
        conditions: one after the other, equally long.
        streams: number of them; they differ in the samples that they draw.
        slots: altogether.
    """
    rng = np.random.default_rng([6, len(conditions)])
    exits = [outcomes.row(name) for name in (outcomes.exits(network)[0], outcomes.exits(network)[-1])]
    source, target = np.array_split(rng.permutation(outcomes.correct.shape[2]), 2)
    clean = _draw(outcomes, exits, 0, source[None])
    nominal = int(_losses(clean, clean.correct)[0].argmin())
    bandits = {
        "EXP3 on labels": ThresholdBandit(streams, 1, CHOICE_GRID),
        "EXP3 on confidences": ThresholdBandit(streams, 1, CHOICE_GRID),
    }
    cautious, price = CautiousExits(streams, 1, CHOICE_BINS), PASSING + 1.0 - clean.correct[1].mean()
    total = np.zeros((streams, len(CHOICE_GRID)))
    lost = {name: np.zeros(streams) for name in ("nominal threshold", *bandits, "cautious, labels passed on")}
    for slot in range(slots):
        k = outcomes.condition(conditions[slot * len(conditions) // slots])
        drawn = _draw(outcomes, exits, k, rng.choice(target, (streams, CHOICE_ANSWERS)))
        true = _losses(drawn, drawn.correct)
        total += true
        lost["nominal threshold"] += true[:, nominal]
        signals: tuple[Floats | Bools, ...] = (drawn.correct, drawn.confidence)
        for (name, bandit), seen in zip(bandits.items(), signals, strict=True):
            place = bandit.choose(rng.random((streams, 1)))
            lost[name] += np.take_along_axis(true, place, axis=1)[:, 0]
            bandit.note(np.take_along_axis(_losses(drawn, seen), place, axis=1))
        lost["cautious, labels passed on"] += _play_cautious(cautious, drawn, price)
    lost["best threshold in hindsight"] = total.min(axis=1)
    return {name: loss * (1.0 + PASSING) / slots for name, loss in lost.items()}


def _draw(outcomes: Outcomes, exits: list[int], k: int, samples: Ints) -> Drawn:
    confidence, correct = (
        np.stack([array[x, k][samples] for x in exits]) for array in (outcomes.confidence, outcomes.correct)
    )
    return Drawn(confidence / CONFIDENCE_STEPS, correct)


def _losses(drawn: Drawn, quality: Floats | Bools) -> Floats:
    """(B, J) of every threshold of the grid, from 0 to 1, for answers worth `quality` (2, B, n)."""
    passed = drawn.confidence[0][..., None] < CHOICE_GRID
    error = 1.0 - np.where(passed, quality[1][..., None], quality[0][..., None]).mean(axis=1)
    return exit_loss(error, passed.mean(axis=1), PASSING, 1.0)


def _play_cautious(cautious: CautiousExits, drawn: Drawn, price: float) -> Floats:
    """(B,) losses of a slot, from 0 to 1, after which the labels of what was passed on come back."""
    passed = drawn.confidence[0] < cautious.threshold(price)
    places = confidence_places(drawn.confidence[0], CHOICE_BINS)[..., None] == np.arange(CHOICE_BINS)
    compared = places & passed[..., None]
    right = compared & drawn.correct[0][..., None]
    cautious.note(*(part.sum(axis=1)[:, None].astype(float) for part in (right, compared)))
    error = 1.0 - np.where(passed, drawn.correct[1], drawn.correct[0]).mean(axis=1)
    return exit_loss(error, passed.mean(axis=1), PASSING, 1.0)
