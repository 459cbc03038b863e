"""Nodes, links and routes of a scenario, with the catalogue's values filled in."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import networkx as nx
import numpy as np

from idn_gym.catalog.schema import Catalog, Device, LinkKind
from idn_gym.config_reader import ConfigError, closest, twice
from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.options import Path, Routes
from idn_gym.scenarios.compile.link_values import link_delays, link_joules, link_values
from idn_gym.scenarios.compile.sizes import MOST_STEPS
from idn_gym.scenarios.config import Explicit, Link, Node
from idn_gym.scenarios.config_radio import RadioCells

V = TypeVar("V")

Nodes = tuple[int, ...]
"""Nodes of a route, or those that are the repositories of a task."""


@dataclass(frozen=True, eq=False)
class Network:
    """A topology with numbers."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    devices: tuple[Device, ...]
    link_kinds: tuple[LinkKind, ...]
    count: Floats  # (N,) devices that each node stands for
    memory: Floats  # (N,) [bytes] of each
    media: Floats  # (E,) that each link has side by side
    delay: Floats  # (E,) [s] round trip
    rate: Floats  # (E,) [bytes/s] of all media
    down_rate: Floats  # (E,) [bytes/s]; 0 where both directions share the rate
    joules: Floats  # (E,) [J/byte]
    radio: RadioCells

    @property
    def ingress(self) -> list[int]:
        """Nodes at which requests enter."""
        return [v for v, node in enumerate(self.nodes) if node.demand > 0]

    @property
    def kinds(self) -> list[Device]:
        """The devices of nodes, each once, in the order of their first nodes."""
        return list({device.name: device for device in self.devices}.values())

    @property
    def node_kind(self) -> Ints:
        """(N,) number of each node's device among `kinds`."""
        number = {device.name: i for i, device in enumerate(self.kinds)}
        return np.array([number[device.name] for device in self.devices], np.int64)

    @cached_property
    def choices(self) -> dict[int, list[int]]:
        """By node with several LoRaWAN links, of which it uses one at a time: these links."""
        found: dict[int, list[int]] = {}
        for e, (source, kind) in enumerate(zip(self.ends[:, 0].tolist(), self.link_kinds, strict=True)):
            if kind.lorawan is not None:
                found.setdefault(source, []).append(e)
        return {v: links for v, links in found.items() if len(links) > 1}

    @property
    def ends(self) -> Ints:
        """(E, 2) nodes that each link leads from and to."""
        index = {node.name: v for v, node in enumerate(self.nodes)}
        ends = [(index[link.source], index[link.target]) for link in self.links]
        return np.array(ends, np.int64).reshape(-1, 2)


def resolve_catalog(topology: Explicit, catalog: Catalog) -> Network:
    """Look up devices and links, and scale their values.

    Raises:
        ConfigError: a name used twice, an unknown device, link kind or end of a link, a link that is
            there twice or leads nowhere, or no ingress.
    """
    names = [node.name for node in topology.nodes]
    double = twice(names)
    if double is not None:
        raise ConfigError("topology.nodes", f"{double!r} is given twice; names must differ")
    devices = tuple(
        look_up(catalog.devices, node.device, f"topology.nodes.{node.name}.device") for node in topology.nodes
    )
    link_kinds = tuple(
        look_up(catalog.links, link.link, f"topology.links.{link.source}->{link.target}.link")
        for link in topology.links
    )
    _check_links(topology.links, names, link_kinds)
    if not any(node.demand > 0 for node in topology.nodes):
        raise ConfigError("topology.nodes", "no node has a demand above 0, so no request ever enters")
    memory = [
        d.memory if n.memory is None else n.memory for n, d in zip(topology.nodes, devices, strict=True)
    ]
    repository = [bool(node.pins) for node in topology.nodes]
    devices_at = {node.name: float(node.count) for node in topology.nodes}
    media = np.array([devices_at[x.source] if x.medium == "own" else 1.0 for x in topology.links], float)
    return Network(
        nodes=topology.nodes,
        links=topology.links,
        devices=devices,
        link_kinds=link_kinds,
        count=np.array(list(devices_at.values()), float),
        media=media,
        memory=np.array(memory, float) * np.where(repository, 1.0, topology.memory_scale),
        delay=link_delays(topology, link_kinds),
        rate=link_values(topology.links, link_kinds, "rate") * topology.rate_scale * media,
        down_rate=link_values(topology.links, link_kinds, "down_rate") * topology.rate_scale * media,
        joules=link_joules(topology, link_kinds),
        radio=topology.radio,
    )


def name_links(network: Network) -> tuple[str, ...]:
    """Names of links: their ends, and their kind where there are several between two nodes."""
    pairs = [f"{link.source}->{link.target}" for link in network.links]
    often = Counter(pairs)
    kinds = (link.link for link in network.links)
    return tuple(
        pair if often[pair] == 1 else f"{pair} {kind}" for pair, kind in zip(pairs, kinds, strict=True)
    )


def _check_links(links: Sequence[Link], names: Sequence[str], kinds: Sequence[LinkKind]) -> None:
    seen, known = dict[str, set[LinkKind]](), set(names)
    for link, kind in zip(links, kinds, strict=True):
        key = f"topology.links.{link.source}->{link.target}"
        for end in (link.source, link.target):
            if end not in known:
                raise ConfigError(key, f"{end!r}: {closest(end, names)}")
        if link.source == link.target:
            raise ConfigError(key, f"{link.target!r} is not allowed; must lead to another node")
        others = seen.setdefault(key, set())
        if kind in others or any(one.lorawan is None for one in (kind, *others) if others):
            allowed = "one link each way, or several LoRaWAN links of different kinds"
            raise ConfigError(key, f"is given twice; allowed between two nodes: {allowed}")
        others.add(kind)


