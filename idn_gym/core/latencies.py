"""Latencies of a slot's requests: the distribution behind mean latency, late share and percentiles.

The requests that end at an exit branch of an option take its latency without waiting, and wait in the queues
on their way: a share of them not at all, the others with an exponential tail (`waiting.overdue_share`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import (
    ERROR,
    SHARED,
    Action,
    Bools,
    Draw,
    Floats,
    Instance,
    Ints,
    Outcome,
    Residents,
    State,
    Tables,
)
from idn_gym.core.cells import passed_share
from idn_gym.core.filling import ask_batches
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.paces import measure_paths
from idn_gym.core.queues import branch_latency, branch_wait, given_wait
from idn_gym.core.serving import serve_class, serve_together
from idn_gym.core.slots import one_row, one_state, placement_per_row
from idn_gym.core.transition import step
from idn_gym.core.usable import note_residents
from idn_gym.core.workspace import Scratch, make_scratch


class LatencyMixture(NamedTuple):
    """Latencies of requests, in Y groups: an exit branch of an option in a slot, or the drops of a class."""

    request_class: Ints  # (Y,)
    requests: Floats  # (Y,)
    unloaded: Floats  # (Y,) [s] without waiting; of drops the timeout
    wait: Floats  # (Y,) [s] mean over the group; of drops 0
    idle: Floats  # (Y,) share that does not wait
    timeout: Floats  # (Y,) [s] upper bound: requests give up before it

    def pick(self, groups: slice | Ints | Bools) -> LatencyMixture:
        """Some of the groups."""
        return LatencyMixture(
            self.request_class[groups],
            self.requests[groups],
            self.unloaded[groups],
            self.wait[groups],
            self.idle[groups],
            self.timeout[groups],
        )


def slot_latencies(instance: Instance, t: int, placement: Residents, b: int = 0) -> LatencyMixture:
    """Latencies of slot `t` of row `b` under a placement (N, M), stores being at the level of slot 0."""
    tables, mixture = instance.tables, _empty_mixture(instance.tables)
    rows = placement_per_row(placement, b)
    scratch, outcome = make_scratch(tables), empty_outcome(tables, b + 1)
    count = _list_latencies(tables, instance.draw, b, t, rows, scratch, outcome, mixture)
    return mixture.pick(np.arange(count))


def played_latencies(instance: Instance, state: State, wanted: Residents, b: int = 0) -> LatencyMixture:
    """Latencies of row `b` of the slot that `state` is about to enter, with what is on its way.

    Args:
        instance: with shared capacity.
        state: before the slot.
        wanted: (N, M) wished placement.
        b: row of the instance and of the state.
    """
    tables, row, mixture = instance.tables, one_row(instance, b), _empty_mixture(instance.tables)
    scratch = make_scratch(tables)
    _, outcome = step(row, one_state(state, b), Action(wanted[None]), scratch)
    return mixture.pick(np.arange(_list_served(tables, row.draw, scratch, outcome, mixture)))


def _empty_mixture(tables: Tables) -> LatencyMixture:
    """Room for all groups of a slot."""
    most = len(tables.branch_share) + len(tables.class_task)
    return LatencyMixture(np.empty(most, np.int64), *np.empty((5, most)))


@njit_no_alloc
def _list_served(
    tables: Tables, draw: Draw, scratch: Scratch, outcome: Outcome, mixture: LatencyMixture
) -> int:
    """List what has just been served of the only row."""
    count = 0
    for rho in range(len(scratch.batch)):
        first, end = scratch.entry_start[rho], scratch.ordered[rho]
        count = _list_class(tables, draw, 0, rho, first, end, count, scratch, outcome, mixture)
    return count


@njit_no_alloc
def _list_latencies(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
    mixture: LatencyMixture,
) -> int:
    measure_paths(tables, draw, b, t, scratch)
    note_residents(tables, resident, b, scratch)
    count = 0
    if tables.capacity == SHARED:
        ask_batches(draw, b, t, scratch)
        serve_together(tables, draw, b, t, resident, scratch, outcome)
    for rho in range(len(scratch.batch)):
        if tables.capacity != SHARED:
            serve_class(tables, draw, b, t, rho, draw.demand[b, t, rho], resident, scratch, outcome)
        first, end = scratch.entry_start[rho], scratch.ordered[rho]
        count = _list_class(tables, draw, b, rho, first, end, count, scratch, outcome, mixture)
    return count


@njit_inline
def _list_class(
    tables: Tables,
    draw: Draw,
    b: int,
    rho: int,
    first: int,
    end: int,
    count: int,
    scratch: Scratch,
    outcome: Outcome,
    mixture: LatencyMixture,
) -> int:
    """Write the groups of the entries [first, end) of a class and of its drops; return their end."""
    for i in range(first, end):
        if scratch.amount[i] > 0.0:
            count = _list_branches(tables, draw, b, rho, i, count, scratch, mixture)
    if outcome.penalty[b, rho, ERROR] > 0.0:
        mixture.request_class[count] = rho
        mixture.requests[count] = outcome.penalty[b, rho, ERROR]
        mixture.unloaded[count] = tables.class_timeout[rho]
        mixture.wait[count] = 0.0
        mixture.idle[count] = 1.0
        mixture.timeout[count] = tables.class_timeout[rho]
        count += 1
    return count


@njit_inline
def _list_branches(
    tables: Tables,
    draw: Draw,
    b: int,
    rho: int,
    i: int,
    count: int,
    scratch: Scratch,
    mixture: LatencyMixture,
) -> int:
    """Write a group per exit branch of entry i, from `count` on; return their end.

    Requests whose messages are lost on the air are among the drops.
    """
    o = scratch.option[i]
    answered = scratch.amount[i]
    if len(tables.radio_link) > 0:
        answered *= passed_share(tables, o, scratch)
    origin = tables.path_start[tables.class_path[rho]]
    kept = given_wait(tables, rho, i, origin, scratch)[1]
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        if tables.branch_share[x] > 0.0:
            wait, idle = branch_wait(tables, x, o, origin, scratch)
            mixture.request_class[count] = rho
            mixture.requests[count] = answered * tables.branch_share[x]
            mixture.unloaded[count] = branch_latency(tables, draw, b, x, o, origin, scratch)
            mixture.wait[count] = kept * wait
            mixture.idle[count] = idle
            mixture.timeout[count] = tables.class_timeout[rho]
            count += 1
    return count
