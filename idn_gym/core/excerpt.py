"""Some paths of a scenario as a scenario of their own, in which a class by itself is served to the same bit.

Nodes, links, classes and options keep their order, so whatever goes through them one after the other meets
the same numbers in the same order; only those that no class of these paths can reach are gone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Ints, Tables
from idn_gym.core.field_shapes import SHAPES, STARTS
from idn_gym.core.row_starts import entries_of, starts_of
from idn_gym.core.validate import freeze_tables

START_FIELDS = (
    *("path_start", "option_start", "class_group", "part_start", "branch_start"),
    *("need_start", "message_start"),
)
"""Arrays with the starts of rows that belong to paths, coarse ones first."""


class Excerpt(NamedTuple):
    """Tables of some paths, and which nodes and classes these are in the whole."""

    tables: Tables
    nodes: Ints  # (N,) rising
    classes: Ints  # (R,) rising


def take_paths(tables: Tables, paths: Ints) -> Excerpt:
    """The tables of some paths; those of loads are unchanged, and must not be read.

    Args:
        tables: the scenario's tables.
        paths: which of them, rising.
    """
    rows = _rows_of(tables, paths)
    fields: dict[str, Any] = {}
    for shape, names in SHAPES.items():
        if shape[:1] in rows:
            for name in set(names) & set(Tables._fields):
                value = getattr(tables, name)
                fields[name] = value[rows[shape[0]]]
    for name, letters in STARTS.items():
        if set(letters) <= rows.keys():
            start, row = getattr(tables, name), rows[letters[0]]
            fields[name] = starts_of(start[row + 1] - start[row])
    for name in ("path_node", "part_node"):
        fields[name] = np.searchsorted(rows["N"], fields[name])
    there = tables.need_node[rows["Y"]] != EMPTY
    fields["need_node"] = np.where(there, np.searchsorted(rows["N"], fields["need_node"]), EMPTY)
    link = fields["path_link"]
    fields["path_link"] = np.where(link == EMPTY, EMPTY, np.searchsorted(rows["E"], link))
    chooser = tables.link_chooser[rows["E"]]
    fields["link_chooser"] = np.where(chooser == EMPTY, EMPTY, np.searchsorted(rows["N"], chooser))
    uplink = tables.node_uplink[rows["N"]]
    fields["node_uplink"] = np.where(uplink == EMPTY, EMPTY, np.searchsorted(rows["E"], uplink))
    fields["class_path"] = np.searchsorted(paths, fields["class_path"])
    fields["class_basin"] = np.unique(fields["class_basin"], return_inverse=True)[1]
    moved = fields["option_start"][:-1] - tables.option_start[rows["R"]]
    fields["class_fallback"] = fields["class_fallback"] + moved
    return Excerpt(freeze_tables(tables._replace(**fields)), rows["N"], rows["R"])


def _rows_of(tables: Tables, paths: Ints) -> dict[str, Ints]:
    """Selected rows, by the letters of `SHAPES`; dimensions without a letter stay whole."""
    rows = {"P": paths, "R": np.flatnonzero(np.isin(tables.class_path, paths))}
    for name in START_FIELDS:
        letters = STARTS[name]
        start, row = getattr(tables, name), rows[letters[0]]
        rows[letters[1]] = entries_of(start[row], start[row + 1] - start[row])
    link = tables.path_link[rows["J"]]
    rows["N"], rows["E"] = np.unique(tables.path_node[rows["J"]]), np.unique(link[link != EMPTY])
    return rows
