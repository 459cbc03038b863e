"""The file of a request log: its columns as numbers, and what makes it ambiguous."""

from __future__ import annotations

import warnings

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config import Replay
from idn_gym.scenarios.processes.timed_rows import read_number, read_rows, read_times

REPLAY_KEY = "workload.replay"

DISORDER = 0.01
"""Share of the log's length by which a request may be earlier than one above it."""

MANY, FAR, FEW = 20, 0.5, 0.01
"""In a log of `MANY` requests or more it looks like a mistake if they fill less than `FAR` of its length
without the share `FEW` of them, at least one, at either end."""


def read_columns(replay: Replay) -> tuple[Floats, Floats | None]:
    """Times in seconds and, where asked for, sizes: one entry per row of the file.

    Warns of requests far from all others, which leave most slots of an episode empty.

    Raises:
        ConfigError: the file cannot be read, lacks a column or has it twice, has a row with more cells than
            columns (as where numbers have decimal commas), holds a cell that is neither a number nor an
            ISO 8601 time, mixes these or times with and without a UTC offset, or is not in the order of time.
    """
    wanted = [("time", replay.time)] + ([("size", replay.size)] if replay.size is not None else [])
    rows, lines = read_rows(replay.path, wanted, REPLAY_KEY)
    if len(rows) < 2:
        raise ConfigError(
            f"{REPLAY_KEY}.path", f"{show(replay.path)} has {len(rows)} requests; needs at least 2"
        )
    times = read_times([row[0] for row in rows], lines, REPLAY_KEY)
    _check_order(times, lines)
    _warn_of_outliers(replay.path, times, lines)
    if replay.size is None:
        return times, None
    key = f"{REPLAY_KEY}.size"
    return times, np.array([read_number(row[1], line, key) for row, line in zip(rows, lines, strict=True)])


def _check_order(times: Floats, lines: Ints) -> None:
    late = np.maximum.accumulate(times) - times
    (wrong,) = np.nonzero(late > DISORDER * np.ptp(times))
    if wrong.size:
        i = wrong[0]
        share = late[i] / np.ptp(times)
        raise ConfigError(
            f"{REPLAY_KEY}.time",
            f"line {lines[i]}: {late[i]:g} before a request above it, {share:.0%} of the log; "
            "sort the file by time",
        )


def _warn_of_outliers(path: str, times: Floats, lines: Ints) -> None:
    if times.size < MANY:
        return
    few, length = max(1, int(FEW * times.size)), np.ptp(times)
    most = np.sort(times)[few:-few]
    if np.ptp(most) < FAR * length:
        far = lines[np.maximum(most[0] - times, times - most[-1]) > FAR * length / 4]
        warnings.warn(
            f"{REPLAY_KEY}.time: {show(path)}, line {far.min()}: {far.size} of {times.size} requests are so "
            "far away that all others fill less than half of the log, and most slots have no requests",
            stacklevel=2,
        )
