"""Read network graphs from files: GraphML, GML, and the node-link form of networkx."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.scenarios.compile.link_lengths import cable_delay, round_trip
from idn_gym.scenarios.compile.topohub import TopologyGraph
from idn_gym.scenarios.config import FileTopology

READERS = (".graphml", ".gml", ".json")
USUAL_LABELS = ("name", "label")
LONGITUDES = ("Longitude", "longitude", "lon", "x")
LATITUDES = ("Latitude", "latitude", "lat", "y")
NODE_FIELDS = ("label", "longitude", "latitude", "tier", "device", "demand")
EDGE_FIELDS = ("length", "delay", "rate", "link")
POSITIVE = ("delay", "rate")
"""Fields of edges that are never 0: without any delay, nothing would tell paths apart."""

EARTH_KM = 6371.0


class FileGraph(NamedTuple):
    """A graph, the delays of its edges, and what a file says of places and edges beside it."""

    graph: TopologyGraph
    delay: Mapping[tuple[str, str], float]  # [s] round trip of every edge, by two places in name order
    tier: Mapping[str, str] = {}  # by place
    device: Mapping[str, str] = {}
    demand: Mapping[str, float] = {}
    rate: Mapping[tuple[str, str], float] = {}  # [bytes/s]
    link: Mapping[tuple[str, str], str] = {}  # kind in the catalogue
    measured: Collection[tuple[str, str]] = ()  # edges whose delay the file has


def read_graph(topology: FileTopology) -> FileGraph:
    """Read the graph of a file; of parallel edges the least delay and the highest rate count.

    Raises:
        ConfigError: the file cannot be read, or an attribute is not there or has a value that does not fit.
    """
    read = _read(topology.path)
    _check_attributes(topology, read)
    names = _names(topology, read)
    place = _places(topology, read, names)
    km: dict[tuple[str, str], float] = {}
    delay: dict[tuple[str, str], float] = {}
    rate: dict[tuple[str, str], float] = {}
    link: dict[tuple[str, str], str] = {}
    measured = set[tuple[str, str]]()
    for a, b, data in read.edges(data=True):
        ends = min(names[a], names[b]), max(names[a], names[b])
        if a == b:
            continue
        where = f"the link {names[a]} - {names[b]}"
        flown = _distance(place[a], place[b]) if a in place and b in place else 0.0
        if _number(topology, "delay", data, where) is not None:
            measured.add(ends)
        seconds = _edge_delay(topology, data, where, flown)
        if seconds < delay.get(ends, math.inf):
            km[ends], delay[ends] = flown, seconds
        if data.get(topology.link):
            link.setdefault(ends, str(data[topology.link]))
        offered = _number(topology, "rate", data, where)
        if offered is not None:
            rate[ends] = max(offered * topology.rate_unit, rate.get(ends, 0.0))
    edges = tuple((a, b, length) for (a, b), length in sorted(km.items()))
    graph = TopologyGraph(Path(topology.path).name, tuple(sorted(names.values())), edges)
    return FileGraph(
        graph,
        delay,
        tier=_texts(topology, "tier", read, names),
        device=_texts(topology, "device", read, names),
        demand={
            names[node]: weight
            for node, data in read.nodes(data=True)
            if (weight := _number(topology, "demand", data, f"node {names[node]}")) is not None
        },
        rate=rate,
        link=link,
        measured=measured,
    )


def file_positions(topology: FileTopology) -> dict[str, tuple[float, float]]:
    """Longitude and latitude [degrees] of the places that have them, or neighbours with them.

    Raises:
        ConfigError: see `read_graph`.
    """
    read = _read(topology.path)
    names = _names(topology, read)
    return {names[node]: at for node, at in _places(topology, read, names).items()}


def graph_summary(topology: FileTopology, links: Iterable[str]) -> str:
    """Say what a file has, and what it leaves open, as text.

    Args:
        topology: the file.
        links: names of the links of the scenario, ``source->target``.

    Raises:
        ConfigError: see `read_graph`.
    """
    found, read = read_graph(topology), _read(topology.path)
    names = _names(topology, read)
    placed = {names[node] for node, data in read.nodes(data=True) if _place(topology, data, names[node])}
    kept = {frozenset(link.split("->")) for link in links}
    ends = [(a, b) for a, b, _ in found.graph.edges]
    loops = sum(a == b for a, b in read.edges())
    notes = [
        (len(ends) - len(kept), "off the routes, left out"),
        (
            0 if read.is_directed() else read.number_of_edges() - loops - len(ends),
            "parallel to another one",
        ),
        (loops, "from a node to itself"),
        (len(ends) - len(found.rate) if topology.rate else 0, f"without {topology.rate}"),
    ]
    lines = [f"{len(names)} nodes, {len(ends)} links between two of them"]
    lines += [f"{count} {what}" for count, what in notes if count > 0]
    nowhere = sorted(set(names.values()) - placed)
    if nowhere:
        more = f" and {len(nowhere) - 3} more" if len(nowhere) > 3 else ""
        lines.append(f"without a place: {', '.join(nowhere[:3])}{more}")
    return "; ".join(lines)


def _read(path: str) -> nx.Graph:
    suffix = Path(path).suffix.lower()
    try:
        if suffix == ".graphml":
            return nx.read_graphml(path)
        if suffix == ".gml":
            return nx.read_gml(path, label="id")
        if suffix == ".json":
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            return nx.node_link_graph(data, edges="edges" if "edges" in data else "links")
    except OSError as error:
        raise ConfigError("topology.path", f"{show(path)} cannot be read ({error.strerror})") from None
    except Exception as error:  # readers raise whatever their parsers do
        raise ConfigError("topology.path", f"{show(path)} cannot be read as a graph ({error})") from None
    raise ConfigError(
        "topology.path", f"{show(path)} is not allowed; must end in one of {', '.join(READERS)}"
    )


def _attributes(entries: Iterable[tuple[Any, ...]]) -> list[str]:
    """Names of the attributes of nodes or edges, whose last item is the mapping of them."""
    return sorted({str(key) for *_, data in entries for key in data})


def _check_attributes(topology: FileTopology, read: nx.Graph) -> None:
    """Refuse names of attributes that the file does not have; all values would silently be the defaults.

    Raises:
        ConfigError: no node or no edge has an attribute that is named, or an edge ends at a node that is not
            listed.
    """
    for kind, fields, known in (
        ("node", NODE_FIELDS, _attributes(read.nodes(data=True))),
        ("edge", EDGE_FIELDS, _attributes(read.edges(data=True))),
    ):
        for field in fields:
            named = getattr(topology, field)
            if named is not None and named not in known:
                raise ConfigError(
                    f"topology.{field}",
                    f"{show(named)} is not an attribute of any {kind}; {closest(named, known)}",
                )
    bare = [node for node, data in read.nodes(data=True) if not data]
    if 0 < len(bare) < len(read):
        raise ConfigError(
            "topology.path",
            f"{show(topology.path)} has nothing but the id of node {show(bare[0])}, as where an edge ends at "
            "a node that is not listed; must list all nodes with their attributes",
        )


def _names(topology: FileTopology, read: nx.Graph) -> dict[Hashable, str]:
    """A name for every node, each once."""
    label = topology.label
    if label is None:
        label = next(
            (key for key in USUAL_LABELS if all(data.get(key) for _, data in read.nodes(data=True))), None
        )
    given = {
        node: str(data.get(label) or node) if label else str(node) for node, data in read.nodes(data=True)
    }
    uses = Counter(given.values())
    names = {node: name if uses[name] == 1 else f"{name}-{node}" for node, name in given.items()}
    return names if len(set(names.values())) == len(names) else {node: str(node) for node in names}


def _places(
    topology: FileTopology, read: nx.Graph, names: Mapping[Hashable, str]
) -> dict[Hashable, tuple[float, float]]:
    """Longitude and latitude of the nodes that have a place, or neighbours with one."""
    given = {node: _place(topology, data, names[node]) for node, data in read.nodes(data=True)}
    found = {node: at for node, at in given.items() if at is not None}
    guessed = {}
    for node in read.nodes:
        near = [found[other] for other in nx.all_neighbors(read, node) if other in found]
        if node not in found and near:
            guessed[node] = (sum(x for x, _ in near) / len(near), sum(y for _, y in near) / len(near))
    return found | guessed


def _place(topology: FileTopology, data: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Longitude and latitude of a node; None: it has not both."""
    longitude, latitude = (
        _degrees(topology, field, data, f"node {name}") for field in ("longitude", "latitude")
    )
    return None if longitude is None or latitude is None else (longitude, latitude)


