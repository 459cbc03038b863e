"""Waiting in queues, from the utilisation of a slot: steady-state formulas, slot by slot.

A node is a queue with as many workers as it has servers, a link a queue with one. Arrivals are Poisson;
service times are mixed from the slot's own flows, of which a queue needs the rate and the first two moments.
The formulas hold where the queue settles within the slot; no queue is carried over to the next one.
"""

from __future__ import annotations

import math

from idn_gym.core.kernel import njit_inline

CROWD = 10_000
"""Number of workers above which waiting is ignored: at 95 % utilisation it is below 1e-8 service times."""


def queue_workers(servers: float) -> int:
    """Workers of a node's queue: a part of a worker is a slow one; 0, which never waits, beyond `CROWD`."""
    return math.ceil(servers) if servers <= CROWD else 0


@njit_inline
def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival at an M/M/c queue has to wait (Erlang, 1917).

    Through Erlang B by its recursion B(k) = a B(k-1) / (k + a B(k-1)), which neither overflows nor cancels.

    Args:
        servers: c, at least 1.
        load: a [Erlang], arrival rate times mean service time; below c.
    """
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    utilisation = load / servers
    return blocked / (1.0 - utilisation * (1.0 - blocked))


@njit_inline
def mean_wait(servers: int, rate: float, first: float, second: float) -> float:
    """Mean seconds that an arrival waits at an M/G/c queue, service left out.

    Exact for one server (Pollaczek 1930, Khinchine 1932); for more, the wait of M/M/c times (1 + cv^2) / 2,
    cv the coefficient of variation of the service time (Lee and Longton 1959), exact where it is exponential.

    Args:
        servers: c, at least 1.
        rate: arrivals per second.
        first: [s] mean service time.
        second: [s^2] mean of the squared service time.

    Returns:
        Seconds; inf where the utilisation rate x first / c is 1 or more.
    """
    load = rate * first
    if load <= 0.0:
        return 0.0
    if load >= servers:
        return math.inf
    if servers == 1:
        return rate * second / (2.0 * (1.0 - load))
    exponential = erlang_c(servers, load) * first / (servers - load)
    return exponential * second / (2.0 * first * first)


@njit_inline
def patient_wait(wait: float, patience: float) -> float:
    """Mean wait W' of requests that give up in time: W / sqrt(1 + (2 W / s)^2).

    It is W where there is hardly any queue, and nears s / 2 however long the queue gets.

    Args:
        wait: W [s], summed over the queues that a request visits; may be inf.
        patience: s [s], timeout less latency without waiting; at least 0.
    """
    if patience <= 0.0:
        return 0.0
    if math.isinf(wait):
        return patience / 2.0
    ratio = 2.0 * wait / patience
    return wait / math.sqrt(1.0 + ratio * ratio)


@njit_inline
def overdue_share(slack: float, wait: float, idle: float) -> float:
    """Share of requests that wait longer than the deadline leaves: (1 - p0) exp(-x (1 - p0) / w), x >= 0.

    An atom at 0 for those who find every queue on their way empty, and an exponential tail of the same mean.

    Args:
        slack: x [s], deadline less latency without waiting.
        wait: w [s], mean over all requests, summed over the queues on the way.
        idle: p0, probability of not waiting at all: the product of 1 - utilisation over these queues.
    """
    if slack < 0.0:
        return 1.0
    if wait <= 0.0:
        return 0.0
    waits = 1.0 - idle
    return waits * math.exp(-slack * waits / wait)


@njit_inline
def wait_quantile(share: float, wait: float, idle: float) -> float:
    """Seconds that this share of requests waits at most; the inverse of `overdue_share`.

    Args:
        share: in [0, 1).
        wait: w [s], as in `overdue_share`.
        idle: p0, as in `overdue_share`.
    """
    waits = 1.0 - idle
    if wait <= 0.0 or 1.0 - share >= waits:
        return 0.0
    return -math.log((1.0 - share) / waits) * wait / waits
