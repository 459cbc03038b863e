"""A radio cell frame by frame: an event simulation, to hold the formulas of `idn_gym.radio` against.

Messages start as a Poisson process of each device, on a clock that runs in a circle, so that no frame is
near a beginning or an end. Transmissions of a message follow each other after the receive windows, the
silence of the duty cycle and 1 to 3 s at random, each on a channel of its own. Any two frames on a channel
that overlap are judged by their powers and the threshold of their spreading factors, in both directions;
every frame takes a demodulator for its whole airtime if one is free; and what overlaps a downlink is lost. A
device does not disturb itself.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.evaluation.events import BATCHES
from idn_gym.messages import ConfigError, show
from idn_gym.radio.cell import Cell, CellShares, check_cell
from idn_gym.radio.lorawan import FACTORS, RECEIVE_DELAYS, FloatArray, IntArray, silence

_Flags = npt.NDArray[np.bool_]

LEAST_MESSAGES = 10 * BATCHES


class SimulatedCell(NamedTuple):
    """What became of the frames that were simulated."""

    messages: int
    shares: CellShares
    errors: CellShares  # standard errors, by batch means


class _Frames(NamedTuple):
    """All frames in the order of their starts, (F,) each."""

    message: IntArray
    device: IntArray
    channel: IntArray
    start: FloatArray  # [s]
    end: FloatArray  # [s], beyond the round for those at its end
    length: float  # [s] of the round


def simulate_cell(cell: Cell, messages: int = 20_000, seed: int = 0, duty: float = 0.01) -> SimulatedCell:
    """Simulate so many messages of a cell.

    Args:
        cell: devices and gateway.
        messages: of all devices together.
        seed: of the draws.
        duty: share of the time that a device may send; it sets the gaps between transmissions of a message.

    Raises:
        ConfigError: as `check_cell`, or too few messages.
    """
    check_cell(cell)
    if messages < LEAST_MESSAGES:
        raise ConfigError("messages", f"{show(messages)} is not allowed; must be at least {LEAST_MESSAGES}")
    generator = np.random.default_rng(seed)
    frames = _draw_frames(cell, messages, duty, generator)
    collided, blocked = _collided(cell, frames), _blocked(cell, frames)
    deaf = _deaf(cell, frames, generator)
    received = ~(collided | blocked | deaf)

    def of_messages(flags: _Flags) -> FloatArray:
        found = np.zeros(messages)
        np.add.at(found, frames.message, flags)
        return found

    counts = [of_messages(flags) for flags in (received, collided, blocked, deaf)]
    shares = [count / cell.transmissions for count in counts]
    shares.insert(1, (counts[0] > 0).astype(float))
    means = [np.array([batch.mean() for batch in np.array_split(share, BATCHES)]) for share in shares]
    return SimulatedCell(
        messages,
        CellShares(*(float(share.mean()) for share in shares)),
        CellShares(*(float(batch.std(ddof=1) / np.sqrt(BATCHES)) for batch in means)),
    )


def _draw_frames(cell: Cell, messages: int, duty: float, generator: np.random.Generator) -> _Frames:
    total = float(cell.rate.sum())
    length, copies = messages / total, cell.transmissions
    begin = np.sort(generator.random(messages)) * length
    chance = np.cumsum(cell.rate) / total
    device = np.searchsorted(chance, generator.random(messages), side="right")
    device = np.minimum(device, len(cell.rate) - 1)
    airtime = cell.airtime[device]
    pause = generator.uniform(1.0, 3.0, (messages, copies))
    pause += (airtime + np.maximum(RECEIVE_DELAYS[1], silence(airtime, duty)))[:, None]
    pause[:, 0] = 0.0
    start = ((begin[:, None] + np.cumsum(pause, axis=1)) % length).ravel()
    channel = generator.integers(0, cell.channels, messages * copies)
    order = np.argsort(start, kind="stable")
    device = np.repeat(device, copies)[order]
    return _Frames(
        order // copies,
        device,
        channel[order],
        start[order],
        start[order] + cell.airtime[device],
        length,
    )


def _collided(cell: Cell, frames: _Frames) -> _Flags:
    """Whether each frame loses against another; pairs of the n-th neighbours in turn."""
    count = len(frames.start)
    power, row = cell.power[frames.device], cell.factor[frames.device] - FACTORS[0]
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
        above = power[one] - power[other]
        lost[one[above < cell.threshold[row[one], row[other]]]] = True
        lost[other[-above < cell.threshold[row[other], row[one]]]] = True
    return lost


def _blocked(cell: Cell, frames: _Frames) -> _Flags:
    """Whether each frame finds all demodulators taken."""
    blocked = np.zeros(len(frames.start), bool)
    if cell.demodulators is None:
        return blocked
    taken: list[float] = []
    for i, (start, end) in enumerate(zip(frames.start.tolist(), frames.end.tolist(), strict=True)):
        while taken and taken[0] <= start:
            heappop(taken)
        if len(taken) < cell.demodulators:
            heappush(taken, end)
        else:
            blocked[i] = True
    return blocked


def _deaf(cell: Cell, frames: _Frames, generator: np.random.Generator) -> _Flags:
    """Whether the gateway transmits during each frame."""
    if cell.downlinks == 0:
        return np.zeros(len(frames.start), bool)
    mean = 1.0 / cell.downlinks + cell.downlink_airtime
    asked = int(1.1 * frames.length / mean + 10.0 * np.sqrt(frames.length / mean) + 10.0)
    begin = np.cumsum(generator.exponential(1.0 / cell.downlinks, asked) + cell.downlink_airtime)
    begin -= cell.downlink_airtime
    before = np.searchsorted(begin, frames.end, side="left")
    over = np.searchsorted(begin + cell.downlink_airtime, frames.start, side="right")
    deaf: _Flags = before > over
    return deaf
