"""Play exit thresholds on outcomes: shares and accuracies under a condition, and single requests.

Shares and accuracies move with the condition while the thresholds stay: that is drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, ENTROPY_STEPS, Outcomes
from idn_gym.core.arrays import Floats, Ints
from idn_gym.strict import ConfigError, closest

Criterion = Literal["confidence", "entropy"]


class Answers(NamedTuple):
    """Outcomes of requests under one condition, at every exit."""

    sample: Ints  # (n,) index of the test sample
    correct: npt.NDArray[np.bool_]  # (X, n)
    confidence: Floats  # (X, n) calibrated, 0 to 1
    entropy: Floats  # (X, n) over log of the classes, 0 to 1


class Split(NamedTuple):
    """Where requests leave a network with exits, and how often they are right there."""

    shares: Floats  # (E,) adding up to 1
    accuracies: Floats  # (E,) of those that leave there; 0 where none does


def draw_answers(outcomes: Outcomes, rng: np.random.Generator, requests: int, condition: str) -> Answers:
    """Answers to a batch of requests, each a test sample drawn with replacement.

    Args:
        outcomes: the table.
        rng: consumed by `requests` draws.
        requests: size of the batch.
        condition: that all of them are seen under.

    Raises:
        ConfigError: an unknown condition.
    """
    return _answers(outcomes, rng.integers(outcomes.correct.shape[2], size=requests), condition)


def exits_taken(
    outcomes: Outcomes,
    answers: Answers,
    rows: Sequence[str],
    thresholds: Sequence[float],
    criterion: Criterion = "confidence",
) -> Ints:
    """Index into `rows` of the exit that each of the n requests leaves by.

    A request leaves at the first exit where its confidence is at least the exit's threshold, or its
    entropy at most (BranchyNet's rule with DDNN's normalised entropy); the last exit takes the rest.

    Args:
        outcomes: the table, for the names of its rows.
        answers: to the requests.
        rows: names of the network's exits, from the first to the last.
        thresholds: one per exit but the last.
        criterion: what the thresholds are on.

    Raises:
        ConfigError: an unknown row or criterion, or another number of thresholds.
    """
    if criterion not in ("confidence", "entropy"):
        raise ConfigError(
            "criterion", f"{criterion!r} is not allowed; {closest(criterion, ('confidence', 'entropy'))}"
        )
    if len(thresholds) != len(rows) - 1:
        raise ConfigError(
            "thresholds", f"{len(thresholds)} are not allowed with {len(rows)} exits; must be one less"
        )
    early = [outcomes.row(name) for name in rows][:-1]
    limits = np.asarray(thresholds, float)[:, np.newaxis]
    if criterion == "confidence":
        leaves = answers.confidence[early] >= limits
    else:
        leaves = answers.entropy[early] <= limits
    last = np.ones((1, len(answers.sample)), dtype=np.bool_)
    return np.concatenate([leaves, last]).argmax(axis=0)


def operating_point(
    outcomes: Outcomes,
    rows: Sequence[str],
    thresholds: Sequence[float],
    condition: str,
    criterion: Criterion = "confidence",
) -> Split:
    """Shares and accuracies of a network's exits over all samples under a condition.

    Args:
        outcomes: the table.
        rows: names of the network's exits, from the first to the last.
        thresholds: one per exit but the last.
        condition: that the samples are seen under.
        criterion: what the thresholds are on.

    Raises:
        ConfigError: an unknown row, condition or criterion, or another number of thresholds.
    """
    answers = _answers(outcomes, np.arange(outcomes.correct.shape[2]), condition)
    taken = exits_taken(outcomes, answers, rows, thresholds, criterion)
    right = answers.correct[[outcomes.row(name) for name in rows], :][taken, np.arange(len(taken))]
    count = np.bincount(taken, minlength=len(rows))
    hits = np.bincount(taken, right, len(rows))
    return Split(count / len(taken), hits / np.maximum(count, 1))


def _answers(outcomes: Outcomes, sample: Ints, condition: str) -> Answers:
    layer = outcomes.condition(condition)
    return Answers(
        sample,
        outcomes.correct[:, layer, sample],
        outcomes.confidence[:, layer, sample] / CONFIDENCE_STEPS,
        outcomes.entropy[:, layer, sample] / ENTROPY_STEPS,
    )
