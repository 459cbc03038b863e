"""Hill climbing on the true gain of a static placement, in an order that a program suggests.

Programs are about relaxations: what they add at a kink of the gain, or where the environment serves other
than they route, may cost more than it saves. Only the environment's own gain decides here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import combinations

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints, Residents
from idn_gym.core.geometry import nominal_free_bytes, placed_bytes
from idn_gym.optimum.bracket import Bracket
from idn_gym.optimum.static import static_outcome

AT_ONCE = 2
"""Number of segments that change at once where only climbing is left."""


class Choices:
    """The segments that may be loaded in one row, and what placements of them truly gain.

    Attributes:
        row: an instance of one row.
        node: (I,) where each may be loaded.
        segment: (I,) what.
        alone: [cost] of the repositories alone.
    """

    def __init__(
        self, row: Instance, node: Ints, segment: Ints, one_per_task: bool, load_price: float = 0.0
    ) -> None:
        """Take what may be loaded where.

        Args:
            row: an instance of one row.
            node: (I,) nodes.
            segment: (I,) segments.
            one_per_task: allow one segment per node and task.
            load_price: [cost/byte] of loads.
        """
        self._load_price = load_price
        self.row, self.node, self.segment, self.one_per_task = row, node, segment, one_per_task
        self.model = row.tables.segment_model[segment]
        self._free = nominal_free_bytes(row.tables)
        self.alone = float(static_outcome(row, row.tables.pinned).tariff_cost[0])

    def gain(self, placement: Residents) -> float:
        """True gain [cost] of a placement (N, M) in the environment, summed over the slots, loads paid."""
        played = static_outcome(self.row, placement)
        return self.alone - float(played.tariff_cost[0]) - self._load_price * float(played.loaded[0].sum())

    def change(self, placement: Residents, columns: Iterable[int]) -> Residents | None:
        """A placement (N, M) in which each column takes the place of what its node holds of its model.

        A column that is there already is removed. None if the result does not fit or is not allowed.
        """
        after = placement.copy()
        for i in columns:
            v, m, s = self.node[i], self.model[i], self.segment[i]
            after[v, m] = EMPTY if after[v, m] == s else s
        return after if all(self._fits(after, int(self.node[i])) for i in columns) else None

    def start(self, x: Floats, sure: float) -> Residents:
        """The placement (N, M) of the columns that are wanted at least this much, as far as they fit."""
        placement: Residents = self.row.tables.pinned.copy()
        for i in np.argsort(-x, kind="stable").tolist():
            if x[i] < sure:
                break
            longer = self.change(placement, (i,))
            placement = placement if longer is None else longer
        return placement

    def _fits(self, placement: Residents, v: int) -> bool:
        tables = self.row.tables
        size = placed_bytes(tables.segment_bytes, placement[v], tables.pinned[v])
        if size.sum() > self._free[v]:
            return False
        tasks = tables.model_task[(placement[v] != EMPTY) & (tables.pinned[v] == EMPTY)]
        return not self.one_per_task or len(set(tasks.tolist())) == len(tasks)


def climb(
    choices: Choices, placement: Residents, x: Floats, together: int, end: float, enough: float
) -> tuple[Residents, float]:
    """Load, lengthen, shorten or remove segments while the true gain rises, few at once first.

    Args:
        choices: of the row.
        placement: (N, M) to start from.
        x: (I,) how much a program wants each column; higher is tried first.
        together: up to how many segments change at once.
        end: time at which to stop.
        enough: gain at which to stop.

    Returns:
        (N, M) the placement, and its gain [cost].
    """
    gained = choices.gain(placement)
    order = np.argsort(-x, kind="stable").tolist()
    rising = True
    while rising:
        rising = False
        for size in range(1, together + 1):
            for columns in combinations(order, size):
                if time.process_time() > end or gained >= enough:
                    return placement, gained
                other = choices.change(placement, columns)
                if other is None:
                    continue
                reached = choices.gain(other)
                if reached > gained:
                    placement, gained, rising = other, reached, True
            if rising:
                break
    return placement, gained


def improve_bracket(
    best: Bracket,
    choices: Choices,
    starts: Iterable[Residents],
    x: Floats,
    together: int,
    end: float,
    gap: float,
) -> Bracket:
    """Climb from each of the placements until the bracket is closed or the time is over.

    Args:
        best: the bracket so far.
        choices: of the row.
        starts: (N, M) placements.
        x: (I,) how much a program wants each column.
        together: up to how many segments change at once.
        end: time at which to stop.
        gap: relative gap at which to stop.
    """
    for start in starts:
        enough = best.enough(gap)
        if best.lower >= enough or time.process_time() > end:
            break
        best = best.judged(*climb(choices, start, x, together, end, enough))
    return best
