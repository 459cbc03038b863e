"""Play exit thresholds on outcomes: shares and accuracies under a condition, and single requests.

Shares and accuracies move with the condition while the thresholds stay: that is drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, ENTROPY_STEPS, Outcomes
from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import Bools, Floats, Ints

ExitCriterion = Literal["confidence", "entropy"]


class Answers(NamedTuple):
    """Outcomes of requests under one condition, at every exit."""

    sample: Ints  # (n,) index of the test sample
    predicted: Ints  # (X, n) class
    correct: Bools  # (X, n)
    raw: Floats  # (X, n) confidence as the network gives it, 0 to 1
    confidence: Floats  # (X, n) calibrated, 0 to 1
    entropy: Floats  # (X, n) over log of the classes, 0 to 1


class ExitShares(NamedTuple):
    """Shares of requests that leave a network at each exit, and their accuracy there."""

    shares: Floats  # (E,) adding up to 1
    accuracies: Floats  # (E,) of those that leave there; 0 where none does


def draw_answers(outcomes: Outcomes, rng: np.random.Generator, requests: int, condition: str) -> Answers:
    """Answers to a batch of requests, each a test sample drawn with replacement.

    Args:
        outcomes: the table; of one part, if knowledge of the other parts is to be evaluated.
        rng: consumed by `requests` draws.
        requests: size of the batch.
        condition: that all of them are seen under.

    Raises:
        ConfigError: an unknown condition.
    """
    return _answers(outcomes, rng.integers(len(outcomes.label), size=requests), condition)


def all_answers(outcomes: Outcomes, condition: str) -> Answers:
    """Answers to every sample of a table, once each, in their order.

    Raises:
        ConfigError: an unknown condition.
    """
    return _answers(outcomes, np.arange(len(outcomes.label)), condition)


def leave(doubts: Floats, thresholds: Sequence[float]) -> Ints:
    """Exit that each of n inputs leaves by, (n,): the first with a doubt at most its threshold, or the last.

    Args:
        doubts: (X, n) at each exit, the lower the surer.
        thresholds: (X - 1,) of all exits but the last.

    Raises:
        ConfigError: another number of thresholds.
    """
    if len(thresholds) != len(doubts) - 1:
        raise ConfigError(
            "thresholds", f"{len(thresholds)} are not allowed with {len(doubts)} exits; must be one less"
        )
    limits = np.array([*thresholds, np.inf])[:, np.newaxis]
    return (doubts <= limits).argmax(axis=0)


def split(doubts: Floats, correct: Bools, thresholds: Sequence[float]) -> ExitShares:
    """Shares of inputs that leave at each exit, and their accuracy there.

    Args:
        doubts: (X, n) at each exit.
        correct: (X, n) whether its answer would be right.
        thresholds: (X - 1,) as in `leave`.
    """
    taken = leave(doubts, thresholds)
    count = np.bincount(taken, minlength=len(doubts))
    hits = np.bincount(taken, correct[taken, np.arange(len(taken))], len(doubts))
    return ExitShares(count / len(taken), hits / np.maximum(count, 1))


def exits_taken(
    outcomes: Outcomes,
    answers: Answers,
    rows: Sequence[str],
    thresholds: Sequence[float],
    criterion: ExitCriterion = "confidence",
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
    return leave(*_doubts(outcomes, answers, rows, thresholds, criterion))


def point_of_rule(
    outcomes: Outcomes,
    rows: Sequence[str],
    thresholds: Sequence[float],
    condition: str,
    criterion: ExitCriterion = "confidence",
) -> ExitShares:
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
    answers = all_answers(outcomes, condition)
    doubts, limits = _doubts(outcomes, answers, rows, thresholds, criterion)
    return split(doubts, answers.correct[[outcomes.row(name) for name in rows]], limits)


def _doubts(
    outcomes: Outcomes,
    answers: Answers,
    rows: Sequence[str],
    thresholds: Sequence[float],
    criterion: ExitCriterion,
) -> tuple[Floats, list[float]]:
    """(X, n) the lower the surer, and thresholds on them."""
    if criterion not in ("confidence", "entropy"):
        raise ConfigError(
            "criterion", f"{criterion!r} is not allowed; {closest(criterion, ('confidence', 'entropy'))}"
        )
    index = [outcomes.row(name) for name in rows]
    if criterion == "confidence":
        return -answers.confidence[index], [-threshold for threshold in thresholds]
    return answers.entropy[index], list(thresholds)


def _answers(outcomes: Outcomes, sample: Ints, condition: str) -> Answers:
    layer = outcomes.condition(condition)
    predicted = outcomes.predicted[:, layer, sample]
    return Answers(
        sample,
        predicted.astype(np.int64),
        predicted == outcomes.label[sample],
        outcomes.raw[:, layer, sample] / CONFIDENCE_STEPS,
        outcomes.confidence[:, layer, sample] / CONFIDENCE_STEPS,
        outcomes.entropy[:, layer, sample] / ENTROPY_STEPS,
    )
