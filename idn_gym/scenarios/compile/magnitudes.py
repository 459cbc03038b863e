"""Sizes that numbers of a scenario may have, so that no product of them leaves float64."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from idn_gym.config_reader import ConfigError, show

SMALLEST, LARGEST = 1e-24, 1e24
"""From 1e-24 to 1e24: the product of a dozen such numbers is neither 0 nor infinite in float64."""


def check_magnitudes(value: Any, key: str = "") -> None:
    """Look at every number with a fraction in nested dataclasses, mappings and tuples.

    Infinity passes: the fields that may hold it say so.

    Args:
        value: a scenario, or a catalogue.
        key: dotted path of `value`, for messages.

    Raises:
        ConfigError: a number that is neither 0 nor from `SMALLEST` to `LARGEST` in size.
    """
    if isinstance(value, float):
        if math.isfinite(value) and value != 0 and not SMALLEST <= abs(value) <= LARGEST:
            allowed = f"from {SMALLEST:g} to {LARGEST:g} in size, if it is not 0"
            raise ConfigError(key, f"{show(value)} is not allowed; must be {allowed}")
        return
    for name, item in _items(value):
        check_magnitudes(item, f"{key}.{name}" if key else name)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, tuple):
        yield from ((str(i), item) for i, item in enumerate(value))
