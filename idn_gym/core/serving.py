"""How the requests of a slot are served: the cheapest usable option with capacity left, then the next.

An option is usable when each of its parts lies inside the segment resident at its node. Its cost is
the tariff applied to its latency, error, energy and traffic; options slower than the timeout are
left out, and what no option can take is dropped. Kernels work on row ``b`` of a batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Floats, Instance, Ints, Outcome, Residents, Tables
from idn_gym.core.kernel import hot, inner


class Scratch(NamedTuple):
    """Work space of the kernels, so that a slot allocates nothing."""

    pace: Floats  # (J,) [s/byte] from the ingress to the position
    seconds_left: Floats  # (N, M) [s]; column 0 alone is used when capacity is shared
    bytes_left: Floats  # (E,)
    option: Ints  # (max options of a class,) usable options
    cost: Floats  # (max options of a class,) [cost]; inf once taken
    latency: Floats  # (max options of a class,) [s]


def make_scratch(tables: Tables) -> Scratch:
    """Allocate the work space for one call of a kernel."""
    nodes, models = tables.pinned.shape
    widest = int(np.max(np.diff(tables.option_start)))
    return Scratch(
        pace=np.zeros(len(tables.path_node)),
        seconds_left=np.zeros((nodes, models)),
        bytes_left=np.zeros(len(tables.link_rate)),
        option=np.zeros(widest, np.int64),
        cost=np.zeros(widest),
        latency=np.zeros(widest),
    )


@inner
def measure_paths(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Sum seconds per byte along every path from its ingress node."""
    for p in range(len(tables.path_start) - 1):
        pace = 0.0
        for j in range(tables.path_start[p], tables.path_start[p + 1]):
            link = tables.path_link[j]
            if link != EMPTY:
                pace += 1.0 / draw.rate[b, t, link]
            scratch.pace[j] = pace


