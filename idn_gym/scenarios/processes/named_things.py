"""Nodes or links that a scenario's names refer to: their own names, or those of their tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.scenarios.config_zones import Zone
from idn_gym.scenarios.families import key_of

ColumnNames = Sequence[tuple[str, ...]]
"""Names of each link or node: its own name first, then wider ones; see `Span`."""

INGRESS = "ingress node, nor a tier with one"
"""Names of ingress nodes, where only these count."""


def closest_thing(name: str, known: Sequence[str]) -> str:
    """As `closest`; of the name of a link that is none, what may be wrong with it."""
    source, arrow, target = name.partition("->")
    back = f"{target}->{source}"
    if not arrow:
        return closest(name, known)
    listed = f"allowed: {', '.join(known)}"
    if back in known:
        return (
            f"{listed}; did you mean {show(back)}? Links are named from the devices' side to the repository's"
        )
    ends = {end for other in known if "->" in other for end in other.split("->")}
    if {source, target} <= ends:
        return (
            f"{listed}; no request is routed over such a link; topology.routes above 1 keeps all of a graph"
        )
    return closest(name, known)


def select(wanted: Sequence[str], names: ColumnNames, key: str, what: str = "node or tier") -> Bools:
    """Return the named things, (C,).

    Args:
        wanted: names, each of one thing or of several.
        names: (C,) of the things.
        key: of the configuration, for messages.
        what: names of what there are, for messages.

    Raises:
        ConfigError: a name of nothing.
    """
    known = {name for of in names for name in of}
    for name in wanted:
        if name not in known:
            raise ConfigError(key, f"{show(name)} is no {what}; {closest_thing(name, sorted(known))}")
    return np.array([not of_names.isdisjoint(wanted) for of_names in map(set, names)], np.bool_)


def divide(zones: Sequence[Zone], names: ColumnNames, key: str, what: str = "node or tier") -> Ints:
    """The number of the zone that each thing lies in, (C,); -1 where in none.

    Args:
        zones: of a process.
        names: (C,) of the things.
        key: under which the zones stand.
        what: as of `select`.

    Raises:
        ConfigError: a name of nothing, or a thing that lies in two zones.
    """
    zone = np.full(len(names), -1)
    for i, named in enumerate(zones):
        mine = select(named.nodes, names, f"{key}.{i}.nodes", what)
        double = np.flatnonzero(mine & (zone >= 0))
        if double.size:
            name = show(names[double[0]][0])
            raise ConfigError(f"{key}.{i}.nodes", f"{name} is already in a region above")
        zone[mine] = i
    return zone


def spread_regions(process: Any, quantity: str, names: ColumnNames) -> tuple[Floats, Floats, Ints]:
    """Values of a process with `regions` for each node.

    Args:
        process: its regions are zones; those that leave `quantity` null have that of the process.
        quantity: name of the field that regions may set.
        names: (N,) of the nodes.

    Returns:
        (N,) the quantity, (N,) the phase [turns], and (N,) the region, called after its first node.

    Raises:
        ConfigError: a name of no node or tier, or a node in two regions.
    """
    region = divide(process.regions, names, f"{key_of(type(process))}.regions")
    value, phase = np.full(len(names), float(getattr(process, quantity))), np.zeros(len(names))
    for i, named in enumerate(process.regions):
        phase[region == i] = named.phase
        if getattr(named, quantity) is not None:
            value[region == i] = getattr(named, quantity)
    _, first, of_node = np.unique(region, return_index=True, return_inverse=True)
    return value, phase, first[of_node]
