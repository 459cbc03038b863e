"""Replay of a log of timestamped requests."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import kernel
from idn_gym.scenarios.config import Replay
from idn_gym.scenarios.processes.request_log import REPLAY_KEY, read_columns


class Log(NamedTuple):
    """A request log, ready to replay as a cycle."""

    time: Floats  # (rows,) in [0, 1): when in the log the request came; the log closes on itself
    quantile: Floats | None  # (rows,) in (0, 1): share of the log with a smaller size, ties in file order


def read_log(replay: Replay) -> Log:
    """Read a log once per process, and again if the file has changed.

    Raises:
        ConfigError: as `request_log.read_columns`, or fewer than two different times.
    """
    try:
        changed = os.stat(replay.path).st_mtime_ns
    except OSError:  # reading says why
        changed = 0
    return _read_once(replay, os.path.realpath(replay.path), changed)


@lru_cache(maxsize=16)
def _read_once(replay: Replay, path: str, changed: int) -> Log:
    times, sizes = read_columns(replay)
    start, length = times.min(), np.ptp(times)
    if not length > 0:
        raise ConfigError(f"{REPLAY_KEY}.path", f"{show(replay.path)} has no two requests at different times")
    # one mean gap between the last request and the first one of the next round
    time = (times - start) / (length * times.size / (times.size - 1))
    if sizes is None:
        return Log(time, None)
    rank = np.empty(sizes.size)
    rank[np.argsort(sizes, kind="stable")] = np.arange(sizes.size)
    return Log(time, (rank + 0.5) / sizes.size)


def replay_log(
    replay: Replay, expected: Floats, class_task: Ints, class_ingress: Ints, rng: np.random.Generator
) -> Floats:
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
        rng: generator of this draw alone.

    Returns:
        (T, R) [requests] with the sum of `expected`.

    Raises:
        ConfigError: the log cannot be read.
    """
    log = read_log(replay)
    horizon = expected.shape[0]
    offset = rng.random()
    ingress = rng.random(log.time.size)
    quantile = rng.random(log.time.size) if log.quantile is None else log.quantile
    order = np.lexsort((class_task, class_ingress))
    first = np.flatnonzero(np.diff(class_ingress[order], prepend=-1))
    upto = np.cumsum(expected[:, order], axis=1)
    counts = np.zeros(expected.shape)
    _deal(log.time, offset, ingress, quantile, upto, np.append(first, order.size), counts)
    demand = np.empty_like(expected)
    demand[:, order] = counts * (upto[0, -1] * horizon / log.time.size)
    return demand


@kernel
def _deal(
    time: Floats,
    offset: float,
    ingress: Floats,
    quantile: Floats,
    upto: Floats,
    first: Ints,
    counts: Floats,
) -> None:
    """Count the requests per slot and class.

    Args:
        time: (rows,) in [0, 1).
        offset: in [0, 1), share of the log that is skipped, and comes last.
        ingress: (rows,) uniform numbers that choose the ingress node.
        quantile: (rows,) numbers in [0, 1) that choose the task.
        upto: (T, R) cumulated demand of the classes, sorted by ingress node, then task.
        first: (G+1,) first class of each ingress node in that order, and R.
        counts: (T, R) number of requests, added to.
    """
    horizon, classes = upto.shape
    for i in range(time.size):
        turned = time[i] - offset
        if turned < 0.0:
            turned += 1.0
        t = min(int(turned * horizon), horizon - 1)
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
