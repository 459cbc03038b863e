"""Nodes, links and routes of a scenario, with the catalogue's values filled in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import networkx as nx
import numpy as np

from idn_gym.catalog.schema import Catalog, Device
from idn_gym.config_reader import ConfigError, closest, twice
from idn_gym.core.arrays import EMPTY, Floats, Ints
from idn_gym.core.options import Path, Routes
from idn_gym.scenarios.compile.sizes import MOST_STEPS
from idn_gym.scenarios.config import Explicit, Link, Node

V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class Network:
    """A topology with numbers."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    devices: tuple[Device, ...]
    memory: Floats  # (N,) [bytes]
    delay: Floats  # (E,) [s] round trip
    rate: Floats  # (E,) [bytes/s]
    down_rate: Floats  # (E,) [bytes/s]; 0 where both directions share the rate
    joules: Floats  # (E,) [J/byte]

    @property
    def ingress(self) -> list[int]:
        """Nodes at which requests enter."""
        return [v for v, node in enumerate(self.nodes) if node.demand > 0]

    @property
    def ends(self) -> Ints:
        """(E, 2) nodes that each link leads from and to."""
        index = {node.name: v for v, node in enumerate(self.nodes)}
        ends = [(index[link.source], index[link.target]) for link in self.links]
        return np.array(ends, np.int64).reshape(-1, 2)


def resolve_catalog(topology: Explicit, catalog: Catalog) -> Network:
    """Look up devices and links.

    Raises:
        ConfigError: a name used twice, an unknown device, link kind or end of a link, a link that is
            there twice or leads nowhere, or no ingress.
    """
    names = [node.name for node in topology.nodes]
    double = twice(names)
    if double is not None:
        raise ConfigError("topology.nodes", f"{double!r} is there twice; names must differ")
    devices = tuple(
        look_up(catalog.devices, node.device, f"topology.nodes.{node.name}.device") for node in topology.nodes
    )
    _check_links(topology.links, names)
    if not any(node.demand > 0 for node in topology.nodes):
        raise ConfigError("topology.nodes", "no node has a demand above 0, so no request ever enters")
    memory = [
        d.memory if n.memory is None else n.memory for n, d in zip(topology.nodes, devices, strict=True)
    ]
    return Network(
        nodes=topology.nodes,
        links=topology.links,
        devices=devices,
        memory=np.array(memory, float),
        delay=_link_values(topology.links, catalog, "delay"),
        rate=_link_values(topology.links, catalog, "rate"),
        down_rate=_link_values(topology.links, catalog, "down_rate"),
        joules=_link_values(topology.links, catalog, "energy"),
    )


def _check_links(links: Sequence[Link], names: Sequence[str]) -> None:
    seen, known = set(), set(names)
    for link in links:
        key = f"topology.links.{link.source}->{link.target}"
        for end in (link.source, link.target):
            if end not in known:
                raise ConfigError(key, f"{end!r}: {closest(end, names)}")
        if link.source == link.target:
            raise ConfigError(key, f"{link.target!r} is not allowed; must lead to another node")
        if key in seen:
            raise ConfigError(key, "is there twice; between two nodes there is one link each way")
        seen.add(key)


def look_up(table: Mapping[str, V], name: str, key: str) -> V:
    """The named row of the catalogue, or one clear error."""
    if name not in table:
        raise ConfigError(key, f"{name!r} is not in the catalogue; {closest(name, sorted(table))}")
    return table[name]


