"""Nodes, links and routes of a scenario, with the catalogue's values filled in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import networkx as nx
import numpy as np

from idn_gym.catalog.schema import Catalog, Device
from idn_gym.config_reader import ConfigError, closest, twice
from idn_gym.core.arrays import EMPTY, Floats
from idn_gym.core.options import Path
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


def find_routes(network: Network, homes: Mapping[str, Sequence[int]]) -> list[list[Path]]:
    """Shortest route by delay (hops break ties) from each ingress node to the nearest repository.

    Args:
        network: nodes and links.
        homes: by task, the nodes that are its repositories.

    Returns:
        A row per ingress node, in it one route per task.

    Raises:
        ConfigError: no repository of a task can be reached, or the search would take minutes.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    index = {node.name: v for v, node in enumerate(network.nodes)}
    for e, link in enumerate(network.links):
        cost = float(network.delay[e]) + 1e-9  # [s] per hop, far below any delay: fewer hops win ties
        graph.add_edge(index[link.source], index[link.target], link=e, cost=cost)
    rows, steps = [], 0
    for source in network.ingress:
        reached, routes = nx.single_source_dijkstra(graph, source, weight="cost")
        steps += len(reached)
        if steps > MOST_STEPS:
            raise ConfigError(
                "topology",
                f"{len(network.ingress)} ingress nodes in a network of {len(network.nodes)} nodes are not "
                f"allowed; the searches for their routes reach over {MOST_STEPS:,} nodes",
            )
        row = []
        for task, repositories in homes.items():
            near = [(reached[home], home) for home in repositories if home in reached]
            if not near:
                where = "no repository can be reached" if repositories else "no node pins any of its models"
                name = network.nodes[source].name
                raise ConfigError("topology", f"task {task!r} cannot be served from node {name!r}: {where}")
            nodes = tuple(routes[min(near)[1]])
            row.append(Path(nodes, tuple(graph.edges[a, z]["link"] for a, z in itertools.pairwise(nodes))))
        rows.append(row)
    return rows


def path_tables(paths: Sequence[Path], delay: Floats) -> dict[str, Any]:
    """The `path_` fields of `Tables`; `delay` is (E,) [s] per link."""
    counts = [len(path.nodes) for path in paths]
    return {
        "path_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "path_node": np.array([v for path in paths for v in path.nodes], np.int64),
        "path_link": np.array([e for path in paths for e in (EMPTY, *path.links)], np.int64),
        "path_delay": np.concatenate([np.cumsum([0.0, *delay[list(path.links)]]) for path in paths]),
    }


def _link_values(links: Sequence[Link], catalog: Catalog, field: str) -> Floats:
    values: list[Any] = []
    for link in links:
        kind = look_up(catalog.links, link.link, f"topology.links.{link.source}->{link.target}.link")
        given = getattr(link, field)
        values.append((getattr(kind, field) or 0.0) if given is None else given)
    return np.array(values, float)
