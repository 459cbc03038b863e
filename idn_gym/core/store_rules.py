"""Invariants of stores and of options that draw on them, on which kernels rely."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from idn_gym.core.arrays import SHARED, Ints, Tables
from idn_gym.core.row_starts import entries_of, owners

Rule = tuple[bool, str, str]
"""Whether it holds, the field at fault if not, and the requirement."""


def store_rules(tables: Tables) -> Iterator[Rule]:
    """The rules, one after the other; shapes and indices have been checked."""
    capacity, least, restart = tables.store_capacity, tables.store_least, tables.store_restart
    shared = tables.capacity == SHARED or not len(capacity)
    yield shared, "store_capacity", "there are stores, which are not allowed where capacity is private"
    yield bool(np.all(capacity > 0.0)), "store_capacity", "must be above 0"
    for name in ("store_least", "store_restart", "store_start"):
        yield bool(np.all(getattr(tables, name) <= capacity)), name, "must be at most the capacity"
    yield bool(np.all(restart >= least)), "store_restart", "must be at least the cut-off"
    alike = _fallbacks_need_alike(tables)
    yield alike, "need_amount", "must be alike for all options from class_fallback on"


def _fallbacks_need_alike(tables: Tables) -> bool:
    """Whether options of which only the cheapest is listed draw the same amounts."""
    rho = owners(tables.option_start)
    option = np.flatnonzero(np.arange(len(rho)) >= tables.class_fallback[rho])
    last = tables.option_start[rho[option] + 1] - 1
    count = np.diff(tables.need_start)
    if not np.array_equal(count[option], count[last]):
        return False
    mine, model = (_needs_of(tables, those, count) for those in (option, last))
    fields = (tables.need_store, tables.need_amount, tables.need_node)
    return all(np.array_equal(field[mine], field[model]) for field in fields)


def _needs_of(tables: Tables, option: Ints, count: Ints) -> Ints:
    return entries_of(tables.need_start[option], count[option])
