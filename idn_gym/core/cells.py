"""Radio cells: which share of the messages that options send over LoRaWAN gets through.

A message is lost for good when one of its frames is: all transmissions of a frame collide with stronger
frames, or find no demodulator. What was computed for it and sent stays spent; the request counts as dropped.
Collisions and demodulators follow `idn_gym.radio.collisions`, at the rates of the slot. Radios stand cell by
cell, six cells for each gateway, one per spreading factor, and in each from the strongest to the weakest, so
that the strongest interferers come first. Kernels work on one row; without radios they do nothing.
"""

from __future__ import annotations

import math

from idn_gym.core.arrays import Tables
from idn_gym.core.kernel import aside, njit_inline
from idn_gym.core.workspace import Scratch


@aside
def measure_cells(tables: Tables, scratch: Scratch) -> None:
    """Write what share of frames and messages of each radio gets through (`passed`), from the flows."""
    sum_frames(tables, scratch)
    factors = tables.radio_harm.shape[1]
    for first in range(0, len(tables.cell_start) - 1, factors):
        begin, end = tables.cell_start[first], tables.cell_start[first + factors]
        erlangs = 0.0
        for w in range(begin, end):
            erlangs += scratch.on_air[w]
        free = free_demodulator(erlangs, tables.demodulators)
        for w in range(begin, end):
            if scratch.frames[w] > 0.0:
                received = math.exp(-harm(tables, first, w, scratch) / tables.radio_channels) * free
                scratch.passed[w] = 1.0 - (1.0 - received) ** tables.radio_transmissions[w]


@njit_inline
def sum_frames(tables: Tables, scratch: Scratch) -> None:
    """Add up frames and seconds on air of every radio, and of all that are as strong in its cell."""
    for w in range(len(scratch.frames)):
        scratch.frames[w] = 0.0
        scratch.on_air[w] = 0.0
        scratch.passed[w] = 1.0
    for rho in range(len(scratch.batch)):
        for i in range(scratch.entry_start[rho], scratch.ordered[rho]):
            if scratch.amount[i] > 0.0:
                o = scratch.option[i]
                for y in range(tables.message_start[o], tables.message_start[o + 1]):
                    w = tables.message_radio[y]
                    sent = scratch.amount[i] * tables.message_reach[y] * tables.radio_transmissions[w]
                    scratch.frames[w] += sent * tables.message_frames[y] / tables.slot_seconds
                    scratch.on_air[w] += sent * tables.message_seconds[y] / tables.slot_seconds
    for c in range(len(tables.cell_start) - 1):
        frames, seconds = 0.0, 0.0
        for w in range(tables.cell_start[c], tables.cell_start[c + 1]):
            frames += scratch.frames[w]
            seconds += scratch.on_air[w]
            scratch.frames_before[w] = frames
            scratch.seconds_before[w] = seconds


@njit_inline
def harm(tables: Tables, first: int, w: int, scratch: Scratch) -> float:
    """Mean number of frames that would be the end of one of radio `w`, on all channels.

    `first` is the first cell of its gateway. The frames of one device do not meet each other.
    """
    airtime = scratch.on_air[w] / scratch.frames[w]
    total = 0.0
    for f in range(tables.radio_harm.shape[1]):
        count = tables.radio_harm[w, f]
        if count > 0:
            last = tables.cell_start[first + f] + count - 1
            total += airtime * scratch.frames_before[last] + scratch.seconds_before[last]
            if tables.cell_start[first + f] <= w <= last:
                total -= 2.0 * scratch.on_air[w] / tables.radio_devices[w]
    return max(0.0, total)


@njit_inline
def free_demodulator(erlangs: float, demodulators: float) -> float:
    """Share of frames that find a demodulator free: 1 - Erlang B; 1 where there is no limit (0)."""
    if demodulators == 0.0:
        return 1.0
    blocked = 1.0
    for busy in range(1, int(demodulators) + 1):
        blocked = erlangs * blocked / (busy + erlangs * blocked)
    return 1.0 - blocked


@njit_inline
def passed_share(tables: Tables, o: int, scratch: Scratch) -> float:
    """Share of an option's requests whose messages get through; those that exit before send none."""
    share = 1.0
    for y in range(tables.message_start[o], tables.message_start[o + 1]):
        passed = scratch.passed[tables.message_radio[y]] ** tables.message_frames[y]
        share *= 1.0 - tables.message_reach[y] * (1.0 - passed)
    return share
