"""Repositories that can be full: what no other node serves is dropped there."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from idn_gym.config_reader import show
from idn_gym.core.arrays import EMPTY
from idn_gym.scenarios.compile.compiled import Compiled


def warn_of_full_repositories(compiled: Compiled) -> None:
    """Warn that a class whose last resort has finite compute may drop requests once that is full."""
    tables, names = compiled.tables, compiled.names
    begins = np.flatnonzero(tables.path_link == EMPTY)
    ends = np.append(begins[1:], len(tables.path_node)) - 1
    finite = np.isfinite(tables.node_seconds[tables.path_node[ends]])
    # A path that leads to no elastic node either.
    limited = np.logical_and.reduceat(finite, np.searchsorted(begins, tables.path_start[:-1]))
    on_limited = limited[np.searchsorted(tables.path_start, ends, side="right") - 1]
    full = sorted({int(v) for v in tables.path_node[ends[on_limited]]})
    if full:
        listed = show(", ".join(names.nodes[v] for v in full))
        gym.logger.warn(
            "%s",
            f"topology: {listed} pins models and has finite compute, so that requests which no other node "
            "serves are dropped once it is full; servers: .inf makes a node elastic",
        )
