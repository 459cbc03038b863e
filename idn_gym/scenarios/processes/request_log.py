"""The file of a request log: its columns, the rows that count, and what makes it ambiguous."""

from __future__ import annotations

import warnings
from typing import NamedTuple

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


class LeftOut(NamedTuple):
    """Rows of a log that do not count; one row may have several reasons."""

    rows: int
    why: str
    hint: str = ""  # the names that are allowed, where rows have others


class LogRows(NamedTuple):
    """The rows of a log that count, in the order of the file."""

    time: Floats  # (rows,) [s]
    size: Floats | None  # (rows,)
    task: list[str] | None  # (rows,) values of the columns, never empty
    node: list[str] | None  # (rows,)
    rows: int  # of the whole file
    left_out: tuple[LeftOut, ...]


def read_log_rows(replay: Replay) -> LogRows:
    """Read the required columns.

    Warns of requests far from all others, which leave most slots of an episode empty.

    Raises:
        ConfigError: the file cannot be read, lacks a column or has it twice, has a row with more cells than
            columns (as where numbers have decimal commas), holds a cell that is neither a number nor an
            ISO 8601 time, mixes these or times with and without a UTC offset, or is not in the order of time;
            or fewer than two rows count.
    """
    wanted = [("time", replay.time)]
    wanted += [("size", replay.size)] if replay.size is not None else []
    named = {name: column for name in ("task", "node") if (column := getattr(replay, name)) is not None}
    wanted += [(f"{name}.column", column.column) for name, column in named.items()]
    wanted += [(f"only.{i}.column", only.column) for i, only in enumerate(replay.only)]
    rows, lines = read_rows(replay.path, wanted, REPLAY_KEY, replay.member)
    cells: dict[str, list[str | None]] = {
        field: [row[i] for row in rows] for i, (field, _) in enumerate(wanted)
    }
    keep, left_out = np.ones(len(rows), np.bool_), []
    for i, only in enumerate(replay.only):
        there = np.array([cell == only.value for cell in cells[f"only.{i}.column"]], np.bool_)
        left_out.append(LeftOut(int((~there).sum()), f"{only.column} is not {show(only.value)}"))
        keep &= there
    for name, column in named.items():
        there = np.array([bool(cell) for cell in cells[f"{name}.column"]], np.bool_)
        left_out.append(LeftOut(int((~there).sum()), f"{column.column} is empty"))
        keep &= there
    kept = np.flatnonzero(keep)
    if len(kept) < 2:
        raise ConfigError(
            f"{REPLAY_KEY}.path",
            f"{show(replay.path)} has {len(kept)} requests that count; at least 2 are needed",
        )

    def of(field: str) -> list[str | None]:
        return [cells[field][i] for i in kept]

    lines = lines[kept]
    times = read_times(of("time"), lines, REPLAY_KEY)
    _check_order(times, lines)
    _warn_of_outliers(replay.path, times, lines)
    sizes = None
    if replay.size is not None:
        key = f"{REPLAY_KEY}.size"
        sizes = np.array([read_number(cell, line, key) for cell, line in zip(of("size"), lines, strict=True)])
    values = {name: [str(cell) for cell in of(f"{name}.column")] for name in named}
    reasons = tuple(reason for reason in left_out if reason.rows)
    return LogRows(times, sizes, values.get("task"), values.get("node"), len(rows), reasons)


def _check_order(times: Floats, lines: Ints) -> None:
    late = np.maximum.accumulate(times) - times
    (wrong,) = np.nonzero(late > DISORDER * np.ptp(times))
    if wrong.size:
        i = wrong[0]
        share = late[i] / np.ptp(times)
        raise ConfigError(
            f"{REPLAY_KEY}.time",
            f"line {lines[i]}: {late[i]:g} s before a request above it, {share:.0%} of the log; "
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
