"""Who goes where in a slot: how many requests serving gives to each option, and how many it drops."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import SHARED, Bools, Draw, Floats, Instance, Outcome, Residents, Tables
from idn_gym.core.filling import fill_slot
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.listing import list_options, measure_paths
from idn_gym.core.serving import serve_class
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch


def option_flows(instance: Instance, t: int, placement: Residents, b: int = 0) -> tuple[Floats, Floats]:
    """Requests of slot `t` of row `b` under a placement (N, M), as serving sends them.

    Returns:
        (O,) requests that each option serves, and (R,) requests of each class that are dropped.
    """
    tables = instance.tables
    flows, dropped = np.zeros(len(tables.option_model)), np.zeros(len(tables.class_task))
    rows = np.broadcast_to(placement, (b + 1, *placement.shape)).astype(np.int32)
    outcome = empty_outcome(tables, b + 1)
    _flows(tables, instance.draw, b, t, rows, make_scratch(tables), outcome, flows, dropped)
    return flows, dropped


def listed_options(instance: Instance, t: int, placement: Residents, b: int = 0) -> Bools:
    """Options (O,) among which serving chooses in slot `t` of row `b` under a placement (N, M).

    Usable and faster than the timeout; of a class's fallback only the cheapest.
    """
    tables = instance.tables
    listed = np.zeros(len(tables.option_model), np.bool_)
    rows = np.broadcast_to(placement, (b + 1, *placement.shape)).astype(np.int32)
    _listed(tables, instance.draw, b, t, rows, make_scratch(tables), listed)
    return listed


@njit_no_alloc
def _flows(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
    flows: Floats,
    dropped: Floats,
) -> None:
    measure_paths(tables, draw, b, t, scratch)
    if tables.capacity == SHARED:
        for rho in range(len(dropped)):
            scratch.batch[rho] = draw.demand[b, t, rho]
        fill_slot(tables, draw, b, t, resident, scratch)
        _record(scratch, flows)
        for rho in range(len(dropped)):
            dropped[rho] = scratch.left[rho]
        return
    for rho in range(len(dropped)):
        scratch.amount[:] = 0.0
        serve_class(tables, draw, b, t, rho, draw.demand[b, t, rho], resident, scratch, outcome)
        _record(scratch, flows)
        dropped[rho] = outcome.started[b, rho, outcome.started.shape[2] - 1]


@njit_inline
def _record(scratch: Scratch, flows: Floats) -> None:
    for i in range(len(scratch.amount)):
        if scratch.amount[i] > 0.0:
            flows[scratch.option[i]] = scratch.amount[i]


@njit_no_alloc
def _listed(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, listed: Bools
) -> None:
    measure_paths(tables, draw, b, t, scratch)
    for rho in range(len(tables.class_task)):
        for i in range(list_options(tables, draw, b, t, rho, resident, 0, scratch)):
            listed[scratch.option[i]] = True
