"""One stationary slot request by request: an event-driven simulation, to hold the fluid slot against.

Requests arrive as a Poisson process; each takes an option, draws the exit branch in which it ends, and goes
from queue to queue: over each link, first come first served at one server, then its delay; at each node,
first come first served at its servers, or all at once (processor sharing). A request that can no longer be
answered within its timeout when its service would begin gives up; it is dropped, as is one that is answered
too late, and a drop takes its timeout. So is one whose LoRaWAN frames do not get through, which nobody on its
way knows of: it goes on as if they had.
"""

from __future__ import annotations

from typing import Any, NamedTuple, get_args

import numpy as np

from idn_gym.core.arrays import ERROR, SECOND, Bools, Floats, Instance, Ints
from idn_gym.core.costs import costs
from idn_gym.core.listing import error_row
from idn_gym.evaluation.event_network import EventNetwork, Loading
from idn_gym.evaluation.event_plan import DROPPED, Dispatch, draw_plan
from idn_gym.evaluation.event_queues import ROUNDING, Discipline, EventQueues
from idn_gym.evaluation.message_losses import lost_requests
from idn_gym.messages import ConfigError, show
from idn_gym.seeds import read_seed

BATCHES = 20
"""Number of batches of requests, in order of arrival, for the standard error."""

LEAST_REQUESTS = 10 * BATCHES


class RequestStatistics(NamedTuple):
    """Statistics of the requests of one class, or of all."""

    requests: int  # warm-up left out
    latency: float  # [s] mean; a drop takes its timeout
    latency_error: float  # [s] standard error of the mean, by batch means
    median: float  # [s]
    p95: float  # [s]
    p99: float  # [s]
    late: float  # share that missed the deadline, drops included
    late_error: float  # standard error of that share, by batch means
    dropped: float  # share
    cost: float  # [cost] mean tariff


class EventOutcome(NamedTuple):
    """Results of a simulation of one slot, warm-up left out."""

    overall: RequestStatistics
    classes: tuple[RequestStatistics, ...]  # (R,)
    node_load: Floats  # (N,) share of the servers' time that was used; 0 where elastic
    link_load: Floats  # (E,)
    option_share: Floats  # (O,) share of all requests that took the option, those that gave up included
    branch_share: Floats  # (X,) share of all requests that drew the branch
    lost: float  # share of all requests that were lost on the air, among the dropped


def simulate_slot(
    instance: Instance,
    t: int,
    flows: Floats,
    dropped: Floats,
    *,
    b: int = 0,
    requests: int = 20_000,
    seed: int = 0,
    dispatch: Dispatch = "proportions",
    discipline: Discipline = "fifo",
    usable: Bools | None = None,
    loading: Loading | None = None,
    warm_up: float = 0.1,
) -> EventOutcome:
    """Simulate requests at the rates of slot `t` of row `b`, as if the slot went on and on.

    With loads it comes again and again, each time with them at its beginning.

    Args:
        instance: rates, compute seconds and slowdown of the slot.
        t: the slot.
        flows: (O,) requests of the slot by each option, as from `idn_gym.core.flows.option_flows`, or
            `play_loads` with loads.
        dropped: (R,) requests of each class that are dropped on arrival.
        b: row.
        requests: to simulate.
        seed: of all that is drawn.
        dispatch: ``proportions`` sends each request by chance in the proportions of `flows` and `dropped`;
            ``selfish`` lets each request take what is cheapest for itself, given the queues it would meet
            now, so of `flows` and `dropped` only the sum of each class counts.
        discipline: at nodes; ``fifo`` or ``ps`` (processor sharing). Links are always ``fifo``.
        usable: (O,) options that a selfish request chooses from, as from
            `idn_gym.core.flows.listed_options`; None: those with flow.
        loading: segments on their way, and what they take off links; None: nothing is on its way.
        warm_up: share of the requests, the first ones, that the statistics leave out.

    Raises:
        ConfigError: a value that is not allowed.
    """
    _check(requests, seed, dispatch, discipline, warm_up, float(flows.sum() + dropped.sum()))
    network = EventNetwork(instance, t, b, loading)
    if usable is None:
        usable = flows > 0.0
    plan = draw_plan(network, flows, dropped, requests, seed)
    option_cost, drop_cost = costs(instance, t, b)
    per_second = float(instance.draw.tariff[b, SECOND])
    queues = EventQueues(network, plan, discipline, int(warm_up * requests))
    if dispatch == "selfish":
        queues.offer(option_cost, drop_cost, per_second, usable)
    queues.run()
    lost = lost_requests(instance.tables, queues.option, queues.sent, seed)
    draw = instance.draw
    answered = draw.tariff[b, ERROR] * draw.error_in_force[error_row(draw, b)]
    return _summarise(network, queues, lost, option_cost, drop_cost, per_second, answered)


