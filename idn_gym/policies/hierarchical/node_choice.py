"""Choice of each node's segments by itself: those that save most on its arrivals, within its memory.

All nodes choose side by side, each from what is its own: what arrives, what running and passing up come to,
its memory, its compute seconds and what waiting there costs. A segment saves, for every item, the difference
between the item's cost so far and that of the best stage inside the segment. Where its work exceeds the
seconds that are left, the share that fits is served, and the rest goes on as before. Nodes are filled by
saving per byte and by saving, from nothing and from what they hold; the best of these counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import EMPTY, SHARED, Bools, Floats, Ints, Residents
from idn_gym.core.geometry import bytes_to_load, covers, held_bytes, placed_bytes
from idn_gym.optimum.search.moves import LEAST_SHARE
from idn_gym.policies.hierarchical.node_state import STEPS, AskedWork, Filling, Situation, summed
from idn_gym.policies.hierarchical.trellis import Trellis
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class _Moves:
    """Changes of requests by candidates: for each (candidate, item) the best stage and its share."""

    stage: Ints
    share: Floats


class NodeChoice:
    """Fills nodes; what does not change from slot to slot is worked out once."""

    def __init__(self, compiled: Compiled, trellis: Trellis) -> None:
        tables = self._tables = compiled.tables
        self._trellis = trellis
        self._private = tables.capacity != SHARED
        self._limit = 1.0 if self._private else tables.load_limit
        pin = tables.pinned[trellis.stage_node, tables.segment_model[trellis.stage_segment]]
        self._pinned: Bools = covers(tables, pin, trellis.stage_segment)
        self._list_candidates(compiled)

    def _list_candidates(self, compiled: Compiled) -> None:
        """Candidates for loading by node, and the stages inside each, by candidate, then item."""
        tables, trellis = self._tables, self._trellis
        stages: dict[tuple[int, int], list[int]] = {}
        model = tables.segment_model[trellis.stage_segment]
        for u, place in enumerate(zip(trellis.stage_node.tolist(), model.tolist(), strict=True)):
            stages.setdefault(place, []).append(u)
        rows: list[tuple[int, int, int]] = []
        node: list[int] = []
        segment: list[int] = []
        for v, s in zip(*(column.tolist() for column in compiled.pairs), strict=True):
            near = np.array(stages.get((v, int(tables.segment_model[s])), []), np.int64)
            inside = near[covers(tables, s, trellis.stage_segment[near])]
            rows += [(len(node), int(trellis.stage_item[u]), u) for u in inside.tolist()]
            if len(inside):
                node.append(v)
                segment.append(s)
        pairs = np.array(sorted(rows), np.int64).reshape(-1, 3)
        self.node: Ints = np.array(node, np.int64)
        self.segment: Ints = np.array(segment, np.int64)
        self.model: Ints = tables.segment_model[self.segment].astype(np.int64)
        first = (np.diff(pairs[:, :2], axis=0, prepend=-1) != 0).any(axis=1)
        self._stage: Ints = pairs[:, 2]
        self._group: Ints = np.flatnonzero(first)  # first pair of each (candidate, item)
        self._owner: Ints = np.cumsum(first) - 1  # group of each pair
        self._candidate, self._item = pairs[first, 0], pairs[first, 1]

    def choose(self, now: Situation, nodes: Bools, least: float = 0.0) -> Filling:
        """Segments that nodes hold, and the resulting stages of requests.

        Args:
            now: what nodes know.
            nodes: (N,) which of them choose; the others hold pins alone.
            least: share of its cost that a node's change has to save, or it keeps what it holds.
        """
        empty, everything = self._empty(now), nodes[self.node]
        held = everything & (self.segment == now.held[self.node, self.model])
        kept = self._fill(now, empty.copy(), held, per_byte=True)
        starts = ((kept, True), (empty, True), (empty, False))
        fillings = [self._fill(now, start.copy(), everything, order) for start, order in starts]
        best, most = kept, kept.node_cost * (1.0 - least)
        for other in fillings:
            better = other.node_cost < most
            best, most = self._merge(best, other, better), np.where(better, other.node_cost, most)
        best.price = fillings[1].price
        return best

    def _empty(self, now: Situation) -> Filling:
        """Nothing but pins; each item by the cheapest of its pinned stages and of passing up."""
        trellis = self._trellis
        total = np.where(self._pinned, now.total, np.inf)
        cost = now.passed.copy()
        np.minimum.at(cost, trellis.stage_item, total)
        runs = np.flatnonzero((total == cost[trellis.stage_item]) & np.isfinite(total))
        _, first = np.unique(trellis.stage_item[runs], return_index=True)
        share = np.zeros(len(total))
        share[runs[first]] = 1.0
        nothing = np.zeros(len(self._tables.node_memory))
        return Filling(self._tables.pinned.copy(), cost, share, nothing, nothing.copy())

    def _merge(self, one: Filling, other: Filling, nodes: Bools) -> Filling:
        """The first filling, with the other one at the marked nodes."""
        items, stages = nodes[self._trellis.item_node], nodes[self._trellis.stage_node]
        return Filling(
            np.where(nodes[:, None], other.placement, one.placement),
            np.where(items, other.cost, one.cost),
            np.where(stages, other.share, one.share),
            np.where(nodes, other.node_cost, one.node_cost),
            one.price,
        )

    def _fill(self, now: Situation, filling: Filling, allowed: Bools, per_byte: bool) -> Filling:
        """Load what saves most at every node until nothing that fits saves anything."""
        tables = self._tables
        size = tables.segment_bytes[self.segment]
        load = self._load_cost(now, self.node, self.segment)
        while True:
            current = filling.placement[self.node, self.model]
            net, moved = self._savings(now, filling)
            net -= load - self._load_cost(now, self.node, current)
            extra = size - held_bytes(tables.segment_bytes, current)
            grows = allowed & (current != self.segment)
            grows &= (current == EMPTY) | covers(tables, self.segment, current)
            saves = grows & (net > LEAST_SHARE * np.abs(filling.node_cost[self.node]))
            room = self.room(now, filling.placement)[self.node]
            rate = np.where(saves, net / np.maximum(1.0, extra) if per_byte else net, 0.0)
            fits = np.where(extra <= room, rate, 0.0)
            picked = self._best_of_nodes(fits)
            if not len(picked):
                missed = np.zeros(len(filling.node_cost))
                np.maximum.at(missed, self.node, rate)
                filling.price = missed
                break
            self._apply(filling, now, picked, moved)
        self._keep_idle(now, filling)
        filling.node_cost = self._node_costs(now, filling)
        return filling

    def _savings(self, now: Situation, filling: Filling) -> tuple[Floats, _Moves]:
        """Savings of each candidate (C,) on requests and waits, and the resulting changes of requests."""
        trellis, tables, count = self._trellis, self._tables, len(self.node)
        flow, asked = now.flow[self._item], self._work(now, filling)
        gain = now.flow[trellis.stage_item[self._stage]] * np.maximum(
            0.0, filling.cost[trellis.stage_item[self._stage]] - now.total[self._stage]
        )
        best = np.maximum.reduceat(gain, self._group) if count else gain
        winners = np.flatnonzero(gain == best[self._owner])
        _, first = np.unique(self._owner[winners], return_index=True)
        stage = self._stage[winners[first]]
        new = self._work_of(now, stage, flow)
        share = np.where(best > 0.0, 1.0, 0.0)
        if self._private:  # every class by itself
            alone = (
                now.offered[self.node[self._candidate]]
                * trellis.classes[trellis.item_node[self._item], trellis.item_task[self._item]]
            )
            share *= np.divide(alone, new.first, out=np.ones_like(alone), where=new.first > alone)
        else:
            more = summed(self._candidate, share * (new.first - asked.first[self._item]), count)
            nodes = asked.at_nodes(trellis.item_node, len(tables.node_memory))
            room = np.maximum(0.0, self._limit * now.offered - nodes.first)[self.node]
            ratio = np.divide(room, more, out=np.ones(count), where=more > room)
            share *= ratio[self._candidate]
        saved = summed(self._candidate, share * best, count)
        if not self._private:
            deltas = AskedWork(
                *(
                    summed(self._candidate, share * (mine - old[self._item]), count)
                    for mine, old in zip(vars(new).values(), vars(asked).values(), strict=True)
                )
            )
            before = AskedWork(*(column[self.node] for column in vars(nodes).values()))
            after = AskedWork(
                *(a + d for a, d in zip(vars(before).values(), vars(deltas).values(), strict=True))
            )
            saved -= self._wait_cost(now, self.node, after) - self._wait_cost(now, self.node, before)
        return saved, _Moves(stage, share)

    def _apply(self, filling: Filling, now: Situation, picked: Ints, moves: _Moves) -> None:
        """Load the picked candidates, at most one per node."""
        filling.placement[self.node[picked], self.model[picked]] = self.segment[picked]
        groups = np.flatnonzero(np.isin(self._candidate, picked) & (moves.share > 0.0))
        item, stage, share = self._item[groups], moves.stage[groups], moves.share[groups]
        stays = np.ones(len(filling.cost))
        stays[item] = 1.0 - share
        filling.share *= stays[self._trellis.stage_item]
        filling.share[stage] += share
        filling.cost[item] = (1.0 - share) * filling.cost[item] + share * now.total[stage]

    def _keep_idle(self, now: Situation, filling: Filling) -> None:
        """Keep what is held and serves nothing now, as far as there is room: to load it again would cost."""
        tables = self._tables
        saved, _ = self._savings(now, filling)
        idle = (self.segment == now.held[self.node, self.model]) & (saved == 0.0)
        idle &= filling.placement[self.node, self.model] == EMPTY
        room = self.room(now, filling.placement)
        for c in np.flatnonzero(idle).tolist():
            v, size = self.node[c], tables.segment_bytes[self.segment[c]]
            if size <= room[v]:
                filling.placement[v, self.model[c]] = self.segment[c]
                room[v] -= size

    def _best_of_nodes(self, rate: Floats) -> Ints:
        """The candidate of largest rate of each node, the first of equal ones; none where it is 0."""
        order = np.lexsort((-rate, self.node))
        _, first = np.unique(self.node[order], return_index=True)
        best: Ints = order[first]
        return best[rate[best] > 0.0]

    def room(self, now: Situation, placement: Residents) -> Floats:
        """(N,) [bytes] that are left."""
        tables = self._tables
        placed = placed_bytes(tables.segment_bytes, placement, tables.pinned).sum(axis=1)
        left: Floats = np.minimum(now.memory, tables.node_memory) - tables.node_reserved - placed
        return left

    def _load_cost(self, now: Situation, node: Ints, segment: Ints) -> Floats:
        """[cost per slot] of loading segments, or EMPTY, of the candidates' models, as far as not held."""
        missing = bytes_to_load(self._tables, segment, now.held[node, self.model])
        cost: Floats = missing * now.load_price[node, self.model]
        return cost

    def _node_costs(self, now: Situation, filling: Filling) -> Floats:
        """(N,) [cost per slot] of requests, waits and loads."""
        trellis, tables = self._trellis, self._tables
        nodes = len(tables.node_memory)
        served = np.where(now.flow > 0.0, now.flow * filling.cost, 0.0)
        cost = summed(trellis.item_node, served, nodes)
        missing = bytes_to_load(tables, filling.placement, now.held)
        cost += (np.where(tables.pinned == EMPTY, missing, 0.0) * now.load_price).sum(axis=1)
        if not self._private:
            asked = self._work(now, filling).at_nodes(trellis.item_node, nodes)
            cost += self._wait_cost(now, np.arange(nodes), asked)
        return cost

    def _work(self, now: Situation, filling: Filling) -> AskedWork:
        """Demands of items (I,) on their nodes in the current state."""
        trellis = self._trellis
        flow = filling.share * now.flow[trellis.stage_item]
        one = self._work_of(now, np.arange(len(flow)), flow)
        return one.at_nodes(trellis.stage_item, len(trellis.item_node))

    def _work_of(self, now: Situation, stage: Ints, flow: Floats) -> AskedWork:
        """Demands of requests on the node whose stages they use."""
        reach, seconds = self._trellis.state_reach[self._trellis.stage_start[stage]], now.seconds[stage]
        visits = flow * reach * (seconds > 0.0)
        each = np.divide(seconds, reach, out=np.zeros_like(seconds), where=reach > 0.0)
        return AskedWork(visits, flow * seconds, flow * seconds * each)

    def residual_work(self, now: Situation, filling: Filling) -> Floats:
        """(N,) [s] second moment over first of what requests compute at each node; 0 where nothing is."""
        asked = self._work(now, filling).at_nodes(self._trellis.item_node, len(filling.node_cost))
        residual: Floats = np.divide(
            asked.second, asked.first, out=np.zeros_like(asked.first), where=asked.first > 0.0
        )
        return residual

    def _wait_cost(self, now: Situation, node: Ints, work: AskedWork) -> Floats:
        """[cost per slot] of the waits of all visits to nodes."""
        level = np.divide(
            work.first, now.offered[node], out=np.zeros_like(work.first), where=now.offered[node] > 0.0
        )
        place = np.clip(level * STEPS - 0.5, 0.0, STEPS - 1.0)
        low = place.astype(np.int64)
        high = np.minimum(low + 1, STEPS - 1)
        factor = now.wait[node, low] + (place - low) * (now.wait[node, high] - now.wait[node, low])
        residual = np.divide(work.second, work.first, out=np.zeros_like(work.first), where=work.first > 0.0)
        cost: Floats = now.second_cost * work.visits * residual * factor
        return cost
