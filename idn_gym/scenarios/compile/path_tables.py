"""The fields of tables about paths: the routes of request classes, end to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats
from idn_gym.core.options import Routes
from idn_gym.core.row_starts import starts_of


def path_tables(paths: Sequence[Routes], delay: Floats) -> dict[str, Any]:
    """The `path_` fields of `Tables`; `delay` is (E,) [s] per link."""
    nodes = [[v for route in path for v in route.nodes] for path in paths]
    links = [[e for route in path for e in (EMPTY, *route.links)] for path in paths]
    # Where a route begins no link leads: each of these positions is the first of its own.
    entered = [[e if e != EMPTY else (EMPTY, j) for j, e in enumerate(path)] for path in links]
    return {
        "path_start": starts_of(np.array([len(path) for path in nodes])),
        "path_node": np.array([v for path in nodes for v in path], np.int64),
        "path_link": np.array([e for path in links for e in path], np.int64),
        "path_delay": sum_along(paths, delay),
        "path_same_node": np.array([path.index(v) for path in nodes for v in path], np.int64),
        "path_same_link": np.array([path.index(e) for path in entered for e in path], np.int64),
    }


def sum_along(paths: Sequence[Routes], value: Floats) -> Floats:
    """Sums of a value of links (E,) from the beginning of the route to each position, (J,)."""
    return np.concatenate([np.cumsum([0.0, *value[list(route.links)]]) for path in paths for route in path])
