"""`offload-planned`: a layered dynamic program for the coming slots, which it receives.

A plan takes a few rounds. Values of all layers are solved from the repositories down, as if every node could
hold all that fits into it alone, at a price: of loading, of a byte of the node's memory, and of the waits of
the last round. Then nodes choose from the leaves up, each what saves most on what arrives there
(`NodeChoice`), with what follows at the value of its parent. A node's byte costs in the next round what the
best segment would have saved that found no room, so that children expect less of parents that are full. Every
round gives a placement; the one that costs least in the coming slots as the core serves them is played, if it
is cheaper than to keep what is held.

With one request class, no queues, capacities that do not bind and loads paid once, the first round is exact:
no placement costs less. With more of everything it is a heuristic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import EMPTY, QUEUES, SECOND, SHARED, Draw, Floats, Instance, Ints, Residents
from idn_gym.core.costs import serve
from idn_gym.core.geometry import bytes_to_load
from idn_gym.core.slots import one_row
from idn_gym.objectives import tariff_of
from idn_gym.optimum.dynamic.candidates import cut_slots
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.least_waiting import unit_waits
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.policies.hierarchical.layer_values import (
    LayerCosts,
    LayerValues,
    attractive_stages,
    drop_ceiling,
    item_costs,
    layer_costs,
    rise,
    solve_layers,
    way_costs,
)
from idn_gym.policies.hierarchical.node_choice import NodeChoice
from idn_gym.policies.hierarchical.node_state import STEPS, Situation
from idn_gym.policies.hierarchical.trellis import build_trellis
from idn_gym.policies.online.clairvoyant import merge_slots
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class OffloadPlannedConfig:
    """Horizon and interval of plans, and the required gain of a move."""

    window: int = bounded(3, least=1)
    """coming slots that a plan is for, on average"""
    refresh: int = bounded(1, least=1)
    """slots between two plans"""
    rounds: int = bounded(4, least=1, most=1000)
    """of prices and waits"""
    stay: float = bounded(10.0, above=0)
    """[slots] over which a load has to pay; no longer than the rest of the episode"""
    least: float = bounded(0.01, least=0, below=1)
    """share of the cost that a new placement has to save, or nothing moves"""


@dataclass
class Prices:
    """Results of a plan's rounds."""

    memory: Floats
    """(N,) [cost per slot and byte]"""
    node_wait: Floats
    """(N,) [s] per visit"""
    link_wait: Floats
    """(E,) [s] per crossing"""


