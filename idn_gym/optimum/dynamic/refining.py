"""Improvement of sequences node by node: the best rows of one node over time, with the others fixed.

Candidates for whole networks cannot cover nodes that change at times of their own. Here every node has a
program of its own over rows of a placement: what its candidates hold there, and what is one change away
from what it holds now. What the program finds is replayed and kept if it costs less, in whole or else
stretch by stretch. A placement that is kept all the time is improved in the same way, with one row per node.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Residents
from idn_gym.core.geometry import nominal_free_bytes, placed_bytes
from idn_gym.optimum.dynamic.candidates import distinct_placements
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.sequences import best_path, switch_costs
from idn_gym.optimum.dynamic.transfers import ExpectedMoves, load_slots
from idn_gym.optimum.search.moves import LEAST_SHARE
from idn_gym.scenarios.compile import Compiled

MOST_PLAYS, LEAST_ROWS = 400_000, 20
"""Batches that are served to look at the rows of one node, and rows from which on fewer are looked at; where
there are more rows, as many are drawn at random."""


class Refiner:
    """A sequence of wishes in one row of an instance that only gets cheaper.

    Attributes:
        wishes: (T, N, M).
        costs: (T,) of them, played.
    """

    def __init__(
        self,
        compiled: Compiled,
        player: SequencePlayer,
        wishes: Residents,
        rng: np.random.Generator,
        share: float = 1.0,
    ) -> None:
        """Start.

        Args:
            compiled: the scenario.
            player: of the row.
            wishes: (T, N, M) to start from, or (N, M): one that is kept.
            rng: draws the order of nodes, and rows where there are too many.
            share: of the player's time after which to stop.
        """
        self._compiled, self._player, self._rng, self._share = compiled, player, rng, share
        self._weights = player.row.draw.weights[0]
        self._most = max(LEAST_ROWS, MOST_PLAYS // (player.slots * len(player.row.tables.class_task)))
        self.costs = player.play(wishes)
        self.wishes = np.broadcast_to(wishes, (player.slots, *wishes.shape[-2:])).copy()

    @property
    def total(self) -> float:
        """Cost of the sequence."""
        return float(self.costs.sum())

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self._player.clock.over(self._share)

    def refine(self, candidates: Residents, kept: bool = False) -> None:
        """Go over the nodes until nothing gets cheaper, or the time is over.

        Args:
            candidates: (K, N, M) whose rows are tried.
            kept: keep one placement in all slots, as the sequence does at the start.
        """
        nodes = np.flatnonzero(self._compiled.placeable.any(1))
        for near in (False, True):
            before = np.inf
            while self.total < before * (1.0 - LEAST_SHARE):
                before = self.total
                for v in self._rng.permutation(nodes).tolist():
                    if self.late:
                        return
                    self._refine_node(v, self._rows(v, candidates, near), kept)

    def try_wishes(self, wishes: Residents) -> bool:
        """Keep other wishes (T, N, M) if they cost less; tells whether they do."""
        costs = self._player.play(wishes)
        if costs.sum() >= self.total * (1.0 - LEAST_SHARE):
            return False
        self.wishes, self.costs = wishes.copy(), costs
        return True

    def _refine_node(self, v: int, rows: Residents, kept: bool) -> None:
        steady = self._steady(v, rows)
        switch = switch_costs(self._compiled, rows[:, None], self._weights, slice(v, v + 1))
        slots = load_slots(self._player.row.tables, rows[:, None], slice(v, v + 1))
        if kept:
            path = np.full(len(steady), (steady.sum(0) + switch[0]).argmin())
        else:
            path, _ = best_path(len(steady), steady.shape[1], ExpectedMoves(steady, switch, slots))
            self._player.clock.look_at(steady.size * steady.shape[1])
        self._adopt(v, rows[path], kept)

    def _steady(self, v: int, rows: Residents) -> Floats:
        """Costs (T, R) of the slots with each row at the node, all wishes being resident in full."""
        resident, costs = self.wishes.copy(), np.empty((len(self.wishes), len(rows)))
        for i, row in enumerate(rows):
            resident[:, v] = row
            costs[:, i] = self._player.resident_costs(resident)
        return costs

    def _adopt(self, v: int, rows: Residents, kept: bool) -> None:
        """Let a node wish for rows (T, M) if that costs less, or in those stretches in which it does."""
        wishes = self.wishes.copy()
        wishes[:, v] = rows
        differs = (rows != self.wishes[:, v]).any(1)
        if not differs.any() or self.try_wishes(wishes) or kept:
            return
        for first, last in _stretches(differs):
            wishes = self.wishes.copy()
            wishes[first:last, v] = rows[first:last]
            self.try_wishes(wishes)

    def _rows(self, v: int, candidates: Residents, near: bool) -> Residents:
        """Rows (R, M) to choose from: the pins first, what is wished for now, candidates, and neighbours."""
        held = distinct_placements(self.wishes[:, v])
        others = list(distinct_placements(candidates[:, v]))
        if near:
            others += [row for one in held for row in neighbour_rows(self._compiled, v, one)]
        if len(others) > self._most:
            others = [others[i] for i in self._rng.permutation(len(others))[: self._most]]
        return distinct_placements([self._compiled.tables.pinned[v], *held, *others])


def neighbour_rows(compiled: Compiled, v: int, row: Residents) -> list[Residents]:
    """Rows (M,) one change away that fit a node: a segment more, less, or in the place of one other."""
    tables, pins = compiled.tables, compiled.tables.pinned[v]
    free = nominal_free_bytes(tables)[v]
    found = []
    held = np.flatnonzero((row != EMPTY) & (pins == EMPTY)).tolist()
    for m in held:
        less = row.copy()
        less[m] = EMPTY
        found.append(less)
    for s in np.flatnonzero(compiled.placeable[v]).tolist():
        more = row.copy()
        more[tables.segment_model[s]] = s
        missing = float(placed_bytes(tables.segment_bytes, more, pins).sum()) - free
        if missing <= 0.0:
            found.append(more)
            continue
        for m in held:
            if m != tables.segment_model[s] and tables.segment_bytes[row[m]] >= missing:
                other = more.copy()
                other[m] = EMPTY
                found.append(other)
    return found


def _stretches(marked: Bools) -> Iterable[tuple[int, int]]:
    """Runs of marked slots: the first of each and one past its last."""
    edges: Ints = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
