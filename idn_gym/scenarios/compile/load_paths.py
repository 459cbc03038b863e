"""The way that models take to a node: its first route to the repository of the task, backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from idn_gym.catalog.schema import Catalog
from idn_gym.core.arrays import Bools, Floats
from idn_gym.core.options import Path
from idn_gym.scenarios.compile.models import Deployables, start_seconds
from idn_gym.scenarios.compile.routes import RouteSearch


def plan_loads(
    loading: str, catalog: Catalog, search: RouteSearch, gathered: Deployables
) -> tuple[Deployables, dict[str, Any]]:
    """The models without the placements that nothing can reach, and the fields of `Tables` about loads."""
    starts = start_seconds(gathered, catalog, search.network)
    if loading == "instant":
        return gathered, load_tables(gathered, np.zeros_like(starts), None)
    paths = find_load_paths(search, gathered)
    gathered = replace(gathered, placeable=gathered.placeable & reachable(gathered, paths))
    return gathered, load_tables(gathered, starts, paths)


def find_load_paths(search: RouteSearch, gathered: Deployables) -> list[dict[int, Path]]:
    """The route of a load, from the node that loads to the repository.

    Args:
        search: of the network.
        gathered: its models.

    Returns:
        One mapping per task, copies included: by node, the route. Nodes that load nothing or from which no
        repository is reached are left out.

    Raises:
        ConfigError: the search would take minutes.
    """
    found = {v: search.nearest(v) for v in np.flatnonzero(gathered.movable).tolist()}
    paths = {
        task: {v: routes[sink] for v, routes in found.items() if sink in routes}
        for task, sink in search.sinks.items()
    }
    return [paths[task] for task in gathered.listed]


def reachable(gathered: Deployables, paths: Sequence[Mapping[int, Path]]) -> Bools:
    """(N, S) segments whose bytes have a way to the node."""
    ways = np.array([[v in row for row in paths] for v in range(len(gathered.movable))])
    task = np.array([gathered.models[m].task for m in gathered.segments.model])
    found: Bools = ways[:, task]
    return found


def load_tables(
    gathered: Deployables, starts: Floats, paths: Sequence[Mapping[int, Path]] | None
) -> dict[str, Any]:
    """The fields of `Tables` about loads; without paths loading is instant.

    Args:
        gathered: nodes and models.
        starts: (N, M) [s] of start-up.
        paths: from `find_load_paths`.
    """
    nodes, tasks = len(gathered.movable), len(gathered.tasks)
    hops = [paths[k].get(v) if paths else None for v in range(nodes) for k in range(tasks)]
    counts = [0 if path is None else len(path.links) for path in hops]
    taken = [path for path in hops if path is not None]
    return {
        "load_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "load_node": np.array([v for path in taken for v in path.nodes[1:]], np.int64),
        "load_link": np.array([e for path in taken for e in path.links], np.int64),
        "start_seconds": starts,
    }
