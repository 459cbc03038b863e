"""Play what a file says of nodes, or of anything that has names: the law behind every kind ``file``.

`draw_trace` is all that a process needs. A slot gets the mean of the file over it, whose length in slots and
times need not agree; where a slot lies within one row, that is the row's value to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.processes.courses import Course, course_means
from idn_gym.scenarios.processes.named_things import ColumnNames, closest_thing
from idn_gym.scenarios.processes.trace_files import read_courses
from idn_gym.scenarios.spans import Span


def draw_trace(
    trace: Trace,
    key: str,
    span: Span,
    least: float = -math.inf,
    unnamed: Floats | None = None,
    most: float = math.inf,
) -> tuple[Floats, Floats]:
    """Draw a span: only where in the file the episode begins is random.

    Args:
        trace: the file and how it is played.
        key: of the configuration; its last word is the quantity that a column ``what`` must name.
        span: to be drawn; of the names of a column, the first that has a series counts.
        least: smallest value that the file may hold.
        unnamed: (things,) of those without a series; None: all must have one.
        most: largest value that its series may have once multiplied by the factor.

    Returns:
        (T, things) values times `Trace.factor`; and where in the file, or in the stretch of the split, the
        episode begins for each thing, (things,) in [0, 1).

    Raises:
        ConfigError: the file cannot be read, has no series for a thing that needs one, or one for no thing.
    """
    start = span.state
    if start is None:
        start = np.zeros(len(span.names))
        if trace.random_start:
            start[:] = span.rng.random(len(span.names) if trace.apart else 1)
    edges = np.arange(span.first, span.first + span.length + 1)
    split = span.split if trace.random_start else None
    return play_trace(trace, key, edges, span, start, split, least, unnamed, most), start


def draw_shares(trace: Trace, key: str, span: Span, unnamed: Floats) -> tuple[Floats, Floats]:
    """As `draw_trace`, for values that must be from 0 to 1 in the whole file after scaling by its factor."""
    return draw_trace(trace, key, span, 0.0, unnamed, most=1.0)


def play_trace(
    trace: Trace,
    key: str,
    edges: Ints,
    span: Span,
    start: Floats,
    split: str | None,
    least: float = -math.inf,
    unnamed: Floats | None = None,
    most: float = math.inf,
) -> Floats:
    """Values of some slots in a row, each a function of the slot's number.

    Args:
        trace: see `draw_trace`, as for the others that are not here.
        key: see there.
        edges: (n + 1,) numbers of the slots, and that of the one after.
        span: its horizon, which a stretched file fills, length of slots and names count.
        start: (things,) in [0, 1), where slot 0 begins.
        split: whose stretch of the file is played; None: the whole file.
        least: see there.
        unnamed: see there.
        most: see there.

    Returns:
        (n, things).
    """
    every = {name for names in span.names for name in names} if trace.series is None else {trace.series}
    stretch = (0.0, 1.0) if split is None or trace.stretches is None else trace.stretches.of(split)
    courses, there = read_courses(trace, key, frozenset(every), stretch, least, most)
    of_thing = [_pick(trace, key, names, courses, there, unnamed is not None) for names in span.names]
    if unnamed is not None:
        _check_named(trace, key, every, there)
    length = next(iter(courses.values())).time[-1]
    unit = length / span.horizon if trace.clock == "stretched" else span.slot_seconds
    played: dict[tuple[str, float], Floats] = {}
    columns = []
    for i, name in enumerate(of_thing):
        if name is None:
            assert unnamed is not None  # or else `_pick` has raised
            columns.append(np.full(len(edges) - 1, unnamed[i]))
            continue
        begin = float(start[i])
        if (name, begin) not in played:
            times = edges * unit + begin * length
            played[name, begin] = trace.factor * course_means(courses[name], times, trace.repeat)
        columns.append(played[name, begin])
    return np.stack(columns, axis=1)


def trace_seconds(trace: Trace, key: str, names: ColumnNames) -> float:
    """Length of one round of a file [s].

    Raises:
        ConfigError: see `draw_trace`.
    """
    every = {name for of in names for name in of} if trace.series is None else {trace.series}
    courses, _ = read_courses(trace, key, frozenset(every))
    return float(next(iter(courses.values())).time[-1])


def _pick(
    trace: Trace,
    key: str,
    names: tuple[str, ...],
    courses: Mapping[str, Course],
    there: Sequence[str],
    optional: bool,
) -> str | None:
    if trace.series is not None:
        if trace.series not in courses:
            raise ConfigError(
                f"{key}.series", f"no series {show(trace.series)}; {closest(trace.series, there)}"
            )
        return trace.series
    for name in names:
        if name in courses:
            return name
    if optional:
        return None
    wanted = " nor ".join(show(name) for name in dict.fromkeys(names))
    raise ConfigError(f"{key}.path", f"{show(trace.path)} has no series {wanted}; {closest(names[0], there)}")


def _check_named(trace: Trace, key: str, names: set[str], there: Sequence[str]) -> None:
    """Report series that match no name; where series are optional, a misspelt name would go unnoticed."""
    for name in there if trace.series is None else ():
        if name not in names:
            raise ConfigError(
                f"{key}.path",
                f"{show(trace.path)} has a series {show(name)}, which is not one of them; "
                f"{closest_thing(name, sorted(names))}; or name one series for all of them with `series`",
            )
