"""Tables whose rows own rows of a finer table: where these begin, and whose they are."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Ints


def owners(start: Ints) -> Ints:
    """Row of the coarser table that each row of the finer one belongs to, from its ``xxx_start``.

    The class of each option is ``owners(tables.option_start)``, the option of each part
    ``owners(tables.part_start)``.
    """
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def starts_of(count: Ints) -> Ints:
    """The ``xxx_start`` of rows with so many entries each, int64."""
    start = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=start[1:])
    return start


def entries_of(first: Ints, count: Ints) -> Ints:
    """The numbers from `first` on of each row, `count` of them, one row after the other, int64."""
    start = starts_of(count)
    return np.arange(start[-1]) + np.repeat(first - start[:-1], count)
