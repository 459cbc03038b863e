"""What must leave a node for a segment to fit: the least that its segments save per byte, first of all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Floats, Ints, State, Tables
from idn_gym.core.geometry import LOAD_ROUNDING, free_bytes
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment
from idn_gym.observations.columns import FeatureRows
from idn_gym.observations.forecast_tables import ForecastTables


class HeldItems(NamedTuple):
    """Segments that a node holds or loads and that may leave, by what they are expected to save per byte."""

    segment: Ints  # (M,)
    saving: Floats  # (M,) over the cost of all requests that pass the node
    rate: Floats  # (M,) the same per byte


def make_items(models: int) -> HeldItems:
    """Make room for one node."""
    return HeldItems(np.zeros(models, np.int64), np.zeros(models), np.zeros(models))


@njit_inline
def list_items(
    tables: Tables,
    state: State,
    f: ForecastTables,
    h: HeldItems,
    pairs: FeatureRows,
    saving: int,
    b: int,
    v: int,
) -> int:
    """List the items of node v of row b and return their number.

    Args:
        tables: the scenario's tables.
        state: before the slot to come.
        f: the pairs.
        h: written to.
        pairs: (B, C, columns) of the observation.
        saving: its column of savings.
        b: row.
        v: node.
    """
    count = 0
    for m in range(len(tables.model_task)):
        held = held_segment(state, b, v, m)
        if held == EMPTY or tables.pinned[v, m] != EMPTY:
            continue
        value = 0.0
        for c in range(f.model_pair[v, m], f.model_pair[v, m + 1]):
            if f.pair_segment[c] == held:
                value = float(pairs[b, c, saving])
        rate = value / max(1.0, tables.segment_bytes[held])
        i = count
        while i > 0 and h.rate[i - 1] > rate:
            h.segment[i], h.saving[i], h.rate[i] = h.segment[i - 1], h.saving[i - 1], h.rate[i - 1]
            i -= 1
        h.segment[i], h.saving[i], h.rate[i] = held, value, rate
        count += 1
    return count


@njit_inline
def displaced_saving(tables: Tables, expected: Draw, h: HeldItems, count: int, v: int, s: int) -> float:
    """Saving of what must leave node v for segment s: others of its model, and the cheapest until it fits."""
    free = free_bytes(expected.memory, tables.node_reserved, 0, 0, v)
    left, lost = free - tables.segment_bytes[s], 0.0
    for i in range(count):
        if tables.segment_model[h.segment[i]] != tables.segment_model[s]:
            left -= tables.segment_bytes[h.segment[i]]
        elif h.segment[i] != s:
            lost += h.saving[i]
    for i in range(count):
        if left >= -LOAD_ROUNDING * free:
            break
        if tables.segment_model[h.segment[i]] != tables.segment_model[s]:
            left += tables.segment_bytes[h.segment[i]]
            lost += h.saving[i]
    return lost
