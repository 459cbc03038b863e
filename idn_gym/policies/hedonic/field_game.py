"""The hedonic game of a field: what each device costs where it could be, as the core serves it.

A player's cost is what its requests cost per slot by the score of the environment, with all devices of its
region served together: radios, losses, queues, stores and operating points are the core's own. What it has
to load is added, spread over the slots that it stays, and its part of what its gateway loads. A gateway hosts
the tail that most requests of its members want. So a coalition shares a model in the memory of its gateway,
and crowds its cell; other cells of the gateway are not indifferent to it, since spreading factors are not
quite orthogonal, demodulators few and memory is one.

With utility "marginal" a player costs what it adds to the cost of its region, what the others lose by it
included. Then a move changes the cost of all by what the mover gains: that is an exact potential, and moves
end (Wolpert and Tumer's wonderful-life utility).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Instance, Ints, Residents
from idn_gym.core.geometry import bytes_to_load, nominal_free_bytes
from idn_gym.games.partitions import ALONE
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.optimum.static import ClassCosts
from idn_gym.policies.hedonic.sites import FieldSites
from idn_gym.scenarios.compile import Compiled

Utility = Literal["own", "marginal"]


class FieldGame:
    """Costs of partitions in the slots of an instance of one row; a `WiderGame`.

    Attributes:
        places: its players and sites.
        opened: (P, K) where players may go.
    """

    def __init__(
        self,
        compiled: Compiled,
        places: FieldSites,
        slots: Instance,
        *,
        utility: Utility = "own",
        held: Residents | None = None,
        stay: float = np.inf,
        stock: Floats | None = None,
        opened: Bools | None = None,
    ) -> None:
        """Set up the game.

        Args:
            compiled: the scenario.
            places: from `field_sites`.
            slots: what is expected.
            utility: what players look after.
            held: (N, M) what need not be loaded; None: what repositories pin.
            stay: [slots] over which a load is paid for; inf: loads are free.
            stock: (Z,) what stores hold before each slot; None: nothing but what comes in.
            opened: (P, K) sites that players may join; None: those cheaper than being alone if no other
                device sends.
        """
        tables = self.tables = compiled.tables
        self.places, self.utility = places, utility
        lacking = np.array(
            [bytes_to_load(tables, s, held[:, m]) for s, m in enumerate(tables.segment_model)]
            if held is not None
            else np.repeat(tables.segment_bytes[:, None], len(tables.node_memory), axis=1)
        )
        self._load_price = lacking * byte_prices(compiled, slots.draw.weights[0])[:, 0] / stay  # (S, N)
        every = np.arange(slots.draw.demand.shape[1])
        self._served = ClassCosts(slots, compiled.scales, every, compiled.objectives)
        self._served.stock[:] = 0.0 if stock is None else stock
        self._requests = places.classes @ slots.draw.demand[0].mean(axis=0)
        self._free = nominal_free_bytes(tables)
        self._paid = np.zeros((self.players, 2))  # a player's own loads, and its part of its gateway's
        self._link = np.array(tables.node_uplink)[places.player]  # of those who are alone
        self._region = places.region[places.site_gateway]  # (K,)
        self._whole, self._alone = np.full(self.players, EMPTY), np.full(self.players, np.inf)
        self._weigh_alone()
        self.opened = places.link != EMPTY if opened is None else opened
        if opened is None:
            self._close_hopeless()

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
        """(P, S); see `CoalitionGame`. Inf where a player may not go."""
        self._seat_all(partition)
        found = np.full((self.players, len(sites)), np.inf)
        without: dict[tuple[int, int], float] = {}
        for column, site in enumerate(sites.tolist()):
            r = int(self._region[site])
            for p in np.flatnonzero(self.opened[:, site]).tolist():
                if self.utility == "marginal" and (p, r) not in without:
                    without[p, r] = self._try(partition, p, ALONE, r)
                found[p, column] = self._try(partition, p, site, r) - without.get((p, r), 0.0)
        return found

    def present_costs(self, partition: Ints) -> Floats:
        """(P,) see `WiderGame`."""
        found = self._alone.copy()
        self._seat_all(partition)
        inside = np.flatnonzero(partition != ALONE)
        for r in np.unique(self._region[partition[inside]]).tolist():
            near = self._near(partition, r)
            costs = self._costs_of(near)
            for p in np.flatnonzero(near).tolist():
                if self.utility == "marginal":
                    costs[p] = self._measure(partition, p, r) - self._try(partition, p, ALONE, r)
            found[near] = costs[near]
        found[inside[~self.opened[inside, partition[inside]]]] = np.inf
        return found

    def network_cost(self, partition: Ints) -> float:
        """Total cost of all devices, per slot."""
        self._seat_all(partition)
        inside = partition != ALONE
        return float(self._costs_of(inside)[inside].sum() + self._alone[~inside].sum())

    def touched(self, source: int, target: int) -> Ints:
        """Sites whose costs a move changes: those of the regions of both gateways."""
        asked = [self._region[site] for site in (source, target) if site != ALONE]
        return np.flatnonzero(np.isin(self._region, asked))

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
        self._hold(v, segment)
        self._paid[p, 0] = 0.0 if segment == EMPTY else self._load_price[segment, v]
        self._paid[p, 1] = 0.0

    def _hold(self, v: int, segment: int) -> None:
        row = self._served.resident[0, v]
        row[:] = self.tables.pinned[v]
        if segment != EMPTY:
            row[self.tables.segment_model[segment]] = segment

    def _host(self, g: int, partition: Ints) -> None:
        """Give a gateway the tail that most requests of its members want, if it has room for it.

        One, since codecs place one segment per node and task.
        """
        places, v = self.places, int(self.places.gateway[g])
        members = np.flatnonzero((partition != ALONE) & (places.site_gateway[partition] == g))
        wanted = places.site_tail[partition[members]]
        requests = np.bincount(wanted, self._requests[members], len(self._load_price))
        requests[self.tables.segment_bytes > self._free[v]] = 0.0
        best = int(requests.argmax())
        if requests[best] <= 0.0:
            best = EMPTY
        self._hold(v, best)
        self._paid[members, 1] = 0.0
        if best != EMPTY:
            users = members[wanted == best]
            self._paid[users, 1] = self._load_price[best, v] / len(users)

    def _near(self, partition: Ints, region: int) -> Bools:
        """(P,) who sends in a region."""
        found: Bools = (partition != ALONE) & (self._region[partition] == region)
        return found

    def _costs_of(self, players: Bools) -> Floats:
        """(P,) costs of the marked players at their sites, with no other player there."""
        costs = self._served.costs(np.asarray(self.places.classes[players].any(axis=0)))
        found: Floats = self.places.classes @ costs + self._paid.sum(axis=1)
        return found

    def _try(self, partition: Ints, p: int, site: int, region: int) -> float:
        """What a player would cost at a site of the region, or all of it, where that is what it looks after.

        All are seated as the partition says, before and after.
        """
        if partition[p] == site:
            return self._measure(partition, p, region)
        moved = partition.copy()
        moved[p] = site
        seats = [s for s in (int(partition[p]), site) if s != ALONE and self._region[s] == region]
        changed = {int(self.places.site_gateway[s]) for s in seats}
        nodes = [self.places.player[p], *(self.places.gateway[g] for g in changed)]
        held, link, paid = self._served.resident[0, nodes], self._served.uplink[nodes[0]], self._paid.copy()
        self._seat(p, site)
        for g in changed:
            self._host(g, moved)
        cost = self._measure(moved, p, region)
        self._served.resident[0, nodes], self._served.uplink[nodes[0]] = held, link
        self._paid[:] = paid
        return cost

    def _measure(self, partition: Ints, p: int, region: int) -> float:
        near = self._near(partition, region)
        costs = self._costs_of(near)
        return float(costs[p] if self.utility == "own" else costs[near].sum())

    def _weigh_alone(self) -> None:
        """Find the whole model with which each player costs least by itself."""
        self._seat_all(np.full(self.players, ALONE))
        for p, models in enumerate(self.places.whole):
            mine, costs = np.arange(self.players) == p, []
            for s in models.tolist():
                self._whole[p] = s
                self._seat(p, ALONE)
                costs.append(float(self._costs_of(mine)[p]))
            if costs:
                self._whole[p], self._alone[p] = models[np.argmin(costs)], min(costs)

    def _close_hopeless(self) -> None:
        """Close sites at which a player costs more than alone even if no other device sends."""
        nobody = np.full(self.players, ALONE)
        self._seat_all(nobody)
        for p, site in np.argwhere(self.opened).tolist():
            cost = self._try(nobody, p, site, int(self._region[site]))
            self.opened[p, site] = cost < self._alone[p]
