"""The queues of an event simulation: requests on their way from station to station, event by event."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush, heapreplace
from itertools import accumulate
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.evaluation.event_network import EventNetwork, Visit
from idn_gym.evaluation.event_plan import DROPPED, RequestPlan
from idn_gym.evaluation.message_losses import SentMessage

Discipline = Literal["fifo", "ps"]

ROUNDING = 1e-9
"""[s] Tolerance: a latency equal to the timeout is in time, whatever the order of its sum."""


def _overlap(begin: float, end: float, window: tuple[float, float]) -> float:
    """Seconds from begin to end that lie in the window."""
    return max(0.0, min(end, window[1]) - max(begin, window[0]))


class _Fifo:
    """First come, first served: when a service begins is known when the request comes."""

    def __init__(self, servers: int, window: tuple[float, float]) -> None:
        self._free = [0.0] * servers  # a heap of the times at which servers are done
        self._window = window
        self.busy = 0.0

    def start(self, now: float) -> float:
        """Return when the service of a request that arrives now begins."""
        return max(now, self._free[0])

    def serve(self, begin: float, finish: float) -> None:
        heapreplace(self._free, finish)
        self.busy += _overlap(begin, finish, self._window)

    def extra(self, now: float, service: float) -> float:
        """Seconds by which a service that is requested now ends later than at an empty station."""
        return max(0.0, self._free[0] - now)


class _Sharing:
    """Processor sharing: each of n requests is served at min(1, servers / n) of a server's speed.

    The state is the service time per request so far: a request leaves once this has grown by its own service.
    """

    def __init__(self, servers: int, window: tuple[float, float]) -> None:
        self.servers = servers
        self._window = window
        self.busy = 0.0
        self.version = 0
        """Counts changes: a departure that was announced before the last one does not hold."""
        self._served, self._last = 0.0, 0.0
        self._jobs: list[tuple[float, int, int]] = []

    def _advance(self, now: float) -> None:
        if self._jobs:
            self._served += (now - self._last) * min(1.0, self.servers / len(self._jobs))
            self.busy += _overlap(self._last, now, self._window) * min(self.servers, len(self._jobs))
        self._last = now
        self.version += 1

    def add(self, now: float, service: float, request: int, hop: int) -> None:
        self._advance(now)
        heappush(self._jobs, (self._served + service, request, hop))

    def remove(self, now: float) -> tuple[int, int]:
        """Whose service ends now: (request, hop)."""
        self._advance(now)
        end, request, hop = heappop(self._jobs)
        self._served = end  # to the bit, whatever was lost in adding up
        return request, hop

    def departure(self) -> float:
        """Return when the next service ends if no request arrives before; inf if the station is empty."""
        jobs = len(self._jobs)
        if jobs == 0:
            return math.inf
        return self._last + max(0.0, self._jobs[0][0] - self._served) * max(1.0, jobs / self.servers)

    def extra(self, now: float, service: float) -> float:
        return service * (max(1.0, (len(self._jobs) + 1) / self.servers) - 1.0)


class _Offer(NamedTuple):
    """An option as a request that chooses for itself sees it."""

    option: int
    cost: float  # [cost] without waiting
    latency: float  # [s] without waiting
    opens: float  # share of the slot after which it can be taken
    queues: tuple[tuple[int, float, float], ...]  # (station, share that comes by, mean service [s])


class EventQueues:
    """Runs a plan through a network.

    Attributes:
        option: of each request, or DROPPED.
        branch: exit branch that each drew; DROPPED where there was none.
        finish: [s] when each was answered; nan for drops.
        sent: messages that crossed radios.
    """

    def __init__(self, network: EventNetwork, plan: RequestPlan, discipline: Discipline, warm: int) -> None:
        """Empty queues.

        Args:
            network: the slot.
            plan: the requests.
            discipline: at nodes.
            warm: requests that come before statistics begin.
        """
        self.plan, self.warm = plan, warm
        count = len(plan.time)
        self.option: list[int] = plan.option.tolist()
        self.branch: list[int] = [DROPPED] * count
        self.finish: list[float] = [math.nan] * count
        self.sent: list[SentMessage] = []
        self._network, self._tau = network, network.tables.slot_seconds
        self._routes: dict[int, tuple[list[float], list[tuple[int, tuple[Visit, ...]]]]] = {}
        self._offers: list[list[_Offer]] | None = None
        nodes = len(network.tables.node_memory)
        self._radios = {nodes + int(link) for link in network.tables.radio_link}
        window = (float(plan.time[warm]), float(plan.time[-1]))
        self._make: list[Callable[[], _Fifo | _Sharing] | None] = [
            None
            if math.isinf(c)
            else partial(_Sharing, int(c), window)
            if discipline == "ps" and station < nodes
            else partial(_Fifo, int(min(c, count)), window)  # more servers than requests never have any wait
            for station, c in enumerate(network.servers)
        ]
        self._device: list[float] = plan.device.tolist()
        self._count: list[int] = network.queues.astype(np.int64).tolist()
        self._first: list[int] = [0, *accumulate(self._count)]
        self._queues: dict[
            int, _Fifo | _Sharing
        ] = {}  # by number, those of all stations in turn; those in use

    def busy(self) -> list[float]:
        """Seconds of service at each station between warm-up and last arrival; 0 where elastic."""
        busy = [0.0] * len(self._count)
        for number, queue in self._queues.items():
            busy[bisect_right(self._first, number) - 1] += queue.busy
        return busy

    def _queue(self, station: int, request: int) -> int:
        """Number of the queue of the station that the request visits: that of its device."""
        count = self._count[station]
        number = self._first[station] + min(int(self._device[request] * count), count - 1)
        make = self._make[station]
        if number not in self._queues and make is not None:
            self._queues[number] = make()
        return number

    def offer(self, costs: Floats, drops: Floats, per_second: float, usable: Bools) -> None:
        """Let each request take what is cheapest for itself.

        Args:
            costs: (O,) tariff of a request without any waiting.
            drops: (R,) tariff of a drop.
            per_second: [cost/s] of the tariff.
            usable: (O,) options to choose from.
        """
        self._drops, self._per_second = drops.tolist(), per_second
        self._offers = [[] for _ in drops]
        for o in np.flatnonzero(usable & np.isfinite(costs)):
            self._offers[self._network.option_class[o]].append(self._offer(int(o), float(costs[o])))

    def _offer(self, o: int, cost: float) -> _Offer:
        latency, met = 0.0, dict[int, tuple[float, float]]()
        for x in self._network.branches(o):
            share = float(self._network.tables.branch_share[x])
            visits = self._network.visits(o, x)
            latency += share * visits[0].rest
            for visit in visits:
                if visit.service > 0.0 and self._make[visit.station] is not None:
                    reach, work = met.get(visit.station, (0.0, 0.0))
                    met[visit.station] = (reach + share, work + share * visit.service)
        opens = 1.0 - float(self._network.option_window[o])
        return _Offer(o, cost, latency, opens, tuple((s, r, w / r) for s, (r, w) in met.items()))

    def _choose(self, now: float, request: int, rho: int, timeout: float) -> int:
        """The cheapest option for a request that comes now; DROPPED if none ends in time or costs less."""
        assert self._offers is not None
        best, least = DROPPED, self._drops[rho]
        phase = now / self._tau % 1.0
        for option, cost, latency, opens, queues in self._offers[rho]:
            if phase < opens:
                continue
            extra = 0.0
            for station, reach, service in queues:
                extra += reach * self._queues[self._queue(station, request)].extra(now, service)
            if latency + extra <= timeout and cost + self._per_second * extra < least:
                best, least = option, cost + self._per_second * extra
        return best

    def _route(self, option: int) -> tuple[list[float], list[tuple[int, tuple[Visit, ...]]]]:
        """Shares of the option's exit branches, added up; the branches, and what each visits."""
        if option not in self._routes:
            branches = self._network.branches(option)
            shares = [float(self._network.tables.branch_share[x]) for x in branches]
            self._routes[option] = (
                list(accumulate(shares[:-1])),  # the last takes what rounding leaves
                [(x, self._network.visits(option, x)) for x in branches],
            )
        return self._routes[option]

    def run(self) -> None:
        """Play all events in the order of time; of those at the same time the earlier request goes first."""
        time, of, exits = (
            self.plan.time.tolist(),
            self.plan.request_class.tolist(),
            self.plan.exits.tolist(),
        )
        timeout = [float(seconds) for seconds in self._network.tables.class_timeout]
        way: dict[int, tuple[Visit, ...]] = {}  # of the requests that are under way
        events: list[tuple[float, int, int]] = [(time[0], 0, 0)]  # time, request, hop
        while events:
            now, request, hop = heappop(events)
            if request < 0:  # a service under processor sharing may end
                number = -1 - request
                queue = self._queues[number]
                assert isinstance(queue, _Sharing)
                if hop == queue.version:
                    request, hop = queue.remove(now)
                    heappush(events, (now + way[request][hop].delay, request, hop + 1))
                    if queue.departure() < math.inf:
                        heappush(events, (queue.departure(), -1 - number, queue.version))
                continue
            if hop == 0:
                if request + 1 < len(time):
                    heappush(events, (time[request + 1], request + 1, 0))
                if self._offers is not None:
                    self.option[request] = self._choose(now, request, of[request], timeout[of[request]])
                option = self.option[request]
                if option == DROPPED:
                    continue
                shares, routes = self._route(option)
                self.branch[request], way[request] = routes[bisect_right(shares, exits[request])]
            if hop == len(way[request]):
                self.finish[request] = now
                del way[request]
                continue
            visit = way[request][hop]
            if not self._visit(events, now, request, hop, visit, time[request] + timeout[of[request]]):
                del way[request]

    def _visit(
        self,
        events: list[tuple[float, int, int]],
        now: float,
        request: int,
        hop: int,
        visit: Visit,
        patience: float,
    ) -> bool:
        """Go to a station; return False if the request gives up instead."""
        waits = self._make[visit.station] is not None and visit.service > 0.0
        number = self._queue(visit.station, request)
        queue = self._queues.get(number)
        begin = queue.start(now) if waits and isinstance(queue, _Fifo) else now
        if begin + visit.rest > patience + ROUNDING:
            return False
        if waits and isinstance(queue, _Sharing):
            queue.add(now, visit.service, request, hop)
            heappush(events, (queue.departure(), -1 - number, queue.version))
            return True
        service = visit.service
        if visit.station in self._network.crossing:
            until, longer = self._network.crossing[visit.station]
            service *= longer if begin / self._tau % 1.0 < until else 1.0
        if waits and isinstance(queue, _Fifo):
            queue.serve(begin, begin + service)
        if visit.station in self._radios:
            self.sent.append(SentMessage(request, visit.station, begin, number))
        heappush(events, (begin + service + visit.delay, request, hop + 1))
        return True
