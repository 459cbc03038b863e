"""The file of a request log: its columns as numbers, and what makes it ambiguous."""

from __future__ import annotations

import csv
import math
import warnings
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config import Replay

REPLAY_KEY = "workload.replay"

LATEST = 1e20
"""Largest number that is read as a time; nanoseconds since 1970 are at 1.8e18."""

DISORDER = 0.01
"""Share of the log's length by which a request may be earlier than one above it."""

MANY, FAR, FEW = 20, 0.5, 0.01
"""In a log of `MANY` requests or more it looks like a mistake if they fill less than `FAR` of its length
without the share `FEW` of them, at least one, at either end."""


class _Cell(NamedTuple):
    value: float
    form: Literal["a number", "a time with a UTC offset", "a time without a UTC offset"]


def read_columns(replay: Replay) -> tuple[Floats, Floats | None]:
    """Times in seconds and, where asked for, sizes: one entry per row of the file.

    Warns of requests far from all others, which leave most slots of an episode empty.

    Raises:
        ConfigError: the file cannot be read, lacks a column or has it twice, has a row with more cells than
            columns (as where numbers have decimal commas), holds a cell that is neither a number nor an
            ISO 8601 time, mixes these or times with and without a UTC offset, or is not in the order of time.
    """
    wanted = [("time", replay.time)] + ([("size", replay.size)] if replay.size is not None else [])
    rows, lines = _read_rows(replay.path, wanted)
    if len(rows) < 2:
        raise ConfigError(
            f"{REPLAY_KEY}.path", f"{show(replay.path)} has {len(rows)} requests; needs at least 2"
        )
    times = _times([row[0] for row in rows], lines)
    _check_order(times, lines)
    _warn_of_outliers(replay.path, times, lines)
    if replay.size is None:
        return times, None
    return times, np.array([_size(row[1], line) for row, line in zip(rows, lines, strict=True)])


def _read_rows(path: str, wanted: list[tuple[str, str]]) -> tuple[list[list[str | None]], Ints]:
    """The wanted cells of every row, and the line of the file that each row ends on."""
    rows, lines = [], []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or [])
            for field, name in wanted:
                if name not in header:
                    raise ConfigError(
                        f"{REPLAY_KEY}.{field}", f"no column {show(name)}; {closest(name, header)}"
                    )
                if header.count(name) > 1:
                    raise ConfigError(
                        f"{REPLAY_KEY}.{field}",
                        f"line 1: {header.count(name)} columns are called {show(name)}",
                    )
            for row in reader:
                if any(row.get(None, ())):
                    cells = len(header) + len(row[None])
                    raise ConfigError(
                        f"{REPLAY_KEY}.path",
                        f"{show(path)}, line {reader.line_num}: {cells} cells are not allowed; "
                        f"must be {len(header)}",
                    )
                rows.append([row[name] for _, name in wanted])
                lines.append(reader.line_num)
    except OSError as error:
        raise ConfigError(f"{REPLAY_KEY}.path", f"{show(path)} cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{REPLAY_KEY}.path", f"{show(path)} is not a CSV file ({error})") from None
    return rows, np.array(lines)


def _times(texts: list[str | None], lines: Ints) -> Floats:
    cells = [_time(text) for text in texts]
    for cell, text, line in zip(cells, texts, lines, strict=True):
        if not abs(cell.value) <= LATEST:
            allowed = f"must be a number up to {LATEST:g} or an ISO 8601 time"
            raise ConfigError(f"{REPLAY_KEY}.time", f"line {line}: {show(text)} is not allowed; {allowed}")
        if cell.form != cells[0].form:
            raise ConfigError(
                f"{REPLAY_KEY}.time",
                f"line {line}: {show(text)} is {cell.form}, but line {lines[0]} has {cells[0].form}; "
                "must be alike in the whole file",
            )
    return np.array([cell.value for cell in cells])


def _time(text: str | None) -> _Cell:
    """A number (20240101 is one too) or a date and time: its seconds."""
    try:
        return _Cell(float(text or ""), "a number")
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return _Cell(math.nan, "a number")
    if moment.tzinfo is None:
        return _Cell(moment.replace(tzinfo=UTC).timestamp(), "a time without a UTC offset")
    return _Cell(moment.timestamp(), "a time with a UTC offset")


def _size(text: str | None, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{REPLAY_KEY}.size", f"line {line}: {show(text)} is not allowed; must be a number")
    return value


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
