"""A radio cell frame by frame: an event simulation, to hold the formulas of `idn_gym.radio` against.

Messages start as a Poisson process of each device, on a clock that runs in a circle, so that no frame is
near a beginning or an end. Transmissions of a message follow each other after the receive windows, the
silence of the duty cycle and 1 to 3 s at random, each on a channel of its own. Any two frames on a channel
that overlap are judged by their powers and the threshold of their spreading factors, in both directions;
every frame takes a demodulator for its whole airtime if one is free; and what overlaps a downlink is lost. A
device does not disturb itself.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from idn_gym.evaluation.events import BATCHES
from idn_gym.evaluation.frames import Flags, FrameTimes, blocked_frames, collided_frames
from idn_gym.messages import ConfigError, show
from idn_gym.radio.cell import Cell, CellShares, check_cell
from idn_gym.radio.lorawan import FACTORS, RECEIVE_DELAYS, FloatArray, IntArray, silence
from idn_gym.seeds import read_seed

LEAST_MESSAGES = 10 * BATCHES


class SimulatedCell(NamedTuple):
    """Results of the simulated frames."""

    messages: int
    shares: CellShares
    errors: CellShares  # standard errors, by batch means


def simulate_cell(cell: Cell, messages: int = 20_000, seed: int = 0, duty: float = 0.01) -> SimulatedCell:
    """Simulate so many messages of a cell.

    Args:
        cell: devices and gateway.
        messages: of all devices together.
        seed: of the draws.
        duty: share of the time that a device may send; it sets the gaps between transmissions of a message.

    Raises:
        ConfigError: as `check_cell`, too few messages, or a bad seed.
    """
    check_cell(cell)
    if messages < LEAST_MESSAGES:
        raise ConfigError("messages", f"{show(messages)} is not allowed; must be at least {LEAST_MESSAGES}")
    generator = np.random.default_rng(read_seed(seed))
    frames = _draw_frames(cell, messages, duty, generator)
    collided = collided_frames(frames, partial(_harmed, cell, frames))
    blocked = np.zeros(len(frames.start), bool)
    if cell.demodulators is not None:
        blocked = blocked_frames(frames, cell.demodulators)
    deaf = _deaf(cell, frames, generator)
    received = ~(collided | blocked | deaf)

    def of_messages(flags: Flags) -> FloatArray:
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


def _draw_frames(cell: Cell, messages: int, duty: float, generator: np.random.Generator) -> FrameTimes:
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
    return FrameTimes(
        order // copies,
        device,
        channel[order],
        start[order],
        start[order] + cell.airtime[device],
        length,
    )


def _harmed(cell: Cell, frames: FrameTimes, one: IntArray, other: IntArray) -> Flags:
    """Return whether frames are too weak against others."""
    power, row = cell.power[frames.device], cell.factor[frames.device] - FACTORS[0]
    harmed: Flags = power[one] - power[other] < cell.threshold[row[one], row[other]]
    return harmed


def _deaf(cell: Cell, frames: FrameTimes, generator: np.random.Generator) -> Flags:
    """Return whether the gateway transmits during each frame."""
    if cell.downlinks == 0:
        return np.zeros(len(frames.start), bool)
    mean = 1.0 / cell.downlinks + cell.downlink_airtime
    asked = int(1.1 * frames.length / mean + 10.0 * np.sqrt(frames.length / mean) + 10.0)
    begin = np.cumsum(generator.exponential(1.0 / cell.downlinks, asked) + cell.downlink_airtime)
    begin -= cell.downlink_airtime
    before = np.searchsorted(begin, frames.end, side="left")
    over = np.searchsorted(begin + cell.downlink_airtime, frames.start, side="right")
    deaf: Flags = before > over
    return deaf
