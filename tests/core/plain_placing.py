"""Repair, and the codecs that fill and round, written down plainly: sorted lists, one row at a time."""

import numpy as np

from idn_gym.core.arrays import EMPTY
from idn_gym.core.pair_rounding import INTEGRAL


def repair_plainly(tables, memory, wanted, held):
    """What a row (N, M) holds of what it wishes, and how many wishes do not fit.

    Args:
        tables: of the scenario.
        memory: (N,) [bytes] in the slot.
        wanted: (N, M).
        held: (N, M) resident, or on its way.
    """
    placed, refused = tables.pinned.copy(), 0
    for v in np.flatnonzero(tables.node_movable):
        free = memory[v] - tables.node_reserved[v]
        wishes = [m for m in range(wanted.shape[1]) if wanted[v, m] != EMPTY and tables.pinned[v, m] == EMPTY]
        if sum(tables.segment_bytes[wanted[v, m]] for m in wishes) > free:
            wishes.sort(key=lambda m: (held[v, m] != wanted[v, m], -tables.segment_value[v, wanted[v, m]], m))
        for m in wishes:
            if tables.segment_bytes[wanted[v, m]] <= free:
                placed[v, m] = wanted[v, m]
                free -= tables.segment_bytes[wanted[v, m]]
            else:
                refused += 1
    return placed, refused


def fill_plainly(pairs, free, scores, shape):
    """Placement (N, M) of a row by falling scores; `free` (N,) bytes are changed."""
    wanted = np.full(shape, EMPTY, np.int32)
    for i in np.argsort(-scores, kind="stable"):
        v, s = pairs.node[i], pairs.segment[i]
        m = pairs.segment_model[s]
        if scores[i] > 0.0 and wanted[v, m] == EMPTY and pairs.segment_bytes[s] <= free[v]:
            wanted[v, m] = s
            free[v] -= pairs.segment_bytes[s]
    return wanted


def round_plainly(pairs, uniforms, y, shape):
    """Placement (N, M) of a row by dependent rounding."""
    x, size = y.copy(), np.maximum(1.0, pairs.segment_bytes[pairs.segment])
    for v in np.unique(pairs.node):
        still, spare = None, None
        for i in np.flatnonzero(pairs.node == v):
            if x[i] < INTEGRAL or x[i] > 1.0 - INTEGRAL:
                continue
            if still is None:
                still = spare = i
            else:
                still = trade_plainly(x, i, still, size, uniforms[i])
        if still is not None:
            x[still] = 1.0 if uniforms[spare] < x[still] else 0.0
    wanted = np.full(shape, EMPTY, np.int32)
    for v, s in zip(pairs.node[x > 0.5], pairs.segment[x > 0.5], strict=True):
        held = wanted[v, pairs.segment_model[s]]
        if held == EMPTY or pairs.segment_bytes[s] > pairs.segment_bytes[held]:
            wanted[v, pairs.segment_model[s]] = s
    return wanted


def trade_plainly(x, i, j, size, uniform):
    """Let items i and j trade; returns the one that is still fractional, or None."""
    to_i = min(size[i] * (1.0 - x[i]), size[j] * x[j])
    to_j = min(size[i] * x[i], size[j] * (1.0 - x[j]))
    if uniform * (to_i + to_j) < to_j:
        x[i] += to_i / size[i]
        x[j] -= to_i / size[j]
    else:
        x[i] -= to_j / size[i]
        x[j] += to_j / size[j]
    return next((k for k in (i, j) if INTEGRAL <= x[k] <= 1.0 - INTEGRAL), None)
