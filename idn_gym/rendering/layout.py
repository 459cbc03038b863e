"""Positions of a scenario's nodes: repositories on top, then tier by tier, with few crossings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import EMPTY, Floats
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.topologies import expand

WIDEST = 16
"""Nodes side by side at most; a level with more is drawn as several staggered rows."""

RELAXATIONS = 30
"""Passes that pull nodes towards their neighbours; the picture no longer changes by then."""


@dataclass(frozen=True)
class Plan:
    """Positions in a unit of one drawing area's width, and rows from the top."""

    nodes: tuple[int, ...]  # those of the scenario that are shown
    links: tuple[int, ...]  # those of the scenario between them
    # Places in `nodes` from here on.
    ends: tuple[tuple[int, int], ...]  # source and target of each link
    tiers: tuple[str, ...]  # from the repositories down
    x: Floats  # (N,) centre, in 0..1
    row: tuple[int, ...]  # of each node
    width: tuple[float, ...]  # room that each node may take, gap included, in 0..1
    rows: int


@lru_cache(maxsize=32)
def lay_out(compiled: Compiled, below: str | None = None) -> Plan:
    """Place the nodes; done once per scenario.

    Levels are tiers where every link leads to a higher tier, and hops to a repository otherwise.

    Args:
        compiled: the scenario.
        below: a node; only this one is placed, what is below it and its ways to repositories. None: all.

    Raises:
        ConfigError: there is no such node.
    """
    names = compiled.names.nodes
    if below is not None and below not in names:
        raise ConfigError("below", f"{show(below)} is not a node; {closest(below, names)}")
    index = {name: v for v, name in enumerate(names)}
    links_of_all = expand(compiled.scenario.topology).links
    every = [(index[link.source], index[link.target]) for link in links_of_all]
    hops = _hops(compiled, every)
    nodes = list(range(len(names))) if below is None else _around(index[below], every, hops)
    seat = {v: i for i, v in enumerate(nodes)}
    links = [e for e, (source, target) in enumerate(every) if source in seat and target in seat]
    ends = tuple((seat[every[e][0]], seat[every[e][1]]) for e in links)
    hops, tier = [hops[v] for v in nodes], tuple(compiled.names.tiers[v] for v in nodes)
    tiers = _tiers(tier, hops)
    ranks = [tiers.index(name) for name in tier]
    level = ranks if all(ranks[target] < ranks[source] for source, target in ends) else hops
    levels = _ordered(level, ends)
    x, row, width, rows = np.zeros(len(nodes)), [0] * len(nodes), [0.0] * len(nodes), 0
    _spread(levels, ends, x)
    for members in levels:
        split = _rows_of(members)
        for i, v in enumerate(members):
            row[v] = rows + i % split
            width[v] = split * _pitch(members, levels)
        rows += split
    return Plan(tuple(nodes), tuple(links), ends, tiers, x, tuple(row), tuple(width), rows)


def _around(node: int, ends: list[tuple[int, int]], hops: list[int]) -> list[int]:
    """A node, those from which ways to repositories lead over it, and those on its own ways to them."""
    up: list[set[int]] = [set() for _ in hops]
    down: list[set[int]] = [set() for _ in hops]
    for source, target in ends:
        if hops[target] < hops[source]:
            up[source].add(target)
            down[target].add(source)
    found = {node}
    for near in (up, down):
        new = {node}
        while new:
            found |= new
            new = {other for v in new for other in near[v]} - found
    return sorted(found)


def _hops(compiled: Compiled, ends: list[tuple[int, int]]) -> list[int]:
    """Links from each node to the nearest repository; one below the deepest where there is no way."""
    depth = [0 if pins else -1 for pins in (compiled.tables.pinned != EMPTY).any(1)]
    layer = 0
    while layer in depth:
        reached = {source for source, target in ends if depth[source] < 0 and depth[target] == layer}
        layer += 1
        for v in reached:
            depth[v] = layer
    return [layer if hop < 0 else hop for hop in depth]


def _tiers(tier: tuple[str, ...], hops: list[int]) -> tuple[str, ...]:
    """Tiers by the mean distance of their nodes from a repository."""
    depths: dict[str, list[int]] = {}
    for name, hop in zip(tier, hops, strict=True):
        depths.setdefault(name, []).append(hop)
    return tuple(sorted(depths, key=lambda name: float(np.mean(depths[name]))))


def _ordered(level: list[int], ends: tuple[tuple[int, int], ...]) -> list[list[int]]:
    """Nodes of each level from left to right, children in the order of their parents."""
    parent: dict[int, int] = {}
    for source, target in ends:
        if level[target] < level[source]:
            parent.setdefault(source, target)
    levels: list[list[int]] = []
    seat: dict[int, int] = {}
    for depth in sorted(set(level)):
        members = [v for v, own in enumerate(level) if own == depth]
        levels.append(sorted(members, key=lambda v: (seat.get(parent.get(v, -1), 0), v)))
        for v in levels[-1]:
            seat[v] = len(seat)
    return levels


def _rows_of(members: list[int]) -> int:
    return -(-len(members) // WIDEST)


def _pitch(members: list[int], levels: list[list[int]]) -> float:
    """Least distance between neighbours: all the room in the fullest level, some play in the others."""
    fullest = max(levels, key=len)
    rows = _rows_of(fullest)
    least = 1.0 / (len(fullest) + rows - 1)  # staggered nodes stick out by half a pitch
    return least if len(members) == len(fullest) else min(0.85 / len(members), 2.0 * rows * least)


def _spread(levels: list[list[int]], ends: tuple[tuple[int, int], ...], x: Floats) -> None:
    """Move every node towards the mean of its neighbours, keeping order and distance."""
    for members in levels:
        x[members] = (np.arange(len(members)) + 0.5) / len(members)
    near: list[list[int]] = [[] for _ in x]
    for source, target in ends:
        near[source].append(target)
        near[target].append(source)
    for sweep in range(RELAXATIONS):
        for members in levels if sweep % 2 else reversed(levels):
            wish = np.array([x[near[v]].mean() if near[v] else x[v] for v in members])
            pitch = _pitch(members, levels)
            edge = pitch * _rows_of(members) / 2
            x[members] = spread_apart(wish, pitch, edge, 1.0 - edge)


def spread_apart(wish: Floats, pitch: float, low: float, high: float) -> Floats:
    """Rising positions closest to the wishes (least squares) that are `pitch` apart and from `low` to `high`.

    Pool adjacent violators (Ayer et al., 1955) on the wishes less the distances they must keep.

    Args:
        wish: (n,) in the order that is kept; they need not rise.
        pitch: least distance between neighbours.
        low: where the first one may be at least.
        high: where the last one may be at most; with too little room, the first ones are below `low`.
    """
    blocks: list[tuple[float, int]] = []
    for value in wish - pitch * np.arange(len(wish)):
        mean, count = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, size = blocks.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        blocks.append((mean, count))
    free = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
    inside: Floats = np.clip(free, low, high - pitch * (len(wish) - 1)) + pitch * np.arange(len(wish))
    return inside
