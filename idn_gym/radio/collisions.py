"""Share of received frames, by formula: collisions, capture, a gateway's demodulators and its downlinks.

Frames start as a Poisson process. One frame loses against another that overlaps it on the same channel where
it is not stronger by a threshold that depends on the two spreading factors. Interferers are compared one by
one, as LoRaSim does; ns-3 adds up their energies, weighted by overlap, so that many weak ones harm together.
`evaluation.radio_events` simulates the same world frame by frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idn_gym.messages import ConfigError, show
from idn_gym.radio.lorawan import FACTORS, FloatArray, IntArray

CAPTURE_DB = 6.0
"""[dB] by which a frame must be stronger than one of its own spreading factor (LoRaSim and ns-3)."""

ISOLATION_DB: FloatArray = np.array(
    [
        [6, -16, -18, -19, -19, -20],
        [-24, 6, -20, -22, -22, -22],
        [-27, -27, 6, -23, -25, -25],
        [-30, -30, -30, 6, -26, -28],
        [-33, -33, -33, -33, 6, -29],
        [-36, -36, -36, -36, -36, 6],
    ],
    float,
)
"""(6, 6) [dB] by which a frame of SF7 to SF12 (row) must be stronger than one of SF7 to SF12 (column), from
signetlabdei/lorawan (ns-3)."""

ORTHOGONAL_DB: FloatArray = np.where(np.eye(6) > 0, CAPTURE_DB, -np.inf)
"""(6, 6) [dB] of the textbook, in which spreading factors do not disturb each other."""

DEMODULATORS = 8
"""Frames that a gateway (SX1301) can receive at a time, over all channels and spreading factors."""


def aloha_success(load: npt.ArrayLike) -> FloatArray:
    """Share of frames of equal length that no other one overlaps: exp(-2 G) (Abramson 1970).

    Args:
        load: G, frames per second x seconds on air, of all other devices on the channel.
    """
    return np.exp(-2.0 * np.asarray(load, float))


def repeated_success(success: npt.ArrayLike, transmissions: npt.ArrayLike) -> FloatArray:
    """Share of messages of which one of the transmissions gets through: 1 - (1 - p)^n.

    Transmissions are taken as independent; `success` is that of a frame at the load of all of them.
    """
    found: FloatArray = 1.0 - (1.0 - np.asarray(success, float)) ** np.asarray(transmissions)
    return found


def spread_success(load: npt.ArrayLike, spread: float, threshold: float = CAPTURE_DB) -> FloatArray:
    """Share of frames that get through, of equal length and with powers uniform over a range in dB.

    An interferer harms a frame at x dB above the weakest with probability min(1, (w - x + c) / w), so that

        (c / w) exp(-2 G) + (exp(-2 G c / w) - exp(-2 G)) / (2 G)     for w > c, else exp(-2 G)

    is the mean of exp(-2 G x that probability) (derived here).

    Args:
        load: G as in `aloha_success`.
        spread: w [dB], from the weakest to the strongest; 0: all powers are equal.
        threshold: c [dB].
    """
    load = np.asarray(load, float)
    if spread <= threshold:
        return aloha_success(load)
    share = threshold / spread
    tiny = np.maximum(load, 1e-12)
    captured = -np.exp(-2.0 * tiny * share) * np.expm1(-2.0 * tiny * (1.0 - share)) / (2.0 * tiny)
    found: FloatArray = share * np.exp(-2.0 * load) + captured
    return found


def capture_success(
    rate: FloatArray,
    airtime: FloatArray,
    power: FloatArray,
    factor: IntArray,
    channels: int = 1,
    threshold: FloatArray = ISOLATION_DB,
) -> FloatArray:
    """Share of the frames of each of D devices that get through, by the powers at the gateway.

    The frames that harm one of device i come from a Poisson process, too, so that

        exp(- sum over j, but i, with P_i - P_j < threshold[SF_i, SF_j] of rate_j / channels x (A_i + A_j)).

    Takes D log D, not D^2.

    Args:
        rate: (D,) [frames/s].
        airtime: (D,) [s].
        power: (D,) [dBm] received.
        factor: (D,) spreading factors.
        channels: that each frame chooses from at random.
        threshold: (6, 6) [dB] as `ISOLATION_DB`.
    """
    harm = np.zeros(len(rate))
    for column, other in enumerate(FACTORS):
        theirs = np.flatnonzero(factor == other)
        theirs = theirs[np.argsort(power[theirs], kind="stable")]
        # What comes from the strongest n of them: frames, and seconds on air.
        frames = np.append(0.0, np.cumsum(rate[theirs][::-1]))
        seconds = np.append(0.0, np.cumsum((rate * airtime)[theirs][::-1]))
        for row, own in enumerate(FACTORS):
            mine = np.flatnonzero(factor == own)
            least = power[mine] - threshold[row, column]
            count = len(theirs) - np.searchsorted(power[theirs], least, side="right")
            harm[mine] += airtime[mine] * frames[count] + seconds[count]
    rows = np.asarray(factor) - FACTORS[0]
    itself = threshold[rows, rows] > 0.0
    harm -= np.where(itself, 2.0 * rate * airtime, 0.0)
    return np.exp(-np.maximum(harm, 0.0) / channels)


def demodulator_success(erlangs: npt.ArrayLike, demodulators: int = DEMODULATORS) -> FloatArray:
    """Share of frames that find a demodulator free: 1 - Erlang B.

    Each frame strong enough to be heard takes a free demodulator for all of its airtime, whether it collides
    or not; who finds none is lost. Erlang's formula holds for any lengths of frames.

    Args:
        erlangs: mean number of frames on air over all channels and spreading factors.
        demodulators: of the gateway.
    """
    if demodulators < 1:
        raise ConfigError("demodulators", f"{show(demodulators)} is not allowed; must be at least 1")
    load = np.asarray(erlangs, float)
    blocked = np.ones_like(load)
    for busy in range(1, demodulators + 1):
        blocked = load * blocked / (busy + load * blocked)
    found: FloatArray = 1.0 - blocked
    return found


def half_duplex_success(
    airtime: npt.ArrayLike, downlinks: npt.ArrayLike, downlink_airtime: npt.ArrayLike
) -> FloatArray:
    """Share of frames during which the gateway does not transmit, since it hears nothing while it does.

    Downlinks are requested as a Poisson process, and refused while another one is on the air. So the gateway
    is idle for a share 1 / (1 + mu D) of the time, and stays so with exp(-mu A) for a frame of A seconds
    (derived here).

    Args:
        airtime: A [s] of the frame.
        downlinks: mu [1/s] requested rate.
        downlink_airtime: D [s].
    """
    asked = np.asarray(downlinks, float)
    found: FloatArray = np.exp(-asked * np.asarray(airtime, float))
    return found / (1.0 + asked * np.asarray(downlink_airtime, float))
