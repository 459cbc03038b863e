"""How many requests of a class reach each node of its path: those served there or beyond.

This is what a node sees pass: its own and what it forwards.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EXOGENOUS, Draw, Floats, Ints, Outcome, Residents, Tables
from idn_gym.core.capacity import fill_capacity, fill_copies, option_room, use_option
from idn_gym.core.kernel import hot
from idn_gym.core.serving import cheapest, list_options, measure_paths
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch


class Reach:
    """Counts what passes; work space for one scenario.

    Attributes:
        start: (R+1,) into `counts`; entry start[rho] + j is position j of the class's path.
        counts: [requests] of the last slot looked at.
    """

    def __init__(self, tables: Tables) -> None:
        lengths = np.diff(tables.path_start)[tables.class_path]
        self.start: Ints = np.append(0, np.cumsum(lengths)).astype(np.int64)
        self.counts: Floats = np.zeros(int(self.start[-1]))
        self.node: Ints = np.concatenate(
            [tables.path_node[tables.path_start[p] : tables.path_start[p + 1]] for p in tables.class_path]
        ).astype(np.int64)
        self.task: Ints = np.repeat(tables.class_task, lengths).astype(np.int64)
        self._tables = tables
        self._scratch: Scratch = make_scratch(tables)
        self._outcome: Outcome = empty_outcome(tables, 1)

    def measure(self, draw: Draw, resident: Residents, b: int) -> Floats:
        """`counts` of row b of a slot (T = 1), served by `resident` (B, N, M) as it was played."""
        self.counts[:] = 0.0
        _reach(self._tables, draw, b, resident, self.start, self._scratch, self._outcome, self.counts)
        return self.counts


@hot
def _reach(
    tables: Tables,
    draw: Draw,
    b: int,
    resident: Residents,
    start: Ints,
    scratch: Scratch,
    outcome: Outcome,
    counts: Floats,
) -> None:
    """Hand each batch out as `serve_class` does, and note at which position its first part runs."""
    measure_paths(tables, draw, b, 0, scratch)
    fill_capacity(tables, draw, b, 0, scratch)
    for i in range(draw.order.shape[2]):
        rho = draw.order[b, 0, i]
        origin = tables.path_start[tables.class_path[rho]]
        usable = list_options(tables, draw, b, rho, resident, scratch)
        if tables.capacity == EXOGENOUS:
            fill_copies(tables, draw, b, 0, usable, scratch)
        left = draw.demand[b, 0, rho]
        while left > 0.0:
            best = cheapest(tables, usable, scratch)
            if best < 0:
                break
            o = scratch.option[best]
            amount = option_room(tables, draw, b, o, origin, left, scratch)
            if amount > 0.0:
                use_option(tables, draw, 0, o, origin, amount, scratch, outcome)
                for j in range(tables.part_position[tables.part_start[o]] + 1):
                    counts[start[rho] + j] += amount
                left -= amount
            scratch.cost[best] = np.inf
        for k in range(start[rho], start[rho + 1]):
            counts[k] += left
