"""Seeds as they come in: whole numbers of at least 0, of any size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, show

MOST_LIBRARY_SEED = 2**32 - 1
"""The largest one that Stable-Baselines3 and numpy's older generator take; our own streams have no limit."""


def read_seed(seed: Any, key: str = "seed") -> int:
    """One seed, as Python's own whole number.

    Args:
        seed: what was given.
        key: what the caller knows it as, for messages.

    Raises:
        ConfigError: no whole number of at least 0; neither 2.0 nor True is one.
    """
    if not _whole(seed) or seed < 0:
        raise ConfigError(key, f"{show(seed)} is not allowed; must be a whole number of at least 0")
    return int(seed)


def read_seeds(seeds: Any, key: str = "seeds") -> list[int]:
    """One seed or several, as a list.

    Raises:
        ConfigError: neither, or one of them is not a seed; the message names its place in the list.
    """
    if not _several(seeds):
        return [read_seed(seeds, key)]
    return [read_seed(seed, f"{key}.{i}") for i, seed in enumerate(seeds)]


def read_row_seeds(seed: Any, rows: int, key: str = "seed") -> list[int | None]:
    """One seed per row of a vector environment; None where the row goes on with its next episode.

    Args:
        seed: s gives row i the seed s + i; a list has a seed or None for each row; None is None for all.
        rows: how many there are.
        key: what the caller knows it as, for messages.

    Raises:
        ConfigError: none of these.
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
    """Seeds of episodes that are played: of a number n, 0 to n - 1; of a list, what it holds.

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
