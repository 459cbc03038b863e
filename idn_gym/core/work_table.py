"""Compute seconds of every part of a model that a node may run, by kind of device."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.core.options import ModelRow, survival


class WorkTable:
    """Seconds of a part per request, for each span of blocks, operating point and kind of device.

    Attributes:
        seconds: (C, W) [s] expected per request of the model: the entry of the part and its blocks, each
            times the share of inputs that reach it. The point after a model's last one has no early exits.
    """

    def __init__(self, models: Mapping[str, ModelRow]) -> None:
        """Work out the seconds of these models; what they are called is up to the caller."""
        self._column: dict[str, int] = {}
        self._blocks = {name: len(model.block_bytes) for name, model in models.items()}
        tables, width = [], 0
        for name, model in models.items():
            alive = [survival(point, self._blocks[name]) for point in model.points]
            found = [_span_seconds(model, np.array(share)) for share in (*alive, np.ones(self._blocks[name]))]
            tables += [table.reshape(len(table), -1) for table in found]
            self._column[name] = width
            width += len(found) * found[0][0].size
        self.seconds = np.concatenate(tables, axis=1)

    def column(self, name: str, point: Ints, first: Ints, last: Ints) -> Ints:
        """Columns of `seconds` of the blocks from `first` to before `last`; arrays that broadcast."""
        edges = self._blocks[name] + 1
        return self._column[name] + (point * edges + first) * edges + last


def _span_seconds(model: ModelRow, alive: Floats) -> Floats:
    """(C, n+1, n+1) [s] by first block and one past the last; 0 where there are none.

    Args:
        model: of n blocks.
        alive: (n,) share of inputs that reach each block.
    """
    blocks, table = len(alive), np.zeros((len(model.seconds), len(alive) + 1, len(alive) + 1))
    for first in range(blocks):
        # One block after the other, since sums in another order have other bits.
        spent = np.add.accumulate(alive[first:] * model.seconds[:, first:], axis=1)
        table[:, first, first + 1 :] = alive[first] * model.entry_seconds[:, None] + spent
    return table
