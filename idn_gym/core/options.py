"""Enumerate the ways in which each request class can be served.

An option is an operating point of a model, cuts, and the node of each part in path order. The
enumeration is done once per scenario; what may change per slot (rates, speeds) stays outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

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


class OptionPart(NamedTuple):
    """What one node does of an option."""

    node: int
    position: int  # of the node on the path
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


def enumerate_options(
    models: Sequence[ModelRow],
    segments: SegmentRows,
    task: int,
    path: Path,
    holds: npt.NDArray[np.bool_],
    link_joules: Floats,
    max_parts: int,
) -> list[OptionRow]:
    """All options of a class, in tie order.

    Args:
        models: the catalogue.
        segments: from `enumerate_segments`.
        task: the task of the class.
        path: the route of the class.
        holds: (N, S) whether the node can ever hold the segment (pinned there, or it fits).
        link_joules: (E,) [J/byte].
        max_parts: most parts per option.
    """
    joules = np.concatenate([[0.0], np.cumsum([link_joules[e] for e in path.links])])
    rows = []
    for m, model in enumerate(models):
        if model.task != task:
            continue
        blocks = len(model.block_bytes)
        for cuts, positions in _layouts(blocks, len(path.nodes), max_parts):
            nodes = [path.nodes[i] for i in positions]
            pieces = [segments.row_of[m, first, last] for first, last in cuts]
            if all(holds[v, s] for v, s in zip(nodes, pieces, strict=True)):
                for o, point in enumerate(model.points):
                    rows.append(_row(m, model, o, point, cuts, positions, nodes, pieces, joules))
    return sorted(rows, key=lambda row: row.order)


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
    return OptionRow(order, m, o, error, traffic, spent, tuple(parts), _branches(model, point, cuts, nodes))


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


def compress(
    classes: Sequence[Sequence[OptionRow]], groups: Sequence[Sequence[tuple[int, int]]], max_parts: int
) -> dict[str, Any]:
    """Turn the rows of all classes into the `option_`, `part_` and `branch_` fields of `Tables`.

    Args:
        classes: options of each class, in tie order.
        groups: for each class the (position, model) pairs a first part may have, in order.
        max_parts: most parts per option.
    """
    ranked = [pair for options in classes for pair in _by_first_part(options)]
    rows = [row for _, row in ranked]
    parts = [part for row in rows for part in row.parts]
    branches = [branch for row in rows for branch in row.branches]
    return {
        "option_start": _starts([len(options) for options in classes]),
        "class_group": _starts([len(pairs) for pairs in groups]),
        "group_start": _starts(_group_sizes(classes, groups)),
        "option_rank": np.array([rank for rank, _ in ranked], np.int64),
        **_columns("option", rows, whole=("model", "point"), real=("error", "traffic", "link_joules")),
        "part_start": _starts([len(row.parts) for row in rows]),
        **_columns("part", parts, whole=("node", "position", "segment"), real=("seconds", "reach", "bytes")),
        "branch_start": _starts([len(row.branches) for row in rows]),
        **_columns("branch", branches, whole=("parts",), real=("share",)),
        "branch_bytes": _padded([branch.bytes for branch in branches], max_parts),
        "branch_seconds": _padded([branch.seconds for branch in branches], max_parts),
    }


def _columns(
    prefix: str, rows: Sequence[object], whole: Sequence[str], real: Sequence[str]
) -> dict[str, npt.NDArray[Any]]:
    """Fields of the rows as arrays; `whole` are integers, `real` are floats."""
    kinds = [(name, np.int64) for name in whole] + [(name, np.float64) for name in real]
    return {f"{prefix}_{name}": np.array([getattr(row, name) for row in rows], kind) for name, kind in kinds}


def _padded(rows: Sequence[Sequence[float]], width: int) -> Floats:
    """The rows one below the other, with zeros at their ends."""
    table = np.zeros((len(rows), width))
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


def fallbacks(fields: Mapping[str, Any], unlimited: npt.NDArray[np.bool_]) -> Ints:
    """Where each class's fallback starts (R,): options at the end of its table of which only one is used.

    Whole models that never leave a node of unlimited compute and are fed the same bytes over the same
    links: whatever the cheapest of them cannot take, the others cannot either.

    Args:
        fields: from `compress`.
        unlimited: (N, S) whether the node has unlimited compute and pins the segment.
    """
    first = fields["part_start"][:-1]
    alone = np.diff(fields["part_start"]) == 1
    alone &= unlimited[fields["part_node"][first], fields["part_segment"][first]]
    position, size = fields["part_position"][first], fields["part_bytes"][first]
    starts = []
    for begin, end in pairwise(fields["option_start"]):
        start = end
        while start > begin and alone[start - 1]:
            if position[start - 1] != position[end - 1] or size[start - 1] != size[end - 1]:
                break
            start -= 1
        starts.append(start)
    return np.array(starts, np.int64)


def _by_first_part(options: Sequence[OptionRow]) -> list[tuple[int, OptionRow]]:
    """Options with their tie rank, sorted by position and model of the first part."""
    return sorted(enumerate(options), key=lambda item: (item[1].parts[0].position, item[1].model, item[0]))


def _group_sizes(
    classes: Sequence[Sequence[OptionRow]], groups: Sequence[Sequence[tuple[int, int]]]
) -> list[int]:
    """How many options each (position, model) of a first part has, class by class."""
    sizes = []
    for options, pairs in zip(classes, groups, strict=True):
        counts = Counter((row.parts[0].position, row.model) for row in options)
        sizes += [counts[pair] for pair in pairs]
    return sizes


def _starts(counts: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(np.array(counts, np.int64))]).astype(np.int64)
