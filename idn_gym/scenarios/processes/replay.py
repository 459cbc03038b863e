"""Replay of a log of timestamped requests."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import kernel, njit_inline
from idn_gym.scenarios.config import Replay
from idn_gym.scenarios.processes.request_log import REPLAY_KEY, read_columns
from idn_gym.scenarios.processes.timed_rows import last_change
from idn_gym.scenarios.spans import Span


class Log(NamedTuple):
    """A request log, ready to replay as a cycle."""

    time: Floats  # (rows,) in [0, 1), rising: when in the log the request came; the log closes on itself
    quantile: Floats | None  # (rows,) in (0, 1): share of the log with a smaller size, ties in file order


def read_log(replay: Replay) -> Log:
    """Read a log once per process, and again if the file has changed.

    Raises:
        ConfigError: as `request_log.read_columns`, or fewer than two different times.
    """
    return _read_once(replay, os.path.realpath(replay.path), last_change(replay.path))


@lru_cache(maxsize=16)
def _read_once(replay: Replay, path: str, changed: int) -> Log:
    times, sizes = read_columns(replay)
    start, length = times.min(), np.ptp(times)
    if not length > 0:
        raise ConfigError(f"{REPLAY_KEY}.path", f"{show(replay.path)} has no two requests at different times")
    # one mean gap between the last request and the first one of the next round
    time = (times - start) / (length * times.size / (times.size - 1))
    order = np.argsort(time, kind="stable")
    if sizes is None:
        return Log(time[order], None)
    rank = np.empty(sizes.size)
    rank[np.argsort(sizes, kind="stable")] = np.arange(sizes.size)
    return Log(time[order], ((rank + 0.5) / sizes.size)[order])


def replay_log(
    replay: Replay, expected: Floats, class_task: Ints, class_ingress: Ints, span: Span
) -> tuple[Floats, float]:
    """Deal the requests of a log to slots and classes, scaled to the total that is expected.

    The slot comes from the time of the request, with a random offset per episode; the ingress node is
    drawn by weight; among its classes, in the order of their tasks, the quantile of the request's size
    (a uniform number where the log has no sizes) decides, with the shares of `expected` as widths.

    Args:
        replay: the log.
        expected: (T, R) [requests] the demand that the log replaces; its totals per ingress node do
            not change from slot to slot.
        class_task: (R,) index of the task.
        class_ingress: (R,) index of the ingress node.
        span: to be drawn.

    Returns:
        (T, R) [requests], which add up to the sum of `expected` over a whole episode; and the offset.

    Raises:
        ConfigError: the log cannot be read.
    """
    log = read_log(replay)
    offset = span.rng.random() if span.state is None else float(span.state)
    turn = int(np.searchsorted(log.time, offset))
    ends = (span.first, span.first + span.length)
    first, last = (_rows_before(log.time, turn, offset, span.horizon, slot) for slot in ends)
    rows = (turn + np.arange(first, last)) % log.time.size
    ingress = span.rng.random(rows.size)
    quantile = span.rng.random(rows.size) if log.quantile is None else log.quantile[rows]
    order = np.lexsort((class_task, class_ingress))
    start = np.flatnonzero(np.diff(class_ingress[order], prepend=-1))
    upto = np.cumsum(expected[:, order], axis=1)
    counts = np.zeros(expected.shape)
    slots = (offset, span.horizon, span.first)
    _deal(log.time[rows], slots, ingress, quantile, upto, np.append(start, order.size), counts)
    demand = np.empty_like(expected)
    demand[:, order] = counts * (upto[0, -1] * span.horizon / log.time.size)
    return demand, offset


@njit_inline
def _slot_of(time: float, offset: float, horizon: int) -> int:
    """Slot of a request; what is before the offset comes last."""
    turned = time - offset
    if turned < 0.0:
        turned += 1.0
    return min(int(turned * horizon), horizon - 1)


@kernel
def _rows_before(time: Floats, turn: int, offset: float, horizon: int, slot: int) -> int:
    """How many requests come before a slot, of the log that starts at row `turn` and ends there."""
    low, high = 0, time.size
    while low < high:
        middle = (low + high) // 2
        if _slot_of(time[(turn + middle) % time.size], offset, horizon) < slot:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _deal(
    time: Floats,
    slots: tuple[float, int, int],
    ingress: Floats,
    quantile: Floats,
    upto: Floats,
    first: Ints,
    counts: Floats,
) -> None:
    """Count the requests of a span per slot and class.

    Args:
        time: (rows,) in [0, 1).
        slots: share of the log that is skipped, and comes last; slots of the episode; first of the span.
        ingress: (rows,) uniform numbers that choose the ingress node.
        quantile: (rows,) numbers in [0, 1) that choose the task.
        upto: (T, R) cumulated demand of the classes, sorted by ingress node, then task.
        first: (G+1,) first class of each ingress node in that order, and R.
        counts: (T, R) number of requests, added to.
    """
    classes = upto.shape[1]
    offset, horizon, begin = slots
    for i in range(time.size):
        t = _slot_of(time[i], offset, horizon) - begin
        at = ingress[i] * upto[t, classes - 1]
        g = 0
        while g < first.size - 2 and upto[t, first[g + 1] - 1] <= at:
            g += 1
        below = upto[t, first[g] - 1] if first[g] > 0 else 0.0
        at = below + quantile[i] * (upto[t, first[g + 1] - 1] - below)
        r, last = first[g], first[g + 1] - 1
        while r < last:
            middle = (r + last) // 2
            if upto[t, middle] <= at:
                r = middle + 1
            else:
                last = middle
        counts[t, r] += 1.0
