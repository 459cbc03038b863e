"""How the requests of a slot are served: the cheapest usable option with capacity left, then the next.

An option is usable when each of its parts lies inside the segment resident at its node. Its cost is
the tariff applied to its latency, error, energy and traffic; options slower than the timeout are
left out, and what no option can take is dropped. Kernels work on row ``b`` of a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import (
    EMPTY,
    EXOGENOUS,
    SECOND,
    Draw,
    Outcome,
    Residents,
    Tables,
)
from idn_gym.core.capacity import fill_capacity, fill_copies, option_room, use_option
from idn_gym.core.charges import add_charges, book_charges, book_drops, charges_cost, drop_charges
from idn_gym.core.geometry import covers
from idn_gym.core.kernel import njit_inline
from idn_gym.core.workspace import Scratch


@njit_inline
def measure_paths(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Sum seconds per byte along every path from its ingress node."""
    for p in range(len(tables.path_start) - 1):
        pace = 0.0
        for j in range(tables.path_start[p], tables.path_start[p + 1]):
            link = tables.path_link[j]
            if link != EMPTY:
                pace += 1.0 / draw.rate[b, t, link]
            scratch.pace[j] = pace


@njit_inline
def cost_row(draw: Draw, b: int) -> int:
    """Row of the `option_` fields that holds for row b."""
    return b if len(draw.option_latency) > 1 else 0


@njit_inline
def is_usable(tables: Tables, resident: Residents, b: int, option: int) -> bool:
    """Whether every part of the option lies inside a resident segment."""
    model = tables.option_model[option]
    for q in range(tables.part_start[option], tables.part_start[option + 1]):
        held = resident[b, tables.part_node[q], model]
        part = tables.part_segment[q]
        # The two most frequent answers first: `covers` looks at both ends whatever it finds.
        if held == EMPTY or (held != part and not covers(tables, held, part)):
            return False
    return True


@njit_inline
def link_seconds(tables: Tables, option: int, origin: int, scratch: Scratch) -> float:
    """Expected seconds of one request that the rates of the slot decide: q c / B per hop."""
    total = 0.0
    before = origin
    for q in range(tables.part_start[option], tables.part_start[option + 1]):
        here = origin + tables.part_position[q]
        total += tables.part_bytes[q] * (scratch.pace[here] - scratch.pace[before])
        before = here
    return total


@njit_inline
def option_latency(draw: Draw, b: int, option: int, link: float) -> float:
    """Expected seconds of one request: q (d + c / B) per hop and q s per block, over early exits.

    Delays and compute are in `Draw.option_latency` already; `link` is what the slot's rates add.
    """
    return float(draw.option_latency[cost_row(draw, b), option] + link)


@njit_inline
def is_late(tables: Tables, rho: int, latency: float) -> bool:
    """Whether an option is slower than the timeout of its class, and so left out."""
    return bool(latency > tables.class_timeout[rho])


@njit_inline
def charged_slots(draw: Draw) -> bool:
    """Whether a request costs more than its four components: packages have added objectives."""
    return draw.charge_second.shape[3] > 0


@njit_inline
def priced_cost(draw: Draw, b: int, option: int, link: float) -> float:
    """The tariff of one request but for further objectives; the slot's rates decide `link` seconds of it."""
    return float(draw.option_cost[cost_row(draw, b), option] + draw.tariff[b, SECOND] * link)


@njit_inline
def option_cost(tables: Tables, draw: Draw, b: int, t: int, option: int, origin: int, link: float) -> float:
    """The tariff of one request, of which `link` seconds are decided by the rates of the slot."""
    return priced_cost(draw, b, option, link) + charges_cost(tables, draw, b, t, option, origin)


@njit_inline
def drop_cost(draw: Draw, b: int, t: int, rho: int) -> float:
    """The tariff of a dropped request: no option of the class is worse in any component."""
    cost = float(draw.drop_cost[cost_row(draw, b), rho])
    if charged_slots(draw):
        cost += drop_charges(draw, b, t, rho)
    return cost


@njit_inline
def list_options(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, resident: Residents, scratch: Scratch
) -> int:
    """Write the usable options of a class, their cost and latency; return their number.

    Whole groups are passed over where the model of the first part is not on its node.
    """
    path = tables.class_path[rho]
    origin = tables.path_start[path]
    task = tables.class_task[rho]
    first, last = tables.task_model[task], tables.task_model[task + 1]
    group = tables.class_group[rho]
    fallback = tables.class_fallback[rho]
    count: Any = np.int64(0)  # of one width all along: callees compile anew for another
    for j in range(origin, tables.path_start[path + 1]):
        if tables.group_start[group] >= fallback:
            break
        v = tables.path_node[j]
        for m in range(first, last):
            if resident[b, v, m] != EMPTY:
                for o in range(tables.group_start[group], min(fallback, tables.group_start[group + 1])):
                    if tables.model_blocks[m] == 1 or is_usable(tables, resident, b, o):
                        link = link_seconds(tables, o, origin, scratch)
                        count += list_option(tables, draw, b, rho, o, link, count, scratch)
            group += 1
    if fallback < tables.option_start[rho + 1]:
        count += list_fallback(tables, draw, b, rho, origin, count, scratch)
    if charged_slots(draw):
        add_charges(tables, draw, b, t, count, origin, scratch)
    return count


