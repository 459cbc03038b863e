"""Lower bound on waiting costs at each node and link, for every placement and routing.

A queue of c servers at utilisation rho, at which requests are served for S seconds, holds up each visit for
u(rho) E[S^2] / E[S] seconds, u = ErlangC / (2 c (1 - rho)) (`idn_gym.core.waiting.mean_wait`). In a slot of
tau seconds all visits wait for tau c rho u E[S^2] / E[S]^2, which is at least tau c rho u(rho) (Cauchy and
Schwarz), as if all were served equally long. For one server that is 1/2 tau rho^2 / (1 - rho). Sakasegawa's
power of rho in place of Erlang C would be no bound: from two servers on it is above it.

Requests that give up wait less: W' = W / sqrt(1 + (2 W / s)^2), with W summed over an option's queues. W'
rises with W, so waits may be taken as if no utilisation were above a ceiling of choice; W' / W falls with W,
so it is at least what it is when every other queue of the option stands at this ceiling and serves the
longest requests that it may be asked for. What is left is a function of one resource's utilisation. Its
largest convex under-estimate is entered as lines below it, one per slope. Where slots are added up, so are
their lines: a sum of conjugates is the conjugate of the least that the slots can cost together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import QUEUES, SECOND, SHARED, Bools, Floats, Instance, Ints
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.waiting import mean_wait
from idn_gym.optimum.visits import Visits, queue_paces, supplies

POINTS = 600
"""Utilisations at which a cost is looked at, denser towards the limit."""

SLOPES = np.geomspace(0.03, 300.0, 14)
"""[slots] seconds waited per utilisation, over the length of a slot; one line each."""

KNOTS = np.array([0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
"""Shares of the wait at the ceiling at which the options that give up soonest are looked at."""


class LeastWaiting(NamedTuple):
    """Lines that lie below what waiting costs: slope x work + intercept, for each resource and slot."""

    slope: Floats  # (N + E, K) [cost/s] or [cost/byte], rising
    intercept: Floats  # (T, N + E, K) [cost], at most 0


def unit_waits(servers: int, utilisation: Floats) -> Floats:
    """u(rho): seconds that a visit waits where each is served for one second, at utilisations below 1."""
    waits = np.empty(len(utilisation))
    _unit_waits(servers, utilisation, waits)
    return waits


@njit_no_alloc
def _unit_waits(servers: int, utilisation: Floats, waits: Floats) -> None:
    for i in range(len(waits)):
        waits[i] = mean_wait(servers, servers * utilisation[i], 1.0, 1.0)


def least_waiting(
    row: Instance, visits: Visits, patience: Floats, asked: Bools, ceiling: float
) -> LeastWaiting:
    """Lines below the cost of waiting in every slot.

    Args:
        row: an instance of one row.
        visits: of its options.
        patience: (T, O) [s] timeout less latency without waiting, above 0.
        asked: (T, O) whether requests may be served so.
        ceiling: utilisation beyond which waits are not counted to grow, below 1.
    """
    tables, draw = row
    supply = supplies(tables, draw)
    servers, pace = queue_paces(tables, draw)
    price = float(draw.tariff[0, SECOND])
    queues = np.flatnonzero(servers > 0)
    finite = np.where(np.isfinite(supply), supply, 0.0)
    slope = price * tables.slot_seconds * SLOPES / np.maximum(finite.mean(0), 1e-300)[:, None]
    intercept = np.zeros((*supply.shape, len(SLOPES)))
    if tables.capacity != SHARED or tables.queueing != QUEUES or price <= 0.0:
        return LeastWaiting(slope, intercept)
    load = 1.0 - (1.0 - tables.last_resort) ** np.linspace(0.0, 1.0, POINTS)
    top = min(ceiling, tables.last_resort)
    waits = {c: unit_waits(c, np.append(np.minimum(load, top), top)) for c in set(servers[queues].tolist())}
    most = np.array([waits[c][-1] if c else 0.0 for c in servers.tolist()])
    seen: dict[tuple[bytes, bytes], int] = {}
    for t in range(len(supply)):
        same = seen.setdefault((supply[t].tobytes(), asked[t].tobytes()), t)
        if same < t:
            intercept[t] = intercept[same]
            continue
        able = asked[t].copy()
        able[visits.option[supply[t, visits.resource] <= 0.0]] = False
        haste = _haste(visits.of(able), patience[t], servers, pace[t], most)
        for r in queues[supply[t, queues] > 0.0].tolist():
            u = waits[int(servers[r])][:-1]
            shrunk = u / np.sqrt(1.0 + np.interp(u, KNOTS * most[r], haste[r]) ** 2)
            cost = price * tables.slot_seconds * int(servers[r]) * load * shrunk
            # Between two points the cost is at least that of the first, the work at most that of the second.
            lines = cost[:-1] - slope[r][:, None] * (load[1:] * supply[t, r])
            intercept[t, r] = np.minimum(0.0, lines.min(1))
    return LeastWaiting(slope, intercept)


def _haste(visits: Visits, patience: Floats, servers: Ints, pace: Floats, most: Floats) -> Floats:
    """At least 2 W / s of every option on each resource (N + E, knots), at the waits KNOTS of the resource.

    Args:
        visits: of the options that count.
        patience: (O,) [s] as of `least_waiting`.
        servers: (N + E,) 0 without waiting.
        pace: (N + E,) [s] of a unit of work.
        most: (N + E,) u at the ceiling.
    """
    queued = servers[visits.resource] > 0
    option, resource = visits.option[queued], visits.resource[queued]
    longest = np.zeros(len(servers))
    np.maximum.at(longest, resource, visits.longest[queued] * pace[resource])
    step = visits.visits[queued] * longest[resource]
    own = step * most[resource]
    other = np.bincount(option, own, len(patience))[option] - own
    ratio = 2.0 / patience[option]
    found = np.zeros((len(servers), len(KNOTS)))
    order = np.argsort(resource, kind="stable")
    if len(order):
        names, first = np.unique(resource[order], return_index=True)
        for k, knot in enumerate(KNOTS.tolist()):
            ratios = ratio * (step * (knot * most[resource]) + other)
            found[names, k] = np.maximum.reduceat(ratios[order], first)
    return found
