"""The queues of a slot: what passes nodes and links, and how long requests wait there.

A request that ends at an exit branch visits the branch's parts, each with the seconds it computes there, and
the links that lead to them, each with the bytes that cross. What takes no time is no visit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import QUEUES, Draw, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.waiting import mean_wait, overdue_share, patient_wait
from idn_gym.core.warming import TOGETHER, warm_classes
from idn_gym.core.workspace import Scratch


@njit_inline
def close_queues(scratch: Scratch) -> None:
    """Mark every resource as unused, so that no request waits there."""
    for r in range(len(scratch.visits)):
        scratch.visits[r] = 0.0
        scratch.work[r] = 0.0
        scratch.square[r] = 0.0
        scratch.delay[r] = 0.0
        scratch.idle[r] = 1.0


@njit_inline
def open_queues(tables: Tables, draw: Draw, b: int, basin: int, scratch: Scratch) -> None:
    """Write `delay` and `idle` of every resource that the classes of a basin visit, from `amount`."""
    if tables.queueing != QUEUES:
        return
    visited: Any = np.int64(0)
    end = scratch.basin_start[basin + 1]
    for k in range(scratch.basin_start[basin], end):
        if (k - scratch.basin_start[basin]) % TOGETHER == 0:
            warm_classes(tables, b, scratch.basin_class, k, min(k + TOGETHER, end), scratch)
        rho = scratch.basin_class[k]
        origin = tables.path_start[tables.class_path[rho]]
        for i in range(scratch.entry_start[rho], scratch.ordered[rho]):
            if scratch.amount[i] > 0.0:
                o, amount = scratch.option[i], scratch.amount[i]
                visited += add_visits(tables, draw, b, o, origin, amount, visited, scratch)
    nodes = len(tables.node_memory)
    for n in range(visited):
        r = scratch.visited[n]
        if r >= nodes:
            count = tables.link_count[r - nodes]
            open_queue(tables, r, count, 1, count / scratch.rate[r - nodes], scratch)
        elif tables.node_servers[r] > 0:
            # Where the node offers less than its workers could, each request takes longer by as much.
            offered = tables.node_count[r] * tables.node_servers[r] * tables.slot_seconds
            stretch = offered / scratch.supply[r]
            open_queue(tables, r, tables.node_count[r], tables.node_servers[r], stretch, scratch)


@njit_inline
def add_visits(
    tables: Tables, draw: Draw, b: int, o: int, origin: int, amount: float, visited: int, scratch: Scratch
) -> int:
    """Add the visits of the requests that an option serves, exit branch by exit branch.

    Returns:
        How many resources more there are in `visited`, of which that many are there: those with visits.
    """
    nodes = len(tables.node_memory)
    more: Any = np.int64(0)
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        flow = amount * tables.branch_share[x]
        before = origin + tables.option_origin[o]
        for i in range(tables.branch_parts[x]):
            q = tables.part_start[o] + i
            v = tables.part_node[q]
            here = origin + tables.part_position[q]
            seconds = tables.branch_seconds[x, i] * draw.slowdown[b, v]
            size = tables.branch_bytes[x, i]
            if seconds > 0.0:
                more += add_visit(v, flow, seconds, visited + more, scratch)
            if size > 0.0:
                for j in range(before + 1, here + 1):
                    more += add_visit(nodes + tables.path_link[j], flow, size, visited + more, scratch)
            before = here
    return more


@njit_inline
def add_visit(r: int, flow: float, work: float, visited: int, scratch: Scratch) -> int:
    """Add visits to a resource; returns 1 if they are its first ones, and notes it."""
    before = scratch.visits[r]
    scratch.visits[r] = before + flow
    scratch.work[r] += flow * work
    scratch.square[r] += flow * work * work
    if before > 0.0 or flow <= 0.0:
        return 0
    scratch.visited[visited] = r
    return 1


@njit_inline
def open_queue(tables: Tables, r: int, count: float, servers: int, pace: float, scratch: Scratch) -> None:
    """Write the state of a used resource's queue; `pace` [s] is the time of one unit of work.

    `count` such queues stand side by side, with equal shares of the visits.
    """
    visits = scratch.visits[r]
    rate = visits / tables.slot_seconds / count
    first = scratch.work[r] / visits * pace
    second = scratch.square[r] / visits * pace * pace
    scratch.delay[r] = mean_wait(servers, rate, first, second)
    scratch.idle[r] = max(0.0, 1.0 - rate * first / servers)


@njit_inline
def branch_wait(tables: Tables, x: int, o: int, origin: int, scratch: Scratch) -> tuple[float, float]:
    """For requests that end at an exit branch: the mean wait W [s], and the probability p0 of no wait."""
    nodes = len(tables.node_memory)
    wait, idle = 0.0, 1.0
    before = origin + tables.option_origin[o]
    for i in range(tables.branch_parts[x]):
        q = tables.part_start[o] + i
        here = origin + tables.part_position[q]
        if tables.branch_bytes[x, i] > 0.0:
            for j in range(before + 1, here + 1):
                link = nodes + tables.path_link[j]
                wait += scratch.delay[link]
                idle *= scratch.idle[link]
        if tables.branch_seconds[x, i] > 0.0:
            wait += scratch.delay[tables.part_node[q]]
            idle *= scratch.idle[tables.part_node[q]]
        before = here
    return wait, idle


@njit_inline
def option_wait(tables: Tables, o: int, origin: int, scratch: Scratch) -> float:
    """Mean wait W [s] of an option's requests, if none gives up."""
    wait = 0.0
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        wait += tables.branch_share[x] * branch_wait(tables, x, o, origin, scratch)[0]
    return wait


@njit_inline
def branch_latency(
    tables: Tables, draw: Draw, b: int, x: int, o: int, origin: int, scratch: Scratch
) -> float:
    """Seconds that requests take which end at an exit branch, waiting left out."""
    latency = 0.0
    before = origin + tables.option_origin[o]
    for i in range(tables.branch_parts[x]):
        q = tables.part_start[o] + i
        here = origin + tables.part_position[q]
        latency += tables.path_delay[here] - tables.path_delay[before] + tables.part_pause[q]
        latency += tables.branch_bytes[x, i] * (scratch.pace[here] - scratch.pace[before])
        latency += tables.branch_seconds[x, i] * draw.slowdown[b, tables.part_node[q]]
        before = here
    return latency


@njit_inline
def given_wait(tables: Tables, rho: int, i: int, origin: int, scratch: Scratch) -> tuple[float, float]:
    """Mean wait W' [s] of the requests of an entry, and W' / W; both 0 where there is no waiting.

    No request waits beyond the timeout: it gives up before its latency would exceed it.
    """
    wait = option_wait(tables, scratch.option[i], origin, scratch)
    given = patient_wait(wait, tables.class_timeout[rho] - scratch.latency[i])
    return given, given / wait if wait > 0.0 else 0.0


@njit_inline
def late_requests(
    tables: Tables, draw: Draw, b: int, o: int, origin: int, deadline: float, kept: float, scratch: Scratch
) -> float:
    """Share of an option's requests that miss the deadline, exit branch by exit branch.

    `kept` is W' / W of the option: those who give up shorten the waits of all its branches by this factor. It
    is 0 where there is no waiting.
    """
    late = 0.0
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        latency = branch_latency(tables, draw, b, x, o, origin, scratch)
        wait, idle = 0.0, 1.0
        if kept > 0.0:
            wait, idle = branch_wait(tables, x, o, origin, scratch)
        late += tables.branch_share[x] * overdue_share(deadline - latency, kept * wait, idle)
    return late
