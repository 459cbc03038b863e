"""Arrays that callers hand over, checked: a game that reads nan would play on without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats
from idn_gym.messages import ConfigError, show


def checked_array(value: Any) -> npt.NDArray[Any]:
    """A copy as an array; what is none, such as lists of unequal length, is an array of one object."""
    try:
        return np.array(value)
    except ValueError:
        return np.array(None)


def checked_numbers(
    key: str,
    value: Any,
    shape: tuple[int | None, ...],
    *,
    least: float = -np.inf,
    positive: bool = False,
    infinite: bool = False,
) -> Floats:
    """A read-only copy of an array of numbers.

    Args:
        key: that a message names.
        value: the array, or what numpy makes one of.
        shape: required shape; None: any length above 0.
        least: smallest number allowed.
        positive: whether numbers must be above 0.
        infinite: whether numbers may be infinite.

    Raises:
        ConfigError: anything else.
    """
    try:
        numbers = checked_array(value).astype(float)
    except (TypeError, ValueError, OverflowError):
        numbers = np.array(np.nan)
    fits = numbers.ndim == len(shape) and all(
        length == wanted or (wanted is None and length > 0)
        for length, wanted in zip(numbers.shape, shape, strict=True)
    )
    if not fits or np.any(np.isnan(numbers)) or not (infinite or np.all(np.isfinite(numbers))):
        lengths = ", ".join("any" if length is None else str(length) for length in shape)
        finite = "" if infinite else "finite "
        raise ConfigError(key, f"{show(value)} is not allowed; must be {finite}numbers of shape ({lengths})")
    wrong = numbers <= 0.0 if positive else numbers < least
    if np.any(wrong):
        bound = "above 0" if positive else f"at least {least:g}"
        raise ConfigError(key, f"{float(numbers[wrong].flat[0])!r} is not allowed; must be {bound}")
    numbers.flags.writeable = False
    return numbers
