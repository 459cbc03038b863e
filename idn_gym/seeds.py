"""Checks of seeds: whole numbers of at least 0, of any size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, show

MOST_LIBRARY_SEED = 2**32 - 1
"""Largest seed that Stable-Baselines3 and numpy's older generator take; our own streams have no limit."""


def read_seed(seed: Any, key: str = "seed") -> int:
    """Read one seed, as Python's own whole number.

    Args:
        seed: the given value.
        key: name of the value in messages.

    Raises:
        ConfigError: it is not a whole number of at least 0; 2.0 and True are not allowed either.
    """
    if not _whole(seed) or seed < 0:
        raise ConfigError(key, f"{show(seed)} is not allowed; must be a whole number of at least 0")
    return int(seed)


def read_seeds(seeds: Any, key: str = "seeds") -> list[int]:
    """Read one seed or several, as a list.

    Raises:
        ConfigError: the value is neither, or an entry is not a seed; the message gives its position in the
            list.
    """
    if not _several(seeds):
        return [read_seed(seeds, key)]
    return [read_seed(seed, f"{key}.{i}") for i, seed in enumerate(seeds)]


def read_row_seeds(seed: Any, rows: int, key: str = "seed") -> list[int | None]:
    """Read one seed per row of a vector environment; None where the row continues with its next episode.

    Args:
        seed: an integer s gives row i the seed s + i; a list has a seed or None for each row; None means None
            for all.
        rows: number of rows.
        key: name of the value in messages.

    Raises:
        ConfigError: the value has none of these forms.
    """
    if seed is None:
        return [None] * rows
    if not _several(seed):
        if not _whole(seed):
            wanted = "must be a whole number, one per row or None"
            raise ConfigError(key, f"{show(seed)} is not allowed; {wanted}")
        return [read_seed(seed, key) + row for row in range(rows)]
    seeds = list(seed)
    if len(seeds) != rows:
        raise ConfigError(key, f"{len(seeds)} seeds are not allowed; must be {rows}")
    return [None if s is None else read_seed(s, f"{key}.{row}") for row, s in enumerate(seeds)]


def read_episodes(seeds: Any, key: str = "seeds") -> list[int]:
    """Read seeds of episodes to play: a number n means 0 to n - 1; a list means its entries.

    Raises:
        ConfigError: neither a whole number of at least 1 nor a list of at least one seed.
    """
    if _several(seeds):
        chosen = read_seeds(seeds, key)
    elif _whole(seeds):
        chosen = list(range(int(seeds)))
    else:
        raise ConfigError(key, f"{show(seeds)} is not allowed; must be a whole number or a list of seeds")
    if not chosen:
        raise ConfigError(key, f"{show(seeds)} is not allowed; must be at least one")
    return chosen


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and np.ndim(value) > 0  # type: ignore[arg-type]
