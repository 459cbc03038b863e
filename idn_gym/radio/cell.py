"""A radio cell, one gateway and the devices that it hears: the share of their messages that gets through."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.messages import ConfigError, show
from idn_gym.radio.collisions import (
    DEMODULATORS,
    ISOLATION_DB,
    capture_success,
    demodulator_success,
    half_duplex_success,
    repeated_success,
)
from idn_gym.radio.lorawan import FACTORS, FloatArray, IntArray


class Cell(NamedTuple):
    """D devices that send to one gateway, whenever they like."""

    rate: FloatArray  # (D,) [messages/s], one frame each
    airtime: FloatArray  # (D,) [s] of a frame
    power: FloatArray  # (D,) [dBm] at the gateway
    factor: IntArray  # (D,) spreading factors
    channels: int = 3  # that each frame chooses from at random
    threshold: FloatArray = ISOLATION_DB  # (6, 6) [dB]
    demodulators: int | None = DEMODULATORS  # None: no limit
    transmissions: int = 1  # of every message, whether an earlier one got through or not (NbTrans)
    downlinks: float = 0.0  # [1/s] requested from the gateway
    downlink_airtime: float = 0.0  # [s]


class CellShares(NamedTuple):
    """Fates of the frames and messages of a cell, over all devices."""

    received: float  # share of frames
    delivered: float  # share of messages of which a frame is received
    collided: float  # share of frames that lose against another
    blocked: float  # share of frames that find no demodulator
    deaf: float  # share of frames while the gateway transmits


def check_cell(cell: Cell) -> None:
    """Refuse a cell that cannot be.

    Raises:
        ConfigError: arrays of other lengths, or numbers that are not allowed.
    """
    devices = np.shape(cell.rate)
    for name in ("rate", "airtime", "power", "factor"):
        values = np.asarray(getattr(cell, name))
        if values.shape != devices or len(devices) != 1 or not devices[0]:
            raise ConfigError(name, f"shape {values.shape} is not allowed; must be that of rate, (devices,)")
        if not np.isfinite(values).all() or (name in ("rate", "airtime") and not np.all(values > 0)):
            raise ConfigError(name, f"{show(values.min())} is not allowed; all must be finite, times above 0")
    if not np.isin(cell.factor, FACTORS).all():
        raise ConfigError("factor", f"{show(int(np.min(cell.factor)))} is not allowed; must be 7 to 12")
    for name in ("channels", "transmissions"):
        if getattr(cell, name) < 1:
            raise ConfigError(name, f"{show(getattr(cell, name))} is not allowed; must be at least 1")
    if not 0 <= cell.downlinks < np.inf or not 0 <= cell.downlink_airtime < np.inf:
        raise ConfigError("downlinks", f"{show(cell.downlinks)} is not allowed; must be at least 0")


def predict_cell(cell: Cell) -> CellShares:
    """Shares by formula: the three ways to be lost are taken as independent, and so are transmissions.

    Raises:
        ConfigError: as `check_cell`.
    """
    check_cell(cell)
    sent = cell.rate * cell.transmissions
    apart = capture_success(sent, cell.airtime, cell.power, cell.factor, cell.channels, cell.threshold)
    free = 1.0
    if cell.demodulators is not None:
        free = float(demodulator_success(float((sent * cell.airtime).sum()), cell.demodulators))
    heard = half_duplex_success(cell.airtime, cell.downlinks, cell.downlink_airtime)
    received = apart * free * heard
    weight = cell.rate / cell.rate.sum()
    return CellShares(
        received=float((weight * received).sum()),
        delivered=float((weight * repeated_success(received, cell.transmissions)).sum()),
        collided=float((weight * (1.0 - apart)).sum()),
        blocked=1.0 - free,
        deaf=float((weight * (1.0 - heard)).sum()),
    )
