"""Enumerate the ways in which each request class can be served.

An option is an operating point of a model, cuts, and the node of each part in path order. The
enumeration is done once per scenario; what may change per slot (rates, speeds) stays outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise, takewhile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Ints


class PointRow(NamedTuple):
    """One operating point of a model."""

    name: str
    accuracy: float  # mean over inputs
    exits: tuple[tuple[int, float], ...]  # (blocks done, share of inputs), deepest last


class ModelRow(NamedTuple):
    """One DNN as the enumeration needs it; n blocks, n + 1 cuts."""

    name: str
    task: int
    block_bytes: Floats  # (n,) [bytes] resident
    cut_bytes: Floats  # (n+1,) [bytes] on the wire; cut 0 is the raw input
    seconds: Floats  # (N, n) [s] per block on each node
    entry_seconds: Floats  # (N,) [s] once per part that runs on the node
    points: tuple[PointRow, ...]


class Path(NamedTuple):
    """A route from an ingress node to a repository."""

    nodes: tuple[int, ...]
    links: tuple[int, ...]  # one fewer than nodes


Routes = tuple[Path, ...]
"""Those of a class, the shortest first; end to end they are its path, whose positions options refer to."""


class SegmentRows(NamedTuple):
    """All segments that options may use; row order is the segment's index."""

    model: Ints
    first: Ints
    last: Ints
    row_of: Mapping[tuple[int, int, int], int]  # (model, first, last) -> row


def enumerate_segments(models: Sequence[ModelRow], max_parts: int) -> SegmentRows:
    """Wholes, heads and tails, and with three parts the middles too."""
    rows = []
    for m, model in enumerate(models):
        n = len(model.block_bytes)
        for first, last in combinations(range(n + 1), 2):
            outer = first == 0 or last == n
            if (max_parts == 1 and (first, last) == (0, n)) or (max_parts == 2 and outer) or max_parts == 3:
                rows.append((m, first, last))
    table = np.array(rows, np.int64).reshape(-1, 3)
    return SegmentRows(table[:, 0], table[:, 1], table[:, 2], {row: i for i, row in enumerate(rows)})


class RouteStart(NamedTuple):
    """Where a route stands among those of its class."""

    number: int
    origin: int  # position on the path of the class where it begins
    shared: int  # nodes at its beginning that one earlier route passes too, in this order


class OptionPart(NamedTuple):
    """What one node does of an option."""

    node: int
    position: int  # of the node on the path of the class
    segment: int
    seconds: float  # [s] expected per request
    reach: float  # share of inputs that get there
    bytes: float  # [bytes] expected per request, on the wire into it


class OptionBranch(NamedTuple):
    """One of the ways in which a request can end."""

    share: float
    parts: int  # that it visits
    bytes: tuple[float, ...]  # (parts,) [bytes] on the wire into each
    seconds: tuple[float, ...]  # (parts,) [s] in each


class OptionRow(NamedTuple):
    """One option before it becomes part of the tables."""

    order: tuple[int, float, float, str]  # tie order: hops, bytes, error, name
    origin: int  # position on the path of the class where its route begins
    model: int
    point: int
    error: float
    traffic: float
    link_joules: float
    parts: tuple[OptionPart, ...]
    branches: tuple[OptionBranch, ...]


def survival(point: PointRow, blocks: int) -> list[float]:
    """Share of inputs that reach each block; survival[k] also holds at cut k."""
    return [sum(share for after, share in point.exits if after > block) for block in range(blocks)]


