"""Kernel of the graph observation: writes all tables of all rows of a batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Floats, Ints, Residents
from idn_gym.core.kernel import hot, inner
from idn_gym.observations.forecast import foresee
from idn_gym.observations.forecast_tables import Known, Prospects

Columns = npt.NDArray[np.float32]


class Ground(NamedTuple):
    """What never changes, and work space."""

    nodes: Columns  # (N, constants), and likewise
    links: Columns  # (E, constants)
    pairs: Columns  # (C, constants)
    pair_segment: Ints  # (C,)
    class_requests: Floats  # (R,) [requests]
    node_seconds: Floats  # (N,) [s]
    node_memory: Floats  # (N,) [bytes]
    node_reserved: Floats  # (N,) [bytes]
    link_rate: Floats  # (E,) [bytes/s]
    segment_model: Ints  # (S,)
    segment_bytes: Floats  # (S,) [bytes]
    block_bytes: Floats  # (M, max blocks + 1) [bytes]
    pinned: Residents  # (N, M)
    passing: Floats  # (N,) [requests] nominal, of all tasks
    task_passing: Floats  # (N, K) [requests] nominal
    nominal_requests: float
    load_price: float  # [1/byte] of loading, at a weight of 1
    # work space
    sums: Floats  # (4, N) [requests] that pass: arrived, recent, dropped; and started
    task_recent: Floats  # (N, K) [requests]
    task_most: Floats  # (N, K) [cost] largest saving of a pair
    most: Floats  # (N,) [cost]
    most_rate: Floats  # (N,) [cost/byte]
    high: tuple[
        Floats, Floats, Floats, Floats
    ]  # of the columns of nodes, links and pairs that move; of globals


class Seen(NamedTuple):
    """What `Known` leaves out, B rows."""

    memory: Floats  # (B, N) [bytes] of the coming slot; nominal where hidden
    weights: Floats  # (B, 5) of `OBJECTIVES`
    update_weight: Floats  # (B,)
    over: Floats  # (B,) share of the episode that is over
    # of the last slot
    arrived: Floats  # (B, R)
    served: Floats  # (B, R)
    started: Floats  # (B, R, L + 1)


class Sheets(NamedTuple):
    """What is written, B rows; `clipped` must be 0 on entry."""

    clipped: npt.NDArray[np.int64]  # (B,)
    nodes: Columns  # (B, N, columns)
    links: Columns  # (B, E, columns)
    pairs: Columns  # (B, C, columns)
    pair_mask: Columns  # (B, C)
    overall: Columns  # (B, columns)


@hot
def write_graph(p: Prospects, g: Ground, known: Known, seen: Seen, sheets: Sheets) -> None:
    """Write the observation of every row."""
    for b in range(len(sheets.clipped)):
        foresee(p, known, b)
        _sum_up(p, g, known, seen, b)
        _write_nodes(p, g, known, seen, b, sheets)
        _write_links(g, known, p.slot_seconds, b, sheets)
        _write_pairs(p, g, known, seen, b, sheets)
        _write_globals(g, known, seen, b, sheets)


@inner
def _put(row: Columns, i: int, value: float, high: float) -> int:
    """Write one entry; return 1 if it had to be cut at its bound."""
    if value > high:
        row[i] = high
        # Sums may pass a bound of 1 by rounding alone; only what matters is counted.
        return 1 if value > high * (1.0 + 1e-6) else 0
    row[i] = value
    return 0


@inner
def _over(value: float, most: float) -> float:
    return value / most if most > 0.0 else 0.0


@inner
def _sum_up(p: Prospects, g: Ground, known: Known, seen: Seen, b: int) -> None:
    """Add up the requests that pass each node, and find the largest savings on it."""
    for v in range(g.task_recent.shape[0]):
        for i in range(g.sums.shape[0]):
            g.sums[i, v] = 0.0
        g.most[v] = 0.0
        g.most_rate[v] = 0.0
        for k in range(g.task_recent.shape[1]):
            g.task_recent[v, k] = 0.0
            g.task_most[v, k] = 0.0
    for rho in range(len(p.class_task)):
        arrived, recent = seen.arrived[b, rho], known.recent[b, rho]
        dropped = max(0.0, arrived - seen.served[b, rho])
        origin = p.path_start[p.class_path[rho]]
        for j in range(p.path_start[p.class_path[rho] + 1] - origin):
            v = p.path_node[origin + j]
            g.sums[0, v] += arrived
            g.sums[1, v] += recent
            g.sums[2, v] += dropped
            g.sums[3, v] += seen.started[b, rho, j]
            g.task_recent[v, p.class_task[rho]] += recent
    for c in range(len(p.saving)):
        v, k, saving = p.pair_node[c], p.pair_task[c], p.saving[c]
        g.most[v] = max(g.most[v], saving)
        g.most_rate[v] = max(g.most_rate[v], saving / max(1.0, g.segment_bytes[g.pair_segment[c]]))
        g.task_most[v, k] = max(g.task_most[v, k], saving)


@inner
def _write_nodes(p: Prospects, g: Ground, known: Known, seen: Seen, b: int, sheets: Sheets) -> None:
    high = g.high[0]
    for v in range(len(g.node_seconds)):
        row = sheets.nodes[b, v]
        i = g.nodes.shape[1]
        for k in range(i):
            row[k] = g.nodes[v, k]
        elastic = g.node_seconds[v] == np.inf
        room = seen.memory[b, v] - g.node_reserved[v]
        compute = 1.0 if elastic else known.seconds[b, v] / g.node_seconds[v]
        busy = 0.0 if elastic else known.busy[b, v] / g.node_seconds[v]
        clipped = _put(row, i, compute, high[0])
        clipped += _put(row, i + 1, _over(seen.memory[b, v], g.node_memory[v]), high[1])
        clipped += _put(row, i + 2, busy, high[2])
        clipped += _put(row, i + 3, _filled(g, known, b, v, room), high[3])
        clipped += _put(row, i + 4, _over(g.sums[0, v], g.passing[v]), high[4])
        clipped += _put(row, i + 5, _over(g.sums[1, v], g.passing[v]), high[5])
        clipped += _put(row, i + 6, _over(g.sums[2, v], g.sums[0, v]), high[6])
        clipped += _put(row, i + 7, _over(g.sums[3, v], g.sums[0, v]), high[7])
        sheets.clipped[b] += clipped


@inner
def _filled(g: Ground, known: Known, b: int, v: int, room: float) -> float:
    """Share of the memory to place in that is taken; 1 where residents take more."""
    taken = 0.0
    for m in range(g.pinned.shape[1]):
        held = known.resident[b, v, m]
        if held != EMPTY and g.pinned[v, m] == EMPTY:
            taken += g.segment_bytes[held]
    return 1.0 if taken > room else _over(taken, room)


@inner
def _write_links(g: Ground, known: Known, slot_seconds: float, b: int, sheets: Sheets) -> None:
    high = g.high[1]
    for e in range(len(g.link_rate)):
        row = sheets.links[b, e]
        i = g.links.shape[1]
        for k in range(i):
            row[k] = g.links[e, k]
        clipped = _put(row, i, known.rate[b, e] / g.link_rate[e], high[0])
        clipped += _put(row, i + 1, known.carried[b, e] / (g.link_rate[e] * slot_seconds), high[1])
        sheets.clipped[b] += clipped


@inner
def _write_pairs(p: Prospects, g: Ground, known: Known, seen: Seen, b: int, sheets: Sheets) -> None:
    high = g.high[2]
    for c in range(len(p.saving)):
        row = sheets.pairs[b, c]
        i = g.pairs.shape[1]
        for k in range(i):
            row[k] = g.pairs[c, k]
        v, k, s = p.pair_node[c], p.pair_task[c], g.pair_segment[c]
        held = known.resident[b, v, g.segment_model[s]]
        saving, size = p.saving[c], g.segment_bytes[s]
        price = _bytes_to_load(p, g, held, s) * g.load_price * seen.update_weight[b] * g.nominal_requests
        clipped = _put(row, i, 1.0 if held == s else 0.0, high[0])
        clipped += _put(row, i + 1, 1.0 if held != s and held != EMPTY else 0.0, high[1])
        clipped += _put(row, i + 2, _over(g.task_recent[v, k], g.task_passing[v, k]), high[2])
        clipped += _put(row, i + 3, _over(saving, p.base[v]), high[3])
        clipped += _put(row, i + 4, _over(saving, g.task_most[v, k]), high[4])
        clipped += _put(row, i + 5, _over(saving, g.most[v]), high[5])
        clipped += _put(row, i + 6, _over(saving / max(1.0, size), g.most_rate[v]), high[6])
        clipped += _put(row, i + 7, p.load[c] / g.node_seconds[v], high[7])
        clipped += _put(row, i + 8, _over(price, price + p.base[v]), high[8])
        sheets.clipped[b] += clipped
        sheets.pair_mask[b, c] = 1.0 if size <= seen.memory[b, v] - g.node_reserved[v] else 0.0


@inner
def _bytes_to_load(p: Prospects, g: Ground, held: int, s: int) -> float:
    """Bytes of the segment's blocks that the resident segment of its model does not hold."""
    size = g.segment_bytes[s]
    if held == EMPTY:
        return float(size)
    first = max(p.segment_first[held], p.segment_first[s])
    last = min(p.segment_last[held], p.segment_last[s])
    if last <= first:
        return float(size)
    model = g.segment_model[s]
    return float(max(0.0, size - (g.block_bytes[model, last] - g.block_bytes[model, first])))


@inner
def _write_globals(g: Ground, known: Known, seen: Seen, b: int, sheets: Sheets) -> None:
    row, high = sheets.overall[b], g.high[3]
    arrived, served, recent, nominal = 0.0, 0.0, 0.0, 0.0
    for rho in range(len(g.class_requests)):
        arrived += seen.arrived[b, rho]
        served += min(seen.served[b, rho], seen.arrived[b, rho])
        recent += known.recent[b, rho]
        nominal += g.class_requests[rho]
    row[0] = seen.over[b]
    last = 1 + seen.weights.shape[1]
    for i in range(1, last):
        row[i] = seen.weights[b, i - 1]
    clipped = _put(row, last, recent / nominal, high[last])
    clipped += _put(row, last + 1, _over(arrived - served, arrived), high[last + 1])
    sheets.clipped[b] += clipped
