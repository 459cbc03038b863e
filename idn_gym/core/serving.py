"""Serving of a slot's requests, and its outcome.

Where capacity is shared, all classes fill nodes and links together (`filling`) and wait in their queues
(`queues`); where it is private, each class takes its cheapest usable option with capacity left, then the
next. What no option can take is dropped. Kernels work on row ``b`` of a batch.
"""

from __future__ import annotations

from idn_gym.core.arrays import BYTE_HOP, ERROR, EXOGENOUS, JOULE, SECOND, Draw, Outcome, Residents, Tables
from idn_gym.core.capacity import book_use, close_copies, open_copies, option_room, use_up
from idn_gym.core.cells import measure_cells, passed_share
from idn_gym.core.charges import book_charges, book_drops
from idn_gym.core.filling import ask_batches, fill_slot
from idn_gym.core.kernel import aside, njit_inline, njit_spliced
from idn_gym.core.listing import (
    bring_cheapest,
    charged_slots,
    cost_row,
    drop_cost,
    error_row,
    keep_order,
    list_options,
)
from idn_gym.core.paces import measure_paths
from idn_gym.core.queues import close_queues, given_wait, late_requests, open_queues
from idn_gym.core.usable import note_residents
from idn_gym.core.warming import TOGETHER, warm_classes
from idn_gym.core.workspace import Scratch


