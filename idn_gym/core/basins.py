"""Basins: classes that compete for what may become full, directly or through others, are of the same one.

Two classes of different basins share no node of limited compute that an option of theirs works on, no link
that one sends bytes over, and no store that one needs something of. Only repositories of unlimited compute,
which never become full, serve several basins. So each can be filled by itself (`core.filling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from idn_gym.core.arrays import Bools, Ints
from idn_gym.core.row_starts import entries_of, owners


def find_basins(fields: Mapping[str, Any], endless: Bools) -> Ints:
    """Basin of each class (R,) int64: numbered from 0, in the order of their first classes.

    Args:
        fields: of `Tables`: `path_start`, `path_link`, `class_path`, `option_start`, `option_origin`,
            `need_start`, `need_store` and the `part_` fields.
        endless: (N,) whether the node never becomes full.
    """
    rho, resource = _uses(fields, endless)
    basin = np.arange(len(fields["class_path"]))
    while True:
        least = np.full(np.max(resource, initial=-1) + 1, len(basin))
        np.minimum.at(least, resource, basin[rho])
        found = basin.copy()
        np.minimum.at(found, rho, least[resource])
        # A class's basin is for now the number of a class of it: whose basin is known may be better.
        found = np.minimum(found, found[found])
        if np.array_equal(found, basin):
            break
        basin = found
    number: Ints = np.unique(basin, return_inverse=True)[1].astype(np.int64)
    return number


def _uses(fields: Mapping[str, Any], endless: Bools) -> tuple[Ints, Ints]:
    """Pairs of a class and something that may become full and that it may use; nodes, links, then stores."""
    option_class, part_option = owners(fields["option_start"]), owners(fields["part_start"])
    part_class, node = option_class[part_option], fields["part_node"]
    start = fields["path_start"][fields["class_path"]].astype(np.int64)[part_class]
    here = start + fields["part_position"]
    before = np.append(0, here[:-1])
    first = np.flatnonzero(np.diff(part_option, prepend=-1))
    before[first] = start[first] + fields["option_origin"][part_option[first]]
    works = (fields["part_seconds"] > 0.0) & ~endless[node]
    hops = np.where(fields["part_bytes"] > 0.0, here - before, 0)
    link = fields["path_link"][entries_of(before + 1, hops)].astype(np.int64)
    links = len(endless) + int(np.max(fields["path_link"], initial=-1)) + 1
    rho = (part_class[works], np.repeat(part_class, hops), option_class[owners(fields["need_start"])])
    resource = (node[works], len(endless) + link, links + fields["need_store"])
    return np.concatenate(rho), np.concatenate(resource)
