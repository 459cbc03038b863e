"""Real network graphs by name: two that ship with the package, the others from TopoHub."""

from __future__ import annotations

import difflib
import json
import math
import warnings
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gymnasium.error import DependencyNotInstalled

from idn_gym.config_reader import ConfigError, show

SHIPPED_GRAPHS = {
    name: Path(__file__).parents[1] / "data" / f"{name.replace('/', '-')}.json"
    for name in ("sndlib/germany50", "sndlib/nobel-eu")
}
"""Graphs that need no TopoHub, and their files; written by `experiments/make_topologies.py`."""

NAME_KEY = "topology.name"

FILES = (".graphml", ".gml", ".xml", ".gexf", ".json", ".yaml", ".yml", ".csv", ".txt")
"""Endings that no graph of TopoHub has."""


class TopologyGraph(NamedTuple):
    """A graph of named places."""

    name: str
    places: tuple[str, ...]  # names, each once, sorted
    edges: tuple[tuple[str, str, float], ...]  # two places in name order and their distance [km], sorted


@cache
def load_graph(name: str) -> TopologyGraph:
    """Load a graph by its name in TopoHub, such as "sndlib/germany50".

    Raises:
        ConfigError: there is no such graph, or the name is that of a file.
        DependencyNotInstalled: the graph does not ship and topohub is not installed.
    """
    return read_node_link(name, _graph_data(name))


def graph_positions(name: str) -> dict[str, tuple[float, float]]:
    """Where the places of a graph are: longitude and latitude [degrees], or on a plane; see `load_graph`."""
    nodes = _graph_data(name)["nodes"]
    place = _name_places(nodes)
    return {place[node["id"]]: (float(node["pos"][0]), float(node["pos"][1])) for node in nodes}


def _graph_data(name: str) -> Mapping[str, Any]:
    if name in SHIPPED_GRAPHS:
        found: Mapping[str, Any] = json.loads(SHIPPED_GRAPHS[name].read_text(encoding="utf-8"))
        return found
    if Path(name).suffix.lower() in FILES:
        raise ConfigError(NAME_KEY, say_how_to_bring(name))
    return _from_topohub(name)


def say_how_to_bring(file: object) -> str:
    """Read the file of a graph by name."""
    return (
        f"{show(file)}: name a file (GraphML, GML, node-link JSON) by topology with kind: file and path, or "
        "write its nodes and links out with kind: explicit; here goes the name of a graph of TopoHub"
    )


def read_node_link(name: str, data: Mapping[str, Any]) -> TopologyGraph:
    """Read the node-link form: nodes with `id`, `name` and `pos`, edges with `dist` [km].

    A node without a name of its own is called by its id. Of parallel edges the shortest counts.
    """
    place = _name_places(data["nodes"])
    shortest: dict[tuple[str, str], float] = {}
    for edge, km in zip(data["edges"], _lengths(name, data), strict=True):
        a, b = sorted((place[edge["source"]], place[edge["target"]]))
        if a != b:
            shortest[a, b] = min(km, shortest.get((a, b), math.inf))
    edges = tuple((a, b, km) for (a, b), km in sorted(shortest.items()))
    return TopologyGraph(name, tuple(sorted(place.values())), edges)


def _lengths(name: str, data: Mapping[str, Any]) -> list[float]:
    """Length of every edge [km].

    Positions that are not degrees are places on a plane [km], as TopoHub's Gabriel graphs have them. Eleven
    graphs of SNDlib are drawings; their `dist` takes the drawing for degrees and is nonsense.
    """
    given = [float(edge["dist"]) for edge in data["edges"]]
    position = {node["id"]: node["pos"] for node in data["nodes"]}
    if all(abs(longitude) <= 180 and abs(latitude) <= 90 for longitude, latitude in position.values()):
        return given
    drawn = [math.dist(position[edge["source"]], position[edge["target"]]) for edge in data["edges"]]
    if all(abs(a - b) <= 0.1 for a, b in zip(given, drawn, strict=True)):  # all have two decimals
        return given
    warnings.warn(
        f"{NAME_KEY}: {show(name)} has no scale; one unit of its coordinates is taken as 1 km",
        stacklevel=2,
    )
    return drawn


def _name_places(nodes: list[Mapping[str, Any]]) -> dict[Any, str]:
    """A name for every id: the node's own where it has one that no other node has, else its id."""
    uses = Counter(node.get("name") for node in nodes)
    names = {n["id"]: n["name"] if n.get("name") and uses[n["name"]] == 1 else str(n["id"]) for n in nodes}
    if len(set(names.values())) < len(names):  # a name that reads like another node's id
        names = {identity: str(identity) for identity in names}
    return names


def _from_topohub(name: str) -> Mapping[str, Any]:
    shipped = ", ".join(SHIPPED_GRAPHS)
    try:
        import topohub
    except ImportError:
        raise DependencyNotInstalled(
            f'graph {show(name)}: install TopoHub with `pip install "idn-gym[topo]"`; without it: {shipped}'
        ) from None
    try:
        if Path(name).is_absolute() or ".." in Path(name).parts:  # topohub would read any file
            raise KeyError(name)
        graph: Mapping[str, Any] = topohub.get(name)
    except KeyError:
        folder = Path(topohub.__file__).parent / "data"
        known = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")]
        near = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed: {shipped} and every graph of TopoHub"
        raise ConfigError(NAME_KEY, f"{show(name)} is not a graph of TopoHub; {hint}") from None
    return graph