def route_starts(routes: Routes) -> list[RouteStart]:
    """Where each route begins, and how much of its beginning earlier ones have too."""
    starts, origin = [], 0
    for number, route in enumerate(routes):
        shared = max((_common(route.nodes, earlier.nodes) for earlier in routes[:number]), default=0)
        starts.append(RouteStart(number, origin, shared))
        origin += len(route.nodes)
    return starts


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many entries at the beginning agree."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def enumerate_options(
    models: Sequence[ModelRow],
    segments: SegmentRows,
    task: int,
    routes: Routes,
    holds: npt.NDArray[np.bool_],
    link_joules: Floats,
    max_parts: int,
) -> list[OptionRow]:
    """All options of a class, in tie order; those that end where routes have not parted yet are there once.

    Args:
        models: the catalogue.
        segments: from `enumerate_segments`.
        task: the task of the class.
        routes: those of the class.
        holds: (N, S) whether the node can ever hold the segment (pinned there, or it fits).
        link_joules: (E,) [J/byte].
        max_parts: most parts per option.
    """
    rows: list[OptionRow] = []
    mine = [(m, model) for m, model in enumerate(models) if model.task == task]
    for route, start in zip(routes, route_starts(routes), strict=True):
        label = f"/{start.number}" if len(routes) > 1 else ""
        joules = np.concatenate([[0.0], np.cumsum([link_joules[e] for e in route.links])])
        for m, model in mine:
            blocks = len(model.block_bytes)
            for cuts, positions in _layouts(blocks, len(route.nodes), max_parts):
                if positions[-1] < start.shared:
                    continue
                nodes = [route.nodes[i] for i in positions]
                pieces = [segments.row_of[m, first, last] for first, last in cuts]
                if all(holds[v, s] for v, s in zip(nodes, pieces, strict=True)):
                    for o, point in enumerate(model.points):
                        row = _row(m, model, o, point, cuts, positions, nodes, pieces, joules)
                        rows.append(_on_route(row, start.origin, label))
    return sorted(rows, key=lambda row: row.order)


def _on_route(row: OptionRow, origin: int, label: str) -> OptionRow:
    """The option with positions on the path of the class; `label` is the last to decide a tie."""
    hops, traffic, error, name = row.order
    parts = tuple(part._replace(position=origin + part.position) for part in row.parts)
    return row._replace(order=(hops, traffic, error, name + label), origin=origin, parts=parts)


def _layouts(
    blocks: int, length: int, max_parts: int
) -> Iterator[tuple[list[tuple[int, int]], tuple[int, ...]]]:
    """Yield ([(first, last) of each part], [position of each part])."""
    for parts in range(1, min(max_parts, blocks, length) + 1):
        for inner in combinations(range(1, blocks), parts - 1):
            edges = (0, *inner, blocks)
            cuts = list(pairwise(edges))
            for positions in combinations(range(length), parts):
                yield cuts, positions


def _row(
    m: int,
    model: ModelRow,
    o: int,
    point: PointRow,
    cuts: list[tuple[int, int]],
    positions: tuple[int, ...],
    nodes: list[int],
    pieces: list[int],
    joules: Floats,
) -> OptionRow:
    alive = survival(point, len(model.block_bytes))
    parts, traffic, spent, before = [], 0.0, 0.0, 0
    for (first, last), here, v, s in zip(cuts, positions, nodes, pieces, strict=True):
        reach, size = alive[first], alive[first] * float(model.cut_bytes[first])
        seconds = reach * model.entry_seconds[v] + sum(
            alive[b] * model.seconds[v, b] for b in range(first, last)
        )
        parts.append(OptionPart(v, here, s, float(seconds), reach, size))
        traffic += size * (here - before)
        spent += size * float(joules[here] - joules[before])
        before = here
    # Positions, not node numbers: how a user numbers the nodes must not decide a tie.
    where = "+".join(
        f"{first}:{last}@{position}" for (first, last), position in zip(cuts, positions, strict=True)
    )
    name = f"{model.name}/{point.name}/{where}"
    error = 1.0 - point.accuracy
    order = (positions[-1], traffic, error, name)
    branches = _branches(model, point, cuts, nodes)
    return OptionRow(order, 0, m, o, error, traffic, spent, tuple(parts), branches)


def _branches(
    model: ModelRow, point: PointRow, cuts: list[tuple[int, int]], nodes: list[int]
) -> tuple[OptionBranch, ...]:
    """The ways a request can end, each with the bytes and seconds of the parts it visits."""
    branches = []
    for after, share in point.exits:
        visited = [(cut, v) for cut, v in zip(cuts, nodes, strict=True) if cut[0] < after]
        size = tuple(float(model.cut_bytes[first]) for (first, _), _ in visited)
        seconds = tuple(
            float(model.entry_seconds[v] + sum(model.seconds[v, first : min(last, after)]))
            for (first, last), v in visited
        )
        branches.append(OptionBranch(share, len(visited), size, seconds))
    return tuple(branches)
