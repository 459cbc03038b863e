"""Requests of an event simulation that are lost on the air, computed frame by frame.

Of a message the frames follow each other after the receive windows and 1 to 3 s at random, as do
transmissions of one frame; its frames are as long as each other. A message is lost when
all transmissions of one of its frames are, as `idn_gym.core.cells` has it, which knows rates alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Tables
from idn_gym.evaluation.frames import FrameTimes, blocked_frames, collided_frames
from idn_gym.radio.lorawan import FACTORS, window_seconds


class SentMessage(NamedTuple):
    """A message that a device begins to send."""

    request: int
    station: int  # of the link
    begin: float  # [s]
    queue: int  # which of the devices that the link stands for: no two stations share a number


def lost_requests(tables: Tables, option: Sequence[int], sent: Sequence[SentMessage], seed: int) -> Bools:
    """Return whether each request loses a message on the air.

    Args:
        tables: radios and messages of the scenario.
        option: of each request.
        sent: messages over links, those of other kinds among them.
        seed: of channels and gaps.

    Returns:
        As long as `option`.
    """
    lost = np.zeros(len(option), np.bool_)
    radio_of = np.full(len(tables.link_rate), EMPTY)
    radio_of[tables.radio_link] = np.arange(len(tables.radio_link))
    nodes = len(tables.node_memory)
    messages = [message for message in sent if radio_of[message.station - nodes] != EMPTY]
    if not messages:
        return lost
    request, station, queue = np.array([(one.request, one.station, one.queue) for one in messages]).T
    begin = np.array([one.begin for one in messages])
    radio = radio_of[station - nodes].astype(np.int64)
    frames, seconds = _taken(tables, [option[i] for i in request.tolist()], radio)
    generator = np.random.default_rng([seed, 2])
    first = tables.cell_start[:: len(FACTORS)]  # of the radios of each gateway
    gateway = np.searchsorted(first, radio, side="right") - 1
    for g in np.unique(gateway):
        mine = np.flatnonzero(gateway == g)
        heard = _heard(tables, radio[mine], frames[mine], seconds[mine], begin[mine], queue[mine], generator)
        lost[request[mine[~heard]]] = True
    return lost


def _taken(tables: Tables, option: Sequence[int], radio: Ints) -> tuple[Ints, Floats]:
    """Frames of each message, and seconds on air of one of them."""
    rows = []
    for o, w in zip(option, radio.tolist(), strict=True):
        first, last = tables.message_start[o], tables.message_start[o + 1]
        rows.append(first + int(np.flatnonzero(tables.message_radio[first:last] == w)[0]))
    frames = tables.message_frames[rows]
    return frames.astype(np.int64), tables.message_seconds[rows] / frames


def _heard(
    tables: Tables,
    radio: Ints,
    frames: Ints,
    seconds: Floats,
    begin: Floats,
    queue: Ints,
    generator: np.random.Generator,
) -> Bools:
    """Return whether each message to one gateway is received; all (messages,), with radio and device."""
    copies = tables.radio_transmissions[radio].astype(np.int64)
    sends = frames * copies
    message = np.repeat(np.arange(len(radio)), sends)
    place = np.arange(len(message)) - np.repeat(np.cumsum(sends) - sends, sends)
    pause = (seconds + window_seconds())[message] + generator.uniform(1.0, 3.0, len(message))
    pause[place == 0] = 0.0
    after = np.cumsum(pause)
    start = begin[message] + after - after[np.cumsum(sends) - sends][message]
    channel = generator.integers(0, int(tables.radio_channels), len(message))
    order = np.argsort(start, kind="stable")
    of = radio[message[order]]
    sent = FrameTimes(
        message[order],
        queue.astype(np.int64)[message[order]],
        channel[order],
        start[order],
        start[order] + seconds[message[order]],
        np.inf,
    )
    away = collided_frames(sent, partial(_harmed, tables, of))
    if tables.demodulators > 0.0:
        away |= blocked_frames(sent, int(tables.demodulators))
    frame = (np.cumsum(frames) - frames)[message] + place // copies[message]
    received = np.zeros(int(frames.sum()), np.bool_)
    received[frame[order[~away]]] = True
    heard = np.ones(len(radio), np.bool_)
    heard[np.repeat(np.arange(len(radio)), frames)[~received]] = False
    return heard


def _harmed(tables: Tables, radio: Ints, one: Ints, other: Ints) -> Bools:
    """Return whether frames of this number are lost to others that they overlap, strongest radios first."""
    cell = np.searchsorted(tables.cell_start, radio[other], side="right") - 1
    rank = radio[other] - tables.cell_start[cell]
    harmed: Bools = rank < tables.radio_harm[radio[one], cell % len(FACTORS)]
    return harmed
