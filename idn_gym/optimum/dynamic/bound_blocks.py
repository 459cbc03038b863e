"""Holdings of nodes, block by block, and lower bounds on loading them: bytes, cost and time.

Segments of one model on one node overlap, and only bytes that are not there yet are loaded. So the blocks of
each (node, model) are cut into runs that no segment tells apart; a segment is the runs that it covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from idn_gym.core.arrays import EMPTY, TRANSFER, Bools, Floats, Instance, Ints
from idn_gym.optimum.dynamic.transfers import load_rates
from idn_gym.optimum.load_prices import crossing_prices, update_prices
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of blocks, A of them, and which columns (node, segment) of `Compiled.pairs` cover them."""

    node: Ints  # (A,)
    model: Ints  # (A,)
    size: Floats  # (A,) [bytes]
    first: Ints  # (A,) first block
    cover_run: Ints  # (Y,) one row per column and run that it covers, column by column
    cover_column: Ints  # (Y,)


def list_runs(compiled: Compiled) -> Runs:
    """The runs of all columns of a scenario."""
    tables = compiled.tables
    node, segment = compiled.pairs
    groups: dict[tuple[int, int], list[int]] = {}
    for i, (v, s) in enumerate(zip(node.tolist(), segment.tolist(), strict=True)):
        groups.setdefault((v, int(tables.segment_model[s])), []).append(i)
    runs: list[tuple[int, int, int, int]] = []
    cover: list[tuple[int, int]] = []
    for (v, m), columns in groups.items():
        spans = [(int(tables.segment_first[s]), int(tables.segment_last[s])) for s in segment[columns]]
        edges = sorted({edge for span in spans for edge in span})
        for first, last in pairwise(edges):
            mine = [i for i, (a, z) in zip(columns, spans, strict=True) if a <= first and last <= z]
            if mine:
                cover += [(i, len(runs)) for i in mine]
                runs.append((v, m, first, last))
    column, run = np.array(sorted(cover), np.int64).reshape(-1, 2).T
    nodes, models, begin, end = np.array(runs, np.int64).reshape(-1, 4).T
    size = tables.block_bytes[models, end] - tables.block_bytes[models, begin]
    return Runs(nodes, models, size, begin, run, column)


@dataclass(frozen=True, eq=False)
class Loads:
    """Lower bounds on loads, for each run of `Runs`."""

    cost: Floats  # (A,) [cost] of loading it once, at the tariff of a `judged_row`
    slots: Floats  # (T, A) [slots] that its bytes take if all of slot t could be had; 0 where instant
    start: Floats  # (A,) [slots] of start-up that follow; 0 where instant
    ordered: Bools  # (A,) whether all segments of (node, model) begin at one block


def least_loads(compiled: Compiled, row: Instance, runs: Runs) -> Loads:
    """Lower bound on loads: only the nearest node that may ever hold blocks of the model sends them.

    Args:
        compiled: the scenario.
        row: from `judged_row`.
        runs: from `list_runs`.
    """
    tables, draw = row
    update = float(update_prices(tables, compiled.scales, draw.weights[0], compiled.objectives))
    cost = np.full(len(runs.node), update * tables.nominal_requests)
    horizon = draw.demand.shape[1]
    budget = np.full((horizon, len(runs.node)), np.inf)
    if tables.loading == TRANSFER:
        budgets = load_rates(tables, draw.rate[0]) * tables.slot_seconds
        crossing = crossing_prices(tables, draw.tariff[0], draw.charge_byte[0])
        may_hold = _may_hold(compiled)
        for v, m in sorted(set(zip(runs.node.tolist(), runs.model.tolist(), strict=True))):
            mine = (runs.node == v) & (runs.model == m)
            links = _nearest(compiled, v, m, may_hold)
            cost[mine] += crossing[:, links].sum(1).min()
            budget[:, mine] = budgets[:, links].min(1)[:, None] / tables.node_count[v]
    slots = np.divide(runs.size, budget, out=np.full_like(budget, np.inf), where=budget > 0.0)
    start = tables.start_seconds[runs.node, runs.model] / tables.slot_seconds
    cost *= tables.node_count[runs.node]
    return Loads(cost * runs.size, slots, start, _ordered(compiled, runs))


def _may_hold(compiled: Compiled) -> Bools:
    """(N, M) whether a node ever holds anything of a model."""
    tables = compiled.tables
    found = tables.pinned != EMPTY
    node, segment = compiled.pairs
    found[node, tables.segment_model[segment]] = True
    return found


def _nearest(compiled: Compiled, v: int, m: int, may_hold: Bools) -> Ints:
    """The links from a node to the nearest node on the way of its loads that may hold blocks of a model."""
    tables = compiled.tables
    place = v * (len(tables.task_model) - 1) + int(tables.model_task[m])
    first, last = int(tables.load_start[place]), int(tables.load_start[place + 1])
    nodes = tables.load_node[first:last]
    holds = np.flatnonzero(may_hold[nodes, m])
    end = int(holds[0]) + 1 if len(holds) else len(nodes)
    return tables.load_link[first : first + end].astype(np.int64)


def _ordered(compiled: Compiled, runs: Runs) -> Bools:
    tables = compiled.tables
    node, segment = compiled.pairs
    begins: dict[tuple[int, int], set[int]] = {}
    for v, s in zip(node.tolist(), segment.tolist(), strict=True):
        begins.setdefault((v, int(tables.segment_model[s])), set()).add(int(tables.segment_first[s]))
    pairs = zip(runs.node.tolist(), runs.model.tolist(), strict=True)
    return np.array([len(begins[pair]) == 1 for pair in pairs], np.bool_)
