"""Read the files of traces: the series of things that have names, as courses over time."""

from __future__ import annotations

import math
import os
from functools import lru_cache

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.processes.courses import Course, cut_course, make_course
from idn_gym.scenarios.processes.timed_rows import (
    last_change,
    read_header,
    read_number,
    read_rows,
    read_times,
)


def read_courses(
    trace: Trace,
    key: str,
    names: frozenset[str],
    stretch: tuple[float, float] = (0.0, 1.0),
    least: float = -math.inf,
    most: float = math.inf,
) -> tuple[dict[str, Course], tuple[str, ...]]:
    """Read a file once per process, and again if it has changed.

    Args:
        trace: the file.
        key: see `draw_trace`.
        names: of the series to read; those that the file lacks are passed over.
        stretch: where it begins and ends, as shares of the file's time.
        least: smallest value that is allowed.
        most: largest one, once multiplied by the factor.

    Returns:
        The series by name, and the names of all that the file has.

    Raises:
        ConfigError: the file cannot be read, has no rows of the quantity, a cell that is no number or no
            time, or, within a series, times out of order.
    """
    return _read_once(
        trace, key, names, stretch, least, most, os.path.realpath(trace.path), last_change(trace.path)
    )


@lru_cache(maxsize=16)
def _read_once(
    trace: Trace,
    key: str,
    names: frozenset[str],
    stretch: tuple[float, float],
    least: float,
    most: float,
    path: str,
    changed: int,
) -> tuple[dict[str, Course], tuple[str, ...]]:
    header = read_header(trace.path, key)
    if {"which", "value"} <= set(header):
        times, lines, cells, there = _long_form(trace, key, header)
    else:
        times, lines, cells, there = _wide_form(trace, key, header, names)
    if not times.size:
        raise ConfigError(f"{key}.path", f"{show(trace.path)} has no rows; at least 1 is needed")
    origin, moments = times.min(), len(np.unique(times))
    length = np.ptp(times) * moments / (moments - 1) if moments > 1 else 1.0
    found = {}
    for name in sorted(names & cells.keys()):
        rows = np.array(cells[name][0], np.int64)
        _check_rising(times[rows], lines[rows], name, key)
        values = [
            read_number(text, int(line), f"{key}.path", least)
            for text, line in zip(cells[name][1], lines[rows], strict=True)
        ]
        _check_largest(max(values, default=0.0) * trace.factor, most, trace, key)
        course = make_course(*_merged(times[rows] - origin, np.array(values)), length, trace)
        if stretch != (0.0, 1.0):
            course = cut_course(course, *(share * length for share in stretch))
        found[name] = course
    return found, there


Cells = dict[str, tuple[list[int], list[str | None]]]
"""Rows of each series: their numbers and values."""


def _long_form(trace: Trace, key: str, header: list[str]) -> tuple[Floats, Ints, Cells, tuple[str, ...]]:
    wanted = [("time", trace.time), ("path", "which"), ("path", "value")]
    rows, lines = read_rows(trace.path, [*wanted, ("path", "what")] if "what" in header else wanted, key)
    if "what" in header:
        quantity = key.rpartition(".")[2]
        mine = [i for i, row in enumerate(rows) if row[3] == quantity]
        if rows and not mine:
            quantities = sorted({str(row[3]) for row in rows})
            raise ConfigError(
                f"{key}.path",
                f"{show(trace.path)} has no row whose column `what` is {quantity!r}; "
                f"{closest(quantity, quantities)}",
            )
        rows, lines = [rows[i] for i in mine], lines[mine]
    cells: Cells = {}
    for i, row in enumerate(rows):
        numbers, texts = cells.setdefault(str(row[1]), ([], []))
        numbers.append(i)
        texts.append(row[2])
    return read_times([row[0] for row in rows], lines, key), lines, cells, tuple(sorted(cells))


def _wide_form(
    trace: Trace, key: str, header: list[str], names: frozenset[str]
) -> tuple[Floats, Ints, Cells, tuple[str, ...]]:
    there = tuple(dict.fromkeys(name for name in header if name != trace.time))
    columns = [name for name in there if name in names]
    rows, lines = read_rows(trace.path, [("time", trace.time), *(("path", name) for name in columns)], key)
    every = list(range(len(rows)))
    cells: Cells = {name: (every, [row[c] for row in rows]) for c, name in enumerate(columns, 1)}
    return read_times([row[0] for row in rows], lines, key), lines, cells, there


def _check_largest(largest: float, most: float, trace: Trace, key: str) -> None:
    """Refuse a log in per cent where shares are expected."""
    if largest > most + 1e-9:  # products round
        raise ConfigError(
            f"{key}.factor",
            f"{trace.factor:g} is not allowed; {show(trace.path)} reaches {largest:g} with it, and "
            f"shares must be at most {most:g}; 0.01 turns per cent into shares",
        )


def _check_rising(times: Floats, lines: Ints, name: str, key: str) -> None:
    (wrong,) = np.nonzero(np.diff(times) < 0)
    if wrong.size:
        i = wrong[0]
        raise ConfigError(
            f"{key}.time",
            f"line {lines[i + 1]}: is earlier than line {lines[i]}; the times of {show(name)} must not fall",
        )


def _merged(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Each time once, with the mean of its values: loggers that write several rows a second repeat it."""
    once, of_row, count = np.unique(times, return_inverse=True, return_counts=True)
    return once, np.bincount(of_row, values) / count
