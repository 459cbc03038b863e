"""Airtime and energy of a message on a kind of link, besides its bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.schema import LinkKind
from idn_gym.radio.lorawan import FloatArray, message_frames


def airtime_on(kind: LinkKind, size: npt.ArrayLike) -> FloatArray:
    """Seconds on the air of messages of so many bytes, all their transmissions together; 0 without frames."""
    if kind.lorawan is None:
        return np.zeros(np.shape(size))
    sent = message_frames(size, kind.lorawan.factor, kind.lorawan.payload)
    return kind.lorawan.transmissions * sent.airtime


def joules_on(kind: LinkKind, size: npt.ArrayLike) -> FloatArray:
    """Energy [J] of messages of so many bytes, on top of `LinkKind.energy` for each byte."""
    spent = np.full(np.shape(size), kind.wake_joules)
    if kind.lorawan is not None:
        frames, airtime = message_frames(size, kind.lorawan.factor, kind.lorawan.payload)
        each = airtime * kind.lorawan.transmit_watts + frames * kind.lorawan.frame_joules
        spent += kind.lorawan.transmissions * each
    return spent
