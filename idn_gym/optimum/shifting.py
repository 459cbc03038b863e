"""Requests of one slot routed better under waiting: shifted between the options of a class while that saves.

A local search on the cost that the core would book: the same waits, the same patience. What it finds is a
way to serve that a network could follow, and so an upper end of the best routing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.waiting import mean_wait, patient_wait

SWEEPS = 60
"""Most rounds over all classes."""

HALVINGS = 14
"""Number of halvings of the shifted requests before a shift is given up."""

LEAST_SHIFT = 1e-10
"""Share of the cost that a shift must save."""


class SlotFlows(NamedTuple):
    """One slot's options and queues, and how many requests go where; H options that have V visits."""

    class_start: Ints  # (R+1,) into H
    visit_start: Ints  # (H+1,) into V
    resource: Ints  # (V,) in N + E
    visits: Floats  # (V,) of `Visits`, as are the next two
    work: Floats  # (V,)
    square: Floats  # (V,)
    cost: Floats  # (H,) [cost] without waiting
    patience: Floats  # (H,) [s] timeout less latency
    drop: Floats  # (R,) [cost]
    servers: Ints  # (N+E,) 0 without waiting
    queues: Floats  # (N+E,) side by side, which share the visits
    pace: Floats  # (N+E,) [s] of a unit of work
    limit: Floats  # (N+E,) [s] or [bytes] that may be used
    second_price: float  # [cost/s]
    slot_seconds: float  # [s]
    amount: Floats  # (H,) [requests]
    dropped: Floats  # (R,) [requests]
    sums: Floats  # (3, N+E) visits, work and squared work of all requests
    delay: Floats  # (N+E,) [s] mean wait of a visit
    marginal: Floats  # (H,) [cost] of one more request, what it makes others wait included
    room: Bools  # (H,) whether nothing that the option uses is full


@njit_inline
def queue_delay(s: SlotFlows, r: int, visits: float, work: float, square: float) -> float:
    """Mean wait [s] at a resource."""
    if s.servers[r] == 0 or visits <= 0.0 or work <= 0.0:
        return 0.0
    pace = s.pace[r]
    rate = visits / s.slot_seconds / s.queues[r]
    return mean_wait(s.servers[r], rate, work / visits * pace, square / visits * pace * pace)


@njit_inline
def sum_flows(s: SlotFlows) -> float:
    """Write `sums` and `delay`; returns the cost of the slot, inf where a limit is passed."""
    for r in range(len(s.delay)):
        for k in range(3):
            s.sums[k, r] = 0.0
    for h in range(len(s.amount)):
        if s.amount[h] > 0.0:
            for i in range(s.visit_start[h], s.visit_start[h + 1]):
                s.sums[0, s.resource[i]] += s.amount[h] * s.visits[i]
                s.sums[1, s.resource[i]] += s.amount[h] * s.work[i]
                s.sums[2, s.resource[i]] += s.amount[h] * s.square[i]
    for r in range(len(s.delay)):
        if s.sums[1, r] > s.limit[r] * (1.0 + 1e-9):
            return math.inf
        s.delay[r] = queue_delay(s, r, s.sums[0, r], s.sums[1, r], s.sums[2, r])
    cost = 0.0
    for h in range(len(s.amount)):
        if s.amount[h] > 0.0:
            waited = patient_wait(sum_waits(s, h), s.patience[h])
            cost += s.amount[h] * (s.cost[h] + s.second_price * waited)
    for rho in range(len(s.dropped)):
        cost += s.dropped[rho] * s.drop[rho]
    return cost


@njit_inline
def sum_waits(s: SlotFlows, h: int) -> float:
    """Mean wait W [s] of an option's requests, if none gives up."""
    wait = 0.0
    for i in range(s.visit_start[h], s.visit_start[h + 1]):
        wait += s.visits[i] * s.delay[s.resource[i]]
    return wait