def look_up(table: Mapping[str, V], name: str, key: str) -> V:
    """The named row of the catalogue, or one clear error."""
    if name not in table:
        raise ConfigError(key, f"{name!r} is not in the catalogue; {closest(name, sorted(table))}")
    return table[name]


class RouteSearch:
    """Shortest routes of a network by delay; hops break ties.

    One graph, and one search from each required node: results are kept.

    Args:
        network: nodes and links.
        homes: by task, the nodes that are its repositories.
        count: most routes from a node to the repositories of a task.
    """

    def __init__(self, network: Network, homes: Mapping[str, Sequence[int]], count: int) -> None:
        self.network, self.count = network, count
        self.sinks = {task: tuple(repositories) for task, repositories in homes.items()}
        self._graph = nx.DiGraph()
        self._graph.add_nodes_from(range(len(network.nodes)))
        for e, (source, target) in enumerate(network.ends.tolist()):
            cost = float(network.delay[e]) + 1e-9  # [s] per hop, far below any delay: fewer hops win ties
            if cost < self._graph.get_edge_data(source, target, {"cost": np.inf})["cost"]:
                self._graph.add_edge(source, target, link=e, cost=cost)
        self._wide = _with_sinks(self._graph, self.sinks) if count > 1 else self._graph
        self._nearest: dict[int, dict[Nodes, Path]] = {}
        self._reached: dict[int, int] = {}
        self._steps = 0

    def nearest(self, source: int) -> dict[Nodes, Path]:
        """From a node, the route to the nearest repository of each set that has a reachable one.

        Raises:
            ConfigError: the searches so far would take minutes.
        """
        if source not in self._nearest:
            cost, nodes = nx.single_source_dijkstra(self._graph, source, weight="cost")
            self._reached[source] = len(cost)
            self._count_steps(len(cost))
            self._nearest[source] = {}
            for sink in set(self.sinks.values()):
                near = [(cost[home], home) for home in sink if home in cost]
                if near:
                    self._nearest[source][sink] = self._path(tuple(nodes[min(near)[1]]))
        return self._nearest[source]

    def best(self, source: int, sink: Nodes) -> Routes:
        """At most `count` routes, the best first, from a node to repositories of which it reaches one.

        Raises:
            ConfigError: the searches so far would take minutes.
        """
        if source in self.network.choices:
            return self._chosen(source, sink)
        first = self.nearest(source)[sink]
        if self.count == 1:
            return (first,)
        # Each further route takes a search from each node of the one before.
        self._count_steps((self.count - 1) * len(first.nodes) * self._reached[source])
        routes = _best_first(self._wide, source, sink, first.nodes, self.count)
        return tuple(self._path(nodes) for nodes in routes)

    def _chosen(self, source: int, sink: Nodes) -> Routes:
        """The route over each link of a node that uses one at a time, that of least delay first."""
        network, routes = self.network, []
        for e in network.choices[source]:
            target = int(network.ends[e, 1])
            if sink in self.nearest(target):
                rest = self.nearest(target)[sink]
                routes.append(Path((source, *rest.nodes), (e, *rest.links)))
        return tuple(sorted(routes, key=lambda path: network.delay[list(path.links)].sum()))

    def _path(self, nodes: Nodes) -> Path:
        return Path(nodes, tuple(self._graph.edges[a, z]["link"] for a, z in itertools.pairwise(nodes)))

    def _count_steps(self, steps: int) -> None:
        self._steps += steps
        if self._steps <= MOST_STEPS:
            return
        key, value = "topology.routes", f"{self.count} for each of"
        if self.count == 1:
            key, value = "topology", ""
        raise ConfigError(
            key,
            f"{value} {len(self.network.ingress)} ingress nodes in a network of {len(self.network.nodes)} "
            f"nodes are not allowed; the searches for their routes reach over {MOST_STEPS:,} nodes".lstrip(),
        )


def find_routes(search: RouteSearch, sources: Iterable[int]) -> list[list[Routes]]:
    """Routes from each of the nodes to the repositories of each task.

    The first route leads to the nearest repository, the others are the next best loopless ones to any (Yen,
    1971): fewer than `search.count` where there are no more.

    Returns:
        A row per node, in it the routes of each task.

    Raises:
        ConfigError: no repository of a task can be reached, or the search would take minutes.
    """
    rows = []
    for source in sources:
        found: dict[Nodes, Routes] = {}
        for task, sink in search.sinks.items():
            if sink not in search.nearest(source):
                where = "no repository can be reached" if sink else "no node pins any of its models"
                name = search.network.nodes[source].name
                raise ConfigError("topology", f"task {task!r} cannot be served from node {name!r}: {where}")
            if sink not in found:
                found[sink] = search.best(source, sink)
        rows.append([found[sink] for sink in search.sinks.values()])
    return rows


def _with_sinks(graph: nx.DiGraph, sinks: Mapping[str, Nodes]) -> nx.DiGraph:
    """The graph with one node more for each set of repositories, to which they all lead at no cost."""
    wide = graph.copy()
    for sink in sinks.values():
        wide.add_edges_from(((home, sink) for home in sink), cost=0.0)
    return wide


def _best_first(wide: nx.DiGraph, source: int, sink: Nodes, first: Nodes, count: int) -> Iterator[Nodes]:
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
