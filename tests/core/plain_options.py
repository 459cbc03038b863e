"""Options one by one, class by class, as plainly as can be: what tables of options are held against."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np

from idn_gym.core.arrays import EMPTY
from idn_gym.core.options import path_shape, survival
from idn_gym.scenarios.compile.classes import RequestClasses, class_options
from idn_gym.scenarios.compile.path_tables import path_tables


def stack_all(models, segments, device, holds, joules, classes, max_parts, sources=None):
    """The same as `plain_tables` by the package; `sources` says which models are alike, by default none."""
    tasks = [model.task for model in models]
    gathered = SimpleNamespace(
        models=models,
        sources=[model.name for model in models] if sources is None else sources,
        segments=segments,
        task_model=np.searchsorted(tasks, range(max(tasks) + 2)),
        holds=holds,
    )
    paths = tuple(dict.fromkeys(routes for _, routes in classes))
    listed = RequestClasses(
        ingress=np.zeros(len(classes), int),
        task=np.array([task for task, _ in classes]),
        path=np.array([paths.index(routes) for _, routes in classes]),
        paths=paths,
    )
    network = SimpleNamespace(joules=joules, node_kind=device)
    return class_options(network, gathered, listed, path_tables(paths, joules), max_parts)


def plain_tables(models, segments, device, holds, joules, classes, max_parts):
    """The fields of `stack_options`.

    Args:
        models: all of them.
        segments: from `enumerate_segments`.
        device: (N,) kind of device of each node.
        holds: (N, S) whether a node can hold a segment.
        joules: (E,) [J/byte] of each link.
        classes: (task, routes) of each class.
        max_parts: most parts per option.
    """
    found = [list_options(models, segments, device, holds, joules, *one, max_parts) for one in classes]
    rows = [row for options in found for row in options]
    parts = [part for row in rows for part in row.parts]
    ways = [way for row in rows for way in row.ways]
    groups = []
    for (task, routes), options in zip(classes, found, strict=True):
        counts = Counter(row.first for row in options)
        mine = [m for m, model in enumerate(models) if model.task == task]
        positions = range(sum(len(route.nodes) for route in routes))
        groups.append([counts[position, m] for position in positions for m in mine])
    fields = {
        "class_drop_bytes": [max((row.traffic for row in options), default=0.0) for options in found],
        "class_group": start_of(map(len, groups)),
        "group_start": start_of(size for sizes in groups for size in sizes),
        "option_start": start_of(map(len, found)),
        "part_start": start_of(len(row.parts) for row in rows),
        "branch_start": start_of(len(row.ways) for row in rows),
        "branch_bytes": [padded(way.bytes, max_parts) for way in ways],
        "branch_seconds": [padded(way.seconds, max_parts) for way in ways],
    }
    for prefix, things, names in (
        ("option", rows, ("rank", "origin", "model", "point", "error", "traffic", "link_joules")),
        ("part", parts, ("node", "position", "segment", "seconds", "reach", "bytes")),
        ("branch", ways, ("share", "parts")),
    ):
        fields |= {f"{prefix}_{name}": [getattr(thing, name) for thing in things] for name in names}
    return {name: np.array(values) for name, values in fields.items()}


def start_of(counts):
    return [0, *np.cumsum([*counts], dtype=int)]


def padded(values, width):
    return [*values, *[0.0] * (width - len(values))]


def list_options(models, segments, device, holds, joules, task, routes, max_parts):
    """Those of a class, by position and model of the first part, then rank."""
    rows, origin = [], 0
    for number, (route, (length, shared)) in enumerate(zip(routes, path_shape(routes), strict=True)):
        spent = [sum(joules[e] for e in route.links[:i]) for i in range(length)]
        label = f"/{number}" if len(routes) > 1 else ""
        for m, model in enumerate(models):
            for cuts, places in layouts(len(model.block_bytes), length, max_parts):
                nodes = [route.nodes[place] for place in places]
                pieces = [segments.row_of[m, *cut] if model.task == task else EMPTY for cut in cuts]
                if model.task != task or places[-1] < shared or not holds[nodes, pieces].all():
                    continue
                for o, point in enumerate(model.points):
                    row = one_option(model, point, cuts, places, device[nodes], spent)
                    row.model, row.point, row.origin, row.name = m, o, origin, row.name + label
                    for part, node, piece, place in zip(row.parts, nodes, pieces, places, strict=True):
                        part.node, part.segment, part.position = node, piece, origin + place
                    rows.append(row)
        origin += length
    rows.sort(key=lambda row: (row.hops, row.traffic, row.error, row.name))
    for rank, row in enumerate(rows):
        row.rank, row.first = rank, (row.parts[0].position, row.model)
    return sorted(rows, key=lambda row: (row.first, row.rank))


def layouts(blocks, length, max_parts):
    for parts in range(1, min(max_parts, blocks, length) + 1):
        for inner in combinations(range(1, blocks), parts - 1):
            for places in combinations(range(length), parts):
                yield [*pairwise((0, *inner, blocks))], places


def one_option(model, point, cuts, places, devices, spent):
    alive, before = survival(point, len(model.block_bytes)), 0
    row = SimpleNamespace(hops=places[-1], error=1.0 - point.accuracy, traffic=0.0, link_joules=0.0, parts=[])
    for (first, last), place, d in zip(cuts, places, devices, strict=True):
        size = alive[first] * model.cut_bytes[first]
        seconds = alive[first] * model.entry_seconds[d]
        seconds += sum(alive[b] * model.seconds[d, b] for b in range(first, last))
        row.parts.append(SimpleNamespace(seconds=seconds, reach=alive[first], bytes=size))
        row.traffic += size * (place - before)
        row.link_joules += size * (spent[place] - spent[before])
        before = place
    where = "+".join(f"{first}:{last}@{place}" for (first, last), place in zip(cuts, places, strict=True))
    row.name = f"{model.name}/{point.name}/{where}"
    row.ways = [one_way(model, share, after, cuts, devices) for after, share in point.exits]
    return row


def one_way(model, share, after, cuts, devices):
    """A request that leaves after so many blocks."""
    visited = [(*cut, d) for cut, d in zip(cuts, devices, strict=True) if cut[0] < after]
    seconds = [
        model.entry_seconds[d] + sum(model.seconds[d, first : min(last, after)]) for first, last, d in visited
    ]
    size = [model.cut_bytes[first] for first, *_ in visited]
    return SimpleNamespace(share=share, parts=len(visited), bytes=size, seconds=seconds)
