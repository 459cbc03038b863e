"""Conditions that pictures may be seen under: clean, and thirteen shifts away from it.

Lengths are shares of a picture's side, so that 8 x 8 digits and 28 x 28 clothes meet the same
conditions. Everything outside a picture is black, as its margin is in both data sets.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled

from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import Floats

try:
    from scipy import ndimage
except ImportError as error:
    raise DependencyNotInstalled(
        f'{error.name} is not installed; run `pip install "idn-gym[lab]"`'
    ) from error

Images = npt.NDArray[np.uint8]


def noise(images: Floats, rng: np.random.Generator, deviation: float) -> Floats:
    """Add Gaussian noise; `deviation` is a share of the full scale."""
    return images + rng.normal(scale=255.0 * deviation, size=images.shape)


def blur(images: Floats, rng: np.random.Generator, width: float) -> Floats:
    """Gaussian blur; `width` is its standard deviation as a share of the side."""
    pixels = width * images.shape[-1]
    return ndimage.gaussian_filter(images, (0.0, 0.0, pixels, pixels), mode="constant")


def rotate(images: Floats, rng: np.random.Generator, degrees: float) -> Floats:
    """Turn every picture by the same angle about its middle, counter-clockwise."""
    return ndimage.rotate(images, degrees, axes=(2, 3), reshape=False, order=1)


def darken(images: Floats, rng: np.random.Generator, share: float) -> Floats:
    """Take this share of the light away."""
    return images * (1.0 - share)


def move(images: Floats, rng: np.random.Generator, distance: float) -> Floats:
    """Move to the right and down, each by this share of the side."""
    pixels = distance * images.shape[-1]
    return ndimage.shift(images, (0.0, 0.0, pixels, pixels), order=1)


CLEAN = "clean"

SHIFTS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "noise-0.1": partial(noise, deviation=0.1),
    "noise-0.2": partial(noise, deviation=0.2),
    "noise-0.3": partial(noise, deviation=0.3),
    "blur-1": partial(blur, width=1 / 28),
    "blur-2": partial(blur, width=2 / 28),
    "rotation-10": partial(rotate, degrees=10.0),
    "rotation-20": partial(rotate, degrees=20.0),
    "rotation-35": partial(rotate, degrees=35.0),
    "darkness-0.25": partial(darken, share=0.25),
    "darkness-0.5": partial(darken, share=0.5),
    "darkness-0.75": partial(darken, share=0.75),
    "shift-1": partial(move, distance=1 / 28),
    "shift-3": partial(move, distance=3 / 28),
}
"""Conditions by name: operation and strength. Blurs and shifts are named in pixels of 28."""

CONDITIONS = (CLEAN, *SHIFTS)


def shifted(images: Images, condition: str, seed: int = 0) -> Images:
    """Pictures as they look under a condition.

    Args:
        images: (S, 1, H, W) grey values.
        condition: one of `CONDITIONS`.
        seed: of the noise; conditions do not share their draws.

    Raises:
        ConfigError: an unknown condition, or images of another form.
    """
    if condition not in CONDITIONS:
        raise ConfigError("condition", f"{condition!r} is not allowed; {closest(condition, CONDITIONS)}")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 1:
        raise ConfigError(
            "images", f"{images.dtype} of shape {images.shape} is not allowed; must be uint8 (S, 1, H, W)"
        )
    if condition == CLEAN:
        return images.copy()
    rng = np.random.default_rng((seed, zlib.crc32(condition.encode())))
    changed = SHIFTS[condition](images.astype(float), rng)
    return np.clip(np.rint(changed), 0.0, 255.0).astype(np.uint8)
