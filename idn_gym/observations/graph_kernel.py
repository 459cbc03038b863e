"""Kernel of the graph observation: writes all tables of all rows of a batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Draw, Floats, Tables
from idn_gym.core.geometry import bytes_to_load, free_bytes, placed_bytes
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.loading import held_segment
from idn_gym.observations.columns import FeatureRows, write_columns
from idn_gym.observations.forecast import ObservedInputs, forecast_savings
from idn_gym.observations.forecast_tables import ForecastTables
from idn_gym.observations.graph_features import LinkState, NetworkState, NodeState, PairState, Progress


class GraphConstants(NamedTuple):
    """What never changes, and work space."""

    nodes: FeatureRows  # (N, constants), and likewise
    links: FeatureRows  # (E, constants)
    pairs: FeatureRows  # (C, constants)
    # upper bounds of the columns that move
    node_high: Floats
    link_high: Floats
    pair_high: Floats
    progress_high: Floats
    network_high: Floats
    passing: Floats  # (N,) [requests] nominal, of all tasks
    task_passing: Floats  # (N, K) [requests] nominal
    load_price: float  # [cost/byte] of loading, at a weight of 1
    # work space
    arrived: Floats  # (N,) [requests] that pass, and likewise
    recent: Floats  # (N,)
    dropped: Floats  # (N,)
    started: Floats  # (N,) that began here
    task_recent: Floats  # (N, K)
    task_most: Floats  # (N, K) [cost] largest saving of a pair
    most: Floats  # (N,) [cost]
    most_rate: Floats  # (N,) [cost/byte]


class GraphBuffers(NamedTuple):
    """What is written, B rows; `clipped` must be 0 on entry."""

    clipped: npt.NDArray[np.int64]  # (B,)
    nodes: FeatureRows  # (B, N, columns)
    links: FeatureRows  # (B, E, columns)
    pairs: FeatureRows  # (B, C, columns)
    pair_mask: FeatureRows  # (B, C)
    overall: FeatureRows  # (B, columns)


@njit_no_alloc
def write_graph(
    tables: Tables,
    expected: Draw,
    seen: ObservedInputs,
    f: ForecastTables,
    g: GraphConstants,
    out: GraphBuffers,
    t: int,
) -> None:
    """Write the observation of every row; slot t of `expected` is the slot to expect."""
    for b in range(len(out.clipped)):
        forecast_savings(tables, expected, seen, f, b, t)
        _sum_up(tables, expected, seen, f, g, b, t)
        _write_nodes(tables, expected, seen, g, b, t, out)
        _write_links(tables, expected, seen, g, b, t, out)
        _write_pairs(tables, expected, seen, f, g, b, t, out)
        _write_globals(tables, expected, seen, g, b, t, out)


@njit_inline
def _over(value: float, most: float) -> float:
    return value / most if most > 0.0 else 0.0


@njit_inline
def _sum_up(
    tables: Tables, expected: Draw, seen: ObservedInputs, f: ForecastTables, g: GraphConstants, b: int, t: int
) -> None:
    """Add up the requests that pass each node, and find the largest savings on it."""
    for v in range(g.task_recent.shape[0]):
        g.arrived[v], g.recent[v], g.dropped[v], g.started[v] = 0.0, 0.0, 0.0, 0.0
        g.most[v], g.most_rate[v] = 0.0, 0.0
        for k in range(g.task_recent.shape[1]):
            g.task_recent[v, k], g.task_most[v, k] = 0.0, 0.0
    for rho in range(len(tables.class_task)):
        arrived, recent = seen.arrived[b, rho], expected.demand[b, t, rho]
        dropped = max(0.0, arrived - seen.served[b, rho])
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            v = tables.path_node[origin + j]
            g.started[v] += seen.started[b, rho, j]
            if tables.path_same_node[origin + j] != j:
                continue  # another route has led here already
            g.arrived[v] += arrived
            g.recent[v] += recent
            g.dropped[v] += dropped
            g.task_recent[v, tables.class_task[rho]] += recent
    for c in range(len(f.saving)):
        v, k, saving = f.pair_node[c], f.pair_task[c], f.saving[c]
        g.most[v] = max(g.most[v], saving)
        g.most_rate[v] = max(g.most_rate[v], saving / max(1.0, tables.segment_bytes[f.pair_segment[c]]))
        g.task_most[v, k] = max(g.task_most[v, k], saving)


@njit_inline
def _write_nodes(
    tables: Tables, expected: Draw, seen: ObservedInputs, g: GraphConstants, b: int, t: int, out: GraphBuffers
) -> None:
    first = g.nodes.shape[1]
    for v in range(len(tables.node_seconds)):
        row = out.nodes[b, v]
        for i in range(first):
            row[i] = g.nodes[v, i]
        nominal = tables.node_seconds[v]
        elastic = nominal == np.inf
        state = NodeState(
            compute=1.0 if elastic else expected.seconds[b, t, v] / nominal,
            memory=_over(expected.memory[b, t, v], tables.node_memory[v]),
            busy=0.0 if elastic else seen.busy[b, v] / nominal,
            filled=_filled(tables, expected, seen, b, t, v),
            batch=_over(g.arrived[v], g.passing[v]),
            recent=_over(g.recent[v], g.passing[v]),
            dropped=_over(g.dropped[v], g.arrived[v]),
            started=_over(g.started[v], g.arrived[v]),
        )
        out.clipped[b] += write_columns(row, first, state, g.node_high)


@njit_inline
def _filled(tables: Tables, expected: Draw, seen: ObservedInputs, b: int, t: int, v: int) -> float:
    """Share of the memory to place in that is taken; 1 where residents take more."""
    free = free_bytes(expected.memory, tables.node_reserved, b, t, v)
    taken = 0.0
    for m in range(tables.pinned.shape[1]):
        taken += placed_bytes(tables.segment_bytes, held_segment(seen.state, b, v, m), tables.pinned[v, m])
    return 1.0 if taken > free else _over(taken, free)


@njit_inline
def _write_links(
    tables: Tables, expected: Draw, seen: ObservedInputs, g: GraphConstants, b: int, t: int, out: GraphBuffers
) -> None:
    first = g.links.shape[1]
    for e in range(len(tables.link_rate)):
        row = out.links[b, e]
        for i in range(first):
            row[i] = g.links[e, i]
        nominal = tables.link_rate[e]
        state = LinkState(
            rate=expected.rate[b, t, e] / nominal,
            load=seen.carried[b, e] / (nominal * tables.slot_seconds),
        )
        out.clipped[b] += write_columns(row, first, state, g.link_high)


@njit_inline
def _write_pairs(
    tables: Tables,
    expected: Draw,
    seen: ObservedInputs,
    f: ForecastTables,
    g: GraphConstants,
    b: int,
    t: int,
    out: GraphBuffers,
) -> None:
    first = g.pairs.shape[1]
    for c in range(len(f.saving)):
        row = out.pairs[b, c]
        for i in range(first):
            row[i] = g.pairs[c, i]
        v, k, s = f.pair_node[c], f.pair_task[c], f.pair_segment[c]
        m = tables.segment_model[s]
        held = seen.state.resident[b, v, m]
        saving, size = f.saving[c], tables.segment_bytes[s]
        coming = seen.state.wish.shape[1] > 0 and seen.state.wish[b, v, m] == s
        missing = seen.state.bytes_to_come[b, v, m] if coming else bytes_to_load(tables, s, held)
        starts = seen.state.seconds_to_come[b, v, m] if coming else 0.0
        price = missing * g.load_price * seen.update_weight[b]
        state = PairState(
            resident=1.0 if held == s else 0.0,
            other=1.0 if held != s and held != EMPTY else 0.0,
            on_its_way=1.0 if coming else 0.0,
            to_come=_over(missing, size) if coming else 0.0,
            to_start=starts / (starts + tables.slot_seconds),
            recent=_over(g.task_recent[v, k], g.task_passing[v, k]),
            saving=_over(saving, f.base[v]),
            of_task=_over(saving, g.task_most[v, k]),
            of_node=_over(saving, g.most[v]),
            of_node_per_byte=_over(saving / max(1.0, size), g.most_rate[v]),
            work=f.load[c] / tables.node_seconds[v],
            loading=_over(price, price + f.base[v]),
        )
        out.clipped[b] += write_columns(row, first, state, g.pair_high)
        fits = size <= free_bytes(expected.memory, tables.node_reserved, b, t, v)
        out.pair_mask[b, c] = 1.0 if fits else 0.0


@njit_inline
def _write_globals(
    tables: Tables, expected: Draw, seen: ObservedInputs, g: GraphConstants, b: int, t: int, out: GraphBuffers
) -> None:
    row, weights = out.overall[b], seen.weights.shape[1]
    arrived, served, recent, nominal = 0.0, 0.0, 0.0, 0.0
    for rho in range(len(tables.class_requests)):
        arrived += seen.arrived[b, rho]
        served += min(seen.served[b, rho], seen.arrived[b, rho])
        recent += expected.demand[b, t, rho]
        nominal += tables.class_requests[rho]
    out.clipped[b] += write_columns(row, 0, Progress(slot=seen.over[b]), g.progress_high)
    first = len(g.progress_high)
    for i in range(weights):
        row[first + i] = seen.weights[b, i]
    state = NetworkState(recent=recent / nominal, dropped=_over(arrived - served, arrived))
    out.clipped[b] += write_columns(row, first + weights, state, g.network_high)
