"""Outcomes, whose fields lie in the cells of one array: those of a class, a node or a link together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from idn_gym.core.arrays import PRICED, SHARED, Floats, Outcome, Tables

OF_CLASS = (
    *("arrived", "served", "lost", "correct", "latency", "wait", "energy", "traffic", "late", "split"),
    *("early", "penalty", "charged", "started", "spent", "sent"),
)
OF_NODE = ("busy", "node_utilisation", "node_wait", "loaded")
OF_LINK = ("carried", "link_utilisation", "link_wait", "load_bytes")
OF_STORE = ("drawn", "drained", "spilled")
OF_STREAM = ("answered", "confidence", "squares", "labelled", "right", "samples", "adapted")
OF_ROW = ("tariff_cost", "idle_energy", "load_traffic", "load_energy", "idle_charged", "load_charged")
"""Fields of an outcome per class, node, link, store and stream of answers, and those of the whole row."""


def longest_path(tables: Tables) -> int:
    """Positions of the longest path, L."""
    return int(np.max(np.diff(tables.path_start)))


def empty_outcome(tables: Tables, batch: int, longest: int | None = None) -> Outcome:
    """An outcome of zeros.

    Args:
        tables: the scenario's tables.
        batch: number of rows.
        longest: `Scratch.longest`, which takes longer to find than the zeros do; None: found here.
    """
    longest = longest_path(tables) if longest is None else longest
    sizes = tables.class_task, tables.node_memory, tables.link_rate, tables.store_capacity
    counts = (*map(len, sizes), tables.answer_streams)
    positions = longest if tables.capacity == SHARED else 0
    plan = _plan_outcome(counts, longest, positions, tables.node_charge.shape[1])
    cells = np.zeros((batch, plan.width))
    fields: dict[str, Any] = {name: _view(cells, field) for name, field in plan.fields.items()}
    in_flight, refused = np.zeros((2, batch), np.int64)
    return Outcome(**fields, in_flight=in_flight, refused=refused, cells=cells)


def _view(cells: Floats, field: _Field) -> Floats:
    shape, strides = (len(cells), *field.shape), (cells.strides[0], *field.strides)
    return np.ndarray(shape, np.float64, cells, 8 * field.start, strides)


class _Field(NamedTuple):
    """Position of a field of an outcome in the cells of its row."""

    start: int  # first cell
    shape: tuple[int, ...]  # but for the axis of rows
    strides: tuple[int, ...]  # [bytes]


class _Plan(NamedTuple):
    fields: dict[str, _Field]
    width: int  # cells of a row


@lru_cache(maxsize=64)
def _plan_outcome(counts: tuple[int, ...], longest: int, positions: int, further: int) -> _Plan:
    """Lay a row out: what belongs to a class, a node, a link, a store or a stream lies together."""
    wide = {"charged": further, "penalty": PRICED + further, "started": longest + 1}
    wide |= {"spent": positions, "sent": positions, "idle_charged": further, "load_charged": further}
    fields, start = {}, 0
    groups = OF_CLASS, OF_NODE, OF_LINK, OF_STORE, OF_STREAM, OF_ROW
    for count, names in zip((*counts, None), groups, strict=True):
        width, first = sum(wide.get(name, 1) for name in names), start
        for name in names:
            columns = (wide[name],) if name in wide else ()
            rows = () if count is None else (count,)
            strides = (8 * width,) * len(rows) + (8,) * len(columns)
            # What there is none of must not begin beyond the last cell.
            fields[name] = _Field(first if count == 0 else start, (*rows, *columns), strides)
            start += wide.get(name, 1)
        start += width * ((1 if count is None else count) - 1)
    return _Plan(fields, start)
