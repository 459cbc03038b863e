"""Rows of CSV files that say when something was so: cells by column, times, and the lines they stand on."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.processes.csv_files import name_columns, opened_csv

LATEST = 1e20
"""Largest number that is read as a time; nanoseconds since 1970 are at 1.8e18."""


DRIVE_TEST_TIME = "%Y.%m.%d_%H.%M.%S"
"""Format of some loggers of mobile networks (G-NetTrack, for one); the only one besides ISO 8601."""


class _Cell(NamedTuple):
    value: float
    form: Literal["a number", "a time with a UTC offset", "a time without a UTC offset"]


def last_change(path: str) -> int:
    """Time of the file's last change [ns]; 0 if it does not exist, which reading reports more clearly."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def read_header(path: str, key: str) -> list[str]:
    """The names of the columns.

    Args:
        path: of the file.
        key: of the configuration, for messages.

    Raises:
        ConfigError: the file cannot be read.
    """
    with opened_csv(path, key) as file:
        return list(csv.DictReader(file).fieldnames or [])


def read_rows(
    path: str, wanted: Sequence[tuple[str, str]], key: str, member: str | None = None
) -> tuple[list[list[str | None]], Ints]:
    """The wanted cells of every row, and the line of the file that each row ends on.

    Args:
        path: of the file.
        wanted: columns, each as (field of the configuration that names it, name in the header).
        key: of the configuration, for messages.
        member: as of `opened_csv`.

    Raises:
        ConfigError: the file cannot be read, lacks a column or has it twice, or has a row with more cells
            than columns (as where numbers have decimal commas).
    """
    rows, lines = [], []
    with opened_csv(path, key, member) as file:
        reader = csv.DictReader(file)
        header = list(reader.fieldnames or [])
        if not header:
            raise ConfigError(f"{key}.path", f"{show(path)} is empty; its first line must name the columns")
        for field, name in wanted:
            if name not in header:
                raise ConfigError(f"{key}.{field}", f"no column {show(name)}; {name_columns(name, header)}")
            if header.count(name) > 1:
                raise ConfigError(
                    f"{key}.{field}", f"line 1: {header.count(name)} columns are called {show(name)}"
                )
        for row in reader:
            if any(row.get(None, ())):
                cells = len(header) + len(row[None])
                raise ConfigError(
                    f"{key}.path",
                    f"{show(path)}, line {reader.line_num}: {cells} cells are not allowed; "
                    f"must be {len(header)}",
                )
            rows.append([row[name] for _, name in wanted])
            lines.append(reader.line_num)
    return rows, np.array(lines, np.int64)


def read_times(texts: Sequence[str | None], lines: Ints, key: str) -> Floats:
    """Times in seconds, from numbers or dates in ISO 8601.

    Raises:
        ConfigError: a cell that is neither, or a file that mixes these, or times with and without an offset.
    """
    cells = [_time(text) for text in texts]
    for cell, text, line in zip(cells, texts, lines, strict=True):
        if not abs(cell.value) <= LATEST:
            allowed = f"must be a number up to {LATEST:g} or an ISO 8601 time"
            raise ConfigError(f"{key}.time", f"line {line}: {show(text)} is not allowed; {allowed}")
        if cell.form != cells[0].form:
            raise ConfigError(
                f"{key}.time",
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
        try:
            moment = datetime.strptime(text or "", DRIVE_TEST_TIME)
        except ValueError:
            return _Cell(math.nan, "a number")
    if moment.tzinfo is None:
        return _Cell(moment.replace(tzinfo=UTC).timestamp(), "a time without a UTC offset")
    return _Cell(moment.timestamp(), "a time with a UTC offset")


def read_number(text: str | None, line: int, key: str, least: float = -math.inf) -> float:
    """A finite number of at least `least`.

    Args:
        text: of the cell.
        line: of the file.
        key: of the configuration, for messages.
        least: smallest number that is allowed.

    Raises:
        ConfigError: anything else.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        wrong = "has fewer cells than the header" if text is None else f"{show(text)} is not allowed"
        raise ConfigError(key, f"line {line}: {wrong}; must be a number")
    if value < least:
        raise ConfigError(key, f"line {line}: {show(text)} is not allowed; must be at least {least:g}")
    return value
