"""Frames on the air of one gateway: which of them others are the end of, which find no demodulator."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.radio.lorawan import FloatArray, IntArray

Flags = npt.NDArray[np.bool_]


class FrameTimes(NamedTuple):
    """All frames to one gateway in the order of their starts, (F,) each."""

    message: IntArray
    device: IntArray
    channel: IntArray
    start: FloatArray  # [s]
    end: FloatArray  # [s], beyond the round for those at its end
    length: float  # [s] of the round; inf: no round


Harmed = Callable[[IntArray, IntArray], Flags]
"""Return whether frames destroy others that they overlap on a channel: (numbers of these, of those)."""


def collided_frames(frames: FrameTimes, harmed: Harmed) -> Flags:
    """Return whether each frame (F,) is lost to another; pairs of the n-th neighbours in turn.

    Args:
        frames: to one gateway.
        harmed: says it of two frames on a channel that overlap; it is asked in both directions.
    """
    count = len(frames.start)
    lost = np.zeros(count, bool)
    first = np.arange(count)
    for lag in range(1, count):
        later = (first + lag) % count
        begin = frames.start[later] + np.where(first + lag >= count, frames.length, 0.0)
        first = first[begin < frames.end[first]]  # who does not meet the n-th neighbour meets no later one
        if not len(first):
            break
        later = (first + lag) % count
        meet = frames.channel[first] == frames.channel[later]
        meet &= frames.device[first] != frames.device[later]
        one, other = first[meet], later[meet]
        lost[one[harmed(one, other)]] = True
        lost[other[harmed(other, one)]] = True
    return lost


def blocked_frames(frames: FrameTimes, demodulators: int) -> Flags:
    """Return whether each frame (F,) finds all demodulators busy."""
    blocked = np.zeros(len(frames.start), bool)
    taken: list[float] = []
    for i, (start, end) in enumerate(zip(frames.start.tolist(), frames.end.tolist(), strict=True)):
        while taken and taken[0] <= start:
            heappop(taken)
        if len(taken) < demodulators:
            heappush(taken, end)
        else:
            blocked[i] = True
    return blocked