class OffloadPlanned(PlacementPolicy):
    """Plans on the slots that are about to be played; see the head of the module.

    Attributes:
        trellis: of the scenario.
    """

    def __init__(
        self, compiled: Compiled, rows: int, config: OffloadPlannedConfig, episodes: Instance
    ) -> None:
        super().__init__(compiled, rows)
        self.config, self._episodes = config, episodes
        self.trellis = build_trellis(self.tables)
        self._unused = np.where(attractive_stages(compiled, self.trellis), 0.0, np.inf)
        self._choice = NodeChoice(compiled, self.trellis)
        self._players = [SequencePlayer(compiled, episodes, b) for b in range(rows)]
        self._layer = self.trellis.depth.max(axis=1, initial=EMPTY)  # (N,)
        self._queues = self.tables.capacity == SHARED and self.tables.queueing == QUEUES
        self._wait = wait_factors(self.tables.node_servers) * self._queues

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without players, which read arrays by address."""
        return {**self.__dict__, "_players": []}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self._players = [SequencePlayer(self.compiled, self._episodes, b) for b in range(self.rows)]

    def plan(self) -> None:
        last = self._episodes.draw.demand.shape[1]
        for b in self.due(self.config.refresh, last):
            t = int(self.slot[b])
            slots = np.arange(t, min(t + self.config.window, last))
            self.wanted[b] = self._plan_row(b, slots, min(self.config.stay, last - t))

    def _plan_row(self, b: int, slots: Ints, stay: float) -> Residents:
        """The placement (N, M) for coming slots of a row."""
        tables, held = self.tables, self.wanted[b].copy()
        mean = mean_slot(one_row(self._episodes, b), slots)
        byte = byte_prices(self.compiled, mean.draw.weights[0])[:, tables.model_task] / stay
        byte = np.where(tables.pinned == EMPTY, byte, 0.0)
        prices = Prices(
            *(np.zeros(len(a)) for a in (tables.node_memory, tables.node_memory, tables.link_rate))
        )
        best, least = held, self._cost(b, slots, held) * (1.0 - self.config.least)
        for _ in range(self.config.rounds):
            found = self.plan_round(mean, held, byte * tables.nominal_requests, prices)
            cost = self._cost(b, slots, found) + float((bytes_to_load(tables, found, held) * byte).sum())
            if cost < least:
                best, least = found, cost
        return best.copy()

    def plan_round(self, mean: Instance, held: Residents, byte: Floats, prices: Prices) -> Residents:
        """The placement (N, M) of one round; prices move on to the next.

        Args:
            mean: one row of one slot, what is expected.
            held: (N, M) what need not be loaded.
            byte: (N, M) [cost per slot] of a byte that is loaded.
            prices: of the last round, zeros before the first one.
        """
        tables, trellis, draw = self.tables, self.trellis, mean.draw
        tariff = self._tariff(draw)
        costs = layer_costs(tables, trellis, draw, 0, 0, tariff, prices.link_wait)
        passing = self._passing(draw.demand[0, 0])
        values = solve_layers(trellis, costs, self._extra(tariff, held, byte, prices, passing))
        found, missed = self._choose_upwards(mean, held, byte, costs, values, passing)
        prices.memory = (prices.memory + missed) / 2.0
        if self._queues:
            outcome = serve(mean, 0, found)
            prices.node_wait = (prices.node_wait + outcome.node_wait[0]) / 2.0
            prices.link_wait = (prices.link_wait + outcome.link_wait[0]) / 2.0
        return found

    def _extra(
        self, tariff: Floats, held: Residents, byte: Floats, prices: Prices, passing: Floats
    ) -> Floats:
        """(U,) [cost] of stages beside their work: waits, and their share of memory and loads."""
        tables, trellis = self.tables, self.trellis
        v, s, x = trellis.stage_node, trellis.stage_segment, trellis.stage_start
        m = tables.segment_model[s]
        wait = trellis.state_reach[x] * prices.node_wait[v] * tariff[SECOND]
        wait = np.where(trellis.stage_seconds > 0.0, wait, 0.0)
        load = bytes_to_load(tables, s, held[v, m]) * byte[v, m]
        whole = np.where(tables.pinned[v, m] == EMPTY, load + tables.segment_bytes[s] * prices.memory[v], 0.0)
        requests = passing[v, trellis.state_task[x]]
        part: Floats = np.divide(whole, requests, out=np.zeros(len(s)), where=requests > 0.0)
        return wait + part + self._unused

    def _choose_upwards(
        self,
        mean: Instance,
        held: Residents,
        byte: Floats,
        costs: LayerCosts,
        values: LayerValues,
        passing: Floats,
    ) -> tuple[Residents, Floats]:
        """Segments that nodes choose from the leaves up (N, M), and the saving of one more byte (N,)."""
        tables, trellis, draw = self.tables, self.trellis, mean.draw
        flow = np.zeros(len(trellis.item_node))
        np.add.at(flow, trellis.class_item, draw.demand[0, 0])
        tariff = self._tariff(draw)
        ceiling = drop_ceiling(tables, draw, 0, tariff)
        after = np.where(
            trellis.stage_end == EMPTY, 0.0, values.passed[trellis.stage_node, trellis.stage_end]
        )
        way = way_costs(trellis, costs.climb, passing)
        after = after + way[trellis.stage_node, trellis.stage_start]
        found, missed = tables.pinned.copy(), np.zeros(len(self._layer))
        for layer in range(int(self._layer.max(initial=EMPTY)), -1, -1):
            now = Situation(
                flow=flow,
                passed=item_costs(trellis, values.passed + way, ceiling),
                total=costs.run + self._unused + after,
                seconds=costs.run_seconds,
                memory=draw.memory[0, 0],
                offered=draw.seconds[0, 0],
                wait=self._wait,
                second_cost=float(tariff[SECOND]),
                held=held,
                load_price=byte,
            )
            here = self._layer == layer
            filling = self._choice.choose(now, here)
            found[here], missed[here] = filling.placement[here], filling.price[here]
            flow += rise(trellis, filling.share, flow, here)
        return found, missed

    def _tariff(self, draw: Draw) -> Floats:
        """(4 + F,) what the score charges for requests, also where the network serves by something else."""
        return tariff_of(draw.weights[0], self.compiled.scales, self.compiled.objectives)

    def _passing(self, demand: Floats) -> Floats:
        """(N, K) [requests] of each task that pass each node."""
        tables, trellis = self.tables, self.trellis
        passing = np.zeros(trellis.parent.shape)
        node = trellis.item_node[trellis.class_item]
        task, there = tables.class_task, np.ones(len(node), np.bool_)
        while there.any():
            np.add.at(passing, (node[there], task[there]), demand[there])
            node = np.where(there, trellis.parent[node, task], EMPTY)
            there = node != EMPTY
        return passing

    def _cost(self, b: int, slots: Ints, placement: Residents) -> float:
        return float(self._players[b].steady_costs(placement, slots).mean())


def mean_slot(row: Instance, slots: Ints) -> Instance:
    """One row of one slot, the mean of some that follow each other; rates as seconds per byte.

    Its tables are those of a slot, so all that is counted per slot is divided by how many there are.
    """
    merged = merge_slots(cut_slots(row, int(slots[0]), int(slots[-1]) + 1), 0, 1)
    draw, count = merged.draw, len(slots)
    summed = ("demand", "seconds", "refill", "charge_slot")
    return Instance(row.tables, draw._replace(**{name: getattr(draw, name) / count for name in summed}))


def wait_factors(servers: Ints) -> Floats:
    """Mean waits (N, STEPS) in the middle of each load level, over second moment by first; 0 if elastic."""
    levels = (np.arange(STEPS) + 0.5) / STEPS
    nobody = np.zeros(STEPS)
    return np.array([unit_waits(c, levels) if c else nobody for c in servers.tolist()])