def _degrees(topology: FileTopology, field: str, data: Mapping[str, Any], where: str) -> float | None:
    named, most = getattr(topology, field), 180.0 if field == "longitude" else 90.0
    usual = LONGITUDES if field == "longitude" else LATITUDES
    key = named if named is not None else next((key for key in usual if key in data), None)
    if key is None or data.get(key) in (None, ""):
        return None
    return _as_number(data[key], f"topology.{field}", where, -most, most)


def _number(topology: FileTopology, field: str, data: Mapping[str, Any], where: str) -> float | None:
    name = getattr(topology, field)
    if name is None or data.get(name) in (None, ""):
        return None
    return _as_number(data[name], f"topology.{field}", where, 0.0, math.inf, above=field in POSITIVE)


def _edge_delay(topology: FileTopology, data: Mapping[str, Any], where: str, flown: float) -> float:
    """Round-trip delay of an edge [s]: as measured, by its cable, or as the crow flies."""
    seconds = _number(topology, "delay", data, where)
    km = _number(topology, "length", data, where)
    if seconds is not None:
        return 2 * seconds
    return round_trip(topology, flown) if km is None else cable_delay(topology, km)


def _as_number(value: Any, key: str, where: str, least: float, most: float, above: bool = False) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isfinite(number) and least <= number <= most and not (above and number == least):
        return number
    bounds = f"above {least:g}" if above else f"of at least {least:g}"
    bounds += "" if most == math.inf else f" and at most {most:g}"
    raise ConfigError(key, f"the file has {show(value)} at {where}; must be a number {bounds}")


def _texts(
    topology: FileTopology, field: str, read: nx.Graph, names: Mapping[Hashable, str]
) -> dict[str, str]:
    attribute = getattr(topology, field)
    if attribute is None:
        return {}
    return {names[node]: str(data[attribute]) for node, data in read.nodes(data=True) if data.get(attribute)}


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance [km] between two places, by the haversine formula."""
    (x, y), (u, v) = (tuple(map(math.radians, place)) for place in (a, b))
    chord = math.sin((v - y) / 2) ** 2 + math.cos(y) * math.cos(v) * math.sin((u - x) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, chord)))
