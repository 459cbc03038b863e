"""The fluid beside events in a slot within which a segment arrives, over loads.

The fluid takes such a slot as a whole: what loads take of links and how long queues are is spread over all of
it. Events see it as it goes on, and come to it again and again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, SECOND, TRANSFER, Instance, Residents, State, Tables
from idn_gym.core.costs import serving_cost
from idn_gym.core.flows import play_loads
from idn_gym.core.geometry import bytes_to_load
from idn_gym.core.transition import initial_state
from idn_gym.evaluation.event_network import Loading
from idn_gym.evaluation.events import BATCHES, LEAST_REQUESTS, RequestStatistics, simulate_slot
from idn_gym.evaluation.fluid_check import first_drop, scaled_demand
from idn_gym.messages import ConfigError


class LoadingCheck(NamedTuple):
    """The slot at one load; times, shares and cost per request that arrived."""

    load: float  # demand over that at which filling first drops, before the segment is there or afterwards
    rate: float  # [requests/s]
    served: float  # share of the requests that what arrives serves
    # of the fluid
    latency: float  # [s]
    late: float
    dropped: float
    cost: float
    node_load: float  # of the busiest node that is not elastic
    # of events
    events: RequestStatistics
    events_node_load: float  # of the same node, by events


class Arrival(NamedTuple):
    """A slot within which a segment arrives."""

    node: int
    model: int
    before: State  # of one row
    wanted: Residents  # (N, M)


def refuse_instant(tables: Tables) -> None:
    """See that models come over the links.

    Raises:
        ConfigError: they do not.
    """
    if tables.loading != TRANSFER:
        raise ConfigError("serving.loading", "'instant' is not allowed where segments arrive; 'transfer'")


def find_arrival(instance: Instance, placement: Residents) -> Arrival:
    """Slot 0 (row 0), halfway through which the segment that a placement can spare least arrives.

    All others are there. As many bytes of it as links carry up to then are still to come, all of them if they
    can, and it starts in what is left of the time.

    Args:
        instance: one row.
        placement: (N, M) segment on each node, or EMPTY.

    Raises:
        ConfigError: loading is instant, or nothing is placed.
    """
    tables = instance.tables
    refuse_instant(tables)
    worst, arrival = -math.inf, None
    for v, m in zip(*np.nonzero((placement != EMPTY) & (placement != tables.pinned)), strict=True):
        rest = placement.copy()
        rest[v, m] = tables.pinned[v, m]
        cost = serving_cost(instance, 0, rest)
        if cost > worst:
            before = initial_state(instance)
            before.resident[0] = rest
            worst, arrival = cost, Arrival(int(v), int(m), before, placement)
    if arrival is None:
        raise ConfigError("placement", "nothing is placed, which is not allowed; something must arrive")
    _set_off(instance, arrival)
    return arrival


def _set_off(instance: Instance, arrival: Arrival) -> None:
    """Write what is still to come of the segment at the beginning of the slot."""
    tables, (v, m, before, wanted) = instance.tables, arrival
    size = float(bytes_to_load(tables, wanted[v, m], before.resident[0, v, m]))
    before.wish[0, v, m] = wanted[v, m]
    before.bytes_to_come[0, v, m] = size
    alone = play_loads(instance, before, wanted)
    offered = float(alone.outcome.loaded[0].sum() / alone.link_share.max())
    size = min(size, 0.5 * offered)
    before.bytes_to_come[0, v, m] = size
    before.seconds_to_come[0, v, m] = (0.5 - size / offered) * tables.slot_seconds


def check_arrival(
    instance: Instance, arrival: Arrival, loads: Iterable[float], requests: int = 20_000, seed: int = 0
) -> Iterator[LoadingCheck]:
    """The slot of an arrival at each load: the fluid, and events that are sent in its proportions.

    Args:
        instance: one row; its demand is scaled.
        arrival: from `find_arrival`.
        loads: 1 is the lesser demand of those at which filling first drops before it is there and afterwards.
        requests: of each simulation at least. It lasts so many slots for each batch of the standard error,
            after one of warm-up.
        seed: of those of the first load; the others follow.
    """
    ends = (arrival.before.resident[0], arrival.wanted)
    full = min(first_drop(instance, 0, placement) for placement in ends)
    for i, load in enumerate(loads):
        slot = scaled_demand(instance, full * load)
        played = play_loads(slot, arrival.before, arrival.wanted)
        outcome, arrived = played.outcome, float(played.outcome.arrived[0].sum())
        slots = BATCHES * math.ceil(requests / arrived / BATCHES)
        window = played.option_window
        seen = simulate_slot(
            slot,
            0,
            played.flows,
            played.dropped,
            requests=max(LEAST_REQUESTS, round((slots + 1) * arrived)),
            seed=seed + i,
            loading=Loading(window, played.link_bytes, played.link_share),
            warm_up=1.0 / (slots + 1),
        )
        yield LoadingCheck(
            load=load,
            rate=arrived / slot.tables.slot_seconds,
            served=float(played.flows[(window > 0.0) & (window < 1.0)].sum()) / arrived,
            latency=float(outcome.latency[0].sum() + outcome.penalty[0, :, SECOND].sum()) / arrived,
            late=float(outcome.late[0].sum()) / arrived,
            dropped=float(played.dropped.sum()) / arrived,
            cost=float(outcome.tariff_cost[0]) / arrived,
            node_load=float((outcome.busy[0] / slot.draw.seconds[0, 0]).max()),
            events=seen.overall,
            events_node_load=float(seen.node_load.max()),
        )
