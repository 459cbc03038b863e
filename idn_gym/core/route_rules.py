"""Invariants of routes and of options on them, on which kernels rely without checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from idn_gym.core.arrays import EMPTY, Ints, Tables
from idn_gym.core.store_rules import Rule


def route_rules(tables: Tables, length: Ints, option_class: Ints, part_option: Ints) -> Iterator[Rule]:
    """An option's parts lie on one route.

    Args:
        tables: shapes and indices have been checked.
        length: (O,) of the path of each option's class.
        option_class: (O,).
        part_option: (Q,).
    """
    begins = tables.path_link == EMPTY
    yield bool(np.all(begins[tables.path_start[:-1]])), "path_link", "must be -1 where a path begins"
    start = tables.path_start[tables.class_path[option_class]]
    right = tables.option_origin < length
    right &= begins[start + np.where(right, tables.option_origin, 0)]
    yield bool(np.all(right)), "option_origin", "must be where a route on the path of the class begins"
    route = np.cumsum(begins)
    own = route[start + tables.option_origin][part_option]
    same = route[start[part_option] + tables.part_position] == own
    yield bool(np.all(same)), "part_position", "must lie on the route of the option"
    beginning = np.repeat(tables.path_start[:-1], np.diff(tables.path_start))
    here = np.arange(len(begins)) - beginning
    for name, field in (("path_same_node", tables.path_node), ("path_same_link", tables.path_link)):
        first = getattr(tables, name)
        right = (first <= here) & (field[beginning + np.minimum(first, here)] == field)
        yield bool(np.all(right)), name, "must be a position of the path, no later, that is the same"
