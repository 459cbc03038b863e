"""Options as columns, before they are given the nodes of a class: kept once, and copied with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.row_starts import entries_of, starts_of


class OptionRows(NamedTuple):
    """Options of a task on a path, independent of its nodes; O options of at most V parts, X branches.

    Models and segments are numbered within the task, positions along the path of the class. Parts that an
    option has not are EMPTY, and 0 where the field holds floats. `part_work` and `branch_work` are columns of
    `WorkTable.seconds`. Whole numbers but `branch_start` are int32: there may be millions of options.
    """

    rank: Ints  # (O,) tie order: fewer hops, fewer bytes, higher accuracy, name
    origin: Ints  # (O,) position where the option's route begins
    model: Ints  # (O,)
    point: Ints  # (O,) operating point of the model
    error: Floats  # (O,) 1 - mean accuracy
    traffic: Floats  # (O,) [byte-hops] per request
    part_position: Ints  # (O, V)
    part_segment: Ints  # (O, V)
    part_reach: Floats  # (O, V) share of inputs that get there
    part_bytes: Floats  # (O, V) [bytes] expected per request, on the wire into it
    part_work: Ints  # (O, V)
    branch_start: Ints  # (O+1,) into X
    branch_share: Floats  # (X,) share of the requests that end here
    branch_parts: Ints  # (X,) parts that such a request visits, the first ones of the option
    branch_bytes: Floats  # (X, V) [bytes] on the wire into each
    branch_work: Ints  # (X, V)


def take_options(rows: OptionRows, index: Ints) -> OptionRows:
    """The options at `index`, (O',) int64, in this order."""
    count = np.diff(rows.branch_start)[index]
    branch = entries_of(rows.branch_start[index], count)
    columns = {
        name: field[branch if name.startswith("branch_") else index]
        for name, field in rows._asdict().items()
        if name != "branch_start"
    }
    return OptionRows(**columns, branch_start=starts_of(count))


def pool_options(tables: Sequence[OptionRows]) -> OptionRows:
    """The options of all tables, one table after the other."""
    columns = {
        name: np.concatenate([getattr(rows, name) for rows in tables])
        for name in OptionRows._fields
        if name != "branch_start"
    }
    count = np.concatenate([np.diff(rows.branch_start) for rows in tables])
    return OptionRows(**columns, branch_start=starts_of(count))
