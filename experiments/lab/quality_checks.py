"""Simulations of estimators, alarms and thresholds on streams whose truth is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.quality.alarms import Alarm, FallAlarm, HarmAlarm, MoveAlarm
from idn_gym.quality.counts import SlotCounts
from idn_gym.quality.estimators import ProbedLabels
from idn_gym.quality.exit_thresholds import ThresholdBandit
from idn_gym.quality.forgetting import Forgetting
from idn_gym.quality.signals import bin_middles

CHECK_BINS = 10
CHECK_SHARES = np.arange(1.0, CHECK_BINS + 1) / np.arange(1.0, CHECK_BINS + 1).sum()
"""Distribution of confidences on the source: most of them high."""

LABELS_PER_SLOT = 5
"""per slot"""

FLOOR, MAY_LOSE = 0.88, 0.02
"""Least accuracy that is no harm, and what may be lost: the source's accuracy is 0.90."""

UNDISTURBED = 200
"""[slots] before a shift"""


class HeldBands(NamedTuple):
    """Streams whose band held."""

    last: int  # in the last slot
    always: int  # in every slot


def count_held(forgetting: Forgetting, accuracy: float, streams: int, slots: int) -> HeldBands:
    """Share of 95 % bands around the share of right answers that contain a constant accuracy."""
    rng = np.random.default_rng([1, round(1000 * accuracy)])
    estimator, always = ProbedLabels(1, streams, forgetting=forgetting), np.ones((1, streams), bool)
    for _ in range(slots):
        estimator.note(_slot(rng, streams, accuracy, LABELS_PER_SLOT))
        lower, upper = estimator.band(0.95)
        held = (lower <= accuracy) & (accuracy <= upper)
        always &= held
    return HeldBands(int(held.sum()), int(always.sum()))


def make_check_alarm(by: str, streams: int, samples: int | None = None, *, trusted: bool = False) -> Alarm:
    """A row of alarms of 5 % whose hypothesis just holds at an accuracy of `FLOOR` and at `edge_shares`.

    Args:
        by: what they bet on: labels, fallen (confidences) or moved.
        streams: how many.
        samples: of the source, other ones for every stream; None: the source is known exactly.
        trusted: whether what these samples say is taken for exact.
    """
    rng, told = np.random.default_rng(6), None if trusted else samples
    accuracy, shares = np.full(streams, FLOOR + MAY_LOSE), np.tile(CHECK_SHARES, (streams, 1))
    if samples is not None:
        accuracy = rng.binomial(samples, accuracy) / samples
        shares = rng.multinomial(samples, shares) / samples
    values = bin_middles(CHECK_BINS)
    match by:
        case "labels":
            return HarmAlarm(1, streams, accuracy=accuracy, tolerance=MAY_LOSE, samples=told)
        case "fallen":
            fall, worth = (CHECK_SHARES - edge_shares()) @ values, np.tile(values, (streams, 1))
            return FallAlarm(1, worth, shares, tolerance=float(fall), samples=told)
        case _:
            return MoveAlarm(1, shares, slack=0.05, samples=told)


def edge_shares() -> Floats:
    """(K,) shares of bins on the edge of what `MoveAlarm` takes for unmoved: 5 points come down."""
    shares = CHECK_SHARES.copy()
    shares[[0, -1]] += 0.05, -0.05
    return shares


def count_false_alarms(
    by: str, streams: int, slots: int, samples: int | None = None, *, trusted: bool = False
) -> int:
    """Streams on which an alarm of 5 % ever fires, on the edge of its hypothesis; see `make_check_alarm`."""
    rng = np.random.default_rng(2)
    alarm = make_check_alarm(by, streams, samples, trusted=trusted)
    for _ in range(slots):
        alarm.note(_slot(rng, streams, FLOOR, LABELS_PER_SLOT, edge_shares()))
    return int(alarm.fired.sum())


def detection_delays(accuracy: float, streams: int, most: int) -> Floats:
    """(streams,) labels until the alarm on labels fires after a shift from 0.90; infinite after `most` slots.

    A stream that fired before the shift, which it should not, is NaN.
    """
    rng = np.random.default_rng([3, round(1000 * accuracy)])
    alarm, delay = make_check_alarm("labels", streams), np.full(streams, np.inf)
    for _ in range(UNDISTURBED):
        alarm.note(_slot(rng, streams, 0.9, LABELS_PER_SLOT))
    delay[alarm.fired[0]] = np.nan
    for slot in range(1, most + 1):
        alarm.note(_slot(rng, streams, accuracy, LABELS_PER_SLOT))
        delay[alarm.fired[0] & np.isinf(delay)] = slot * LABELS_PER_SLOT
    return delay


class Regret(NamedTuple):
    """Regret of a bandit, summed over the slots so far."""

    mean: Floats  # (slots,) over the streams
    most: Floats  # (slots,) of one stream
    bound: Floats  # (slots,) of the mean


def bandit_regret(changes: int, streams: int, slots: int) -> Regret:
    """Regret of EXP3 over five thresholds with losses of 0 or 1; the best one changes this many times.

    The losses are the same for all streams, which differ in what they choose.
    """
    rng = np.random.default_rng([4, changes])
    grid = np.linspace(0.5, 0.9, 5)
    best = np.repeat(rng.integers(5, size=changes + 1), -(-slots // (changes + 1)))[:slots]
    losses = rng.random((slots, 5)) < np.where(np.arange(5) == best[:, None], 0.2, 0.4)
    bandit, lost = ThresholdBandit(streams, 1, grid), np.zeros((slots, streams))
    bound = np.zeros(slots)
    for slot, row in enumerate(losses.astype(float)):
        found = row[bandit.choose(rng.random((streams, 1)))]
        bandit.note(found)
        lost[slot], bound[slot] = found[:, 0], bandit.bound()[0, 0]
    regret = lost.cumsum(axis=0) - losses.cumsum(axis=0).min(axis=1)[:, None]
    return Regret(regret.mean(axis=1), regret.max(axis=1), bound)


def _slot(
    rng: np.random.Generator, streams: int, accuracy: float, labels: int, shares: Floats | None = None
) -> SlotCounts:
    """A row of streams: labels, and as many answers by confidence where their law is given."""
    probed = np.full((1, streams), float(labels))
    right = rng.binomial(labels, accuracy, (1, streams)).astype(float)
    served = np.zeros((1, streams, CHECK_BINS))
    if shares is not None:
        served = rng.multinomial(labels, shares, (1, streams)).astype(float)
    return SlotCounts(served, probed=probed, right=right)
