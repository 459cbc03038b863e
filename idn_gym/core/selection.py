"""The best of many, then the next best, where few are needed: no list is sorted.

Numbers stand in groups of about the root of their count, and of each group the largest is kept. So the
largest of all is found by looking at the groups and then into one of them, and not at every number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.kernel import njit_inline


class Selection(NamedTuple):
    """Work space for up to C things to choose from."""

    item: Ints  # (C,) what stands at each place
    worth: Floats  # (C,) of it; -inf where it is left out or has been taken
    most: Floats  # (C,) largest worth of each group


def make_selection(count: int) -> Selection:
    """Room for `count` things."""
    return Selection(np.zeros(count, np.int64), np.zeros(count), np.zeros(count))


@njit_inline
def group_width(count: int) -> int:
    """Places of a group."""
    return max(1, int(np.sqrt(count)))


@njit_inline
def begin_selection(work: Selection, count: int) -> None:
    """Find the largest `worth` of each group of the first `count` places."""
    width = group_width(count)
    group = 0
    for first in range(0, count, width):
        most = work.worth[first]
        for k in range(first + 1, min(count, first + width)):
            most = max(most, work.worth[k])
        work.most[group] = most
        group += 1


@njit_inline
def take_best(work: Selection, count: int) -> int:
    """Take out the item of largest worth, among equals that of the first place.

    Args:
        work: after `begin_selection`, with at least one worth above -inf.
        count: as there.
    """
    width = group_width(count)
    best = 0
    most = work.most[0]
    for group in range(1, (count + width - 1) // width):
        if work.most[group] > most:
            best, most = group, work.most[group]
    first, last = best * width, min(count, best * width + width)
    taken = first
    while taken < last - 1 and work.worth[taken] != most:
        taken += 1
    work.worth[taken] = -np.inf
    most = -np.inf
    for k in range(first, last):
        most = max(most, work.worth[k])
    work.most[best] = most
    return int(work.item[taken])
