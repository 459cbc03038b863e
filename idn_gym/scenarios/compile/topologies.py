"""Topologies in short form, written out as nodes and links."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx

from idn_gym.config_reader import ConfigError, closest, show, twice
from idn_gym.scenarios.compile.graph_files import FileGraph, read_graph
from idn_gym.scenarios.compile.link_lengths import round_trip
from idn_gym.scenarios.compile.sizes import MOST_NODES
from idn_gym.scenarios.compile.topohub import NAME_KEY, TopologyGraph, load_graph
from idn_gym.scenarios.config import (
    Explicit,
    FileTopology,
    Hierarchy,
    Link,
    Node,
    RealTopology,
    Tier,
    TopoHubTopology,
)


def expand(topology: Explicit | Hierarchy | TopoHubTopology | FileTopology) -> Explicit:
    """Write a topology out as nodes and links; the same topology always gives the same list.

    Their values are those before scaling; the scales stay with them.

    Raises:
        ConfigError: a graph that cannot be used, or names that are not unique.
        DependencyNotInstalled: the graph needs topohub, which is not installed.
    """
    if isinstance(topology, Hierarchy):
        return _listed(topology, *_expand_hierarchy(topology))
    if isinstance(topology, TopoHubTopology):
        return lay_over(topology, load_graph(topology.name))
    if isinstance(topology, FileTopology):
        return _listed(topology, *_expand_real(topology, read_graph(topology)))
    return topology


def lay_over(topology: RealTopology, graph: TopologyGraph) -> Explicit:
    """Put the tiers of a topology over a graph, which need not be the one that it names.

    Raises:
        ConfigError: the graph has fewer than three places, or is not connected.
    """
    delay = {(a, b): round_trip(topology, km) for a, b, km in graph.edges}
    return _listed(topology, *_expand_real(topology, FileGraph(graph, delay)))


def _listed(topology: Hierarchy | RealTopology, nodes: list[Node], links: list[Link]) -> Explicit:
    return Explicit(
        tuple(nodes),
        tuple(links),
        topology.routes,
        memory_scale=topology.memory_scale,
        rate_scale=topology.rate_scale,
        radio=topology.radio,
        network_energy=topology.network_energy,
    )


_Listed = tuple[list[Node], list[Link]]


def _expand_hierarchy(topology: Hierarchy) -> _Listed:
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
    return nodes, links


def _expand_real(topology: RealTopology, known: FileGraph) -> _Listed:
    """Rank the places, and keep the paths of least delay to the nearest repository."""
    graph = known.graph
    delays = _delays(known, topology)
    ranked = _by_centrality(delays)
    tier = _tiers_by_name(topology, known, ranked) if known.tier else _tiers_by_rank(topology, ranked)
    roots = [place for place in ranked if tier[place] is topology.repository]
    nodes = [
        _node(
            place,
            tier[place],
            known.demand.get(place, float(tier[place] is topology.access)),
            known.device.get(place),
        )
        for place in ranked
    ]
    paths = nx.multi_source_dijkstra_path(delays, roots, weight="delay")
    others = [place for place in ranked if place not in roots]
    ways = [(place, paths[place][-2]) for place in others]
    if topology.routes > 1:
        both = [way for a, b, _ in graph.edges for way in ((a, b), (b, a)) if way[0] not in roots]
        ways = list(dict.fromkeys([*ways, *both]))
    return nodes, [_real_link(a, b, tier[a], known) for a, b in ways]


def _tiers_by_rank(topology: RealTopology, ranked: list[str]) -> dict[str, Tier]:
    cores = min(max(1, round(topology.core_share * len(ranked))), len(ranked) - 2)
    others = {place: topology.core if i < cores else topology.access for i, place in enumerate(ranked[1:])}
    return {ranked[0]: topology.repository} | others


def _tiers_by_name(topology: RealTopology, known: FileGraph, ranked: list[str]) -> dict[str, Tier]:
    tiers = {tier.name: tier for tier in (topology.repository, topology.core, topology.access)}
    for place in ranked:
        name = known.tier.get(place)
        if name not in tiers:
            wrong = "has none" if name is None else f"has {show(name)}"
            raise ConfigError("topology.tier", f"node {place!r} {wrong}; {closest(name or '', list(tiers))}")
    found = {place: tiers[known.tier[place]] for place in ranked}
    if topology.repository not in found.values():
        raise ConfigError(
            "topology.tier", f"no node is of tier {topology.repository.name!r}; needs at least 1"
        )
    return found


def _delays(known: FileGraph, topology: RealTopology) -> nx.Graph:
    """The graph with the round-trip delay of every edge [s]; a zero length still takes a hop's time."""
    graph = known.graph
    key = NAME_KEY if isinstance(topology, TopoHubTopology) else "topology.path"
    delays = nx.Graph()
    delays.add_nodes_from(graph.places)
    for a, b, _ in graph.edges:
        delays.add_edge(a, b, delay=known.delay[a, b])
    if len(graph.places) < 3:
        raise ConfigError(key, f"{graph.name!r} has {len(graph.places)} nodes; needs at least 3")
    if not nx.is_connected(delays):
        parts = sorted(nx.connected_components(delays), key=len)
        alone = ", ".join(show(place) for place in sorted(parts[0])[:3])
        more = f" and {len(parts[0]) - 3} more" if len(parts[0]) > 3 else ""
        raise ConfigError(
            key, f"{graph.name!r} is not connected; no link leads from {alone}{more} to the other nodes"
        )
    return delays


def _by_centrality(delays: nx.Graph) -> list[str]:
    """Places by falling betweenness on the paths of least delay; ties, up to rounding, by name."""
    centrality = nx.betweenness_centrality(delays, weight="delay")
    return sorted(centrality, key=lambda place: (-round(centrality[place], 9), place))


def _node(name: str, tier: Tier, demand: float, device: str | None = None) -> Node:
    size = tier.memory, tier.servers
    return Node(
        name, device or tier.device, tier.name, *size, demand, tier.count, tier.pins, battery=tier.battery
    )


def _link(source: str, target: str, tier: Tier) -> Link:
    """The uplink of a node in a tree."""
    numbers = tier.delay, tier.rate, None, tier.down_rate
    return Link(source, target, tier.uplink, *numbers, tier.medium, tier.duty_cycle)


def _real_link(source: str, target: str, tier: Tier, known: FileGraph) -> Link:
    """A link of a graph: what the file measures or names beats the tier, whose delay beats that by length.

    It has its own rate in both directions, unless the tier has a rate back.
    """
    ends = min(source, target), max(source, target)
    if ends in known.link:  # numbers of the tier are those of its own kind of link
        tier = replace(tier, uplink=known.link[ends], delay=None, rate=None, down_rate=None, duty_cycle=None)
    delay = known.delay[ends] if tier.delay is None or ends in known.measured else tier.delay
    rate = known.rate.get(ends)
    back = rate if tier.down_rate is None else tier.down_rate
    kind, numbers = tier.uplink, (delay, rate or tier.rate, None, back)
    return Link(source, target, kind, *numbers, tier.medium, tier.duty_cycle)
