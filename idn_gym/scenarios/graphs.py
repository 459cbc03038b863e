"""Real network graphs by name: two that ship with the package, the others from TopoHub."""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gymnasium.error import DependencyNotInstalled

from idn_gym.strict import ConfigError

SHIPPED = {
    name: Path(__file__).parent / "data" / f"{name.replace('/', '-')}.json"
    for name in ("sndlib/germany50", "sndlib/nobel-eu")
}
"""Graphs that need no TopoHub, and their files; written by `experiments/make_topologies.py`."""

KEY = "topology.name"


class Graph(NamedTuple):
    """A graph of named places."""

    name: str
    places: tuple[str, ...]  # names, each once, sorted
    edges: tuple[tuple[str, str, float], ...]  # two places in name order and their distance [km], sorted


@cache
def load_graph(name: str) -> Graph:
    """Load a graph by its name in TopoHub, such as "sndlib/germany50".

    Raises:
        ConfigError: there is no such graph, or its coordinates are not degrees, so that its distances
            mean nothing.
        DependencyNotInstalled: the graph does not ship and topohub is not installed.
    """
    if name in SHIPPED:
        return read_node_link(name, json.loads(SHIPPED[name].read_text(encoding="utf-8")))
    return read_node_link(name, _from_topohub(name))


def read_node_link(name: str, data: Mapping[str, Any]) -> Graph:
    """Read the node-link form: nodes with `id`, `name` and `pos` [degrees], edges with `dist` [km].

    A node without a name of its own is called by its id. Of parallel edges the shortest counts.

    Raises:
        ConfigError: the coordinates are not degrees.
    """
    for node in data["nodes"]:
        longitude, latitude = node["pos"]
        if not (abs(longitude) <= 180 and abs(latitude) <= 90):
            raise ConfigError(
                KEY,
                f"{name!r} is not allowed; its coordinates are not degrees (node {node['id']!r} is at "
                f"{longitude:g}, {latitude:g}), so that it has no distances",
            )
    place = _name_places(data["nodes"])
    shortest: dict[tuple[str, str], float] = {}
    for edge in data["edges"]:
        a, b = sorted((place[edge["source"]], place[edge["target"]]))
        if a != b:
            shortest[a, b] = min(float(edge["dist"]), shortest.get((a, b), math.inf))
    edges = tuple((a, b, km) for (a, b), km in sorted(shortest.items()))
    return Graph(name, tuple(sorted(place.values())), edges)


def _name_places(nodes: list[Mapping[str, Any]]) -> dict[Any, str]:
    """A name for every id: the node's own where it has one that no other node has, else its id."""
    uses = Counter(node.get("name") for node in nodes)
    names = {n["id"]: n["name"] if n.get("name") and uses[n["name"]] == 1 else str(n["id"]) for n in nodes}
    if len(set(names.values())) < len(names):  # a name that reads like another node's id
        names = {identity: str(identity) for identity in names}
    return names


def _from_topohub(name: str) -> Mapping[str, Any]:
    shipped = ", ".join(SHIPPED)
    try:
        import topohub
    except ImportError:
        raise DependencyNotInstalled(
            f'graph {name!r}: install TopoHub with `pip install "idn-gym[topo]"`; without it: {shipped}'
        ) from None
    try:
        graph: Mapping[str, Any] = topohub.get(name)
    except KeyError:
        folder = Path(topohub.__file__).parent / "data"
        known = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")]
        near = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"allowed: {shipped} and every graph of TopoHub"
        raise ConfigError(KEY, f"{name!r} is not a graph of TopoHub; {hint}") from None
    return graph
