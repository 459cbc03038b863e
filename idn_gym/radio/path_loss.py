"""Reception of LoRa frames: path loss by distance, sensitivity, and the spreading factor that suffices.

Powers are dBm, losses and margins dB, distances metres. Functions take numbers or arrays that broadcast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.messages import ConfigError, closest, show
from idn_gym.radio.lorawan import FACTORS, FloatArray, IntArray


class PathLoss(NamedTuple):
    """Loss = `loss` + 10 `exponent` log10(distance / `distance`), and a normal deviate of `shadowing` dB."""

    loss: float  # [dB] at `distance`
    distance: float  # [m]
    exponent: float
    shadowing: float  # [dB] standard deviation over places
    source: str
    status: str  # how far to trust it; words of the catalogue


PATH_LOSSES = {
    "built-up": PathLoss(
        127.41, 40.0, 2.08, 0.0, "LoRaSim 0.2.1, a published copy: measured in a built-up area", "published"
    ),
    "urban": PathLoss(
        128.95, 1000.0, 2.32, 7.8, "Petajajarvi et al. 2015, on the ground in Oulu, to 15 km", "recalled"
    ),
    "free space": PathLoss(31.2, 1.0, 2.0, 0.0, "20 log10(4 pi d / wavelength) at 868 MHz", "derived"),
}
"""By name. Those of El Chall et al. (2019) for 868 MHz could not be read."""

GATEWAY_SENSITIVITY = dict(zip(FACTORS, (-126.5, -129.0, -131.5, -134.0, -136.5, -139.5), strict=True))
"""[dBm] of a gateway at 125 kHz by spreading factor, from signetlabdei/lorawan (ns-3)."""

NODE_SENSITIVITY = dict(zip(FACTORS, (-126.5, -127.25, -131.25, -132.75, -134.5, -133.25), strict=True))
"""[dBm] measured on one node at 125 kHz, from LoRaSim: SF12 hears less than SF11 there."""

REQUIRED_SNR = dict(zip(FACTORS, (-7.5, -10.0, -12.5, -15.0, -17.5, -20.0), strict=True))
"""[dB] of signal over noise that demodulation needs, from the data sheet of SX127x."""

OUT_OF_REACH = 0
"""Spreading factor of a device that no spreading factor connects."""


def find_path_loss(name: str) -> PathLoss:
    """The path loss of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PATH_LOSSES:
        raise ConfigError("path_loss", f"{show(name)} is unknown; {closest(name, list(PATH_LOSSES))}")
    return PATH_LOSSES[name]


def loss_at(model: PathLoss, distance: npt.ArrayLike, deviate: npt.ArrayLike = 0.0) -> FloatArray:
    """Path loss [dB] at a distance [m].

    Args:
        model: the law.
        distance: [m]; below that of the law, the loss is that at the law's.
        deviate: standard normal, of the place.
    """
    far = np.maximum(np.asarray(distance, float), model.distance) / model.distance
    shadow = model.shadowing * np.asarray(deviate, float)
    found: FloatArray = model.loss + 10.0 * model.exponent * np.log10(far) + shadow
    return found


def reach(model: PathLoss, loss: npt.ArrayLike) -> FloatArray:
    """Distance [m] at which the mean loss is so many dB; that of the law where it is less."""
    return model.distance * 10.0 ** (
        np.maximum(np.asarray(loss, float) - model.loss, 0.0) / (10 * model.exponent)
    )


def thermal_sensitivity(
    factor: npt.ArrayLike, bandwidth: npt.ArrayLike = 125e3, noise_figure: float = 6.0
) -> FloatArray:
    """Sensitivity [dBm] by the noise at 290 K: -174 + 10 log10(bandwidth) + noise figure + required SNR."""
    factor = np.asarray(factor)
    if not np.isin(factor, FACTORS).all():
        raise ConfigError("factor", f"{show(factor.tolist())} is not allowed; must be 7 to 12")
    needed = np.array([REQUIRED_SNR[f] for f in FACTORS])[factor - FACTORS[0]]
    found: FloatArray = -174.0 + 10.0 * np.log10(np.asarray(bandwidth, float)) + noise_figure + needed
    return found


def least_factor(
    received: npt.ArrayLike, sensitivity: dict[int, float] = GATEWAY_SENSITIVITY, margin: float = 0.0
) -> IntArray:
    """The least spreading factor whose sensitivity a received power [dBm] exceeds by a margin [dB].

    Least, since it takes the least airtime; `OUT_OF_REACH` where there is none. Sensitivities need not fall
    with the spreading factor.
    """
    received = np.asarray(received, float)
    found = np.full(received.shape, OUT_OF_REACH, np.int64)
    for factor in reversed(FACTORS):
        found = np.where(received >= sensitivity[factor] + margin, factor, found)
    return found
