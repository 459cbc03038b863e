"""Enumerate the ways in which a task can be served along a path: once per kind of task and shape of path.

Which nodes lie on the path, and what they can hold, is for `option_tables` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Ints
from idn_gym.core.layouts import PartLayouts, Texts, list_layouts
from idn_gym.core.option_rows import OptionRows, pool_options, take_options
from idn_gym.core.options import ModelRow, PathShape, RouteShape, enumerate_segments, survival
from idn_gym.core.row_starts import entries_of, starts_of
from idn_gym.core.work_table import WorkTable


class TaskKind(NamedTuple):
    """Inputs of the options of a task; copies of a task share one kind."""

    sources: tuple[str, ...]  # of its models
    ranks: tuple[tuple[int, ...], ...]  # by model, of its operating points in the order of their names


def task_kind(models: Sequence[ModelRow], sources: Sequence[str]) -> TaskKind:
    """The kind of a task with these models; those of one source differ in name and task alone."""
    names = [[f"{model.name}/{point.name}/" for point in model.points] for model in models]
    rank = {name: i for i, name in enumerate(sorted(name for row in names for name in row))}
    return TaskKind(tuple(sources), tuple(tuple(rank[name] for name in row) for row in names))


class OptionShapes:
    """Enumerates options, those of a model on a route once.

    Args:
        models: by source.
        work: seconds of these.
        max_parts: most parts per option, V.
    """

    def __init__(self, models: Mapping[str, ModelRow], work: WorkTable, max_parts: int) -> None:
        self._models, self._work, self._max_parts = models, work, max_parts
        self._layouts: dict[tuple[int, int], PartLayouts] = {}
        self._on_routes: dict[tuple[str, RouteShape], tuple[OptionRows, Texts]] = {}

    def enumerate(self, kind: TaskKind, shape: PathShape) -> OptionRows:
        """All options of such a task on such a path, by position and model of the first part, then tie order.

        Those that end where routes have not parted yet are there once.
        """
        tables, names, origin = [], [], 0
        for number, route in enumerate(shape):
            label, segments = f"/{number}" if len(shape) > 1 else "", 0
            for m, source in enumerate(kind.sources):
                rows, layout = self._on_route(source, route)
                there = rows.part_position != EMPTY
                name_rank = np.array(kind.ranks[m], np.int32)[rows.point]
                rows = rows._replace(
                    rank=name_rank,  # until all options are there
                    origin=np.full_like(rows.point, origin),
                    model=np.full_like(rows.point, m),
                    part_position=np.where(there, rows.part_position + origin, EMPTY),
                    part_segment=np.where(there, rows.part_segment + segments, EMPTY),
                )
                tables.append(rows)
                names.append(np.char.add(layout, label))
                segments += int(self._numbers(source).max()) + 1
            origin += route.length
        return _in_order(pool_options(tables), np.concatenate(names))

    def _on_route(self, source: str, route: RouteShape) -> tuple[OptionRows, Texts]:
        """Options of a model on one route, positions counted from its beginning, and their layouts' names."""
        if (source, route) not in self._on_routes:
            size = len(self._models[source].block_bytes), route.length
            if size not in self._layouts:
                self._layouts[size] = list_layouts(*size, self._max_parts)
            layouts = self._layouts[size]
            kept = np.flatnonzero(layouts.position.max(axis=1) >= route.shared)
            self._on_routes[source, route] = self._with_points(source, layouts.take(kept))
        return self._on_routes[source, route]

    def _with_points(self, source: str, layouts: PartLayouts) -> tuple[OptionRows, Texts]:
        """Each layout with each operating point."""
        model = self._models[source]
        blocks, points, count = len(model.block_bytes), len(model.points), len(layouts.name)
        point = np.tile(np.arange(points, dtype=np.int32), count)
        layouts = layouts.take(np.repeat(np.arange(count), points))
        there, first, last, position, name = layouts
        # Where exits are switched off, a model may have no point left.
        alive = np.array([survival(row, blocks) for row in model.points], float).reshape(points, blocks)
        error = np.array([1.0 - row.accuracy for row in model.points])
        reach = there * alive[point[:, None], first]
        size = reach * model.cut_bytes[first]
        work = self._work.column(source, point[:, None], first, last)
        rows = OptionRows(
            rank=np.zeros_like(point),
            origin=np.zeros_like(point),
            model=np.zeros_like(point),
            point=point,
            error=error[point],
            traffic=_byte_hops(size, position),
            part_position=np.where(there, position, EMPTY),
            part_segment=np.where(there, self._numbers(source)[first, last], EMPTY),
            part_reach=reach,
            part_bytes=size,
            part_work=np.where(there, work, EMPTY),
            **self._branches(source, point, layouts),
        )
        return rows, name

    def _branches(self, source: str, point: Ints, layouts: PartLayouts) -> dict[str, Any]:
        """The ways in which a request can end, each with the bytes and seconds of the parts it visits."""
        model = self._models[source]
        exits = np.array([len(row.exits) for row in model.points], np.int64)
        ends = [exit_ for row in model.points for exit_ in row.exits]
        after, share = np.array(ends, float).reshape(-1, 2).T
        count = exits[point]
        way, option = entries_of(starts_of(exits)[point], count), np.repeat(np.arange(len(point)), count)
        first, done = layouts.first[option], after[way].astype(np.int32)[:, None]
        visited = layouts.there[option] & (first < done)
        last = np.minimum(layouts.last[option], done)
        work = self._work.column(source, np.full_like(first, len(model.points)), first, last)
        return {
            "branch_start": starts_of(count),
            "branch_share": share[way],
            "branch_parts": visited.sum(axis=1, dtype=np.int32),
            "branch_bytes": visited * model.cut_bytes[first],
            "branch_work": np.where(visited, work, EMPTY),
        }

    def _numbers(self, source: str) -> Ints:
        """(n+1, n+1) segment of the model by first block and one past the last; EMPTY where there is none."""
        segments = enumerate_segments([self._models[source]], self._max_parts)
        edges = len(self._models[source].block_bytes) + 1
        table = np.full((edges, edges), EMPTY, np.int32)
        table[segments.first, segments.last] = np.arange(len(segments.first))
        return table


def _byte_hops(size: Floats, position: Ints) -> Floats:
    """Traffic of each option (O,): bytes of each part over the hops from the part before."""
    traffic = size[:, 0] * position[:, 0]
    for part in range(1, size.shape[1]):
        traffic += size[:, part] * (position[:, part] - position[:, part - 1])
    return traffic


def _in_order(rows: OptionRows, names: Texts) -> OptionRows:
    """The options with their tie order, as kernels walk them."""
    hops = rows.part_position.max(axis=1) - rows.origin
    layout = np.unique(names, return_inverse=True)[1]
    rank = np.empty(len(names), np.int32)
    rank[np.lexsort((layout, rows.rank, rows.error, rows.traffic, hops))] = np.arange(len(names))
    return take_options(rows._replace(rank=rank), np.lexsort((rank, rows.model, rows.part_position[:, 0])))
