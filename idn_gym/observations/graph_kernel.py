"""Kernel of the graph observation: writes all tables of all rows of a batch.

Rows keep what they were written: constants once and for all, what a node holds until that changes, and
forecasts of pairs that are and were 0.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Outcome, State, Tables
from idn_gym.core.geometry import free_bytes
from idn_gym.core.handover import fetch, stage
from idn_gym.core.kernel import njit_inline, njit_spliced
from idn_gym.core.workspace import Scratch
from idn_gym.observations.columns import write_columns
from idn_gym.observations.expected_slot import Sight, expect_slot
from idn_gym.observations.forecast import forecast_savings
from idn_gym.observations.forecast_lists import ForecastLists
from idn_gym.observations.forecast_tables import TOUCHED, ForecastTables
from idn_gym.observations.further_columns import LinkAirtime, NodeCharge
from idn_gym.observations.graph_answers import AnswerLists, write_answers
from idn_gym.observations.graph_features import (
    LinkState,
    NetworkState,
    NodeState,
    Progress,
)
from idn_gym.observations.graph_pairs import write_holdings, write_pairs
from idn_gym.observations.graph_tables import GraphClips, GraphConstants, GraphMemory, GraphTables, share_of


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
        fetch(block, 11, GraphMemory),
        fetch(block, 12, GraphClips),
        fetch(block, 13, AnswerLists),
    )


@njit_spliced
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
    memory: GraphMemory,
    clips: GraphClips,
    answers: AnswerLists,
) -> None:
    for b in range(len(clips.clipped)):
        before = scratch.change[b]
        expect_slot(draw, state, sight, expected, b)
        forecast_savings(tables, expected, state, outcome, f, lists, scratch, b)
        _sum_up(tables, expected, outcome, f, g, b)
        clipped = write_holdings(tables, state, f, scratch, g, before, b, out, memory)
        clipped += _write_nodes(tables, expected, outcome, g, b, out, memory)
        clipped += _write_links(tables, expected, outcome, g, b, out)
        clipped += write_pairs(tables, expected, f, g, b, out, memory)
        if len(tables.store_capacity) > 0:
            clipped += _write_stores(tables, state, g, b, out)
        if tables.answer_streams > 0:
            clipped += write_answers(tables, expected, outcome, answers, b, out)
        over = state.slot[b] / sight.horizon
        clips.clipped[b] = clipped + _write_globals(tables, expected, outcome, g, over, b, out)


@njit_inline
def _sum_up(
    tables: Tables, expected: Draw, outcome: Outcome, f: ForecastTables, g: GraphConstants, b: int
) -> None:
    """Add up the requests that pass each node, and find the largest savings on it."""
    for v in range(g.task_recent.shape[0]):
        g.arrived[v], g.recent[v], g.dropped[v], g.started[v] = 0.0, 0.0, 0.0, 0.0
        g.most[v], g.most_rate[v] = 0.0, 0.0
        for k in range(g.task_recent.shape[1]):
            g.task_batch[v, k], g.task_recent[v, k], g.task_most[v, k] = 0.0, 0.0, 0.0
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
            g.task_batch[v, tables.class_task[rho]] += arrived
            g.task_recent[v, tables.class_task[rho]] += recent
    for i in range(f.counts[TOUCHED]):
        c = f.touched[i]
        v, k, saving = f.pair_node[c], f.pair_task[c], f.saving[c]
        g.most[v] = max(g.most[v], saving)
        g.most_rate[v] = max(g.most_rate[v], saving / max(1.0, tables.segment_bytes[f.pair_segment[c]]))
        g.task_most[v, k] = max(g.task_most[v, k], saving)


@njit_inline
def _write_nodes(
    tables: Tables,
    expected: Draw,
    outcome: Outcome,
    g: GraphConstants,
    b: int,
    out: GraphTables,
    memory: GraphMemory,
) -> int:
    clipped = 0
    for v in range(len(tables.node_seconds)):
        nominal = tables.node_seconds[v]
        elastic = nominal == np.inf
        free, taken = free_bytes(expected.memory, tables.node_reserved, 0, 0, v), memory.taken[b, v]
        state = NodeState(
            compute=1.0 if elastic else expected.seconds[0, 0, v] / nominal,
            memory=share_of(expected.memory[0, 0, v], tables.node_memory[v]),
            busy=0.0 if elastic else outcome.busy[b, v] / nominal,
            filled=1.0 if taken > free else share_of(taken, free),
            batch=share_of(g.arrived[v], g.passing[v]),
            recent=share_of(g.recent[v], g.passing[v]),
            dropped=share_of(g.dropped[v], g.arrived[v]),
            started=share_of(g.started[v], g.arrived[v]),
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
def _write_stores(tables: Tables, state: State, g: GraphConstants, b: int, out: GraphTables) -> int:
    clipped = 0
    for v in range(len(tables.node_store)):
        z = tables.node_store[v]
        charge = NodeCharge(
            charge=1.0 if z == EMPTY else state.level[b, z] / tables.store_capacity[z],
            off=1.0 if z != EMPTY and state.off[b, z] else 0.0,
        )
        clipped += write_columns(out.nodes[b, v], g.first_charge, charge, g.charge_high)
    for e in range(len(tables.link_store)):
        z = tables.link_store[e]
        left = LinkAirtime(airtime=1.0 if z == EMPTY else state.level[b, z] / tables.store_capacity[z])
        clipped += write_columns(out.links[b, e], g.first_airtime, left, g.airtime_high)
    return clipped


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
    state = NetworkState(recent=recent / nominal, dropped=share_of(arrived - served, arrived))
    return clipped + write_columns(row, first + weights, state, g.network_high)
