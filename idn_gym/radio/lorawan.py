"""LoRaWAN in the band EU868: frames and their time on air, duty cycles, receive windows, energy.

Functions take numbers or arrays that broadcast, and give arrays of the common shape. Sizes are bytes, times
seconds, energies joules.

Sources, with how far they were seen. Time on air: Semtech AN1200.13 and the data sheets of SX127x and SX126x,
the formula read in several implementations. Payloads, sub-bands and windows: Lora-net/LoRaMac-node, region
EU868. Currents: transmitting from a published copy of LoRaSim 0.2.1, the rest from signetlabdei/lorawan
(ns-3). Assumptions are marked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.messages import ConfigError, show

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FACTORS = (7, 8, 9, 10, 11, 12)
"""Spreading factors."""

FRAME_OVERHEAD = 13
"""[bytes] of a frame without MAC options: header 1, frame header 7, port 1, integrity code 4."""

PREAMBLE_SYMBOLS = 8

RECEIVE_DELAYS = (1.0, 2.0)
"""[s] after the end of an uplink at which the two receive windows of a class A device open."""

LISTEN_SYMBOLS = 8
"""Symbols that a device listens for in a window in which nothing comes (assumption)."""

SECOND_WINDOW_FACTOR = 12
"""Spreading factor of the second window, which is at 869.525 MHz."""


class DataRate(NamedTuple):
    """One of the data rates that use LoRa; DR7 is FSK and not here."""

    number: int
    factor: int
    bandwidth: float  # [Hz]
    payload: int  # [bytes] most application bytes in a frame
    repeated_payload: int  # [bytes] where a repeater may forward it


DATA_RATES = (
    DataRate(0, 12, 125e3, 51, 51),
    DataRate(1, 11, 125e3, 51, 51),
    DataRate(2, 10, 125e3, 51, 51),
    DataRate(3, 9, 125e3, 115, 115),
    DataRate(4, 8, 125e3, 242, 222),
    DataRate(5, 7, 125e3, 242, 222),
    DataRate(6, 7, 250e3, 242, 222),
)
"""Data rates by number."""

RATE_OF_FACTOR = {rate.factor: rate for rate in DATA_RATES if rate.bandwidth == 125e3}
"""The data rate of each spreading factor at 125 kHz."""


class SubBand(NamedTuple):
    """A part of the band, in which each device may send for a share of the time."""

    low: float  # [Hz]
    high: float  # [Hz]
    duty: float  # share of the time


SUB_BANDS = (
    SubBand(863.0e6, 865.0e6, 0.001),
    SubBand(865.0e6, 868.0e6, 0.01),
    SubBand(868.0e6, 868.6e6, 0.01),
    SubBand(868.7e6, 869.2e6, 0.001),
    SubBand(869.4e6, 869.65e6, 0.1),
    SubBand(869.7e6, 870.0e6, 0.01),
)

DEFAULT_CHANNELS = (868.1e6, 868.3e6, 868.5e6)
"""[Hz] that every device knows; one sub-band."""

SECOND_WINDOW_CHANNEL = 869.525e6
"""[Hz]"""


def symbol_seconds(factor: npt.ArrayLike, bandwidth: npt.ArrayLike = 125e3) -> FloatArray:
    """Length of a symbol [s]: 2^SF / bandwidth [Hz]."""
    return np.exp2(np.asarray(factor, float)) / np.asarray(bandwidth, float)


def time_on_air(
    size: npt.ArrayLike,
    factor: npt.ArrayLike,
    bandwidth: npt.ArrayLike = 125e3,
    coding: int = 1,
    crc: bool = True,
) -> FloatArray:
    """Seconds that a frame is on the air, by the formula of Semtech, with an explicit header.

    Low data rate optimisation is on where a symbol takes 16 ms or more: SF11 and SF12 at 125 kHz.

    Args:
        size: [bytes] of the whole frame, `FRAME_OVERHEAD` included.
        factor: spreading factor.
        bandwidth: [Hz].
        coding: 1 to 4, for coding rates 4/5 to 4/8.
        crc: whether the payload carries a checksum, as uplinks do and downlinks do not.

    Raises:
        ConfigError: a size below 0, a spreading factor or a coding that there is not.
    """
    size, factor = np.asarray(size, float), np.asarray(factor)
    if not np.all((size >= 0) & (size < np.inf)):
        raise ConfigError("size", f"{show(size.min(initial=0.0))} is not allowed; must be finite, at least 0")
    if not np.isin(factor, FACTORS).all():
        raise ConfigError("factor", f"{show(factor.tolist())} is not allowed; must be 7 to 12")
    if coding not in (1, 2, 3, 4):
        raise ConfigError("coding", f"{show(coding)} is not allowed; must be 1 to 4")
    symbol = symbol_seconds(factor, bandwidth)
    bits = 8 * size - 4 * factor + 28 + 16 * crc
    groups = np.ceil(bits / (4 * (factor - 2 * (symbol >= 0.016))))
    symbols: FloatArray = PREAMBLE_SYMBOLS + 4.25 + 8 + np.maximum(groups, 0.0) * (coding + 4)
    return symbols * symbol


class Message(NamedTuple):
    """Costs of sending messages once; arrays of one shape."""

    frames: FloatArray  # how many
    airtime: FloatArray  # [s] all of them together


def message_frames(
    size: npt.ArrayLike, factor: npt.ArrayLike, payload: npt.ArrayLike, bandwidth: npt.ArrayLike = 125e3
) -> Message:
    """Frames and airtime of messages: full frames and one with the rest; of no bytes, one empty frame.

    What fragments need to be put together again (LoRaWAN TS004) is left out.

    Args:
        size: [bytes] of the application; parts of a byte are rounded up.
        factor: spreading factor.
        payload: [bytes] that a frame holds at most, such as `DataRate.payload`.
        bandwidth: [Hz].

    Raises:
        ConfigError: as `time_on_air`, or a payload below 1.
    """
    payload = np.asarray(payload, float)
    if not np.all(payload >= 1):
        raise ConfigError("payload", f"{show(payload.tolist())} is not allowed; must be at least 1")
    whole = np.ceil(np.asarray(size, float))
    full = np.maximum(np.ceil(whole / payload) - 1.0, 0.0)
    rest = time_on_air(whole - full * payload + FRAME_OVERHEAD, factor, bandwidth)
    return Message(full + 1.0, full * time_on_air(payload + FRAME_OVERHEAD, factor, bandwidth) + rest)


def sub_band(frequency: float) -> SubBand:
    """The sub-band of a frequency [Hz].

    Raises:
        ConfigError: it is in none.
    """
    for band in SUB_BANDS:
        if band.low <= frequency < band.high:
            return band
    raise ConfigError(
        "frequency", f"{show(frequency)} is not allowed; must be inside a sub-band, 863e6 to 870e6"
    )


def silence(airtime: npt.ArrayLike, duty: npt.ArrayLike) -> FloatArray:
    """Seconds for which a sub-band is closed to a device after a frame: airtime (1 / duty - 1)."""
    return np.asarray(airtime, float) * (1.0 / np.asarray(duty, float) - 1.0)


def message_seconds(size: npt.ArrayLike, factor: int, payload: int, duty: float = 0.01) -> FloatArray:
    """Seconds from the first bit of a message to its last, with the silence between its frames."""
    frames, airtime = message_frames(size, factor, payload)
    full = time_on_air(payload + FRAME_OVERHEAD, factor)
    found: FloatArray = airtime + (frames - 1.0) * silence(full, duty)
    return found


def window_seconds() -> float:
    """Seconds from the end of a frame to that of the second window, in which a device listens to 8 symbols.

    A class A device sends nothing before; where airtime is a budget over an hour, it may send then.
    """
    return RECEIVE_DELAYS[1] + LISTEN_SYMBOLS * float(symbol_seconds(SECOND_WINDOW_FACTOR))


def answer_seconds(size: npt.ArrayLike, factor: npt.ArrayLike) -> FloatArray:
    """Seconds from the end of an uplink to that of an answer of so many bytes in the first window.

    The first window has the data rate of the uplink, and downlinks carry no checksum.
    """
    return RECEIVE_DELAYS[0] + time_on_air(np.asarray(size, float) + FRAME_OVERHEAD, factor, crc=False)


TRANSMIT_AMPS = {
    **dict.fromkeys((-2, -1, 0), 0.022),
    **dict(zip(range(1, 8), (0.023, 0.024, 0.024, 0.024, 0.025, 0.025, 0.025), strict=True)),
    **dict(zip(range(8, 15), (0.025, 0.026, 0.031, 0.032, 0.034, 0.035, 0.044), strict=True)),
    **dict(zip(range(15, 21), (0.082, 0.085, 0.090, 0.105, 0.115, 0.125), strict=True)),
}
"""[A] at 3 V while transmitting, by power [dBm]."""


class Radio(NamedTuple):
    """Power of a device's radio; the default sends at 14 dBm."""

    volts: float = 3.0
    transmit: float = TRANSMIT_AMPS[14]  # [A]
    receive: float = 0.0112  # [A]
    standby: float = 0.0014  # [A] between the frame and its windows
    sleep: float = 1.5e-6  # [A]


