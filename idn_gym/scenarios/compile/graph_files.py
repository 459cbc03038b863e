"""Read network graphs from files: GraphML, GML, and the node-link form of networkx."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.scenarios.compile.topohub import TopologyGraph
from idn_gym.scenarios.config import FileTopology

READERS = (".graphml", ".gml", ".json")
USUAL_LABELS = ("name", "label")
LONGITUDES = ("Longitude", "longitude", "lon", "x")
LATITUDES = ("Latitude", "latitude", "lat", "y")
EARTH_KM = 6371.0


class FileGraph(NamedTuple):
    """A graph, and what its file says of places and edges beside it."""

    graph: TopologyGraph
    tier: Mapping[str, str]  # by place
    device: Mapping[str, str]
    demand: Mapping[str, float]
    rate: Mapping[tuple[str, str], float]  # [bytes/s] by two places in name order


def read_graph(topology: FileTopology) -> FileGraph:
    """Read the graph of a file; of parallel edges the shortest counts, with the highest rate.

    Raises:
        ConfigError: the file cannot be read, or an attribute is not there or has a value that does not fit.
    """
    read = _read(topology.path)
    names = _names(topology, read)
    place = _places(topology, read)
    shortest: dict[tuple[str, str], float] = {}
    rate: dict[tuple[str, str], float] = {}
    for a, b, data in read.edges(data=True):
        ends = min(names[a], names[b]), max(names[a], names[b])
        if a == b:
            continue
        km = _number(topology, "length", data)
        if km is None:
            km = _distance(place[a], place[b]) if a in place and b in place else 0.0
        shortest[ends] = min(km, shortest.get(ends, math.inf))
        offered = _number(topology, "rate", data)
        if offered is not None:
            rate[ends] = max(offered * topology.rate_unit, rate.get(ends, 0.0))
    edges = tuple((a, b, km) for (a, b), km in sorted(shortest.items()))
    graph = TopologyGraph(Path(topology.path).name, tuple(sorted(names.values())), edges)
    return FileGraph(
        graph,
        tier=_texts(topology, "tier", read, names),
        device=_texts(topology, "device", read, names),
        demand={
            names[node]: weight
            for node, data in read.nodes(data=True)
            if (weight := _number(topology, "demand", data)) is not None
        },
        rate=rate,
    )


def file_positions(topology: FileTopology) -> dict[str, tuple[float, float]]:
    """Longitude and latitude [degrees] of the places that have them, or neighbours with them.

    Raises:
        ConfigError: see `read_graph`.
    """
    read = _read(topology.path)
    names = _names(topology, read)
    return {names[node]: at for node, at in _places(topology, read).items()}


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


def _attributes(read: nx.Graph) -> set[str]:
    return {str(key) for _, data in read.nodes(data=True) for key in data}


def _names(topology: FileTopology, read: nx.Graph) -> dict[Hashable, str]:
    """A name for every node, each once."""
    label = topology.label
    if label is None:
        label = next(
            (key for key in USUAL_LABELS if all(data.get(key) for _, data in read.nodes(data=True))), None
        )
    elif label not in _attributes(read):
        raise ConfigError(
            "topology.label",
            f"{show(label)} is not an attribute; {closest(label, sorted(_attributes(read)))}",
        )
    given = {
        node: str(data.get(label) or node) if label else str(node) for node, data in read.nodes(data=True)
    }
    uses = Counter(given.values())
    names = {node: name if uses[name] == 1 else f"{name}-{node}" for node, name in given.items()}
    return names if len(set(names.values())) == len(names) else {node: str(node) for node in names}


def _places(topology: FileTopology, read: nx.Graph) -> dict[Hashable, tuple[float, float]]:
    """Longitude and latitude of the nodes that have a place, or neighbours with one."""
    found = {}
    for node, data in read.nodes(data=True):
        at = [
            _degrees(topology, key, usual, data)
            for key, usual in (("longitude", LONGITUDES), ("latitude", LATITUDES))
        ]
        if at[0] is not None and at[1] is not None:
            found[node] = (at[0], at[1])
    guessed = {}
    for node in read.nodes:
        near = [found[other] for other in nx.all_neighbors(read, node) if other in found]
        if node not in found and near:
            guessed[node] = (sum(x for x, _ in near) / len(near), sum(y for _, y in near) / len(near))
    return found | guessed


def _degrees(
    topology: FileTopology, field: str, usual: tuple[str, ...], data: Mapping[str, Any]
) -> float | None:
    if getattr(topology, field) is not None:
        return _number(topology, field, data)
    for key in usual:
        if key in data:
            return _as_number(data[key], f"topology.{field}")
    return None


def _number(topology: FileTopology, field: str, data: Mapping[str, Any]) -> float | None:
    name = getattr(topology, field)
    return (
        None if name is None or data.get(name) in (None, "") else _as_number(data[name], f"topology.{field}")
    )


def _as_number(value: Any, key: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    least = -math.inf if key in ("topology.longitude", "topology.latitude") else 0.0
    if not (math.isfinite(number) and number >= least):
        raise ConfigError(
            key, f"the file has {show(value)}; must be a number" + (" of at least 0" if least == 0.0 else "")
        )
    return number


def _texts(
    topology: FileTopology, field: str, read: nx.Graph, names: Mapping[Hashable, str]
) -> dict[str, str]:
    attribute = getattr(topology, field)
    if attribute is None:
        return {}
    if attribute not in _attributes(read):
        known = sorted(_attributes(read))
        raise ConfigError(
            f"topology.{field}", f"{show(attribute)} is not an attribute; {closest(attribute, known)}"
        )
    return {names[node]: str(data[attribute]) for node, data in read.nodes(data=True) if data.get(attribute)}


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance [km] between two places, by the haversine formula."""
    (x, y), (u, v) = (tuple(map(math.radians, place)) for place in (a, b))
    chord = math.sin((v - y) / 2) ** 2 + math.cos(y) * math.cos(v) * math.sin((u - x) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, chord)))
