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
from idn_gym.scenarios.processes.log_values import THINGS, number_values, say_unknown
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.scenarios.processes.request_log import REPLAY_KEY, LeftOut, read_log_rows
from idn_gym.scenarios.processes.timed_rows import last_change
from idn_gym.scenarios.spans import Span


class ClassLabels(NamedTuple):
    """Request classes, and the names of their tasks and ingress nodes."""

    task: Ints  # (R,) number of the task
    ingress: Ints  # (R,) number of the ingress node
    tasks: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    places: tuple[tuple[str, ...], ...] = ()  # of the ingress nodes: their names and tiers
    delays: Floats | None = None  # (G, G) [s] between ingress nodes, where a process asks for them


class Log(NamedTuple):
    """The stretch of a request log that a split of seeds plays, as a ring."""

    time: Floats  # (rows,) in [0, 1), rising: when on the ring the request came
    seconds: float  # length of the ring
    quantile: Floats  # (rows,) in (0, 1): share of the log with a smaller size, ties in file order; or empty
    task: Ints  # (rows,) or empty
    node: Ints  # (rows,) number of the ingress node; or empty
    rows: int  # of the whole file
    counted: int  # of them, in all stretches
    left_out: tuple[LeftOut, ...]  # why the others are


def read_log(replay: Replay, tasks: tuple[str, ...], nodes: tuple[str, ...], split: str) -> Log:
    """Read a stretch of a log once per process, and again if the file has changed.

    Args:
        replay: the log.
        tasks: names.
        nodes: names of the ingress nodes.
        split: of seeds.

    Raises:
        ConfigError: as `read_log_rows` and `number_values`, or no two requests at different times, or none in
            the stretch.
    """
    return _read_once(replay, tasks, nodes, split, os.path.realpath(replay.path), last_change(replay.path))


@lru_cache(maxsize=16)
def _read_once(
    replay: Replay, tasks: tuple[str, ...], nodes: tuple[str, ...], split: str, path: str, changed: int
) -> Log:
    rows = read_log_rows(replay)
    left_out = list(rows.left_out)
    numbers: dict[str, Ints] = {"task": np.zeros(0, np.int64), "node": np.zeros(0, np.int64)}
    keep = np.ones(rows.time.size, np.bool_)
    for name, names in (("task", tasks), ("node", nodes)):
        column, values = getattr(replay, name), getattr(rows, name)
        if column is not None:
            numbers[name] = number_values(values, column.values, names, f"{REPLAY_KEY}.{name}.values")
            unknown = numbers[name] < 0
            if unknown.any():
                why, hint = say_unknown(values, numbers[name], column, names, THINGS[name])
                left_out.append(LeftOut(int(unknown.sum()), why, hint))
            keep &= ~unknown
    length = float(np.ptp(rows.time[keep]))
    if not length > 0:
        raise ConfigError(f"{REPLAY_KEY}.path", f"{show(replay.path)} needs two requests at different times")
    # one mean gap between the last request and the first one of the next round
    length *= keep.sum() / (keep.sum() - 1)
    time = (rows.time - rows.time[keep].min()) / length
    first, last = (0.0, 1.0) if replay.stretches is None else replay.stretches.of(split)
    counted = int(keep.sum())
    keep &= (time >= first) & (time < last)
    if not keep.any():
        raise ConfigError(
            f"{REPLAY_KEY}.stretches",
            f"no request of {show(replay.path)} is in the stretch of split {split}; "
            "change the stretches or set them to null",
        )
    mine = np.flatnonzero(keep)
    mine = mine[np.argsort(time[mine], kind="stable")]
    return Log(
        time=(time[mine] - first) / (last - first),
        seconds=length * (last - first),
        quantile=np.zeros(0) if rows.size is None else _quantiles(rows.size)[mine],
        task=numbers["task"][mine] if replay.task is not None else numbers["task"],
        node=numbers["node"][mine] if replay.node is not None else numbers["node"],
        rows=rows.rows,
        counted=counted,
        left_out=tuple(left_out),
    )


def _quantiles(sizes: Floats) -> Floats:
    rank = np.empty(sizes.size)
    rank[np.argsort(sizes, kind="stable")] = np.arange(sizes.size)
    return (rank + 0.5) / sizes.size


def log_summary(log: Log) -> str:
    """Number of valid rows of a log, and the reasons why others are not, as text."""
    why = ", ".join(f"{found.rows:,} where {found.why}" for found in log.left_out)
    return f"{log.counted:,} of {log.rows:,} requests count" + (f"; left out: {why}" if why else "")


def ring_share(replay: Replay, log: Log, horizon: int, slot_seconds: float) -> float:
    """Share of the ring that a slot takes."""
    return 1.0 / horizon if replay.clock == "stretched" else slot_seconds / log.seconds


def row_weight(replay: Replay, log: Log, share: float, mean: float) -> float:
    """Number of requests per row.

    Args:
        replay: the log.
        log: its stretch.
        share: of the ring that a slot takes.
        mean: [requests] per slot by the rate of the workload.
    """
    return 1.0 if replay.rate == "kept" else mean / (log.time.size * share)


