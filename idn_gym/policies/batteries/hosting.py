"""Modes that nodes with batteries may host, with their costs and energy as the core serves them.

Every candidate is placed at all planned nodes at once, and the mean training episode is played slot by slot
with full batteries and without loads. Queues and links are therefore those of nodes that all host the same.
Of the segments of a task, only those that are not dominated in cost and joules are kept, and in the same way
of their combinations over tasks: the *modes* of a node, in order of rising energy.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from idn_gym.core.arrays import (
    BYTE_HOP,
    EMPTY,
    JOULE,
    PRICED,
    SECOND,
    TRANSFER,
    Action,
    Floats,
    Instance,
    Ints,
    Outcome,
    Residents,
)
from idn_gym.core.geometry import bytes_to_load
from idn_gym.core.nominal import ingress_nodes
from idn_gym.core.pricing import price
from idn_gym.core.slots import MOVING
from idn_gym.core.transition import initial_state, step
from idn_gym.core.workspace import make_scratch
from idn_gym.objectives import non_dominated, tariff_of
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.policies.batteries.charge_programme import Modes
from idn_gym.scenarios.compile import Compiled

PLENTY = 1e6
"""Battery capacity during measurements, in capacities, so that it never limits a mode."""


def planned_nodes(compiled: Compiled) -> Ints:
    """Nodes with a battery at which requests enter and models may be placed."""
    tables = compiled.tables
    enters = np.zeros(len(tables.node_memory), np.bool_)
    enters[ingress_nodes(tables)] = True
    found: Ints = np.flatnonzero(enters & (tables.node_store != EMPTY) & tables.node_movable)
    return found


def mean_episode(instance: Instance) -> Instance:
    """One row: the mean of those drawn, with batteries that never run out and nothing harvested."""
    draw = instance.draw
    fields = {name: getattr(draw, name) for name in MOVING}
    moving = {name: field.mean(axis=0, keepdims=True).astype(field.dtype) for name, field in fields.items()}
    moving["refill"] = np.zeros_like(moving["refill"])
    fields = draw._asdict() | moving
    rows = {name: field if name in moving else field[:1] for name, field in fields.items()}
    rows["slowdown"] = np.ones_like(rows["slowdown"])
    tables = instance.tables
    full = tables.store_capacity * PLENTY
    return Instance(tables._replace(store_capacity=full, store_start=full), draw._replace(**rows))


class Hosting:
    """Measures placements on the mean training episode.

    Attributes:
        nodes: (P,) planned ones.
    """

    def __init__(self, compiled: Compiled, episodes: Instance, weights: Floats) -> None:
        """Take the mean of training episodes.

        Args:
            compiled: the scenario.
            episodes: training episodes.
            weights: (D,) preference that costs are weighed by.
        """
        self.compiled, self.nodes = compiled, planned_nodes(compiled)
        self._mean = mean_episode(episodes)
        self._weights = weights
        self._tariff = tariff_of(weights, compiled.scales, compiled.objectives)
        self._class_node = ingress_nodes(compiled.tables)
        self._scratch = make_scratch(self._mean.tables)
        self._slots: int = self._mean.draw.demand.shape[1]

    def measure(self, placement: Residents, slots: Ints, off: bool = False) -> tuple[Floats, Floats]:
        """Cost and joules, (len(slots), P) each, of planned nodes with a placement (N, M).

        Args:
            placement: resident everywhere.
            slots: of the mean episode.
            off: whether the batteries are.
        """
        tables, state = self._mean.tables, initial_state(self._mean)
        state.resident[0] = placement
        state.off[:] = off
        if off:
            state.level[:] = 0.0
        cost = np.zeros((len(slots), len(self.nodes)))
        joules = np.zeros_like(cost)
        for i, t in enumerate(slots.tolist()):
            state.slot[0] = t
            _, outcome = step(self._mean, state, Action(placement[None]), self._scratch)
            by_class = self._class_costs(outcome)
            by_node = np.bincount(self._class_node, by_class, len(tables.node_memory))
            cost[i], joules[i] = by_node[self.nodes], outcome.drawn[0, tables.node_store[self.nodes]]
        return cost / tables.nominal_requests, joules

    def _class_costs(self, outcome: Outcome) -> Floats:
        """(R,) [cost] of the requests of each class, drops included."""
        tariff, penalty = self._tariff, outcome.penalty[0]
        found: Floats = price(
            tariff,
            outcome.arrived[0] - outcome.correct[0],
            outcome.latency[0] + penalty[:, SECOND],
            outcome.energy[0] + penalty[:, JOULE],
            outcome.traffic[0] + penalty[:, BYTE_HOP],
        )
        return found + (outcome.charged[0] + penalty[:, PRICED:]) @ tariff[PRICED:]

    def modes(self, most: int) -> list[tuple[Residents, Modes]]:
        """Modes of every planned node, (K, M) segments, with their cost and energy.

        Args:
            most: modes per node; of more the best by cost stay, and the thriftiest.
        """
        chosen = [self._combine(p, fronts, most) for p, fronts in enumerate(self._fronts())]
        longest = max((len(rows) for rows in chosen), default=0)
        slots = np.arange(self._slots)
        measured = []
        for k in range(longest):
            placement = self.compiled.tables.pinned.copy()
            for v, rows in zip(self.nodes, chosen, strict=True):
                placement[v] = rows[min(k, len(rows) - 1)]
            measured.append(self.measure(placement, slots))
        drop, _ = self.measure(self.compiled.tables.pinned, slots, off=True)
        found = []
        for p, (v, rows) in enumerate(zip(self.nodes.tolist(), chosen, strict=True)):
            cost = np.stack([measured[k][0][:, p] for k in range(len(rows))], axis=1)
            joules = np.stack([measured[k][1][:, p] for k in range(len(rows))], axis=1)
            switch, fetch = self._loads(v, rows)
            found.append((rows, Modes(cost, joules, drop[:, p], switch, fetch)))
        return found

    def _fronts(self) -> list[list[list[tuple[int, float, float]]]]:
        """Non-dominated segments, or EMPTY, by planned node and task, with cost and joules of some slots."""
        tables, slots = self.compiled.tables, np.arange(self._slots)
        some = slots[:: max(1, self._slots // 8)]
        alone = self.measure(tables.pinned, some)
        segments = np.unique(self.compiled.pairs[1])
        tasks = range(len(tables.task_model) - 1)
        options: list[list[list[tuple[int, float, float]]]] = [[[] for _ in tasks] for _ in self.nodes]
        for s in [EMPTY, *segments.tolist()]:
            placement = tables.pinned.copy()
            here = self.nodes if s == EMPTY else self.nodes[self.compiled.placeable[self.nodes, s]]
            if s != EMPTY:
                placement[here, tables.segment_model[s]] = s
            found = alone if s == EMPTY else self.measure(placement, some)
            of = tasks if s == EMPTY else (int(tables.model_task[tables.segment_model[s]]),)
            for p in np.flatnonzero(np.isin(self.nodes, here)).tolist():
                change = found[0][:, p].sum() - alone[0][:, p].sum()
                more = found[1][:, p].sum() - alone[1][:, p].sum()
                for k in of:
                    options[p][k].append((s, float(change), float(more)))
        return [[_undominated(rows) for rows in tasks_of] for tasks_of in options]

    def _combine(self, p: int, fronts: list[list[tuple[int, float, float]]], most: int) -> Residents:
        """Placements (K, M) of a planned node, the thriftiest first."""
        tables, v = self.compiled.tables, int(self.nodes[p])
        room = tables.node_memory[v] - tables.node_reserved[v]
        found = []
        for number, chosen in enumerate(product(*fronts)):
            held = [s for s, _, _ in chosen if s != EMPTY]
            if sum(tables.segment_bytes[s] for s in held) <= room:
                found.append((number, sum(c for _, c, _ in chosen), sum(j for _, _, j in chosen)))
        kept = _undominated(found)
        if len(kept) > most:
            by_cost = sorted(kept, key=lambda row: row[1])[: most - 1]
            kept = sorted({*by_cost, min(kept, key=lambda row: row[2])}, key=lambda row: row[2])
        everything = list(product(*fronts))
        rows = np.repeat(tables.pinned[v][None], len(kept), axis=0)
        for i, (number, _, _) in enumerate(kept):
            for s, _, _ in everything[number]:
                if s != EMPTY:
                    rows[i, tables.segment_model[s]] = s
        return rows

    def _loads(self, v: int, rows: Residents) -> tuple[Floats, Floats]:
        """Cost, and joules of the battery, (K + 1, K) of moving from mode to mode, and from nothing."""
        tables = self.compiled.tables
        before = np.concatenate([rows, tables.pinned[v][None]])
        need = bytes_to_load(tables, rows[None], before[:, None])  # (K + 1, K, M)
        prices = byte_prices(self.compiled, self._weights)[v][tables.model_task]
        joules = np.zeros(len(prices))
        if tables.loading == TRANSFER:
            tasks = len(tables.task_model) - 1
            first = tables.load_start[v * tasks : (v + 1) * tasks]
            joules = tables.link_joules[tables.load_link[first]][tables.model_task]
        scale = tables.node_count[v]
        return need @ prices, need @ joules * scale


def _undominated(rows: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    """Non-dominated modes, by rising joules."""
    points = non_dominated(-np.array([row[1:] for row in rows]))
    kept, seen = [], {tuple(point) for point in (-points).tolist()}
    for row in sorted(rows, key=lambda row: row[2]):
        if row[1:] in seen:
            seen.remove(row[1:])
            kept.append(row)
    return kept
