"""Cost of a placement with the best routing found: less selfish than that of the environment.

The environment sends every class to what is cheapest for itself, and waits come on top. Here requests go
where they cost all together least: by a linear program where nobody waits, which is the optimum; where
they wait, from that program's flows and from the environment's own on, shifted while that saves
(`shifting`). What is found is served within the same limits, so a network could do it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import SECOND, Bools, Floats, Residents
from idn_gym.core.flows import option_flows
from idn_gym.optimum.routing_program import CEILING, Routing
from idn_gym.optimum.shifting import SlotFlows, shift_requests
from idn_gym.optimum.solver import solve_relaxed
from idn_gym.optimum.visits import queue_paces

SOLVER_ERROR = 1e-6
"""Share of a batch by which a solver may pass a limit."""


class RoutedCosts(NamedTuple):
    """Costs of one placement, summed over the slots of a row; repair is left out."""

    reached: float
    """[cost] what the best routing that was found costs"""
    least: float
    """[cost] no routing of this placement costs less"""


def route_best(
    routing: Routing, placement: Residents, seconds: float, ceiling: float = CEILING
) -> RoutedCosts:
    """Route the requests of a placement as well as we can, slot by slot.

    Args:
        routing: of the row.
        placement: (N, M), used without repair.
        seconds: of processor time for the program; shifting takes less.
        ceiling: as for `Routing.program`.

    Raises:
        SolverError: not solved in time.
    """
    program, served = routing.single_slots(placement, ceiling)
    solved = solve_relaxed(program, seconds)
    assert solved.x is not None
    least = routing.dropped - solved.bound
    if not routing.waits:
        return RoutedCosts(least, least)
    reached, usable = 0.0, routing.usable(placement)
    for t, (options, first) in enumerate(served):
        batch = routing.row.draw.demand[0, t]
        share = np.clip(solved.x[first : first + len(options)], 0.0, 1.0) * (1.0 - SOLVER_ERROR)
        planned = np.zeros(len(routing.option_class))
        planned[options] = share * batch[routing.option_class[options]]
        played, _ = option_flows(routing.row, t, placement)
        reached += min(_shifted(routing, t, usable, flows) for flows in (planned, played))
    return RoutedCosts(max(reached, least), least)


def _shifted(routing: Routing, t: int, usable: Bools, flows: Floats) -> float:
    """Cost [cost] of slot t, from requests by option (O,) on."""
    slot = slot_flows(routing, t, usable, flows)
    resources = len(slot.delay)
    return shift_requests(slot, np.zeros(resources), np.zeros((3, resources)))


def slot_flows(routing: Routing, t: int, usable: Bools, flows: Floats) -> SlotFlows:
    """The requests of a slot where flows (O,) send them, what is left over being dropped.

    Args:
        routing: of the row.
        t: slot.
        usable: (O,) options that may serve.
        flows: (O,) [requests].
    """
    tables, draw = routing.row
    batch = draw.demand[0, t]
    saving = routing.saving[t]
    mine = usable & np.isfinite(saving) & (batch[routing.option_class] > 0.0)
    option, rho = np.flatnonzero(mine), routing.option_class[mine]
    visits = routing.visits.of(mine)
    dropped = batch - np.bincount(rho, flows[mine], len(batch))
    drop = routing.drop[t]
    servers, pace = queue_paces(tables, draw)
    return SlotFlows(
        class_start=np.searchsorted(rho, np.arange(len(batch) + 1)),
        visit_start=np.searchsorted(visits.option, np.append(option, len(flows))),
        resource=visits.resource,
        visits=visits.visits,
        work=visits.work,
        square=visits.square,
        cost=drop[rho] - saving[mine],
        patience=routing.patience[t, mine],
        drop=drop,
        servers=servers,
        queues=np.concatenate([tables.node_count, tables.link_count]),
        pace=pace[t],
        limit=routing.supply[t] * tables.last_resort,
        second_price=float(draw.tariff[0, SECOND]),
        slot_seconds=float(tables.slot_seconds),
        amount=flows[mine],
        dropped=np.where(dropped > SOLVER_ERROR**2 * batch, dropped, 0.0),
        sums=np.zeros((3, len(servers))),
        delay=np.zeros(len(servers)),
        marginal=np.zeros(len(option)),
        room=np.ones(len(option), np.bool_),
    )
