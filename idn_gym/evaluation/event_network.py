"""One slot as a network of queues: stations, and what every exit branch of an option visits.

Stations are the nodes (0 to N - 1) and then the links. A link has one server, a node those of
`Tables.node_servers`. Where a node has fewer seconds in the slot than its servers could give, each service
takes longer by that factor; elastic stations have infinitely many servers.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Floats, Instance, Tables
from idn_gym.core.row_starts import owners
from idn_gym.messages import ConfigError


class Visit(NamedTuple):
    """One station on the way of a request."""

    station: int
    service: float  # [s] of one server
    delay: float  # [s] after the service, without a queue
    rest: float  # [s] from the start of this service to the answer if no queue is met again


class Loading(NamedTuple):
    """Resources left to the requests of a slot while segments are loading."""

    option_window: Floats  # (O,) share of the slot, its last one, in which the option is usable
    link_bytes: Floats  # (E,) [bytes] of loads that cross each link
    link_share: Floats  # (E,) share of the slot, its first one, in which they cross, evenly


class EventNetwork:
    """Stations and visits of slot `t` of row `b`, made from tables, draw and loads alone.

    Attributes:
        servers: (N + E,) side by side, of each queue; inf: no waiting.
        queues: (N + E,) queues, one for each device of a cohort; a request visits those of one device.
        option_window: (O,) share of the slot, its last one, in which the option is usable.
        crossing: by station of each link with loads on it, the share of the slot in which they cross, and how
            many times longer a request takes meanwhile.
    """

    def __init__(self, instance: Instance, t: int, b: int = 0, loading: Loading | None = None) -> None:
        """Read rates, compute seconds and slowdown of the slot.

        Args:
            instance: the instance.
            t: the slot.
            b: row.
            loading: what loads take; None: nothing is on its way.

        Raises:
            ConfigError: loads leave nothing of a link.
        """
        self.tables: Tables = instance.tables
        self._draw: Draw = instance.draw
        self._rate = instance.draw.rate[b, t]
        self._slowdown = instance.draw.slowdown[b]
        workers, seconds = self.tables.node_servers, instance.draw.seconds[b, t]
        offered = self.tables.node_count * workers * self.tables.slot_seconds
        # [s] of a worker per second of computing; inf where the node is down
        self._stretch = np.divide(
            offered, seconds, out=np.ones_like(seconds), where=(workers > 0) & (seconds > 0.0)
        )
        self._stretch[seconds <= 0.0] = np.inf
        self.servers: Floats = np.concatenate(
            [np.where(workers > 0, workers, np.inf), np.ones(len(self.tables.link_rate))]
        )
        self.queues: Floats = np.concatenate([self.tables.node_count, self.tables.link_count])
        self.option_window: Floats = np.ones(len(self.tables.option_model))
        self.crossing: dict[int, tuple[float, float]] = {}
        if loading is not None:
            self.option_window = loading.option_window
            self._slow_down(loading)

    def _slow_down(self, loading: Loading) -> None:
        """Find out how much slower links are while loads cross them."""
        for e in np.flatnonzero(loading.link_bytes > 0.0):
            share = float(loading.link_share[e])
            carried = self._rate[e] * share * self.tables.slot_seconds
            left = 1.0 - loading.link_bytes[e] / carried if carried > 0.0 else 0.0
            if not left > 0.0:
                raise ConfigError(
                    "link_bytes",
                    f"{loading.link_bytes[e]:.6g} bytes are not allowed on a link that carries {carried:.6g}",
                )
            self.crossing[len(self._slowdown) + int(e)] = (share, float(1.0 / left))

    @cached_property
    def option_class(self) -> list[int]:
        """Class of each option (O,)."""
        return [int(rho) for rho in owners(self.tables.option_start)]

    def branches(self, option: int) -> list[int]:
        """Exit branches of an option with a positive share; catalogues may list others."""
        first, last = (int(x) for x in self.tables.branch_start[option : option + 2])
        return [x for x in range(first, last) if self.tables.branch_share[x] > 0.0]

    def visits(self, option: int, branch: int) -> tuple[Visit, ...]:
        """Stations that a request of this option and branch visits, in order."""
        tables = self.tables
        origin = int(tables.path_start[tables.class_path[self.option_class[option]]])
        nodes, steps = len(self._slowdown), list[tuple[int, float, float]]()
        before = origin + int(tables.option_origin[option])
        for i in range(int(tables.branch_parts[branch])):
            q = int(tables.part_start[option]) + i
            here = origin + int(tables.part_position[q])
            for j in range(before + 1, here + 1):
                link = int(tables.path_link[j])
                assert link != EMPTY
                rate = float(self._rate[link] / tables.link_count[link])
                pace = 1.0 / rate if rate > 0.0 else math.inf
                size = float(tables.branch_bytes[branch, i])
                pause = float(tables.part_pause[q]) if j == before + 1 else 0.0
                delay = float(tables.link_delay[link]) + pause
                steps.append((nodes + link, size * pace if size > 0.0 else 0.0, delay))
            v, work = int(tables.part_node[q]), float(tables.branch_seconds[branch, i])
            steps.append((v, work * self._slowdown[v] * self._stretch[v] if work > 0.0 else 0.0, 0.0))
            before = here
        rest, visits = 0.0, list[Visit]()
        for station, service, delay in reversed(steps):
            rest += service + delay
            visits.append(Visit(station, float(service), delay, float(rest)))
        return tuple(reversed(visits))


class StationLoad(NamedTuple):
    """Arrivals that flows bring to each station, for the formulas of `idn_gym.core.waiting`."""

    rate: Floats  # (N + E,) [1/s] arrivals
    first: Floats  # (N + E,) [s] mean service time; 0 without arrivals
    second: Floats  # (N + E,) [s^2] mean of the squared service time
    utilisation: Floats  # (N + E,) share of the servers' time; may pass 1

    def relaxation(self, servers: Floats) -> Floats:
        """Seconds in which each queue forgets where it began (N + E,); inf from a utilisation of 1.

        That of M/M/1, S / (1 - sqrt(rho))^2, over the servers and times (1 + cv^2) / 2 as in the mean wait:
        an order of magnitude.
        """
        seconds = np.zeros_like(self.first)
        for s in np.flatnonzero((self.first > 0.0) & np.isfinite(servers)):
            gap = 1.0 - math.sqrt(min(1.0, self.utilisation[s]))
            scale = self.second[s] / (2.0 * self.first[s] * servers[s])
            # Filling leaves rounding on a full resource.
            seconds[s] = scale / gap**2 if gap > 1e-9 else math.inf
        return seconds


def station_load(network: EventNetwork, flows: Floats) -> StationLoad:
    """Arrivals and moments of the service times at each station.

    Args:
        network: the slot.
        flows: (O,) requests of the slot by each option.
    """
    rate, first, second = np.zeros((3, len(network.servers)))
    for o in np.flatnonzero(flows):
        for x in network.branches(int(o)):
            here = flows[o] / network.tables.slot_seconds * network.tables.branch_share[x]
            for visit in network.visits(int(o), x):
                if visit.service > 0.0:
                    rate[visit.station] += here
                    first[visit.station] += here * visit.service
                    second[visit.station] += here * visit.service**2
    arrivals = np.where(rate > 0.0, rate, 1.0)
    utilisation = first / network.servers / network.queues
    return StationLoad(rate, first / arrivals, second / arrivals, utilisation)
