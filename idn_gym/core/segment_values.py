"""Value of a segment alone on a node at nominal demand: the order in which repair keeps segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Floats, Ints, Outcome, Residents, Tables
from idn_gym.core.excerpt import take_paths
from idn_gym.core.handover import fetch, stage
from idn_gym.core.kernel import njit_spliced
from idn_gym.core.nominal import nominal_draw, passed_nodes
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.paces import measure_paths
from idn_gym.core.row_starts import entries_of, starts_of
from idn_gym.core.serving import serve_alone
from idn_gym.core.usable import note_pair, note_residents
from idn_gym.core.workspace import Scratch, make_scratch

FEW_CLASSES = 64
"""Up to about how many classes are tried with the same tables, where capacity is shared."""


def segment_values(tables: Tables, placeable: npt.NDArray[np.bool_], tariff: Floats) -> Floats:
    """Saving per byte of each segment alone, each class having all capacity to itself (N, S).

    Args:
        tables: the scenario's tables; `segment_value` is not read.
        placeable: (N, S) which pairs to value; the others get 0.
        tariff: as in `nominal_draw`.
    """
    rho, node, segment = _trials(tables, placeable)
    cost = np.zeros(len(rho))
    if tables.capacity == EXOGENOUS or len(tables.class_task) <= FEW_CLASSES:
        _try_all(tables, tariff, rho, node, segment, cost)
    else:
        _try_by_path(tables, tariff, rho, node, segment, cost)
    base = cost[segment == EMPTY]
    saved = np.where(segment == EMPTY, 0.0, base[rho] - cost) / np.maximum(1.0, tables.segment_bytes[segment])
    values = np.zeros(placeable.shape)
    np.add.at(values, (node, segment), saved)
    return values


def _try_all(tables: Tables, tariff: Floats, rho: Ints, node: Ints, segment: Ints, cost: Floats) -> None:
    """Write what each trial of `_trials` costs."""
    draw = nominal_draw(tables, tariff)
    resident, scratch, outcome = tables.pinned[None].copy(), make_scratch(tables), empty_outcome(tables, 1)
    serve_trials.play(tables, draw, Trials(rho, node, segment, resident, cost), scratch, outcome)


def _try_by_path(tables: Tables, tariff: Floats, rho: Ints, node: Ints, segment: Ints, cost: Floats) -> None:
    """The same, a few paths at a time, since serving one class reads all nodes, links and classes."""
    paths = len(tables.path_start) - 1
    before = np.cumsum(np.bincount(tables.class_path, minlength=paths))
    part = (before - 1) // FEW_CLASSES
    mine = part[tables.class_path[rho]]
    order = np.argsort(mine, kind="stable")
    ends = np.searchsorted(mine[order], np.arange(part[-1] + 2))
    for number in np.unique(part).tolist():  # a path of many classes takes several numbers at once
        trials = order[ends[number] : ends[number + 1]]
        excerpt = take_paths(tables, np.flatnonzero(part == number))
        there = np.searchsorted(excerpt.nodes, node[trials])
        there[segment[trials] == EMPTY] = 0
        classes, found = np.searchsorted(excerpt.classes, rho[trials]), np.zeros(len(trials))
        _try_all(excerpt.tables, tariff, classes, there, segment[trials], found)
        cost[trials] = found


def break_ties(values: Floats, nodes: Sequence[str], segments: Sequence[str]) -> Floats:
    """Equal savings (N, S) shifted apart by the names of node and segment: no order of rows decides.

    By a factor within 1e-9 of 1, and what saves nothing by a number just below 0.
    """
    node, segment = (np.array([crc32(name.encode()) for name in names]) for names in (nodes, segments))
    shift = np.add.outer(node, segment) % 2**32 / 2**32
    shifted: Floats = values * (1.0 + 1e-9 * (2.0 * shift - 1.0)) - 1e-300 * shift
    return shifted


class Trials(NamedTuple):
    """Placements to try one after the other, and their costs."""

    rho: Ints  # (I,) class that asks
    node: Ints  # (I,)
    segment: Ints  # (I,) that the node has beside what it pins, or EMPTY
    resident: Residents  # (1, N, M) what is pinned
    cost: Floats  # (I,) [cost] of the class's batch, written to


@stage
def serve_trials(block: int) -> None:
    """Serve the nominal batch of one class at a time, with one segment on one node."""
    slot: Any = np.int64(0)  # of this width, otherwise serving is compiled again for a constant
    _serve_trials(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw),
        slot,
        fetch(block, 2, Trials),
        fetch(block, 3, Scratch),
        fetch(block, 4, Outcome),
    )


@njit_spliced
def _serve_trials(
    tables: Tables, draw: Draw, slot: int, trials: Trials, scratch: Scratch, outcome: Outcome
) -> None:
    resident = trials.resident
    for b in range(len(resident)):
        measure_paths(tables, draw, b, slot, scratch)
        note_residents(tables, resident, b, scratch)
        for i in range(len(trials.rho)):
            v, s = trials.node[i], trials.segment[i]
            model = tables.segment_model[max(s, 0)]
            held = resident[b, v, model]
            if s != EMPTY:
                resident[b, v, model] = s
            note_pair(tables, resident, b, v, model, scratch)
            trials.cost[i] = serve_alone(tables, draw, b, slot, trials.rho[i], resident, scratch, outcome)
            resident[b, v, model] = held
            note_pair(tables, resident, b, v, model, scratch)


def _trials(tables: Tables, placeable: npt.NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """Class, node and segment of what to try: first nothing (EMPTY) for each class, then all it could use."""
    classes, (nodes, segments) = len(tables.class_task), placeable.shape
    visitor, visited = passed_nodes(tables)
    # Segments of a task are neighbours; before[v, s]: how many of those before s node v may load.
    before = np.zeros((nodes, segments + 1), np.int64)
    np.cumsum(placeable, axis=1, out=before[:, 1:])
    edge = np.searchsorted(tables.segment_model, tables.task_model)
    mine = tables.class_task[visitor]
    first, last = before[visited, edge[mine]], before[visited, edge[mine + 1]]
    row = starts_of(before[:, -1])[visited]
    loaded = np.nonzero(placeable)[1][entries_of(row + first, last - first)]
    tried = np.repeat(np.arange(len(visitor)), last - first)
    every = np.arange(classes)
    return (
        np.concatenate([every, visitor[tried]]),
        np.concatenate([np.zeros_like(every), visited[tried]]),
        np.concatenate([np.full_like(every, EMPTY), loaded]),
    )