def _check(
    requests: int, seed: int, dispatch: object, discipline: object, warm_up: float, arriving: float
) -> None:
    if requests < LEAST_REQUESTS:
        raise ConfigError("requests", f"{show(requests)} is not allowed; at least {LEAST_REQUESTS}")
    read_seed(seed)
    for name, value, allowed in (("dispatch", dispatch, Dispatch), ("discipline", discipline, Discipline)):
        if value not in get_args(allowed):
            raise ConfigError(name, f"{show(value)} is not allowed; one of {', '.join(get_args(allowed))}")
    if not 0.0 <= warm_up <= 0.9:
        raise ConfigError("warm_up", f"{show(warm_up)} is not allowed; from 0 to 0.9")
    if not arriving > 0.0:
        raise ConfigError("flows", f"{show(arriving)} requests are not allowed; more than 0 must arrive")


def _summarise(
    network: EventNetwork,
    queues: EventQueues,
    lost: Bools,
    option_cost: Floats,
    drop_cost: Floats,
    per_second: float,
    answered: Floats,
) -> EventOutcome:
    tables, plan, warm = network.tables, queues.plan, queues.warm
    option, of = np.array(queues.option), plan.request_class
    latency = np.array(queues.finish) - plan.time
    timeout = tables.class_timeout[of]
    gone = lost | ~(
        latency <= timeout + ROUNDING
    )  # dropped requests and those that gave up have the finish nan
    latency = np.where(gone, timeout, latency)
    late = gone | (latency > tables.class_deadline[of])
    # All but the latency is priced at its mean over exits, as the fluid does.
    fixed = np.zeros(len(option_cost))
    for o in np.unique(option[lost | ~gone]):
        fixed[o] = option_cost[o] - per_second * _unloaded(network, int(o))
    cost = np.where(gone, drop_cost[of], fixed[option] + per_second * latency)
    # What was sent for nothing is spent all the same.
    cost[lost] += (fixed - answered)[option[lost]]
    counted = np.arange(len(of)) >= warm
    rows = [counted & (of == rho) for rho in range(len(tables.class_task))]
    overall, *classes = (_statistics(latency[i], late[i], gone[i], cost[i]) for i in (counted, *rows))
    span = plan.time[-1] - plan.time[warm]
    load = np.array(queues.busy()) / span / network.servers / network.queues
    nodes, took = len(tables.node_memory), counted & (option != DROPPED)
    return EventOutcome(
        overall,
        tuple(classes),
        node_load=load[:nodes],
        link_load=load[nodes:],
        option_share=_shares(option[took], len(option_cost), counted.sum()),
        branch_share=_shares(np.array(queues.branch)[took], len(tables.branch_share), counted.sum()),
        lost=float(lost[counted].mean()),
    )


def _unloaded(network: EventNetwork, option: int) -> float:
    """Mean latency [s] of an option without waiting."""
    return sum(
        float(network.tables.branch_share[x]) * network.visits(option, x)[0].rest
        for x in network.branches(option)
    )


def _shares(index: Ints, length: int, of: Any) -> Floats:
    return np.bincount(index, minlength=length) / of


def _statistics(latency: Floats, late: Bools, gone: Bools, cost: Floats) -> RequestStatistics:
    """Summarise requests in the order in which they came; nan where there are none."""
    count = len(latency)
    if count == 0:
        return RequestStatistics(0, *[float("nan")] * (len(RequestStatistics._fields) - 1))
    median, p95, p99 = (float(value) for value in np.quantile(latency, (0.5, 0.95, 0.99)))
    return RequestStatistics(
        requests=count,
        latency=float(latency.mean()),
        latency_error=_standard_error(latency),
        median=median,
        p95=p95,
        p99=p99,
        late=float(late.mean()),
        late_error=_standard_error(late),
        dropped=float(gone.mean()),
        cost=float(cost.mean()),
    )


def _standard_error(values: Floats | Bools) -> float:
    """Standard error of the mean, by batch means; nan where there are too few requests for batches."""
    if len(values) < BATCHES:
        return float("nan")
    means = np.array([batch.mean() for batch in np.array_split(values, BATCHES)])
    return float(means.std(ddof=1) / np.sqrt(BATCHES))
