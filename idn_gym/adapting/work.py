"""Versions of models at nodes, the work that makes them and the weights that are sent, with their costs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.adapting.together import averaged
from idn_gym.core.arrays import Bools, Draw, Floats, Ints, Numbers, Outcome, State, Tables
from idn_gym.core.places import place_of
from idn_gym.scenarios.compile.adaptations import AdaptationTables


class AdaptingCost(NamedTuple):
    """Of the last slot, B rows; part of rewards, of `energy` and of `traffic`."""

    adaptations: Floats  # (B,) begun, weights taken over included
    adaptation_energy: Floats  # (B,) [J] of computing and of sending weights
    adaptation_traffic: Floats  # (B,) [byte-hops] of weights


class VersionWork:
    """Of every pair of a node and a model that may adapt, B rows.

    Attributes:
        true: (B, v, C) samples of versions in force, by condition.
        known: (B, v, C) the same, by what is believed of them.
        next_true: (B, v, C) of those that are worked on.
        next_known: (B, v, C) the same, as believed.
        work: (B, v) [s] left.
        since: (B, v) slots since something was begun.
        size: (B, v) samples that work goes over.
        group: (B, v) who learns together: 1 + the first pair of them, or 0.
        cost: of the last slot.
    """

    def __init__(self, plan: AdaptationTables, tables: Tables, draw: Draw, rows: int) -> None:
        """No versions but the catalogue's.

        Args:
            plan: of all pairs.
            tables: of the scenario.
            draw: resources of its slots.
            rows: B.
        """
        self._plan, self._tables, self._draw = plan, tables, draw
        pairs = len(plan.pair_node)
        each = rows, pairs, plan.known.shape[1]
        self.true, self.known, self.next_true, self.next_known = np.zeros((4, *each))
        self.work = np.zeros((rows, pairs))
        self.since, self.size, self.group = np.zeros((3, rows, pairs), np.int64)
        self.cost = AdaptingCost(*np.zeros((3, rows)))

    def arrays(self) -> dict[str, Numbers]:
        """All that moves, (B, ...) each."""
        names = "true known next_true next_known work since size group".split()
        return {name: getattr(self, name) for name in names} | self.cost._asdict()

    def adapted(self) -> Bools:
        """(B, v) pairs whose version is not the catalogue's."""
        there: Bools = self.known.sum(axis=2) > 0.0
        return there

    def lose(self, held: Bools) -> None:
        """What is not held (B, v) is lost, and so is what others learn with it."""
        for b, v in zip(*np.nonzero(~held & (self.group > 0)), strict=True):
            self._stop(b, v)
        for array in (self.true, self.known, self.next_true, self.next_known, self.work):
            array[~held] = 0.0

    def room(self, slot: Ints, after: State) -> Floats:
        """(B, v) [bytes] that a device has beside what it holds and loads."""
        sizes = np.append(self._tables.segment_bytes, 0.0)  # EMPTY is the last one
        used = sizes[after.resident].sum(axis=2)
        if after.wish.shape[1]:
            used += sizes[after.wish].sum(axis=2)
        memory = self._draw.memory[np.arange(len(slot)), place_of(slot, self._draw.memory.shape[1])]
        room: Floats = (memory - used)[:, self._plan.pair_node]
        return room

    def compute(self, slot: Ints, room: Floats, outcome: Outcome) -> None:
        """Work with the seconds that requests left; what is done is in force."""
        for b, v in zip(*np.nonzero(self.work > 0.0), strict=True):
            if not self.work[b, v]:
                continue  # given up by another one of its group
            if self._plan.memory[v, self.size[b, v]] > room[b, v]:
                self._stop(b, v)  # what was loaded since has taken the place
                continue
            node = self._plan.pair_node[v]
            seconds = self._draw.seconds[b, place_of(slot[b], self._draw.seconds.shape[1]), node]
            done = min(self.work[b, v], max(0.0, seconds - outcome.busy[b, node]))
            self.work[b, v] -= done
            self.cost.adaptation_energy[b] += self._tables.node_watts[node] * done
            self._finish(b, self._members(b, v))

    def _finish(self, b: int, members: Ints) -> None:
        """Once all have done their work, put in force what they have learnt, alone or together."""
        if not (self.work[b, members] > 0.0).any():
            self.true[b, members] = self.next_true[b, members]
            self.known[b, members] = self.next_known[b, members]
            self.group[b, members] = 0

    def _stop(self, b: int, v: int) -> None:
        """Give up what a node works on, for all who learn with it."""
        members = self._members(b, v)
        self.work[b, members] = 0.0
        self.group[b, members] = 0

    def _members(self, b: int, v: int) -> Ints:
        """Pairs that learn together with one, itself counted in."""
        group = self.group[b, v]
        return np.flatnonzero(self.group[b] == group) if group else np.array([v])

    def begin(self, b: int, v: int, true: Floats, known: Floats, size: int) -> None:
        """Start to adapt, unless the node is at it with another model."""
        node = self._plan.pair_node[v]
        if (self.work[b, self._plan.pair_node == node] > 0.0).any():
            return
        self.next_true[b, v], self.next_known[b, v] = true, known
        seconds = self._plan.macs[v, size] / self._plan.rate[node] * self._draw.slowdown[b, node]
        self.work[b, v] = seconds * self._tables.node_count[node]
        self.size[b, v] = size
        self.since[b, v] = 0
        self.cost.adaptations[b] += 1.0

    def begin_together(self, b: int, members: Ints, meeting: int, true: Floats, known: Floats) -> None:
        """Start to adapt together, and charge the weights of all rounds at once.

        Args:
            b: row.
            members: (k,) pairs, of one model, at nodes that are not at it.
            meeting: node that averages.
            true: (v, C) samples of each pair, by the condition that is true.
            known: (v, C) by what is believed of them.
        """
        share = averaged(len(members), self._plan.averaging)
        pooled_known, pooled_true = (
            known[members].sum(axis=0) * share[0],
            true[members].sum(axis=0) * share[1],
        )
        for v in members:
            self.begin(b, v, pooled_true, pooled_known, round(true[v].sum()))
            self._send(b, v, meeting, 2.0 * self._plan.rounds)
        self.group[b, members] = 1 + members[0]

    def take(self, b: int, v: int, source: int, true: Floats | float, known: Floats | float) -> None:
        """Have the weights that change sent from a node; they are there with the next slot."""
        self.true[b, v], self.known[b, v] = true, known
        self._send(b, v, source, 1.0)
        self.since[b, v] = 0
        self.cost.adaptations[b] += 1.0

    def _send(self, b: int, v: int, source: int, times: float) -> None:
        """Charge weights that cross the network between a pair's node and another one."""
        node = self._plan.pair_node[v]
        sent = times * self._plan.changed[v] * self._tables.node_count[node]
        self.cost.adaptation_traffic[b] += sent * self._plan.hops[source, node]
        self.cost.adaptation_energy[b] += sent * self._plan.joules[source, node]