RADIO = Radio()


class FrameEnergy(NamedTuple):
    """Energy of frames by state of the radio, of one shape [J]."""

    transmit: FloatArray
    standby: FloatArray
    listen: FloatArray
    sleep: FloatArray

    @property
    def total(self) -> FloatArray:
        """Energy of all states."""
        return self.transmit + self.standby + self.listen + self.sleep


def frame_energy(
    airtime: npt.ArrayLike,
    factor: npt.ArrayLike,
    radio: Radio = RADIO,
    answer: npt.ArrayLike = 0.0,
    period: npt.ArrayLike = 0.0,
) -> FrameEnergy:
    """Energy of a frame of a class A device: it sends, waits, and listens in its receive windows.

    Args:
        airtime: [s] of the frame.
        factor: its spreading factor, which is that of the first window, too.
        radio: currents.
        answer: [s] on air of a downlink in the first window, after which there is no second one; 0: none,
            and the device listens to `LISTEN_SYMBOLS` in both.
        period: [s] from this frame to the next; the radio sleeps when it is done. 0: no sleep.
    """
    airtime, answer = np.asarray(airtime, float), np.asarray(answer, float)
    first = LISTEN_SYMBOLS * symbol_seconds(factor)
    second = LISTEN_SYMBOLS * symbol_seconds(SECOND_WINDOW_FACTOR)
    answered = answer > 0
    listen = np.where(answered, answer, first + second)
    standby = RECEIVE_DELAYS[0] + np.where(answered, 0.0, RECEIVE_DELAYS[1] - RECEIVE_DELAYS[0] - first)
    asleep = np.maximum(np.asarray(period, float) - airtime - standby - listen, 0.0)
    return FrameEnergy(
        airtime * (radio.volts * radio.transmit),
        standby * (radio.volts * radio.standby),
        listen * (radio.volts * radio.receive),
        asleep * (radio.volts * radio.sleep),
    )