@njit_inline
def book_option(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: int,
    i: int,
    amount: float,
    good: float,
    wait: float,
    kept: float,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Book the requests that take entry i, of which `good` are answered and the others lost on the air.

    Each waits W' = `wait` [s]; `kept` is as in `late_requests`.
    """
    o = scratch.option[i]
    origin = tables.path_start[tables.class_path[rho]]
    book_use(tables, draw, b, rho, o, origin, amount, outcome)
    outcome.served[b, rho] += good
    outcome.started[b, rho, tables.part_position[tables.part_start[o]]] += good
    outcome.correct[b, rho] += good * (1.0 - draw.error_in_force[error_row(draw, b), o])
    if outcome.answered.shape[1] > 0:
        outcome.answered[b, tables.option_stream[o]] += good
    outcome.latency[b, rho] += good * (scratch.latency[i] + wait)
    outcome.wait[b, rho] += good * wait
    outcome.energy[b, rho] += amount * draw.option_joules[cost_row(draw, b), o]
    outcome.traffic[b, rho] += amount * tables.option_traffic[o]
    if charged_slots(draw):
        book_charges(tables, draw, b, t, rho, o, origin, amount, outcome)
    deadline = tables.class_deadline[rho]
    outcome.late[b, rho] += good * late_requests(tables, draw, b, o, origin, deadline, kept, scratch)
    if tables.part_start[o + 1] - tables.part_start[o] > 1:
        outcome.split[b, rho] += good
    outcome.early[b, rho] += good * (1.0 - tables.branch_share[tables.branch_start[o + 1] - 1])


@njit_inline
def book_dropped(tables: Tables, draw: Draw, b: int, t: int, rho: int, left: float, outcome: Outcome) -> None:
    """Book what no option could take: it uses nothing, and adds the class's drop vector as a penalty."""
    outcome.penalty[b, rho, ERROR] += left
    outcome.penalty[b, rho, SECOND] += left * tables.class_timeout[rho]
    outcome.penalty[b, rho, JOULE] += left * draw.drop_joules[cost_row(draw, b), rho]
    outcome.penalty[b, rho, BYTE_HOP] += left * tables.class_drop_bytes[rho]
    if charged_slots(draw):
        book_drops(draw, b, t, rho, left, outcome)
    outcome.late[b, rho] += left
    outcome.started[b, rho, outcome.started.shape[2] - 1] += left


@njit_inline
def book_lost(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: int,
    i: int,
    lost: float,
    scratch: Scratch,
    outcome: Outcome,
) -> float:
    """Book requests of entry i that are lost on the air as dropped; returns their cost at the tariff.

    They cost a drop, and what their option spends.
    """
    if lost <= 0.0:
        return 0.0
    outcome.lost[b, rho] += lost
    book_dropped(tables, draw, b, t, rho, lost, outcome)
    answered = draw.tariff[b, ERROR] * draw.error_in_force[error_row(draw, b), scratch.option[i]]
    answered += draw.tariff[b, SECOND] * scratch.latency[i]
    return lost * (scratch.cost[i] - answered + drop_cost(draw, b, t, rho))


@njit_inline
def serve_class(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: int,
    batch: float,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
) -> float:
    """Serve one batch with private capacity, book it in `outcome`, and return its cost at the tariff."""
    origin = tables.path_start[tables.class_path[rho]]
    list_options(tables, draw, b, t, rho, resident, scratch)
    first, end = scratch.entry_start[rho], scratch.entry_end[rho]
    for i in range(first, scratch.ordered[rho]):
        scratch.amount[i] = 0.0
    left = batch
    cost = 0.0
    last = first
    while last < end and left > 0.0:
        i = last
        last += 1
        if i == scratch.ordered[rho]:
            bring_cheapest(tables, i, end, scratch)
            scratch.ordered[rho] = last
        o = scratch.option[i]
        open_copies(tables, draw, b, t, o, scratch)
        amount = option_room(tables, draw, b, o, origin, left, scratch)
        if amount > 0.0:
            use_up(tables, draw, b, o, origin, amount, scratch)
            book_option(tables, draw, b, t, rho, i, amount, amount, 0.0, 0.0, scratch, outcome)
            cost += amount * scratch.cost[i]
            left -= amount
        scratch.amount[i] = amount
    for i in range(first, last):
        close_copies(tables, scratch.option[i], scratch)
    keep_order(b, rho, scratch)
    if left > 0.0:
        book_dropped(tables, draw, b, t, rho, left, outcome)
        cost += left * drop_cost(draw, b, t, rho)
    return cost


@njit_inline
def book_waits(b: int, scratch: Scratch, outcome: Outcome) -> None:
    """Write how long a visit to each node and link waits."""
    nodes = outcome.node_wait.shape[1]
    for v in range(nodes):
        outcome.node_wait[b, v] = scratch.delay[v]
    for e in range(outcome.link_wait.shape[1]):
        outcome.link_wait[b, e] = scratch.delay[nodes + e]


@njit_inline
def book_class(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, cost: float, scratch: Scratch, outcome: Outcome
) -> float:
    """Book what came of the batch of a class, with the waits of the slot.

    Returns:
        `cost`, that of the classes before, and what this one costs at the tariff.
    """
    origin = tables.path_start[tables.class_path[rho]]
    for i in range(scratch.entry_start[rho], scratch.ordered[rho]):
        amount = scratch.amount[i]
        if amount > 0.0:
            given, kept = given_wait(tables, rho, i, origin, scratch)
            good = amount
            if len(tables.radio_link) > 0:
                good *= passed_share(tables, scratch.option[i], scratch)
                cost += book_lost(tables, draw, b, t, rho, i, amount - good, scratch, outcome)
            book_option(tables, draw, b, t, rho, i, amount, good, given, kept, scratch, outcome)
            cost += good * (scratch.cost[i] + draw.tariff[b, SECOND] * given)
    if scratch.left[rho] > 0.0:
        book_dropped(tables, draw, b, t, rho, scratch.left[rho], outcome)
        cost += scratch.left[rho] * drop_cost(draw, b, t, rho)
    return cost


@aside
def serve_together(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, outcome: Outcome
) -> float:
    """Serve `Scratch.batch` with shared capacity, book it in `outcome`, and return its cost at the tariff.

    A class whose batch is 0 is left out as if it did not exist. Called once per slot, it is not inlined:
    it is compiled once for all kernels.
    """
    fill_slot(tables, draw, b, t, resident, scratch)
    if len(tables.radio_link) > 0:
        measure_cells(tables, scratch)
    close_queues(scratch)
    cost = 0.0
    for basin in range(len(scratch.basin_start) - 1):
        open_queues(tables, draw, b, basin, scratch)
        for k in range(scratch.basin_start[basin], scratch.basin_start[basin + 1]):
            cost = book_class(tables, draw, b, t, scratch.basin_class[k], cost, scratch, outcome)
    book_waits(b, scratch, outcome)
    return cost


@njit_spliced
def serve_alone(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: int,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
) -> float:
    """Serve the batch of one class as if no other had sent any; book it and return its cost."""
    if tables.capacity == EXOGENOUS:
        return serve_class(tables, draw, b, t, rho, draw.demand[b, t, rho], resident, scratch, outcome)
    for other in range(len(scratch.batch)):
        scratch.batch[other] = 0.0
    scratch.batch[rho] = draw.demand[b, t, rho]
    return serve_together(tables, draw, b, t, resident, scratch, outcome)


@njit_inline
def measure_utilisation(
    tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch, outcome: Outcome
) -> None:
    """Write what share of the slot's capacity nodes and links were busy; `measure_paths` comes before."""
    for v in range(len(tables.node_seconds)):
        if outcome.busy[b, v] > 0.0:
            outcome.node_utilisation[b, v] += outcome.busy[b, v] / draw.seconds[b, t, v]
    for e in range(len(tables.link_rate)):
        if outcome.carried[b, e] > 0.0:
            outcome.link_utilisation[b, e] += outcome.carried[b, e] / (scratch.rate[e] * tables.slot_seconds)


@njit_spliced
def serve_slot(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, outcome: Outcome
) -> None:
    """Serve the batches of slot `t` of row `b`."""
    measure_paths(tables, draw, b, t, scratch)
    note_residents(tables, resident, b, scratch)
    ask_batches(draw, b, t, scratch)
    for rho in range(len(scratch.batch)):
        outcome.arrived[b, rho] = scratch.batch[rho]
    if tables.capacity == EXOGENOUS:
        for rho in range(len(scratch.batch)):
            if rho % TOGETHER == 0:
                warm_classes(tables, b, scratch.owner, rho, min(rho + TOGETHER, len(scratch.batch)), scratch)
            batch = scratch.batch[rho]
            outcome.tariff_cost[b] += serve_class(tables, draw, b, t, rho, batch, resident, scratch, outcome)
    else:
        outcome.tariff_cost[b] += serve_together(tables, draw, b, t, resident, scratch, outcome)
