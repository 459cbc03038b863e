"""Who goes where in a slot: how many requests serving gives to each option, and how many it drops."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Bools, Draw, Floats, Instance, Outcome, Residents, Tables
from idn_gym.core.capacity import fill_capacity
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.serving import list_options, measure_paths, serve_class
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

    Usable and not slower than the timeout; of a class's fallback only the cheapest.
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
    fill_capacity(tables, draw, b, t, scratch)
    for i in range(draw.order.shape[2]):
        rho = draw.order[b, t, i]
        batch = draw.demand[b, t, rho]
        scratch.cost[:] = 0.0  # inf marks what this class has taken, and nothing that another one has
        serve_class(tables, draw, b, t, rho, batch, resident, scratch, outcome)
        for k in range(len(scratch.cost)):
            if scratch.cost[k] == np.inf:
                flows[scratch.option[k]] = scratch.taken[k]
        dropped[rho] = outcome.started[b, rho, outcome.started.shape[2] - 1]


@njit_no_alloc
def _listed(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, listed: Bools
) -> None:
    measure_paths(tables, draw, b, t, scratch)
    for rho in range(len(tables.class_task)):
        for i in range(list_options(tables, draw, b, t, rho, resident, scratch)):
            listed[scratch.option[i]] = True
