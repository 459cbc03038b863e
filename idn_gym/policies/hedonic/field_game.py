"""The hedonic game of a field: what each device costs where it could be, as the core serves it.

A player's cost is what its requests cost per slot by the score of the environment, with all devices of its
region served together: radios, losses, queues, stores and operating points are the core's own. What it has
to load is added, spread over the slots that it stays, and its part of what its gateway loads. A gateway hosts
the tails that most requests of its members want, as many as fit. So a coalition shares a model in the memory
of its gateway, and crowds its cell; other cells of the gateway are not indifferent to it, since spreading
factors are not quite orthogonal, demodulators few and memory is one.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Ints, Residents
from idn_gym.core.geometry import bytes_to_load, nominal_free_bytes
from idn_gym.games.partitions import ALONE
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.optimum.static import ClassCosts
from idn_gym.policies.hedonic.sites import FieldSites
from idn_gym.scenarios.compile import Compiled


class FieldGame:
    """Costs of partitions in the slots of an instance of one row; a `WiderGame`.

    Attributes:
        places: its players and sites.
    """

    def __init__(
        self,
        compiled: Compiled,
        places: FieldSites,
        slots: Instance,
        *,
        held: Residents | None = None,
        stay: float = np.inf,
        stock: Floats | None = None,
    ) -> None:
        """Set up the game.

        Args:
            compiled: the scenario.
            places: from `field_sites`.
            slots: what is expected.
            held: (N, M) what need not be loaded; None: what repositories pin.
            stay: [slots] over which a load is paid for; inf: loads are free.
            stock: (Z,) what stores hold before each slot; None: nothing but what comes in.
        """
        tables = self.tables = compiled.tables
        self.places = places
        self._held: Residents = tables.pinned if held is None else held
        self._price = byte_prices(compiled, slots.draw.weights[0])[:, 0] / stay
        every = np.arange(slots.draw.demand.shape[1])
        self._served = ClassCosts(slots, compiled.scales, every, compiled.objectives)
        self._served.stock[:] = 0.0 if stock is None else stock
        demand = slots.draw.demand[0].mean(axis=0)
        self._requests = places.classes @ demand
        self._free = nominal_free_bytes(tables)
        self._paid = np.zeros((self.players, 2))  # a player's own loads, and its part of its gateway's
        self._link = np.array(tables.node_uplink)[places.player]  # of those who are alone
        self._open = places.link != EMPTY
        self._whole, self._alone = np.full(self.players, EMPTY), np.full(self.players, np.inf)
        self._weigh_alone()
        self._drop_hopeless()

    @property
    def players(self) -> int:
        """P."""
        return len(self.places.player)

    @property
    def sites(self) -> int:
        """K."""
        return len(self.places.site_head)

    def alone(self) -> Floats:
        """(P,) with a whole model on the device; inf where it can hold none."""
        return self._alone

    def joined_costs(self, partition: Ints, sites: Ints) -> Floats:
        """(P, S); see `CoalitionGame`. Sites where a player would not even go if nobody else sent are inf."""
        self._seat_all(partition)
        present = self._costs_of(np.ones(self.players, np.bool_))
        found = np.full((self.players, len(sites)), np.inf)
        for column, site in enumerate(sites.tolist()):
            for p in np.flatnonzero(self._open[:, site]).tolist():
                found[p, column] = present[p] if partition[p] == site else self._try(partition, p, site)
        return found

    def present_costs(self, partition: Ints) -> Floats:
        """(P,) see `WiderGame`."""
        self._seat_all(partition)
        present = self._costs_of(np.ones(self.players, np.bool_))
        inside = partition != ALONE
        reached = self._open[np.arange(self.players), partition]
        return np.where(inside, np.where(reached, present, np.inf), self._alone)

    def touched(self, source: int, target: int) -> Ints:
        """Sites whose costs a move changes: those of the regions of both gateways."""
        region = self.places.region[self.places.site_gateway]
        asked = [region[site] for site in (source, target) if site != ALONE]
        return np.flatnonzero(np.isin(region, asked))

    def layout(self, partition: Ints) -> tuple[Residents, Ints]:
        """The placement (N, M) of a partition, and the link (N,) that each node uses, or EMPTY."""
        self._seat_all(partition)
        uplink = np.full(len(self.tables.node_memory), EMPTY, np.int32)
        uplink[self.places.player] = self._served.uplink[self.places.player]
        return self._served.resident[0].copy(), uplink

    def _seat_all(self, partition: Ints) -> None:
        for p, site in enumerate(partition.tolist()):
            self._seat(p, site)
        for g in range(len(self.places.gateway)):
            self._host(g, partition)

    def _seat(self, p: int, site: int) -> None:
        """Give a player the model and the link of a site."""
        v = self.places.player[p]
        segment = self._whole[p] if site == ALONE else self.places.site_head[site]
        self._served.uplink[v] = self._link[p] if site == ALONE else self.places.link[p, site]
        self._paid[p] = 0.0
        self._hold(v, [segment] if segment != EMPTY else [])
        if segment != EMPTY:
            self._paid[p, 0] = self._load_price(v, segment)

    def _hold(self, v: int, segments: list[int]) -> None:
        row = self._served.resident[0, v]
        row[:] = self.tables.pinned[v]
        for s in segments:
            row[self.tables.segment_model[s]] = s

    def _load_price(self, v: int, segment: int) -> float:
        lacking = bytes_to_load(self.tables, segment, self._held[v, self.tables.segment_model[segment]])
        return float(lacking * self._price[v])

    def _host(self, g: int, partition: Ints) -> None:
        """Give a gateway the tail that most requests of its members want.

        One, since codecs place one segment per node and task.
        """
        places, v = self.places, self.places.gateway[g]
        inside = np.flatnonzero(partition != ALONE)
        members = inside[places.site_gateway[partition[inside]] == g]
        wanted = places.site_tail[partition[members]]
        requests = np.bincount(wanted, self._requests[members], len(self.tables.segment_bytes))
        requests[self.tables.segment_bytes > self._free[v]] = 0.0
        best = int(np.argmax(requests)) if len(members) else EMPTY
        hosted = best != EMPTY and requests[best] > 0.0
        self._hold(v, [best] if hosted else [])
        self._paid[members, 1] = 0.0
        if hosted:
            users = members[wanted == best]
            self._paid[users, 1] = self._load_price(v, best) / len(users)

    def _costs_of(self, players: Bools) -> Floats:
        """(P,) costs of the marked players where they are seated, nobody else being there."""
        costs = self._served.costs(self.places.classes[players].any(axis=0))
        found: Floats = self.places.classes @ costs + self._paid.sum(axis=1)
        return found

    def _try(self, partition: Ints, p: int, site: int) -> float:
        """What a player would cost at a site; all are seated as the partition says, before and after."""
        places, moved = self.places, partition.copy()
        moved[p] = site
        g = int(places.site_gateway[site])
        there = np.flatnonzero(partition != ALONE)
        near = np.zeros(self.players, np.bool_)
        near[there] = places.region[places.site_gateway[partition[there]]] == places.region[g]
        near[p] = True
        changed = {g} if partition[p] == ALONE else {g, int(places.site_gateway[partition[p]])}
        self._seat(p, site)
        for h in changed:
            self._host(h, moved)
        cost = float(self._costs_of(near)[p])
        self._seat(p, int(partition[p]))
        for h in changed:
            self._host(h, partition)
        return cost

    def _weigh_alone(self) -> None:
        """Find the whole model with which each player costs least by itself."""
        nobody = np.full(self.players, ALONE)
        for p in range(self.players):
            mine = np.arange(self.players) == p
            for s in self.places.whole[p].tolist():
                before, self._whole[p] = self._whole[p], s
                self._seat_all(nobody)
                cost = float(self._costs_of(mine)[p])
                if cost < self._alone[p]:
                    self._alone[p] = cost
                else:
                    self._whole[p] = before

    def _drop_hopeless(self) -> None:
        """Close sites where a player costs more than alone though nobody else sends anything."""
        nobody = np.full(self.players, ALONE)
        self._seat_all(nobody)
        for p, site in np.argwhere(self._open).tolist():
            self._open[p, site] = self._try(nobody, p, site) < self._alone[p]