@njit_inline
def list_fallback(
    tables: Tables, draw: Draw, b: int, rho: int, origin: int, count: int, scratch: Scratch
) -> int:
    """Of the options that no capacity limits, write the cheapest in time: the others are never used.

    They send the same bytes over the same links, so the rates of the slot shift all of them alike. What
    further objectives add is not known here, so with these all are written.
    """
    row = cost_row(draw, b)
    link = link_seconds(tables, tables.class_fallback[rho], origin, scratch)
    if charged_slots(draw):
        listed: Any = np.int64(0)
        for o in range(tables.class_fallback[rho], tables.option_start[rho + 1]):
            listed += list_option(tables, draw, b, rho, o, link, count + listed, scratch)
        return listed
    best: Any = np.int32(-1)
    for o in range(tables.class_fallback[rho], tables.option_start[rho + 1]):
        if best >= 0 and draw.option_cost[row, o] > draw.option_cost[row, best]:
            continue
        if best >= 0 and draw.option_cost[row, o] == draw.option_cost[row, best]:
            if tables.option_rank[o] > tables.option_rank[best]:
                continue
        if not is_late(tables, rho, option_latency(draw, b, o, link)):
            best = o
    return 0 if best < 0 else list_option(tables, draw, b, rho, best, link, count, scratch)


@njit_inline
def list_option(
    tables: Tables, draw: Draw, b: int, rho: int, o: int, link: float, count: int, scratch: Scratch
) -> int:
    """Write one usable option as the entry `count`; return 0 if it is slower than the timeout."""
    latency = option_latency(draw, b, o, link)
    if is_late(tables, rho, latency):
        return 0
    scratch.option[count] = o
    scratch.latency[count] = latency
    scratch.cost[count] = priced_cost(draw, b, o, link)
    return 1


@njit_inline
def cheapest_listed(tables: Tables, usable: int, scratch: Scratch) -> int:
    """Index of the cheapest listed option that is not taken yet, ties by rank; -1 if none is left."""
    best = -1
    for i in range(usable):
        cost = scratch.cost[i]
        if cost == np.inf:
            continue
        if best < 0 or cost < scratch.cost[best]:
            best = i
        elif cost == scratch.cost[best]:
            if tables.option_rank[scratch.option[i]] < tables.option_rank[scratch.option[best]]:
                best = i
    return best


@njit_inline
def late_share(
    tables: Tables, draw: Draw, b: int, o: int, origin: int, deadline: float, scratch: Scratch
) -> float:
    """Share of the option's requests that miss the deadline, exit branch by exit branch."""
    late = 0.0
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        latency = 0.0
        before = origin
        for i in range(tables.branch_parts[x]):
            q = tables.part_start[o] + i
            here = origin + tables.part_position[q]
            latency += tables.path_delay[here] - tables.path_delay[before]
            latency += tables.branch_bytes[x, i] * (scratch.pace[here] - scratch.pace[before])
            latency += tables.branch_seconds[x, i] * draw.slowdown[b, tables.part_node[q]]
            before = here
        if latency > deadline:
            late += tables.branch_share[x]
    return late


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
    """Serve one batch, book it in `outcome`, and return its cost at the tariff."""
    origin = tables.path_start[tables.class_path[rho]]
    usable = list_options(tables, draw, b, t, rho, resident, scratch)
    if tables.capacity == EXOGENOUS:
        fill_copies(tables, draw, b, t, usable, scratch)
    left = batch
    cost = 0.0
    while left > 0.0:
        best = cheapest_listed(tables, usable, scratch)
        if best < 0:
            break
        o = scratch.option[best]
        amount = option_room(tables, draw, b, o, origin, left, scratch)
        if amount > 0.0:
            use_option(tables, draw, b, rho, o, origin, amount, scratch, outcome)
            outcome.served[b, rho] += amount
            outcome.started[b, rho, tables.part_position[tables.part_start[o]]] += amount
            outcome.correct[b, rho] += amount * (1.0 - tables.option_error[o])
            outcome.latency[b, rho] += amount * scratch.latency[best]
            outcome.energy[b, rho] += amount * draw.option_joules[cost_row(draw, b), o]
            outcome.traffic[b, rho] += amount * tables.option_traffic[o]
            if charged_slots(draw):
                book_charges(tables, draw, b, t, rho, o, origin, amount, outcome)
            deadline = tables.class_deadline[rho]
            outcome.late[b, rho] += amount * late_share(tables, draw, b, o, origin, deadline, scratch)
            if tables.part_start[o + 1] - tables.part_start[o] > 1:
                outcome.split[b, rho] += amount
            outcome.early[b, rho] += amount * (1.0 - tables.branch_share[tables.branch_start[o + 1] - 1])
            cost += amount * scratch.cost[best]
            left -= amount
        scratch.taken[best] = amount
        scratch.cost[best] = np.inf
    if left > 0.0:
        outcome.latency[b, rho] += left * tables.class_timeout[rho]
        outcome.energy[b, rho] += left * draw.drop_joules[cost_row(draw, b), rho]
        outcome.traffic[b, rho] += left * tables.class_drop_bytes[rho]
        if charged_slots(draw):
            book_drops(draw, b, t, rho, left, outcome)
        outcome.late[b, rho] += left
        outcome.started[b, rho, outcome.started.shape[2] - 1] += left
        cost += left * drop_cost(draw, b, t, rho)
    return cost


@njit_inline
def serve_slot(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, outcome: Outcome
) -> None:
    """Serve the batches of slot `t` of row `b`, in the arrival order of the draw."""
    measure_paths(tables, draw, b, t, scratch)
    fill_capacity(tables, draw, b, t, scratch)
    for i in range(draw.order.shape[2]):
        rho = draw.order[b, t, i]
        batch = draw.demand[b, t, rho]
        outcome.arrived[b, rho] = batch
        outcome.tariff_cost[b] += serve_class(tables, draw, b, t, rho, batch, resident, scratch, outcome)
