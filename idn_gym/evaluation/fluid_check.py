"""The fluid slot beside the event simulation, over loads at one placement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import SECOND, SHARED, Instance, Residents
from idn_gym.core.costs import serve
from idn_gym.core.flows import listed_options, option_flows
from idn_gym.evaluation.event_network import EventNetwork, station_load
from idn_gym.evaluation.event_plan import Dispatch
from idn_gym.evaluation.event_queues import Discipline
from idn_gym.evaluation.events import EventOutcome, simulate_slot
from idn_gym.evaluation.latencies import latency_quantiles
from idn_gym.messages import ConfigError

DISPATCHES: tuple[Dispatch, ...] = ("proportions", "selfish")

MOST_LOAD = 1e6
"""Times the demand of the slot up to which a drop is looked for."""

LEAST_LOAD = 1e-6
"""Factor on the slot's demand; a class that is dropped even at this load finds no option at any load."""

SETTLED = 10
"""Minimum length of a simulation, in relaxation times of the slowest queue; the first one is warm-up."""

LONGER = 5
"""Maximum factor on the requested length."""


class FluidCheck(NamedTuple):
    """One load as one model sees it; times, shares and cost per request that arrived."""

    load: float  # demand over that at which filling first drops, or over that of the slot
    model: str  # fluid, or the dispatch of the events
    rate: float  # [requests/s]
    latency: float  # [s]
    latency_error: float  # [s] standard error; 0 for the fluid
    p95: float  # [s]
    p99: float  # [s]
    late: float
    late_error: float  # standard error; 0 for the fluid
    dropped: float
    lost: float  # on the air, among the dropped
    cost: float
    node_load: float  # of the busiest node that is not elastic
    link_load: float  # of the busiest link
    settling: float  # slot length over the longest relaxation time of a queue under the fluid's flows


def scaled_demand(instance: Instance, factor: float) -> Instance:
    """The same instance with every batch times a factor."""
    return instance._replace(draw=instance.draw._replace(demand=instance.draw.demand * factor))


def first_drop(instance: Instance, t: int, placement: Residents) -> float:
    """Factor on the demand of slot `t` (row 0) at which the network is full, to one in a million.

    There filling with limits of 1 first drops a request, among classes that are served at some load. Where
    the scenario has private capacities, it is the demand that they could serve if classes shared them.

    Raises:
        ConfigError: no request arrives, none is served at any load, or any demand is served.
    """
    if not instance.draw.demand[0, t].sum() > 0.0:
        raise ConfigError("workload", "no load can be computed; no requests arrive in the slot")

    whole = instance._replace(
        tables=instance.tables._replace(capacity=SHARED, load_limit=1.0, last_resort=1.0)
    )

    dropped = option_flows(scaled_demand(whole, LEAST_LOAD), t, placement)[1]
    served = dropped < 0.5 * LEAST_LOAD * instance.draw.demand[0, t]
    if not served.any():
        raise ConfigError("topology", "no load can be computed; this placement serves no request")

    def drops(factor: float) -> bool:
        flows, dropped = option_flows(scaled_demand(whole, factor), t, placement)
        return float(dropped[served].sum()) > 1e-9 * float(flows.sum())

    low, high = 0.0, 1.0
    while not drops(high):
        low, high = high, 2.0 * high
        if high > MOST_LOAD:
            raise ConfigError("topology", "no load can be computed; this placement serves any demand")
    while high - low > 1e-6 * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if drops(middle) else (middle, high)
    return low


def check_loads(
    instance: Instance,
    placement: Residents,
    loads: Iterable[float],
    t: int = 0,
    requests: int = 20_000,
    seed: int = 0,
    discipline: Discipline = "fifo",
    dispatches: tuple[Dispatch, ...] = DISPATCHES,
    nominal: bool = False,
) -> Iterator[FluidCheck]:
    """Slot `t` of row 0 at each load: the fluid, then events by each dispatch.

    Args:
        instance: one row; its demand is scaled.
        placement: (N, M) segment on each node, or EMPTY.
        loads: 1 is where filling first drops, or the demand of the slot.
        t: the slot.
        requests: of each simulation, up to `LONGER` times as many where queues take longer to settle.
        seed: of those of the first load; the others follow.
        discipline: at nodes.
        dispatches: to simulate.
        nominal: whether load 1 is the demand of the slot.
    """
    full = 1.0 if nominal else first_drop(instance, t, placement)
    for i, load in enumerate(loads):
        slot = scaled_demand(instance, full * load)
        fluid = _fluid(slot, t, placement, load)
        yield fluid
        long = _settled_requests(fluid, float(slot.draw.demand[0, t].sum()), requests)
        for dispatch in dispatches:
            found = simulate_placement(slot, t, placement, dispatch, long, seed + i, discipline)
            yield _as_check(fluid, dispatch, found)


def _fluid(slot: Instance, t: int, placement: Residents, load: float) -> FluidCheck:
    tables, outcome = slot.tables, serve(slot, t, placement)
    flows, dropped = option_flows(slot, t, placement)
    arrived = float(outcome.arrived[0].sum())
    network = EventNetwork(slot, t)
    queues = station_load(network, flows)
    nodes = len(tables.node_memory)
    p95, p99 = latency_quantiles(slot, t, placement, (0.95, 0.99)).overall
    longest = float(queues.relaxation(network.servers).max())
    return FluidCheck(
        load=load,
        model="fluid",
        rate=arrived / tables.slot_seconds,
        latency=float(outcome.latency[0].sum() + outcome.penalty[0, :, SECOND].sum()) / arrived,
        latency_error=0.0,
        p95=float(p95),
        p99=float(p99),
        late=float(outcome.late[0].sum()) / arrived,
        late_error=0.0,
        dropped=float(dropped.sum() + outcome.lost[0].sum()) / arrived,
        lost=float(outcome.lost[0].sum()) / arrived,
        cost=float(outcome.tariff_cost[0]) / arrived,
        node_load=float(queues.utilisation[:nodes].max()),
        link_load=float(queues.utilisation[nodes:].max(initial=0.0)),
        settling=tables.slot_seconds / longest if longest > 0.0 else np.inf,
    )


def _settled_requests(fluid: FluidCheck, arriving: float, least: int) -> int:
    """Number of requests until queues settle; without settling, the requested number."""
    if fluid.settling == 0.0:
        return least
    return int(min(max(least, SETTLED * arriving / fluid.settling), LONGER * least))


def simulate_placement(
    slot: Instance,
    t: int,
    placement: Residents,
    dispatch: Dispatch,
    requests: int,
    seed: int,
    discipline: Discipline = "fifo",
) -> EventOutcome:
    """Simulate slot `t` of row 0 under a placement (N, M), sent as the fluid would; see `simulate_slot`."""
    usable = listed_options(slot, t, placement)
    return simulate_slot(
        slot,
        t,
        *option_flows(slot, t, placement),
        requests=requests,
        seed=seed,
        dispatch=dispatch,
        discipline=discipline,
        usable=usable,
    )


def _as_check(fluid: FluidCheck, dispatch: Dispatch, found: EventOutcome) -> FluidCheck:
    seen = found.overall
    return fluid._replace(
        model=dispatch,
        latency=seen.latency,
        latency_error=seen.latency_error,
        p95=seen.p95,
        p99=seen.p99,
        late=seen.late,
        late_error=seen.late_error,
        dropped=seen.dropped,
        lost=found.lost,
        cost=seen.cost,
        node_load=float(found.node_load.max()),
        link_load=float(found.link_load.max(initial=0.0)),
    )
