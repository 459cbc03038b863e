"""Lines over time, made of pieces that are level or straight, and their means over slots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.config_traces import Trace


class Course(NamedTuple):
    """One series as a line of K pieces over one round of the file."""

    time: Floats  # (K + 1,) [s] where pieces begin, from 0, and the end of the round
    value: Floats  # (K + 1,) where they begin; last: what stays where the file does not repeat
    slope: Floats  # (K + 1,) [1/s]; 0 where values are held, and at the end
    integral: Floats  # (K + 1,) from 0 to where they begin


def make_course(times: Floats, values: Floats, length: float, trace: Trace) -> Course:
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


def cut_course(course: Course, first: float, last: float) -> Course:
    """Piece of a course from one time to another, as a ring of its own."""
    inner = course.time[:-1]
    time = np.concatenate([[first], inner[(inner > first) & (inner < last)], [last]])
    piece = np.maximum(np.searchsorted(course.time, time[:-1], "right") - 1, 0)
    slope = np.append(course.slope[piece], 0.0)
    value = course.value[piece] + course.slope[piece] * (time[:-1] - course.time[piece])
    width = np.diff(time)
    integral = np.concatenate([[0.0], np.cumsum((value + slope[:-1] * width / 2) * width)])
    return Course(time - first, np.append(value, value[-1] + slope[-2] * width[-1]), slope, integral)


def course_means(course: Course, times: Floats, repeat: bool) -> Floats:
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
    """Position of times; a time between two pieces belongs to the later one if it starts there."""
    turn, within = np.zeros(len(times)), times
    if repeat:
        turn, within = np.divmod(times, course.time[-1])
        ends = (within == 0.0) & (times > 0.0) & (not begins)
        turn, within = turn - ends, np.where(ends, course.time[-1], within)
    piece = np.maximum(np.searchsorted(course.time, within, "right" if begins else "left") - 1, 0)
    into = within - course.time[piece]
    part = (course.value[piece] + course.slope[piece] * into / 2) * into
    return _Position(turn, piece, into, turn * course.integral[-1] + course.integral[piece] + part)
