"""The fluid slot beside the event simulation: over loads at one placement, and over the best placements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, SECOND, Floats, Instance, Residents
from idn_gym.core.costs import serve
from idn_gym.core.flows import listed_options, option_flows
from idn_gym.evaluation.event_network import EventNetwork, station_load
from idn_gym.evaluation.event_queues import Discipline, Dispatch
from idn_gym.evaluation.events import EventOutcome, simulate_slot
from idn_gym.evaluation.latencies import latency_quantiles
from idn_gym.messages import ConfigError

DISPATCHES: tuple[Dispatch, ...] = ("proportions", "selfish")

MOST_LOAD = 1e6
"""Times the demand of the slot up to which a drop is looked for."""


class FluidCheck(NamedTuple):
    """One load as one model sees it; times, shares and cost per request that arrived."""

    load: float  # demand over that at which filling first drops
    model: str  # fluid, or the dispatch of the events
    rate: float  # [requests/s]
    latency: float  # [s]
    latency_error: float  # [s] standard error; 0 for the fluid
    p95: float  # [s]
    p99: float  # [s]
    late: float
    dropped: float
    cost: float
    node_load: float  # of the busiest node that is not elastic
    link_load: float  # of the busiest link
    settling: float  # slot length over the longest relaxation time of a queue under the fluid's flows


class RankedPlacement(NamedTuple):
    """One of the placements that the fluid finds cheapest."""

    placement: Residents  # (N, M)
    fluid: float  # [cost] per request
    proportions: float  # likewise
    selfish: float  # likewise


def scaled_demand(instance: Instance, factor: float) -> Instance:
    """The same instance with every batch times a factor."""
    return instance._replace(draw=instance.draw._replace(demand=instance.draw.demand * factor))


def first_drop(instance: Instance, t: int, placement: Residents) -> float:
    """Times the demand of slot `t` (row 0) at which filling first drops a request, to one in a million.

    Raises:
        ConfigError: nobody comes, or there is room for any demand.
    """
    if not instance.draw.demand[0, t].sum() > 0.0:
        raise ConfigError("workload", "no load can be found; no requests arrive in the slot")

    def drops(factor: float) -> bool:
        flows, dropped = option_flows(scaled_demand(instance, factor), t, placement)
        return float(dropped.sum()) > 1e-9 * float(flows.sum())

    low, high = 0.0, 1.0
    while not drops(high):
        low, high = high, 2.0 * high
        if high > MOST_LOAD:
            raise ConfigError(
                "serving.capacity",
                "no load can be found; no demand is too much for this placement (shared capacity has limits)",
            )
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
) -> Iterator[FluidCheck]:
    """Slot `t` of row 0 at each load: the fluid, then events by each dispatch.

    Args:
        instance: one row; its demand is scaled.
        placement: (N, M) segment on each node, or EMPTY.
        loads: 1 is where filling first drops.
        t: the slot.
        requests: of each simulation.
        seed: likewise.
        discipline: at nodes.
    """
    full = first_drop(instance, t, placement)
    for load in loads:
        slot = scaled_demand(instance, full * load)
        fluid = _fluid(slot, t, placement, load)
        yield fluid
        for dispatch in DISPATCHES:
            found = _events(slot, t, placement, dispatch, requests, seed, discipline)
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
        dropped=float(dropped.sum()) / arrived,
        cost=float(outcome.tariff_cost[0]) / arrived,
        node_load=float(queues.utilisation[:nodes].max()),
        link_load=float(queues.utilisation[nodes:].max(initial=0.0)),
        settling=tables.slot_seconds / longest if longest > 0.0 else np.inf,
    )


def _events(
    slot: Instance,
    t: int,
    placement: Residents,
    dispatch: Dispatch,
    requests: int,
    seed: int,
    discipline: Discipline,
) -> EventOutcome:
    """The events of a placement, by the fluid's own flows."""
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
        dropped=seen.dropped,
        cost=seen.cost,
        node_load=float(found.node_load.max()),
        link_load=float(found.link_load.max(initial=0.0)),
    )


def count_placements(instance: Instance, t: int = 0) -> int:
    """How many placements fit into the memories of slot `t` (row 0)."""
    return int(np.prod([float(len(fits)) for fits in _node_placements(instance, t)]))


def rank_placements(
    instance: Instance, count: int, t: int = 0, requests: int = 20_000, seed: int = 0
) -> list[RankedPlacement]:
    """The distinct placements that the fluid finds cheapest in slot `t` (row 0), and their cost in events.

    Placements whose requests go the same ways are one; all that fit are looked at, so for small scenarios.

    Args:
        instance: one row.
        count: how many.
        t: the slot.
        requests: of each simulation.
        seed: of the first; the others follow.
    """
    found: dict[bytes, tuple[float, Residents]] = {}
    arrived = float(instance.draw.demand[0, t].sum())
    for rows in product(*_node_placements(instance, t)):
        placement = np.stack(rows)
        flows, _ = option_flows(instance, t, placement)
        if flows.tobytes() not in found:
            found[flows.tobytes()] = (
                float(serve(instance, t, placement).tariff_cost[0]) / arrived,
                placement,
            )
    cheapest = sorted(found.values(), key=lambda item: item[0])[:count]
    return [
        RankedPlacement(
            placement,
            cost,
            *(
                _events(instance, t, placement, dispatch, requests, seed + i, "fifo").overall.cost
                for dispatch in DISPATCHES
            ),
        )
        for i, (cost, placement) in enumerate(cheapest)
    ]


def _node_placements(instance: Instance, t: int) -> list[list[Residents]]:
    """For each node the rows (M,) that fit beside what it pins."""
    tables = instance.tables
    rows = []
    for v, pinned in enumerate(tables.pinned):
        free = float(instance.draw.memory[0, t, v] - tables.node_reserved[v])
        fits = [pinned]
        for m in np.flatnonzero(pinned == EMPTY) if tables.node_movable[v] else ():
            segments = np.flatnonzero(tables.segment_model == m)
            size = tables.segment_bytes[segments]
            fits += [
                _with(row, int(m), int(s))
                for row in fits
                for s in segments[_size(tables.segment_bytes, row, pinned) + size <= free]
            ]
        rows.append(fits)
    return rows


def _with(row: Residents, m: int, s: int) -> Residents:
    row = row.copy()
    row[m] = s
    return row


def _size(segment_bytes: Floats, row: Residents, pinned: Residents) -> float:
    """Bytes of what a row holds beside what is pinned."""
    return float(segment_bytes[row[(row != EMPTY) & (row != pinned)]].sum())
