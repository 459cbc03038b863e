"""Inputs of options: models, their operating points and segments, and the routes of a class.

An option is an operating point of a model, cuts, and the node of each part in path order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, takewhile
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints


class PointRow(NamedTuple):
    """One operating point of a model."""

    name: str
    accuracy: float  # mean over inputs
    exits: tuple[tuple[int, float], ...]  # (blocks done, share of inputs), deepest last


class ModelRow(NamedTuple):
    """One DNN as the enumeration needs it; n blocks, n + 1 cuts, C kinds of devices."""

    name: str
    task: int
    block_bytes: Floats  # (n,) [bytes] resident
    cut_bytes: Floats  # (n+1,) [bytes] on the wire; cut 0 is the raw input
    seconds: Floats  # (C, n) [s] per block on each kind of device
    entry_seconds: Floats  # (C,) [s] once per part that runs on the device
    points: tuple[PointRow, ...]


class Path(NamedTuple):
    """A route from an ingress node to a repository."""

    nodes: tuple[int, ...]
    links: tuple[int, ...]  # one fewer than nodes


Routes = tuple[Path, ...]
"""Routes of a class, the shortest first; end to end they are its path, whose positions options use."""


class RouteShape(NamedTuple):
    """Inputs of the options on a route, besides the devices and memories of its nodes."""

    length: int  # nodes
    shared: int  # nodes at its beginning that one earlier route of the class passes too, in this order


PathShape = tuple[RouteShape, ...]
"""Classes of one kind of task and of equal shape have the same options, as far as nodes hold the segments."""


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


def survival(point: PointRow, blocks: int) -> list[float]:
    """Share of inputs that reach each block; survival[k] also holds at cut k."""
    return [sum(share for after, share in point.exits if after > block) for block in range(blocks)]


def path_shape(routes: Routes) -> PathShape:
    """Length of each route, and the length of its beginning in common with earlier ones, links included."""
    shape = []
    for number, route in enumerate(routes):
        shared = max((_common(route, earlier) for earlier in routes[:number]), default=0)
        shape.append(RouteShape(len(route.nodes), shared))
    return tuple(shape)


def _common(one: Path, other: Path) -> int:
    """Number of nodes at the beginning that both routes pass, over the same links."""
    mine, theirs = (zip(path.nodes, (None, *path.links), strict=True) for path in (one, other))
    steps = zip(mine, theirs, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], steps))
