"""Topologies in short form, written out as nodes and links."""

from __future__ import annotations

import networkx as nx

from idn_gym.config_reader import ConfigError, twice
from idn_gym.scenarios.compile.sizes import MOST_NODES
from idn_gym.scenarios.compile.topohub import NAME_KEY, TopologyGraph, load_graph
from idn_gym.scenarios.config import Explicit, Hierarchy, Link, Node, Tier, TopoHubTopology

KM_PER_SECOND = 2e5
"""Speed of light in fibre, about two thirds of that in vacuum."""


def expand(topology: Explicit | Hierarchy | TopoHubTopology) -> Explicit:
    """Write a topology out as nodes and links; the same topology always gives the same list.

    Raises:
        ConfigError: a graph that cannot be used, or names that are not unique.
        DependencyNotInstalled: the graph needs topohub, which is not installed.
    """
    if isinstance(topology, Hierarchy):
        return _expand_hierarchy(topology)
    if isinstance(topology, TopoHubTopology):
        return _expand_real(topology)
    return topology


def _expand_hierarchy(topology: Hierarchy) -> Explicit:
    """Number the nodes of each tier from left to right; demand enters at the last tier."""
    nodes: list[Node] = []
    links: list[Link] = []
    parents: list[str] = []
    for depth, tier in enumerate(topology.tiers):
        count = tier.fan_out * (len(parents) if depth else 1)
        if len(nodes) + count > MOST_NODES:
            raise ConfigError(
                f"topology.tiers.{depth}.fan_out",
                f"{tier.fan_out} is not allowed; the tree would have {len(nodes) + count:,} nodes or more; "
                f"allowed: {MOST_NODES:,}",
            )
        names = [tier.name] if count == 1 else [f"{tier.name}-{i:02d}" for i in range(count)]
        entry = 1.0 if depth == len(topology.tiers) - 1 else 0.0
        nodes += [_node(name, tier, entry) for name in names]
        links += [_link(name, parents[i // tier.fan_out], tier) for i, name in enumerate(names) if depth]
        parents = names
    if not nodes:
        raise ConfigError("topology.tiers", "() is not allowed; at least one tier is needed")
    name = twice(node.name for node in nodes)
    if name is not None:
        raise ConfigError("topology.tiers", f"two nodes are called {name!r}; tier names must differ")
    return Explicit(tuple(nodes), tuple(links))


def _expand_real(topology: TopoHubTopology) -> Explicit:
    """Rank the places by centrality and keep the shortest-path tree to the most central one."""
    graph = load_graph(topology.name)
    delays = _delays(graph, topology)
    ranked = _by_centrality(delays)
    root, others = ranked[0], ranked[1:]
    cores = min(max(1, round(topology.core_share * len(ranked))), len(others) - 1)
    tier = {root: topology.repository}
    tier |= {place: topology.core if i < cores else topology.access for i, place in enumerate(others)}
    nodes = [_node(place, tier[place], float(i > cores)) for i, place in enumerate(ranked)]
    paths = nx.single_source_dijkstra_path(delays, root, weight="delay")
    links = [
        _link(place, paths[place][-2], tier[place], delays.edges[place, paths[place][-2]]["delay"])
        for place in others
    ]
    return Explicit(tuple(nodes), tuple(links))


def _delays(graph: TopologyGraph, topology: TopoHubTopology) -> nx.Graph:
    """The graph with the round-trip delay of every edge [s]; a zero length still takes a hop's time."""
    delays = nx.Graph()
    delays.add_nodes_from(graph.places)
    for a, b, km in graph.edges:
        delays.add_edge(a, b, delay=2 * topology.detour * km / KM_PER_SECOND + topology.hop_delay)
    if len(graph.places) < 3:
        raise ConfigError(NAME_KEY, f"{graph.name!r} has {len(graph.places)} nodes; needs at least 3")
    if not nx.is_connected(delays):
        raise ConfigError(NAME_KEY, f"{graph.name!r} is not connected")
    return delays


def _by_centrality(delays: nx.Graph) -> list[str]:
    """Places by falling betweenness on the paths of least delay; ties, up to rounding, by name."""
    centrality = nx.betweenness_centrality(delays, weight="delay")
    return sorted(centrality, key=lambda place: (-round(centrality[place], 9), place))


def _node(name: str, tier: Tier, demand: float) -> Node:
    return Node(name, tier.device, tier.name, tier.memory, tier.servers, demand, tier.pins)


def _link(source: str, target: str, tier: Tier, delay: float | None = None) -> Link:
    """The uplink of a node; a delay that the tier states beats the one from the length."""
    own = delay if tier.delay is None else tier.delay
    return Link(source, target, tier.uplink, own, tier.rate, down_rate=tier.down_rate)