@inner
def fill_capacity(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Hand out the slot's compute seconds and link bytes to all classes together."""
    for v in range(len(tables.node_seconds)):
        scratch.seconds_left[v, 0] = draw.seconds[b, t, v]
    for e in range(len(tables.link_rate)):
        scratch.bytes_left[e] = draw.rate[b, t, e] * tables.slot_seconds


@inner
def priced_row(draw: Draw, b: int) -> int:
    """Row of the `option_` fields that holds for row b."""
    return b if len(draw.option_latency) > 1 else 0


@inner
def is_usable(tables: Tables, resident: Residents, b: int, option: int) -> bool:
    """Whether every part of the option lies inside a resident segment."""
    model = tables.option_model[option]
    for q in range(tables.part_start[option], tables.part_start[option + 1]):
        held = resident[b, tables.part_node[q], model]
        part = tables.part_segment[q]
        if held == part:
            continue
        if held == EMPTY or tables.segment_first[held] > tables.segment_first[part]:
            return False
        if tables.segment_last[held] < tables.segment_last[part]:
            return False
    return True


@inner
def option_latency(tables: Tables, draw: Draw, b: int, option: int, origin: int, scratch: Scratch) -> float:
    """Expected seconds of one request: q (d + c / B) per hop and q s per block, over early exits.

    Delays and compute are in `Draw.option_latency` already; the rates of the slot decide the rest.
    """
    total = draw.option_latency[priced_row(draw, b), option]
    before = origin
    for q in range(tables.part_start[option], tables.part_start[option + 1]):
        here = origin + tables.part_position[q]
        total += tables.part_bytes[q] * (scratch.pace[here] - scratch.pace[before])
        before = here
    return total


@inner
def option_cost(draw: Draw, b: int, o: int, latency: float) -> float:
    """The tariff of one request by an option whose latency in the slot is given."""
    r = priced_row(draw, b)
    return draw.option_cost[r, o] + draw.tariff[b, 1] * (latency - draw.option_latency[r, o])


@inner
def drop_cost(tables: Tables, draw: Draw, b: int, rho: int) -> float:
    """The tariff of a dropped request: no option of the class is worse in any component."""
    cost = draw.tariff[b, 0] + draw.tariff[b, 1] * tables.class_timeout[rho]
    cost += draw.tariff[b, 2] * draw.drop_joules[priced_row(draw, b), rho]
    return cost + draw.tariff[b, 3] * tables.class_drop_bytes[rho]


@inner
def list_options(tables: Tables, draw: Draw, b: int, rho: int, resident: Residents, scratch: Scratch) -> int:
    """Write the usable options of a class, their cost and latency; return their number.

    Whole groups are passed over where the model of the first part is not on its node.
    """
    path = tables.class_path[rho]
    origin = tables.path_start[path]
    task = tables.class_task[rho]
    group = tables.class_group[rho]
    count = 0
    for j in range(origin, tables.path_start[path + 1]):
        for m in range(tables.task_model[task], tables.task_model[task + 1]):
            if resident[b, tables.path_node[j], m] != EMPTY:
                for o in range(tables.group_start[group], tables.group_start[group + 1]):
                    if is_usable(tables, resident, b, o):
                        count += list_option(tables, draw, b, rho, o, origin, count, scratch)
            group += 1
    return count


@inner
def list_option(
    tables: Tables, draw: Draw, b: int, rho: int, o: int, origin: int, count: int, scratch: Scratch
) -> int:
    """Write one usable option as the entry `count`; return 0 if it is slower than the timeout."""
    latency = option_latency(tables, draw, b, o, origin, scratch)
    if latency > tables.class_timeout[rho]:
        return 0
    scratch.option[count] = o
    scratch.latency[count] = latency
    scratch.cost[count] = option_cost(draw, b, o, latency)
    return 1


@inner
def cheapest(tables: Tables, usable: int, scratch: Scratch) -> int:
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


@inner
def fill_copies(tables: Tables, draw: Draw, b: int, t: int, usable: int, scratch: Scratch) -> None:
    """Give each resident copy that a class can use the node's seconds, for this class alone."""
    for i in range(usable):
        o = scratch.option[i]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            scratch.seconds_left[v, tables.option_model[o]] = draw.seconds[b, t, v]


@inner
def option_room(tables: Tables, draw: Draw, b: int, o: int, origin: int, batch: float, scratch: Scratch) -> float:
    """How many of `batch` requests fit into what the option's nodes and links have left."""
    room = batch
    column = tables.option_model[o] if tables.capacity == EXOGENOUS else 0
    before = 0
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        need = tables.part_seconds[q] * draw.slowdown[b, v]
        if need * room > scratch.seconds_left[v, column]:
            room = scratch.seconds_left[v, column] / need
        if tables.capacity != EXOGENOUS and tables.part_bytes[q] > 0.0:
            for j in range(origin + before + 1, origin + tables.part_position[q] + 1):
                left = scratch.bytes_left[tables.path_link[j]]
                if tables.part_bytes[q] * room > left:
                    room = left / tables.part_bytes[q]
        before = tables.part_position[q]
    return room


@inner
def use_option(
    tables: Tables, draw: Draw, b: int, o: int, origin: int, amount: float, scratch: Scratch, outcome: Outcome
) -> None:
    """Take the requests' seconds and bytes from what is left and book them."""
    column = tables.option_model[o] if tables.capacity == EXOGENOUS else 0
    before = 0
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        seconds = amount * tables.part_seconds[q] * draw.slowdown[b, v]
        scratch.seconds_left[v, column] = max(0.0, scratch.seconds_left[v, column] - seconds)
        outcome.busy[b, v] += seconds
        for j in range(origin + before + 1, origin + tables.part_position[q] + 1):
            link = tables.path_link[j]
            size = amount * tables.part_bytes[q]
            scratch.bytes_left[link] = max(0.0, scratch.bytes_left[link] - size)
            outcome.carried[b, link] += size
        before = tables.part_position[q]


@inner
def late_share(tables: Tables, draw: Draw, b: int, o: int, origin: int, deadline: float, scratch: Scratch) -> float:
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


@inner
def serve_class(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, batch: float, resident: Residents, scratch: Scratch, outcome: Outcome
) -> float:
    """Serve one batch, book it in `outcome`, and return its cost at the tariff."""
    origin = tables.path_start[tables.class_path[rho]]
    usable = list_options(tables, draw, b, rho, resident, scratch)
    if tables.capacity == EXOGENOUS:
        fill_copies(tables, draw, b, t, usable, scratch)
    left = batch
    cost = 0.0
    while left > 0.0:
        best = cheapest(tables, usable, scratch)
        if best < 0:
            break
        o = scratch.option[best]
        amount = option_room(tables, draw, b, o, origin, left, scratch)
        if amount > 0.0:
            use_option(tables, draw, b, o, origin, amount, scratch, outcome)
            outcome.served[b, rho] += amount
            outcome.correct[b, rho] += amount * (1.0 - tables.option_error[o])
            outcome.latency[b, rho] += amount * scratch.latency[best]
            outcome.energy[b, rho] += amount * draw.option_joules[priced_row(draw, b), o]
            outcome.traffic[b, rho] += amount * tables.option_traffic[o]
            deadline = tables.class_deadline[rho]
            outcome.late[b, rho] += amount * late_share(tables, draw, b, o, origin, deadline, scratch)
            if tables.part_start[o + 1] - tables.part_start[o] > 1:
                outcome.split[b, rho] += amount
            outcome.early[b, rho] += amount * (1.0 - tables.branch_share[tables.branch_start[o + 1] - 1])
            cost += amount * scratch.cost[best]
            left -= amount
        scratch.cost[best] = np.inf
    if left > 0.0:
        outcome.latency[b, rho] += left * tables.class_timeout[rho]
        outcome.energy[b, rho] += left * draw.drop_joules[priced_row(draw, b), rho]
        outcome.traffic[b, rho] += left * tables.class_drop_bytes[rho]
        outcome.late[b, rho] += left
        cost += left * drop_cost(tables, draw, b, rho)
    return cost


@inner
def serve_slot(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, outcome: Outcome
) -> None:
    """Serve every batch of slot `t` of row `b`, in the arrival order of the draw."""
    measure_paths(tables, draw, b, t, scratch)
    fill_capacity(tables, draw, b, t, scratch)
    for i in range(len(tables.class_task)):
        rho = draw.order[b, t, i]
        batch = draw.demand[b, t, rho]
        outcome.arrived[b, rho] = batch
        outcome.tariff_cost[b] += serve_class(tables, draw, b, t, rho, batch, resident, scratch, outcome)


@hot
def _costs(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch, costs: Floats, drops: Floats) -> None:
    measure_paths(tables, draw, b, t, scratch)
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        drops[rho] = drop_cost(tables, draw, b, rho)
        for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
            latency = option_latency(tables, draw, b, o, origin, scratch)
            costs[o] = option_cost(draw, b, o, latency) if latency <= tables.class_timeout[rho] else np.inf


def costs(instance: Instance, t: int, b: int = 0) -> tuple[Floats, Floats]:
    """Tariff of one request by every option in slot `t`, and of a drop, for solvers of your own.

    Returns:
        (O,) cost of each option, inf where it is slower than the timeout; (R,) cost of a drop.
    """
    option, drop = np.zeros(len(instance.tables.option_model)), np.zeros(len(instance.tables.class_task))
    _costs(instance.tables, instance.draw, b, t, make_scratch(instance.tables), option, drop)
    return option, drop


def gain(instance: Instance, t: int, placement: Residents, b: int = 0) -> float:
    """Tariff saved in slot `t` by a placement, against the repositories alone.

    Args:
        instance: the instance.
        t: the slot.
        placement: (N, M) segment on each node, or EMPTY; must contain the pinned segments.
        b: row of the instance.
    """
    return serving_cost(instance, t, instance.tables.pinned, b) - serving_cost(instance, t, placement, b)


def serving_cost(instance: Instance, t: int, placement: Residents, b: int = 0) -> float:
    """Tariff of slot `t` under a placement (N, M)."""
    outcome = empty_outcome(instance.tables, b + 1)
    rows = np.broadcast_to(placement, (b + 1, *placement.shape)).astype(np.int32)
    _serve(instance.tables, instance.draw, b, t, rows, make_scratch(instance.tables), outcome)
    return float(outcome.tariff_cost[b])


@hot
def _serve(tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, outcome: Outcome) -> None:
    serve_slot(tables, draw, b, t, resident, scratch, outcome)


def empty_outcome(tables: Tables, batch: int) -> Outcome:
    """An outcome of zeros."""
    per_class = np.zeros((9, batch, len(tables.class_task)))
    return Outcome(
        *per_class,
        tariff_cost=np.zeros(batch),
        busy=np.zeros((batch, len(tables.node_memory))),
        carried=np.zeros((batch, len(tables.link_rate))),
        idle_energy=np.zeros(batch),
        loaded=np.zeros(batch),
        refused=np.zeros(batch, np.int64),
    )
