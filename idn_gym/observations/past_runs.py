"""Runs of past demand: for how long the demand of a task at a node has stayed, and is expected to stay.

A run is a sequence of slots in which the task's requests that pass the node are above nominal, or in which
they are not. Of either kind, the slots seen and the ends seen give the mean length of runs as the most likely
one of a geometric law, unfinished runs included: slots over ends. One run of `STAY_SLOTS` counts in addition,
so that there is an answer before anything was seen. Runs of such a law have no memory: the mean length is
also what is expected to be left of the present run.

Everything is counted again in every slot, from the demand of the latest slots: nothing needs to be kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Draw, Floats, State, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.places import place_of
from idn_gym.observations.further_columns import STAY_SLOTS

RUN_WINDOW = 64
"""The latest slots that are counted; environments keep at least a span of the past (`SPAN_SLOTS`)."""

NOMINAL_ROUNDING = 1e-9
"""Share of nominal demand that sums of batches may be off by."""


class RunTables(NamedTuple):
    """Work space, and what is found of a row; K tasks."""

    nominal: Floats  # (N, K) [requests] per slot that pass
    passing: Floats  # (N, K) [requests] that pass in a slot
    above: Bools  # (N, K) whether they were above nominal in the latest slot
    slots: Floats  # (N, K, 2) of runs below and above
    ends: Floats  # (N, K, 2) of these runs
    age: Floats  # (N, K) [slots] of the present run, as far as it is seen


def make_runs(nominal: Floats) -> RunTables:
    """Make room; `nominal` is that of `passing_requests`."""
    shape = nominal.shape
    return RunTables(
        nominal=nominal,
        passing=np.zeros(shape),
        above=np.zeros(shape, np.bool_),
        slots=np.zeros((*shape, 2)),
        ends=np.zeros((*shape, 2)),
        age=np.zeros(shape),
    )


@njit_inline
def count_runs(tables: Tables, draw: Draw, state: State, r: RunTables, b: int) -> None:
    """Count the runs of the latest slots of row b, up to the one before the slot to come."""
    now = state.slot[b]
    for v in range(r.nominal.shape[0]):
        for k in range(r.nominal.shape[1]):
            r.above[v, k], r.age[v, k] = False, 0.0
            for kind in range(2):
                r.slots[v, k, kind], r.ends[v, k, kind] = 0.0, 0.0
    for slot in range(max(0, now - RUN_WINDOW), now):
        _sum_passing(tables, draw, r, b, place_of(slot, draw.demand.shape[1]))
        for v in range(r.nominal.shape[0]):
            for k in range(r.nominal.shape[1]):
                above = r.passing[v, k] > r.nominal[v, k] * (1.0 + NOMINAL_ROUNDING)
                if above != r.above[v, k] and r.age[v, k] > 0.0:
                    r.ends[v, k, 1 if r.above[v, k] else 0] += 1.0
                    r.age[v, k] = 0.0
                r.above[v, k] = above
                r.age[v, k] += 1.0
                r.slots[v, k, 1 if above else 0] += 1.0


@njit_inline
def _sum_passing(tables: Tables, draw: Draw, r: RunTables, b: int, place: int) -> None:
    """Add up the requests of each task that passed each node in a slot."""
    for v in range(r.passing.shape[0]):
        for k in range(r.passing.shape[1]):
            r.passing[v, k] = 0.0
    for rho in range(len(tables.class_task)):
        batch = draw.demand[b, place, rho]
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            if tables.path_same_node[origin + j] == j:  # otherwise another route has led here already
                r.passing[tables.path_node[origin + j], tables.class_task[rho]] += batch


@njit_inline
def expected_stay(r: RunTables, v: int, k: int) -> float:
    """Slots for which demand of task k at node v is expected to stay; `STAY_SLOTS` before the first slot."""
    kind = 1 if r.above[v, k] else 0
    return float((STAY_SLOTS + r.slots[v, k, kind]) / (1.0 + r.ends[v, k, kind]))