@njit_inline
def measure_marginals(s: SlotFlows, weight: Floats, slopes: Floats) -> None:
    """Write `marginal`, after `sum_flows`; `weight` (N+E,) and `slopes` (3, N+E) are work space."""
    for r in range(len(weight)):
        weight[r] = 0.0
    for h in range(len(s.amount)):
        wait = sum_waits(s, h)
        s.marginal[h] = s.cost[h] + s.second_price * patient_wait(wait, s.patience[h])
        if s.amount[h] > 0.0:
            ratio = 2.0 * wait / s.patience[h]
            share = s.amount[h] * s.second_price / (1.0 + ratio * ratio) ** 1.5
            for i in range(s.visit_start[h], s.visit_start[h + 1]):
                weight[s.resource[i]] += share * s.visits[i]
    for r in range(len(weight)):
        a, b, c = s.sums[0, r], s.sums[1, r], s.sums[2, r]
        tiny = 1.0 + 1e-6
        slopes[0, r] = (queue_delay(s, r, a * tiny, b, c) - s.delay[r]) / (a * 1e-6) if a > 0.0 else 0.0
        slopes[1, r] = (queue_delay(s, r, a, b * tiny, c) - s.delay[r]) / (b * 1e-6) if b > 0.0 else 0.0
        slopes[2, r] = (queue_delay(s, r, a, b, c * tiny) - s.delay[r]) / (c * 1e-6) if c > 0.0 else 0.0
    for h in range(len(s.amount)):
        s.room[h] = True
        for i in range(s.visit_start[h], s.visit_start[h + 1]):
            r = s.resource[i]
            s.room[h] &= s.sums[1, r] < s.limit[r] * (1.0 - 1e-9)
            longer = slopes[0, r] * s.visits[i] + slopes[1, r] * s.work[i] + slopes[2, r] * s.square[i]
            s.marginal[h] += weight[r] * longer


@njit_no_alloc
def shift_requests(s: SlotFlows, weight: Floats, slopes: Floats) -> float:
    """Change `amount` and `dropped` until no shift within a class saves anything; returns the cost.

    In every round each class moves requests from its dearest option in use to its cheapest, at the margin.
    """
    best = sum_flows(s)
    for _ in range(SWEEPS):
        before = best
        measure_marginals(s, weight, slopes)
        for rho in range(len(s.dropped)):
            best = shift_class(s, rho, best)
        sum_flows(s)
        if best >= before * (1.0 - LEAST_SHIFT):
            break
    return best


@njit_inline
def shift_class(s: SlotFlows, rho: int, best: float) -> float:
    """Move requests of one class from where they cost most to where they cost least; returns the cost."""
    source, target = -1, -1
    most = s.drop[rho] if s.dropped[rho] > 0.0 else -math.inf
    least = s.drop[rho]
    for h in range(s.class_start[rho], s.class_start[rho + 1]):
        if s.amount[h] > 0.0 and s.marginal[h] > most:
            source, most = h, s.marginal[h]
        if s.room[h] and s.marginal[h] < least:
            target, least = h, s.marginal[h]
    if source == target or most <= least:
        return best
    held, taken = requests_at(s, rho, source), requests_at(s, rho, target)
    part = held
    for _ in range(HALVINGS):
        put_requests(s, rho, source, held - part)
        put_requests(s, rho, target, taken + part)
        cost = sum_flows(s)
        if cost < best * (1.0 - LEAST_SHIFT):
            return cost
        part *= 0.5
    put_requests(s, rho, source, held)
    put_requests(s, rho, target, taken)
    return best


@njit_inline
def requests_at(s: SlotFlows, rho: int, h: int) -> float:
    """Requests of a class that an option serves; -1 means dropping."""
    return float(s.dropped[rho] if h < 0 else s.amount[h])


@njit_inline
def put_requests(s: SlotFlows, rho: int, h: int, amount: float) -> None:
    """Change `requests_at`."""
    if h < 0:
        s.dropped[rho] = amount
    else:
        s.amount[h] = amount
