"""Kernel of the graph observation: writes all tables of all rows of a batch.

Rows keep what they were written: constants once and for all, what a node holds until that changes, and
forecasts of pairs that are and were 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Bools, Draw, Floats, Outcome, State, Tables
from idn_gym.core.geometry import bytes_to_load, free_bytes, placed_bytes
from idn_gym.core.handover import fetch, stage
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment
from idn_gym.core.workspace import Scratch
from idn_gym.observations.columns import FeatureRows, write_columns
from idn_gym.observations.expected_slot import Sight, expect_slot
from idn_gym.observations.forecast import forecast_savings
from idn_gym.observations.forecast_lists import ForecastLists
from idn_gym.observations.forecast_tables import ForecastTables
from idn_gym.observations.graph_features import (
    LinkState,
    NetworkState,
    NodeState,
    PairDemand,
    PairForecast,
    PairHolding,
    PairLoading,
    Progress,
)


class GraphConstants(NamedTuple):
    """What never changes, and work space."""

    first_node: int  # column of the nodes where those begin that move, and likewise
    first_link: int
    first_pair: int
    # upper bounds of the columns that move
    node_high: Floats
    link_high: Floats
    holding_high: Floats
    demand_high: Floats
    forecast_high: Floats
    loading_high: Floats
    progress_high: Floats
    network_high: Floats
    passing: Floats  # (N,) [requests] nominal, of all tasks
    task_passing: Floats  # (N, K) [requests] nominal
    load_price: float  # [cost/byte] of loading, at a weight of 1
    update: int  # place of the weight that loading has
    # work space
    arrived: Floats  # (N,) [requests] that pass, and likewise
    recent: Floats  # (N,)
    dropped: Floats  # (N,)
    started: Floats  # (N,) that began here
    task_recent: Floats  # (N, K)
    task_most: Floats  # (N, K) [cost] largest saving of a pair
    most: Floats  # (N,) [cost]
    most_rate: Floats  # (N,) [cost/byte]


class GraphTables(NamedTuple):
    """What is written, B rows, and what is remembered of it."""

    nodes: FeatureRows  # (B, N, columns)
    links: FeatureRows  # (B, E, columns)
    pairs: FeatureRows  # (B, C, columns)
    pair_mask: FeatureRows  # (B, C)
    overall: FeatureRows  # (B, columns)
    taken: Floats  # (B, N) [bytes] of models that may move, loads included
    loading: Bools  # (B, N) whether anything was on its way
    missing: Floats  # (B, C) [bytes] to load
    forecast: Bools  # (B, C) whether there was anything to forecast


class GraphClips(NamedTuple):
    """How many entries had to be clipped."""

    clipped: npt.NDArray[np.int64]  # (B,)


@stage
def encode_graph(block: int) -> None:
    """Write the observation of every row."""
    _encode(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw),
        fetch(block, 2, State),
        fetch(block, 3, Outcome),
        fetch(block, 4, Draw),
        fetch(block, 5, Sight),
        fetch(block, 6, ForecastTables),
        fetch(block, 7, ForecastLists),
        fetch(block, 8, Scratch),
        fetch(block, 9, GraphConstants),
        fetch(block, 10, GraphTables),
        fetch(block, 11, GraphClips),
    )


@njit_inline
def _encode(
    tables: Tables,
    draw: Draw,
    state: State,
    outcome: Outcome,
    expected: Draw,
    sight: Sight,
    f: ForecastTables,
    lists: ForecastLists,
    scratch: Scratch,
    g: GraphConstants,
    out: GraphTables,
    clips: GraphClips,
) -> None:
    for b in range(len(clips.clipped)):
        before = scratch.change[b]
        expect_slot(draw, state, sight, expected, b)
        forecast_savings(tables, expected, state, outcome, f, lists, scratch, b)
        _sum_up(tables, expected, outcome, f, g, b)
        clipped = _write_holdings(tables, state, f, scratch, g, before, b, out)
        clipped += _write_nodes(tables, expected, outcome, g, b, out)
        clipped += _write_links(tables, expected, outcome, g, b, out)
        clipped += _write_pairs(tables, expected, f, g, b, out)
        over = state.slot[b] / sight.horizon
        clips.clipped[b] = clipped + _write_globals(tables, expected, outcome, g, over, b, out)


@njit_inline
def _over(value: float, most: float) -> float:
    return value / most if most > 0.0 else 0.0


@njit_inline
def _sum_up(
    tables: Tables, expected: Draw, outcome: Outcome, f: ForecastTables, g: GraphConstants, b: int
) -> None:
    """Add up the requests that pass each node, and find the largest savings on it."""
    for v in range(g.task_recent.shape[0]):
        g.arrived[v], g.recent[v], g.dropped[v], g.started[v] = 0.0, 0.0, 0.0, 0.0
        g.most[v], g.most_rate[v] = 0.0, 0.0
        for k in range(g.task_recent.shape[1]):
            g.task_recent[v, k], g.task_most[v, k] = 0.0, 0.0
    for rho in range(len(tables.class_task)):
        arrived, recent = outcome.arrived[b, rho], expected.demand[0, 0, rho]
        dropped = max(0.0, arrived - outcome.served[b, rho])
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            v = tables.path_node[origin + j]
            g.started[v] += outcome.started[b, rho, j]
            if tables.path_same_node[origin + j] != j:
                continue  # another route has led here already
            g.arrived[v] += arrived
            g.recent[v] += recent
            g.dropped[v] += dropped
            g.task_recent[v, tables.class_task[rho]] += recent
    for i in range(f.count[1]):
        c = f.touched[i]
        v, k, saving = f.pair_node[c], f.pair_task[c], f.saving[c]
        g.most[v] = max(g.most[v], saving)
        g.most_rate[v] = max(g.most_rate[v], saving / max(1.0, tables.segment_bytes[f.pair_segment[c]]))
        g.task_most[v, k] = max(g.task_most[v, k], saving)


@njit_inline
def _write_holdings(
    tables: Tables,
    state: State,
    f: ForecastTables,
    scratch: Scratch,
    g: GraphConstants,
    before: int,
    b: int,
    out: GraphTables,
) -> int:
    """Write what nodes hold, where that has changed; `before` was the number of the latest change.

    On nodes that load something it changes with every slot.
    """
    clipped = 0
    tasks = f.first_pair.shape[1] - 1
    for v in range(len(tables.node_memory)):
        loading = False
        for m in range(state.wish.shape[2]):
            loading |= state.wish[b, v, m] != EMPTY
        other = loading or out.loading[b, v]
        out.loading[b, v] = loading
        for k in range(tasks):
            other |= scratch.changed[b, v, k] > before
        if other:
            out.taken[b, v] = _taken_bytes(tables, state, b, v)
            for c in range(f.first_pair[v, 0], f.first_pair[v, tasks]):
                clipped += _write_holding(tables, state, f, g, b, c, out)
    return clipped


@njit_inline
def _taken_bytes(tables: Tables, state: State, b: int, v: int) -> float:
    taken = 0.0
    for m in range(tables.pinned.shape[1]):
        taken += placed_bytes(tables.segment_bytes, held_segment(state, b, v, m), tables.pinned[v, m])
    return taken


@njit_inline
def _write_holding(
    tables: Tables, state: State, f: ForecastTables, g: GraphConstants, b: int, c: int, out: GraphTables
) -> int:
    v, s = f.pair_node[c], f.pair_segment[c]
    m = tables.segment_model[s]
    held = state.resident[b, v, m]
    coming = state.wish.shape[1] > 0 and state.wish[b, v, m] == s
    missing = state.bytes_to_come[b, v, m] if coming else bytes_to_load(tables, s, held)
    starts = state.seconds_to_come[b, v, m] if coming else 0.0
    out.missing[b, c] = missing
    holding = PairHolding(
        resident=1.0 if held == s else 0.0,
        other=1.0 if held != s and held != EMPTY else 0.0,
        on_its_way=1.0 if coming else 0.0,
        to_come=_over(missing, tables.segment_bytes[s]) if coming else 0.0,
        to_start=starts / (starts + tables.slot_seconds),
    )
    return write_columns(out.pairs[b, c], g.first_pair, holding, g.holding_high)


@njit_inline
def _write_nodes(
    tables: Tables, expected: Draw, outcome: Outcome, g: GraphConstants, b: int, out: GraphTables
) -> int:
    clipped = 0
    for v in range(len(tables.node_seconds)):
        nominal = tables.node_seconds[v]
        elastic = nominal == np.inf
        free, taken = free_bytes(expected.memory, tables.node_reserved, 0, 0, v), out.taken[b, v]
        state = NodeState(
            compute=1.0 if elastic else expected.seconds[0, 0, v] / nominal,
            memory=_over(expected.memory[0, 0, v], tables.node_memory[v]),
            busy=0.0 if elastic else outcome.busy[b, v] / nominal,
            filled=1.0 if taken > free else _over(taken, free),
            batch=_over(g.arrived[v], g.passing[v]),
            recent=_over(g.recent[v], g.passing[v]),
            dropped=_over(g.dropped[v], g.arrived[v]),
            started=_over(g.started[v], g.arrived[v]),
        )
        clipped += write_columns(out.nodes[b, v], g.first_node, state, g.node_high)
    return clipped


@njit_inline
def _write_links(
    tables: Tables, expected: Draw, outcome: Outcome, g: GraphConstants, b: int, out: GraphTables
) -> int:
    clipped = 0
    for e in range(len(tables.link_rate)):
        nominal = tables.link_rate[e]
        state = LinkState(
            rate=expected.rate[0, 0, e] / nominal,
            load=outcome.carried[b, e] / (nominal * tables.slot_seconds),
        )
        clipped += write_columns(out.links[b, e], g.first_link, state, g.link_high)
    return clipped


@njit_inline
def _write_pairs(
    tables: Tables, expected: Draw, f: ForecastTables, g: GraphConstants, b: int, out: GraphTables
) -> int:
    """Write what is to be expected of every pair, and whether it fits."""
    clipped = 0
    first = g.first_pair + len(g.holding_high)
    update = expected.weights[0, g.update]
    for v in range(len(tables.node_memory)):
        free, base = free_bytes(expected.memory, tables.node_reserved, 0, 0, v), f.base[v]
        for k in range(f.first_pair.shape[1] - 1):
            recent = PairDemand(recent=_over(g.task_recent[v, k], g.task_passing[v, k]))
            for c in range(f.first_pair[v, k], f.first_pair[v, k + 1]):
                row, place = out.pairs[b, c], first
                clipped += write_columns(row, place, recent, g.demand_high)
                place += len(g.demand_high)
                some = f.saving[c] > 0.0 or f.load[c] > 0.0
                if some or out.forecast[b, c]:
                    clipped += _write_forecast(tables, f, g, c, row, place)
                    out.forecast[b, c] = some
                place += len(g.forecast_high)
                price = out.missing[b, c] * g.load_price * update
                loading = PairLoading(loading=_over(price, price + base))
                clipped += write_columns(row, place, loading, g.loading_high)
                fits = tables.segment_bytes[f.pair_segment[c]] <= free
                out.pair_mask[b, c] = 1.0 if fits else 0.0
    return clipped


@njit_inline
def _write_forecast(
    tables: Tables, f: ForecastTables, g: GraphConstants, c: int, row: FeatureRows, first: int
) -> int:
    v, saving, size = f.pair_node[c], f.saving[c], tables.segment_bytes[f.pair_segment[c]]
    forecast = PairForecast(
        saving=_over(saving, f.base[v]),
        of_task=_over(saving, g.task_most[v, f.pair_task[c]]),
        of_node=_over(saving, g.most[v]),
        of_node_per_byte=_over(saving / max(1.0, size), g.most_rate[v]),
        work=f.load[c] / tables.node_seconds[v],
    )
    return write_columns(row, first, forecast, g.forecast_high)


@njit_inline
def _write_globals(
    tables: Tables,
    expected: Draw,
    outcome: Outcome,
    g: GraphConstants,
    over: float,
    b: int,
    out: GraphTables,
) -> int:
    row, weights = out.overall[b], expected.weights.shape[1]
    arrived, served, recent, nominal = 0.0, 0.0, 0.0, 0.0
    for rho in range(len(tables.class_requests)):
        arrived += outcome.arrived[b, rho]
        served += min(outcome.served[b, rho], outcome.arrived[b, rho])
        recent += expected.demand[0, 0, rho]
        nominal += tables.class_requests[rho]
    clipped = write_columns(row, 0, Progress(slot=over), g.progress_high)
    first = len(g.progress_high)
    for i in range(weights):
        row[first + i] = expected.weights[0, i]
    state = NetworkState(recent=recent / nominal, dropped=_over(arrived - served, arrived))
    return clipped + write_columns(row, first + weights, state, g.network_high)