def find_routes(network: Network, homes: Mapping[str, Sequence[int]], count: int) -> list[list[Routes]]:
    """Shortest routes by delay (hops break ties) from each ingress node to the repositories of each task.

    The first route leads to the nearest repository, the others are the next best loopless ones to any (Yen,
    1971): fewer than `count` where there are no more.

    Args:
        network: nodes and links.
        homes: by task, the nodes that are its repositories.
        count: most routes per ingress node and task.

    Returns:
        A row per ingress node, in it the routes of each task.

    Raises:
        ConfigError: no repository of a task can be reached, or the search would take minutes.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    for e, (source, target) in enumerate(network.ends.tolist()):
        cost = float(network.delay[e]) + 1e-9  # [s] per hop, far below any delay: fewer hops win ties
        graph.add_edge(source, target, link=e, cost=cost)
    wide = _with_sinks(graph, homes) if count > 1 else graph
    rows, steps = [], 0
    for source in network.ingress:
        reached, nearest = nx.single_source_dijkstra(graph, source, weight="cost")
        steps += len(reached)
        _check_steps(network, count, steps)
        found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for task, repositories in homes.items():
            near = [(reached[home], home) for home in repositories if home in reached]
            if not near:
                where = "no repository can be reached" if repositories else "no node pins any of its models"
                name = network.nodes[source].name
                raise ConfigError("topology", f"task {task!r} cannot be served from node {name!r}: {where}")
            sink = tuple(repositories)
            if sink in found:
                continue
            first = tuple(nearest[min(near)[1]])
            # Each further route takes a search from each node of the one before.
            steps += (count - 1) * len(first) * len(reached)
            _check_steps(network, count, steps)
            found[sink] = [first] if count == 1 else list(_best_first(wide, source, sink, first, count))
        rows.append([_paths(graph, found[tuple(repositories)]) for repositories in homes.values()])
    return rows


def _check_steps(network: Network, count: int, steps: int) -> None:
    if steps <= MOST_STEPS:
        return
    key, value = "topology.routes", f"{count} for each of"
    if count == 1:
        key, value = "topology", ""
    raise ConfigError(
        key,
        f"{value} {len(network.ingress)} ingress nodes in a network of {len(network.nodes)} nodes are not "
        f"allowed; the searches for their routes reach over {MOST_STEPS:,} nodes".lstrip(),
    )


def _with_sinks(graph: nx.DiGraph, homes: Mapping[str, Sequence[int]]) -> nx.DiGraph:
    """The graph with one node more for each set of repositories, to which they all lead at no cost."""
    wide = graph.copy()
    for repositories in homes.values():
        sink = tuple(repositories)
        wide.add_edges_from(((home, sink) for home in repositories), cost=0.0)
    return wide


def _best_first(
    wide: nx.DiGraph, source: int, sink: tuple[int, ...], first: tuple[int, ...], count: int
) -> Iterator[tuple[int, ...]]:
    """Nodes of at most `count` loopless routes by rising cost; `first` is one of the cheapest."""
    yield first
    found = 1
    for nodes in nx.shortest_simple_paths(wide, source, sink, weight="cost"):
        if tuple(nodes[:-1]) == first:
            continue
        if found == count:
            return
        yield tuple(nodes[:-1])
        found += 1


def _paths(graph: nx.DiGraph, routes: Sequence[tuple[int, ...]]) -> Routes:
    return tuple(
        Path(nodes, tuple(graph.edges[a, z]["link"] for a, z in itertools.pairwise(nodes)))
        for nodes in routes
    )


def path_tables(paths: Sequence[Routes], delay: Floats) -> dict[str, Any]:
    """The `path_` fields of `Tables`; `delay` is (E,) [s] per link."""
    nodes = [[v for route in path for v in route.nodes] for path in paths]
    links = [[e for route in path for e in (EMPTY, *route.links)] for path in paths]
    # Where a route begins no link leads: each of these positions is the first of its own.
    entered = [[e if e != EMPTY else (EMPTY, j) for j, e in enumerate(path)] for path in links]
    return {
        "path_start": np.concatenate([[0], np.cumsum([len(path) for path in nodes])]).astype(np.int64),
        "path_node": np.array([v for path in nodes for v in path], np.int64),
        "path_link": np.array([e for path in links for e in path], np.int64),
        "path_delay": np.concatenate(
            [np.cumsum([0.0, *delay[list(route.links)]]) for path in paths for route in path]
        ),
        "path_same_node": np.array([path.index(v) for path in nodes for v in path], np.int64),
        "path_same_link": np.array([path.index(e) for path in entered for e in path], np.int64),
    }


def _link_values(links: Sequence[Link], catalog: Catalog, field: str) -> Floats:
    values: list[Any] = []
    for link in links:
        kind = look_up(catalog.links, link.link, f"topology.links.{link.source}->{link.target}.link")
        given = getattr(link, field)
        values.append((getattr(kind, field) or 0.0) if given is None else given)
    return np.array(values, float)