def most_replayed(
    replay: Replay,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    horizon: int,
    slot_seconds: float,
    mean: float,
) -> float:
    """Requests of the fullest slot that an episode of any split can have.

    Args:
        replay: the log.
        names: of the tasks and of the ingress nodes.
        horizon: slots of an episode.
        slot_seconds: [s] length of a slot.
        mean: [requests] per slot by the rate of the workload.

    Raises:
        ConfigError: see `read_log`.
    """
    most = 0.0
    for split in SPLITS:
        log = read_log(replay, *names, split)
        share = ring_share(replay, log, horizon, slot_seconds)
        most = max(most, _most_rows(log.time, share) * row_weight(replay, log, share, mean))
    return most


def _most_rows(time: Floats, share: float) -> int:
    """Rows in the fullest window of the ring that is as long as a slot."""
    rounds, part = divmod(share, 1.0)
    twice = np.concatenate([time, time + 1.0])
    # A window may end a rounding error later than it should.
    within = np.searchsorted(twice, time + part * (1.0 + 1e-9), side="right") - np.arange(time.size)
    return int(rounds) * time.size + int(within.max())


def replay_log(replay: Replay, expected: Floats, labels: ClassLabels, span: Span) -> tuple[Floats, float]:
    """Deal the requests of a log to slots and classes.

    The slot comes from the time of the request, with a random offset per episode. What no column says is
    drawn: the ingress node by weight; the task, among the classes of the node, by the quantile of the
    request's size (a uniform number where the log has no sizes), with the shares of `expected` as widths.

    Args:
        replay: the log.
        expected: (T, R) [requests] the demand that the log replaces; its totals per ingress node do
            not change from slot to slot.
        labels: the classes.
        span: to be drawn.

    Returns:
        (T, R) [requests]; and the offset. Of a stretched log with scaled counts they add up to the sum of
        `expected` over a whole episode.

    Raises:
        ConfigError: the log cannot be read.
    """
    log = read_log(replay, labels.tasks, labels.nodes, span.split)
    offset = span.rng.random() if span.state is None else float(span.state)
    share = ring_share(replay, log, span.horizon, span.slot_seconds)
    edges = np.arange(span.first, span.first + span.length + 1)
    if replay.clock == "stretched":  # whole rounds to the bit, which multiples of 1 / horizon need not be
        rounds, part = np.divmod(edges / span.horizon, 1.0)
    else:
        rounds, part = np.divmod(edges * share, 1.0)
    before = _rows_before(log.time, offset, rounds, part)
    slot = np.repeat(np.arange(span.length), np.diff(before))
    rows = (np.searchsorted(log.time, offset) + np.arange(before[0], before[-1])) % log.time.size
    uniform = span.rng.random((2, rows.size))
    order = np.lexsort((labels.task, labels.ingress))
    upto = np.cumsum(expected[:, order], axis=1)
    counts = np.zeros(expected.shape)
    _deal(
        slot,
        log.node[rows] if log.node.size else log.node,
        uniform[0],
        log.task[rows] if log.task.size else log.task,
        log.quantile[rows] if log.quantile.size else uniform[1],
        upto,
        np.append(np.flatnonzero(np.diff(labels.ingress[order], prepend=-1)), order.size),
        labels.task[order],
        counts,
    )
    demand = np.empty_like(expected)
    demand[:, order] = counts * row_weight(replay, log, share, float(upto[0, -1]))
    return demand, offset


def _rows_before(time: Floats, offset: float, rounds: Floats, part: Floats) -> Ints:
    """Rows (n,) from the offset on up to places on the ring that are `rounds` and `part` of one further."""
    turn = np.searchsorted(time, offset)
    place = offset + part
    within = np.where(
        place < 1.0,
        np.searchsorted(time, place) - turn,
        time.size - turn + np.searchsorted(time, place - 1.0),
    )
    found: Ints = rounds.astype(np.int64) * time.size + within
    return found


@kernel
def _deal(
    slot: Ints,
    node: Ints,
    ingress: Floats,
    task: Ints,
    quantile: Floats,
    upto: Floats,
    first: Ints,
    class_task: Ints,
    counts: Floats,
) -> None:
    """Count the requests of a span per slot and class.

    Args:
        slot: (rows,) of the span.
        node: (rows,) number of the ingress node; or empty.
        ingress: (rows,) uniform numbers that choose it then.
        task: (rows,) number of the task; or empty.
        quantile: (rows,) numbers in [0, 1) that choose it then.
        upto: (T, R) cumulated demand of the classes, sorted by ingress node, then task.
        first: (G+1,) first class of each ingress node in that order, and R.
        class_task: (R,) in that order.
        counts: (T, R) number of requests, added to.
    """
    classes = upto.shape[1]
    for i in range(slot.size):
        t, g = slot[i], 0
        if node.size > 0:
            g = node[i]
        else:
            at = ingress[i] * upto[t, classes - 1]
            while g < first.size - 2 and upto[t, first[g + 1] - 1] <= at:
                g += 1
        r, last = first[g], first[g + 1] - 1
        below = upto[t, r - 1] if r > 0 else 0.0
        at = below + quantile[i] * (upto[t, last] - below)
        while r < last:
            middle = (r + last) // 2
            if class_task[middle] < task[i] if task.size > 0 else upto[t, middle] <= at:
                r = middle + 1
            else:
                last = middle
        counts[t, r] += 1.0
