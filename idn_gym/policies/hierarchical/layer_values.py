"""Cost of the rest of a request, layer by layer: the dynamic program of a trellis.

Value[v, x] is the least expected tariff from the moment at which a request in state x is at node v: of
passing it up, hop plus value at the parent, and of each segment that v may run, its work plus, unless it
answers, hop plus value at the parent in the state that it leaves. Repositories come first, then their
children, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import (
    BYTE_HOP,
    EMPTY,
    ERROR,
    JOULE,
    PRICED,
    SECOND,
    Bools,
    Draw,
    Floats,
    Tables,
)
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.pricing import price
from idn_gym.policies.hierarchical.trellis import Trellis, held_stages
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class LayerCosts:
    """Of one request of the model, waits at nodes left out."""

    run: Floats
    """(U,) of what a stage computes, and of its errors where it answers; inf where the node is down"""
    run_seconds: Floats
    """(U,) [s] of it"""
    climb: Floats
    """(N, X) of the hop to the parent; inf where there is none, or the link is down"""
    climb_seconds: Floats
    """(N, X) [s] of it"""


def layer_costs(
    tables: Tables,
    trellis: Trellis,
    draw: Draw,
    b: int,
    t: int,
    tariff: Floats,
    link_wait: Floats | None = None,
) -> LayerCosts:
    """Costs in slot `t` of row `b` of a draw.

    Args:
        tables: the scenario's tables.
        trellis: of these.
        draw: of the scenario.
        b: row.
        t: place of the slot.
        tariff: (4 + F,) what requests are priced by.
        link_wait: (E,) [s] that a request waits for each link; None: no waiting.
    """
    node, reach = trellis.stage_node, trellis.state_reach
    seconds = trellis.stage_seconds * draw.slowdown[b, node]
    per_second = (
        tariff[SECOND] + tariff[JOULE] * tables.node_watts + draw.charge_second[b, t] @ tariff[PRICED:]
    )
    run = seconds * per_second[node]
    answers = trellis.stage_end == EMPTY
    run[answers] += tariff[ERROR] * trellis.state_error[trellis.stage_start[answers]]
    run[(seconds > 0.0) & (draw.seconds[b, t, node] <= 0.0)] = np.inf
    link = trellis.link[:, trellis.state_task]  # (N, X)
    rate = np.append(draw.rate[b, t], 0.0)  # the last one stands for no link
    up = (link != EMPTY) & (rate[link] > 0.0)
    pace = np.divide(1.0, rate, out=np.zeros_like(rate), where=rate > 0.0)
    delay = np.append(tables.link_delay + (0.0 if link_wait is None else link_wait), 0.0)
    hop = reach * delay[link] + trellis.state_bytes * pace[link]
    per_byte = tariff[BYTE_HOP] + tariff[JOULE] * tables.link_joules
    per_byte = np.append(per_byte + draw.charge_byte[b, t] @ tariff[PRICED:], 0.0)
    climb = tariff[SECOND] * hop + trellis.state_bytes * per_byte[link]
    return LayerCosts(run, seconds, np.where(up, climb, np.inf), np.where(up, hop, np.inf))


@dataclass(frozen=True)
class LayerValues:
    """Result of the dynamic program."""

    value: Floats
    """(N, X) [cost] of the rest of a request; inf where it cannot be answered"""
    seconds: Floats
    """(N, X) [s] that this rest takes"""
    passed: Floats
    """(N, X) [cost] of the rest if the node forwards the request unchanged"""
    total: Floats
    """(U,) [cost] of the rest if the node runs the stage"""


def solve_layers(trellis: Trellis, costs: LayerCosts, extra: Floats) -> LayerValues:
    """Values of all nodes, from the repositories down.

    Args:
        trellis: of the scenario.
        costs: of a slot.
        extra: (U,) [cost] added to stages, such as prices; inf: not to be used.
    """
    shape = costs.climb.shape
    value, seconds, passed = (np.full(shape, np.inf) for _ in range(3))
    total = np.full(len(extra), np.inf)
    depth = trellis.depth[:, trellis.state_task]
    stage_depth = depth[trellis.stage_node, trellis.stage_start]
    for layer in range(int(trellis.depth.max(initial=0)) + 1):
        v, x = np.nonzero(depth == layer)
        above = trellis.parent[v, trellis.state_task[x]]
        there = above != EMPTY
        passed[v, x] = costs.climb[v, x] + np.where(there, value[above, x], np.inf)
        value[v, x] = passed[v, x]
        seconds[v, x] = costs.climb_seconds[v, x] + np.where(there, seconds[above, x], np.inf)
        u = np.flatnonzero(stage_depth == layer)
        node, start, end = trellis.stage_node[u], trellis.stage_start[u], trellis.stage_end[u]
        answers = end == EMPTY
        total[u] = costs.run[u] + extra[u] + np.where(answers, 0.0, passed[node, end])
        np.minimum.at(value, (node, start), total[u])
        best = np.isfinite(total[u]) & (total[u] == value[node, start])
        u, node, start, end, answers = u[best], node[best], start[best], end[best], answers[best]
        above = trellis.parent[node, trellis.state_task[start]]
        after = costs.climb_seconds[node, end] + np.where(above == EMPTY, np.inf, seconds[above, end])
        seconds[node, start] = costs.run_seconds[u] + np.where(answers, 0.0, after)
    return LayerValues(value, seconds, passed, total)


def item_costs(trellis: Trellis, passed: Floats, ceiling: Floats) -> Floats:
    """(I,) [cost] of requests that are forwarded unchanged; of raw inputs the cheapest model counts.

    Args:
        trellis: of the scenario.
        passed: (N, X) as in `LayerValues`.
        ceiling: (K,) [cost] of a drop.
    """
    cost: Floats = ceiling[trellis.item_task]
    v, x = np.nonzero(trellis.item_at != EMPTY)
    np.minimum.at(cost, trellis.item_at[v, x], passed[v, x])
    return cost


def way_costs(trellis: Trellis, climb: Floats, passing: Floats) -> Floats:
    """(N, X) [cost] of the way of raw inputs to each node, on average; models may differ in their inputs.

    Args:
        trellis: of the scenario.
        climb: (N, X) as in `LayerCosts`.
        passing: (N, K) [requests] of each task that pass each node.
    """
    raw, depth = trellis.state_cut == 0, trellis.depth[:, trellis.state_task]
    spent = np.zeros(climb.shape)  # times requests
    for layer in range(int(trellis.depth.max(initial=0)), 0, -1):
        v, x = np.nonzero((depth == layer) & raw)
        k = trellis.state_task[x]
        hop = np.where(passing[v, k] > 0.0, climb[v, x], 0.0)
        np.add.at(spent, (trellis.parent[v, k], x), spent[v, x] + passing[v, k] * hop)
    each = passing[:, trellis.state_task]
    return np.divide(spent, each, out=np.zeros_like(spent), where=each > 0.0)


def drop_ceiling(tables: Tables, draw: Draw, b: int, tariff: Floats) -> Floats:
    """(K,) [cost] of a drop of each task, further objectives left out: no request costs more."""
    joules = draw.drop_joules[b if len(draw.drop_joules) > 1 else 0]
    drop = price(tariff, 1.0, tables.class_timeout, joules, tables.class_drop_bytes)
    ceiling = np.zeros(len(tables.task_model) - 1)
    np.maximum.at(ceiling, tables.class_task, drop)
    return ceiling


def rise(trellis: Trellis, share: Floats, flow: Floats, nodes: Bools) -> Floats:
    """(I,) [requests] that the marked nodes (N,) send up to their parents.

    Args:
        trellis: of the scenario.
        share: (U,) of the requests of its item that a stage runs; the rest is passed up.
        flow: (I,) [requests] at their nodes.
        nodes: (N,) which nodes send.
    """
    sent = np.zeros(len(flow))
    runs = share * flow[trellis.stage_item]
    passes = flow - np.bincount(trellis.stage_item, runs, len(flow))
    for amount, node, target in (
        (passes, trellis.item_node, trellis.item_parent),
        (runs, trellis.stage_node, trellis.stage_parent),
    ):
        goes = np.flatnonzero(nodes[node] & (target != EMPTY))
        np.add.at(sent, target[goes], amount[goes])
    return sent


def nominal_values(compiled: Compiled, trellis: Trellis, tariff: Floats) -> LayerValues:
    """Values in the nominal slot with nothing held but pins: what the tables say by themselves.

    Args:
        compiled: the scenario.
        trellis: of the scenario.
        tariff: (4 + F,) what requests are priced by.
    """
    tables = compiled.tables
    costs = layer_costs(tables, trellis, nominal_draw(tables, tariff), 0, 0, tariff)
    return solve_layers(trellis, costs, np.where(held_stages(trellis, tables, tables.pinned), 0.0, np.inf))


def attractive_stages(compiled: Compiled, trellis: Trellis) -> Bools:
    """(U,) stages that the network would send requests to: all, where it serves by what is scored.

    Where the scenario has a tariff of its own, policies price stages by the score, but requests go where the
    tariff is least: not to a stage that costs more by the tariff than forwarding to the repositories.
    """
    if compiled.tariff is None:
        return np.ones(len(trellis.stage_node), np.bool_)
    tables, tariff = compiled.tables, compiled.tariff
    values = nominal_values(compiled, trellis, tariff)
    draw = nominal_draw(tables, tariff)
    costs = layer_costs(tables, trellis, draw, 0, 0, tariff)
    end = trellis.stage_end
    total = costs.run + np.where(end == EMPTY, 0.0, values.passed[trellis.stage_node, end])
    ceiling = drop_ceiling(tables, draw, 0, tariff)
    attractive: Bools = total <= item_costs(trellis, values.passed, ceiling)[trellis.stage_item]
    return attractive
