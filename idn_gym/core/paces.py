"""Rates of a slot: seconds per byte along every route, and whether what requests cost has changed.

Kernels work on row ``b`` of a batch.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, TRANSFER, Draw, Floats, Ints, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.workspace import Scratch


@njit_inline
def measure_paths(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Write the rate of every link, less what loads take, and sum seconds per byte along every route.

    They are inf from a link on that is down. A request of a cohort has one medium of the link's to itself.
    """
    for e in range(len(scratch.rate)):
        scratch.rate[e] = draw.rate[b, t, e]
        if tables.loading == TRANSFER:
            scratch.rate[e] -= scratch.taken[e] / tables.slot_seconds
    if len(scratch.uplink) > 0:
        close_unused(tables, scratch)
    pace = 0.0
    for j in range(len(tables.path_link)):
        link = tables.path_link[j]
        if link == EMPTY:
            pace = 0.0
        elif scratch.rate[link] > 0.0:
            pace += tables.link_count[link] / scratch.rate[link]
        else:
            pace = np.inf
        scratch.pace[j] = pace
    note_prices(tables, draw, b, scratch)


@njit_inline
def close_unused(tables: Tables, scratch: Scratch) -> None:
    """Take down the links of nodes that use another one."""
    for e in range(len(scratch.rate)):
        v = tables.link_chooser[e]
        if v != EMPTY and scratch.uplink[v] != e:
            scratch.rate[e] = 0.0


@njit_inline
def note_prices(tables: Tables, draw: Draw, b: int, scratch: Scratch) -> None:
    """See on which paths a request costs something else than when entries were priced.

    All inputs of costs are compared, so the result is valid for every caller; prices follow from slowdown and
    tariff.
    """
    c = b % len(scratch.change)
    slower = take_over(scratch.slowdown[c], draw.slowdown[b])
    dearer = take_over(scratch.tariff[c], draw.tariff[b])
    if scratch.price_list[c] != draw.price_list[b]:
        scratch.price_list[c] = draw.price_list[b]
        dearer = True
    count_moves(tables, scratch.pace, slower or dearer, scratch.pace_priced[c], scratch.moves[c])


@njit_inline
def take_over(kept: Floats, values: Floats) -> bool:
    """Copy values, and say whether one of them is another than before."""
    other = False
    for i in range(len(kept)):
        if kept[i] != values[i]:
            kept[i] = values[i]
            other = True
    return other


@njit_inline
def count_moves(tables: Tables, pace: Floats, everywhere: bool, kept: Floats, moves: Ints) -> None:
    """Count a move on every path (P,) whose seconds per byte (J,) are others than those that were kept."""
    for p in range(len(moves)):
        moved = everywhere
        for j in range(tables.path_start[p], tables.path_start[p + 1]):
            if kept[j] != pace[j]:
                kept[j] = pace[j]
                moved = True
        if moved:
            moves[p] += 1
