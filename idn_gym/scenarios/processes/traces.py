"""Play what a file says of nodes, or of anything that has names: the reader behind every kind ``file``.

`draw_trace` is all that a process needs. A slot gets the mean of the file over it, whose length in slots and
times need not agree; where a slot lies within one row, that is the row's value to the bit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.processes.timed_rows import (
    last_change,
    read_header,
    read_number,
    read_rows,
    read_times,
)
from idn_gym.scenarios.spans import Span


class Course(NamedTuple):
    """One series as a line of K pieces over one round of the file."""

    time: Floats  # (K + 1,) [s] where pieces begin, from 0, and the end of the round
    value: Floats  # (K + 1,) where they begin; last: what stays where the file does not repeat
    slope: Floats  # (K + 1,) [1/s]; 0 where values are held, and at the end
    integral: Floats  # (K + 1,) from 0 to where they begin


def draw_trace(
    trace: Trace,
    key: str,
    things: Sequence[tuple[str, ...]],
    slot_seconds: float,
    span: Span,
    least: float = -math.inf,
) -> tuple[Floats, float]:
    """Draw a span: only where in the file the episode begins is random.

    Args:
        trace: the file and how it is played.
        key: of the configuration; its last word is the quantity that a column ``what`` must name.
        things: of each column of the result, names that its series may have; the first that is there counts.
        slot_seconds: [s] length of a slot.
        span: to be drawn.
        least: smallest value that the file may hold.

    Returns:
        (T, things) values times `Trace.factor`; and where in the file the episode begins, in [0, 1).

    Raises:
        ConfigError: the file cannot be read, or has no series for a thing.
    """
    start = span.state
    if start is None:
        start = span.rng.random() if trace.random_start else 0.0
    edges = np.arange(span.first, span.first + span.length + 1)
    return play_trace(trace, key, things, slot_seconds, edges, span.horizon, start, least), start


def play_trace(
    trace: Trace,
    key: str,
    things: Sequence[tuple[str, ...]],
    slot_seconds: float,
    edges: Ints,
    horizon: int,
    start: float,
    least: float = -math.inf,
) -> Floats:
    """Values of some slots in a row, each a function of the slot's number.

    Args:
        trace: see `draw_trace`, as for the others that are not here.
        key: see there.
        things: see there.
        slot_seconds: see there.
        edges: (n + 1,) numbers of the slots, and that of the one after.
        horizon: slots of an episode, which a stretched file fills.
        start: in [0, 1), where in the file slot 0 begins.
        least: see there.

    Returns:
        (n, things).
    """
    names = frozenset({trace.series} if trace.series is not None else {n for thing in things for n in thing})
    courses, there = read_courses(trace, key, names, least)
    of_thing = [_pick(trace, key, thing, courses, there) for thing in things]
    length = next(iter(courses.values())).time[-1]
    unit = length / horizon if trace.clock == "stretched" else slot_seconds
    times = edges * unit + start * length
    means = {name: trace.factor * _means(course, times, trace.repeat) for name, course in courses.items()}
    return np.stack([means[name] for name in of_thing], axis=1)


def _pick(
    trace: Trace, key: str, thing: tuple[str, ...], courses: Mapping[str, Course], there: Sequence[str]
) -> str:
    if trace.series is not None:
        if trace.series not in courses:
            raise ConfigError(
                f"{key}.series", f"no series {show(trace.series)}; {closest(trace.series, there)}"
            )
        return trace.series
    for name in thing:
        if name in courses:
            return name
    wanted = " nor ".join(show(name) for name in dict.fromkeys(thing))
    raise ConfigError(f"{key}.path", f"{show(trace.path)} has no series {wanted}; {closest(thing[0], there)}")


def read_courses(
    trace: Trace, key: str, names: frozenset[str], least: float = -math.inf
) -> tuple[dict[str, Course], tuple[str, ...]]:
    """Read a file once per process, and again if it has changed.

    Args:
        trace: the file.
        key: see `draw_trace`.
        names: of the series to read; those that the file lacks are passed over.
        least: smallest value that is allowed.

    Returns:
        The series by name, and the names of all that the file has.

    Raises:
        ConfigError: the file cannot be read, has no rows of the quantity, a cell that is no number or no
            time, or, within a series, a time twice or out of order.
    """
    return _read_once(trace, key, names, least, os.path.realpath(trace.path), last_change(trace.path))


@lru_cache(maxsize=16)
def _read_once(
    trace: Trace, key: str, names: frozenset[str], least: float, path: str, changed: int
) -> tuple[dict[str, Course], tuple[str, ...]]:
    header = read_header(trace.path, key)
    if {"which", "value"} <= set(header):
        times, lines, cells, there = _long_form(trace, key, header)
    else:
        times, lines, cells, there = _wide_form(trace, key, header, names)
    if not times.size:
        raise ConfigError(f"{key}.path", f"{show(trace.path)} has no rows; needs at least 1")
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
        found[name] = _course(times[rows] - origin, np.array(values), length, trace)
    return found, there


Cells = dict[str, tuple[list[int], list[str | None]]]
"""By series: numbers of its rows, and what stands there."""


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
                f"{show(trace.path)} has no rows whose what is {quantity!r}; {closest(quantity, quantities)}",
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


def _check_rising(times: Floats, lines: Ints, name: str, key: str) -> None:
    (wrong,) = np.nonzero(np.diff(times) <= 0)
    if wrong.size:
        i = wrong[0]
        how = "is at the time of" if times[i + 1] == times[i] else "is earlier than"
        raise ConfigError(
            f"{key}.time",
            f"line {lines[i + 1]}: {how} line {lines[i]}; the times of {show(name)} must rise",
        )


def _course(times: Floats, values: Floats, length: float, trace: Trace) -> Course:
    """Before its first row a series has its first value."""
    if times[0] > 0:
        times, values = np.concatenate([[0.0], times]), np.concatenate([values[:1], values])
    time = np.append(times, length)
    value = np.append(values, values[0] if trace.repeat and trace.between == "interpolated" else values[-1])
    width, slope = np.diff(time), np.zeros(len(time))
    if trace.between == "interpolated":
        slope[:-1] = np.diff(value) / width
    integral = np.concatenate([[0.0], np.cumsum((value[:-1] + slope[:-1] * width / 2) * width)])
    return Course(time, value, slope, integral)


def _means(course: Course, times: Floats, repeat: bool) -> Floats:
    """Means (n,) between neighbours of `times` (n + 1,)."""
    first, last = _locate(course, times[:-1], repeat, True), _locate(course, times[1:], repeat, False)
    whole = (last.integral - first.integral) / np.diff(times)
    within = course.value[first.piece] + course.slope[first.piece] * (first.into + last.into) / 2
    same = (first.round == last.round) & (first.piece == last.piece)
    # Differences of large integrals are off by a rounding error, which must not lead below 0.
    found: Floats = np.clip(np.where(same, within, whole), course.value.min(), course.value.max())
    return found


class _Position(NamedTuple):
    round: Floats  # (n,) of the file
    piece: Ints  # (n,)
    into: Floats  # (n,) [s] from where the piece begins
    integral: Floats  # (n,) from time 0


def _locate(course: Course, times: Floats, repeat: bool, begins: bool) -> _Position:
    """Where times are; one between two pieces belongs to the later one where something begins there."""
    turn, within = np.zeros(len(times)), times
    if repeat:
        turn, within = np.divmod(times, course.time[-1])
        ends = (within == 0.0) & (times > 0.0) & (not begins)
        turn, within = turn - ends, np.where(ends, course.time[-1], within)
    piece = np.maximum(np.searchsorted(course.time, within, "right" if begins else "left") - 1, 0)
    into = within - course.time[piece]
    part = (course.value[piece] + course.slope[piece] * into / 2) * into
    return _Position(turn, piece, into, turn * course.integral[-1] + course.integral[piece] + part)
