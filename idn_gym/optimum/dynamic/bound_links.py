"""Constraints between the programs of slots: loads are paid for, and usable only after they have arrived.

z of slot t that was not held in slot t - 1 is loaded, at a price:  z_t - z_(t-1) <= d_t.

Let a segment be usable for a share u of slot t. What it lacked at the end of slot t - j has come since,
within j - u slots: with l of each of its runs the slots that its bytes take at the best rate of these slots,
and s those of start-up,

    u <= j - sum over runs of l (1 - z_(t-j)) - s (1 - z_(t-j) of one of them).

That holds if it is usable at all. To hold if it is not, too, its constants, j - L with L = sum of l + s,
count times z_t where they are at least 0; else the row is  u (1 + L - j) <= sum of l z_(t-j) + s z_(t-j).

What is held is what will be usable before it is given up again. Bytes that came for a wish that changed count
for the blocks that they stay for; so where segments of a model begin at several blocks, z may be a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.optimum.dynamic.bound_blocks import Loads, Runs
from idn_gym.optimum.solver import sparse_rows

RowEntries = tuple[Ints, Ints, Floats]
"""Rows, columns and values."""

LOOK_BACK = 6
"""[slots] that rows look back."""

SHORTEST_LOAD = 0.01
"""[slots] of a load below which it counts as if it took no time."""


@dataclass(frozen=True, eq=False)
class Links:
    """Rows own @ (x, z, d of slot t) - back @ (z of slot t - lag) <= 0."""

    lag: Ints  # (D,) slots back
    own: Any  # (D, shared columns) sparse
    back: Any  # (D, A) sparse


class LinkRows:
    """The rows of each slot."""

    def __init__(self, runs: Runs, loads: Loads, columns: int) -> None:
        """Prepare what all slots have in common.

        Args:
            runs: of the columns.
            loads: what loads take at least.
            columns: how many columns x there are.
        """
        self.runs, self.loads, self.columns = runs, loads, columns
        self.segment, self.wider = _list_wider(runs, columns)
        largest = np.lexsort((runs.size[runs.cover_run], runs.cover_column))
        self.largest = np.zeros(columns, np.int64)
        self.largest[runs.cover_column[largest]] = runs.cover_run[largest]  # the last one stays

    def slot(self, t: int) -> Links:
        """The rows of slot t."""
        count = len(self.runs.node)
        run, ones = np.arange(count), np.ones(count)
        loaded = self.columns + count + run
        parts: list[tuple[Ints, RowEntries, RowEntries]] = [
            (
                np.ones(count, np.int64),
                (np.tile(run, 2), np.append(self.columns + run, loaded), np.append(ones, -ones)),
                (run, run, ones),
            )
        ]
        parts += [self._waits(t, lag) for lag in range(1, min(t + 1, LOOK_BACK) + 1)]
        lags: list[Ints] = []
        own: list[RowEntries] = []
        back: list[RowEntries] = []
        rows = 0
        for lag, mine, before in parts:
            lags.append(lag)
            own.append((mine[0] + rows, *mine[1:]))
            held = lag[before[0]] <= t  # before the first slot nothing is
            back.append((before[0][held] + rows, before[1][held], before[2][held]))
            rows += len(lag)
        width = self.columns + 2 * count
        return Links(np.concatenate(lags), sparse_rows(own, rows, width), sparse_rows(back, rows, count))

    def _waits(self, t: int, lag: int) -> tuple[Ints, RowEntries, RowEntries]:
        """Lags and entries, own and back, of the rows about what came within so many slots."""
        runs, loads = self.runs, self.loads
        slots = np.minimum(loads.slots[t - lag + 1 : t + 1].min(0), 2.0 * LOOK_BACK)
        start = np.minimum(loads.start[self.largest], 2.0 * LOOK_BACK)
        column, run = runs.cover_column, runs.cover_run
        each = slots[run] + np.where(run == self.largest[column], start[column], 0.0)
        total = np.bincount(column, each, self.columns)
        active = np.flatnonzero(total > max(lag - 1.0, SHORTEST_LOAD))
        number = np.full(self.columns, -1)
        number[active] = np.arange(len(active))
        over = total > lag
        scale = np.where(over, 1.0 + total - lag, 1.0)
        share = each / scale[column]
        # Where what came counts for whole runs, one that is enough by itself need not count for more.
        share = np.where(over[column] & loads.ordered[run], np.minimum(share, 1.0), share).astype(float)
        usable, short = number[self.segment] >= 0, active[~over[active]]
        own: RowEntries = (
            np.append(number[self.segment[usable]], number[short]),
            np.append(self.wider[usable], self.columns + self.largest[short]),
            np.append(np.ones(int(usable.sum())), total[short] - lag),
        )
        kept = number[column] >= 0
        back: RowEntries = (number[column[kept]], run[kept], share[kept])
        return np.full(len(active), lag), own, back


def _list_wider(runs: Runs, columns: int) -> tuple[Ints, Ints]:
    """Each column once per column of its (node, model) that covers all of it, itself included."""
    covered: list[list[int]] = [[] for _ in range(columns)]
    for i, run in zip(runs.cover_column.tolist(), runs.cover_run.tolist(), strict=True):
        covered[i].append(run)
    at_run: dict[int, list[int]] = {}
    for i, mine in enumerate(covered):
        for run in mine:
            at_run.setdefault(run, []).append(i)
    pairs = [
        (i, k) for i, mine in enumerate(covered) for k in at_run[mine[0]] if set(mine) <= set(covered[k])
    ]
    segment, wider = np.array(pairs, np.int64).reshape(-1, 2).T
    return segment, wider
