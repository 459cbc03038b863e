"""The trellis of a tree: at every node, what may arrive there, and the ways in which the node may go on.

A *state* is what crosses a link: a model with its operating point, the cut at which its tensor is, and how
many parts may still run. A *stage* is a segment that a node may run from one state to the next one, or to the
end. Costs of stages and of links add up to those of the options of the scenario, so nothing is lost against
these: a way through the trellis from an ingress node to the end is an option.

An *item* is what a node has to decide about: raw inputs of a task, whose model is still open, or requests in
a state behind a first part. With `below`, raw inputs that are answered farther down are items as well: nodes
may draw them up. Dimension letters here: X states, U stages, I items, N nodes, K tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Tables
from idn_gym.core.geometry import covers
from idn_gym.core.nominal import ingress_nodes, passed_nodes
from idn_gym.core.row_starts import owners


@dataclass(frozen=True, eq=False)
class Trellis:
    """States, stages and items of a scenario whose nodes pass up to one node each, task by task."""

    parent: Ints
    """(N, K) node that requests of a task are passed up to; EMPTY at repositories and off all paths"""
    link: Ints
    """(N, K) link to the parent, or EMPTY"""
    depth: Ints
    """(N, K) hops to the repository; EMPTY off all paths"""
    class_item: Ints
    """(R,) what the requests of a class are where they enter: raw inputs"""
    classes: Ints
    """(N, K) request classes of the task that pass the node"""
    state_model: Ints
    """(X,)"""
    state_cut: Ints
    """(X,) blocks done"""
    state_runs: Ints
    """(X,) parts that may still run"""
    state_task: Ints
    """(X,)"""
    state_reach: Floats
    """(X,) share of requests that get there"""
    state_bytes: Floats
    """(X,) [bytes] that cross per request"""
    state_error: Floats
    """(X,) of the operating point"""
    stage_node: Ints
    """(U,)"""
    stage_start: Ints
    """(U,) state"""
    stage_end: Ints
    """(U,) state, or EMPTY where the request is answered"""
    stage_segment: Ints
    """(U,)"""
    stage_seconds: Floats
    """(U,) [s] per request at nominal speed"""
    item_node: Ints
    """(I,) by node"""
    item_task: Ints
    """(I,)"""
    item_state: Ints
    """(I,) EMPTY for raw inputs"""
    item_at: Ints
    """(N, X) item of a state at a node; that of raw inputs for states before a first part"""
    stage_item: Ints
    """(U,)"""
    raw_at: Ints
    """(N, K) item of raw inputs"""
    below_at: Ints
    """(N, K) item of raw inputs that are answered below; EMPTY at leaves, and without such items"""
    item_parent: Ints
    """(I,) what a passed item is at the parent; EMPTY at repositories"""
    stage_parent: Ints
    """(U,) what a stage sends on is at the parent; EMPTY where it answers, or there is no parent"""


def build_trellis(tables: Tables, below: bool = False) -> Trellis:
    """The trellis of a scenario.

    Args:
        tables: of the scenario.
        below: whether nodes have items for what is answered below.

    Raises:
        ConfigError: some node passes requests of a task on to several nodes, so that they form no tree.
    """
    parent, link, depth = _tree(tables)
    states, state_at = _states(tables)
    stages = _stages(tables, states, state_at)
    rho, node = passed_nodes(tables)
    classes = np.zeros(parent.shape, np.int64)
    np.add.at(classes, (node, tables.class_task[rho]), 1)
    items = _items(parent, depth, states, below)
    item_at, raw_at, below_at = (items[f"{name}_at"] for name in ("item", "raw", "below"))
    node, task, state = (items[f"item_{name}"] for name in ("node", "task", "state"))
    v, start = stages["stage_node"], stages["stage_start"]
    drawn = below_at[v, states["state_task"][start]]
    again = np.flatnonzero((states["state_cut"][start] == 0) & (drawn != EMPTY))
    stage_item = np.append(item_at[v, start], drawn[again])
    stages = {name: np.append(column, column[again]) for name, column in stages.items()}
    v, start, end = (stages[f"stage_{name}"] for name in ("node", "start", "end"))
    above, over = parent[node, task], parent[v, states["state_task"][start]]
    at_parent = np.where(state == EMPTY, raw_at[above, task], item_at[above, state])
    stays = (above == EMPTY) | (np.arange(len(node)) == below_at[node, task])
    return Trellis(
        parent=parent,
        link=link,
        depth=depth,
        class_item=raw_at[ingress_nodes(tables), tables.class_task],
        classes=classes,
        **states,
        **stages,
        **items,
        stage_item=stage_item,
        item_parent=np.where(stays, EMPTY, at_parent),
        stage_parent=np.where((end != EMPTY) & (over != EMPTY), item_at[over, end], EMPTY),
    )


def _tree(tables: Tables) -> tuple[Ints, Ints, Ints]:
    """Parent, link to it and depth (N, K) each."""
    shape = len(tables.node_memory), len(tables.task_model) - 1
    parent, link, depth = (np.full(shape, EMPTY) for _ in range(3))
    for path, k in set(zip(tables.class_path.tolist(), tables.class_task.tolist(), strict=True)):
        places = range(tables.path_start[path], tables.path_start[path + 1])
        for j in places:
            last = j == places[-1] or tables.path_link[j + 1] == EMPTY
            v = tables.path_node[j]
            above, via = (EMPTY, EMPTY) if last else (tables.path_node[j + 1], tables.path_link[j + 1])
            if depth[v, k] != EMPTY and (parent[v, k], link[v, k]) != (above, via):
                raise ConfigError(
                    "topology",
                    f"node {v} passes requests of one task on in two ways, which is not allowed; offloading "
                    "policies need a tree, so `topology.routes` must be 1",
                )
            parent[v, k], link[v, k] = above, via
            depth[v, k] = 0
        for j in reversed(places):
            v = tables.path_node[j]
            depth[v, k] = 0 if parent[v, k] == EMPTY else depth[parent[v, k], k] + 1
    return parent, link, depth


def _states(tables: Tables) -> tuple[dict[str, Any], dict[tuple[int, int, int, int], int]]:
    """Columns of the states, and which is that of (model, point, cut, parts to run)."""
    option = owners(tables.part_start)
    most = int(np.diff(tables.part_start).max(initial=1))
    key = np.stack(
        [tables.option_model[option], tables.option_point[option], tables.segment_first[tables.part_segment]],
        axis=1,
    )
    found, at = np.unique(key, axis=0, return_index=True)
    rows = [
        (*row, runs, q)
        for row, q in zip(found.tolist(), at.tolist(), strict=True)
        for runs in ([most] if row[2] == 0 else range(1, most))
    ]
    model, _, cut, runs, part = np.array(rows, np.int64).reshape(-1, 5).T
    columns = {
        "state_model": model,
        "state_cut": cut,
        "state_runs": runs,
        "state_task": tables.model_task[model].astype(np.int64),
        "state_reach": tables.part_reach[part],
        "state_bytes": tables.part_bytes[part],
        "state_error": tables.option_error[option[part]],
    }
    return columns, {row[:4]: x for x, row in enumerate(rows)}


def _stages(
    tables: Tables, states: dict[str, Any], state_at: dict[tuple[int, int, int, int], int]
) -> dict[str, Any]:
    """Columns of the stages: what some option runs on some node, with as many parts as are left."""
    option = owners(tables.part_start)
    most = int(np.max(states["state_runs"], initial=1))
    key = np.stack([tables.part_node, tables.part_segment, tables.option_point[option]], axis=1)
    found, at = np.unique(key, axis=0, return_index=True)
    rows = []
    for (v, s, point), q in zip(found.tolist(), at.tolist(), strict=True):
        m, first, last = (
            int(column[s]) for column in (tables.segment_model, tables.segment_first, tables.segment_last)
        )
        for runs in [most] if first == 0 else range(1, most):
            start = state_at[m, point, first, runs]
            end = EMPTY
            if last < tables.model_blocks[m]:
                end = state_at.get((m, point, last, runs - 1), EMPTY)
                if end == EMPTY:
                    continue
            rows.append((v, start, end, s, q))
    table = np.array(rows, np.int64).reshape(-1, 5)
    names = "stage_node", "stage_start", "stage_end", "stage_segment"
    columns: dict[str, Any] = dict(zip(names, table.T, strict=False))
    return {**columns, "stage_seconds": tables.part_seconds[table[:, 4]]}


def _items(parent: Ints, depth: Ints, states: dict[str, Any], below: bool) -> dict[str, Any]:
    """Columns of the items, and where they are."""
    task, begun = np.asarray(states["state_task"], np.int64), np.asarray(states["state_cut"]) > 0
    rows: list[tuple[int, int, int]] = []
    raw_at, below_at = np.full(depth.shape, EMPTY), np.full(depth.shape, EMPTY)
    item_at = np.full((len(depth), len(task)), EMPTY)
    for v in range(len(depth)):
        for k in np.flatnonzero(depth[v] != EMPTY).tolist():
            raw_at[v, k] = len(rows)
            item_at[v, (task == k) & ~begun] = len(rows)
            rows.append((v, k, EMPTY))
            if below and v in parent[:, k]:
                below_at[v, k] = len(rows)
                rows.append((v, k, EMPTY))
            for x in np.flatnonzero((task == k) & begun).tolist():
                item_at[v, x] = len(rows)
                rows.append((v, k, x))
    node, owner, state = np.array(rows, np.int64).reshape(-1, 3).T
    return {
        "item_node": node,
        "item_task": owner,
        "item_state": state,
        "item_at": item_at,
        "raw_at": raw_at,
        "below_at": below_at,
    }


def held_stages(trellis: Trellis, tables: Tables, placement: Ints) -> Bools:
    """(U,) stages whose segments lie inside what a placement (N, M) holds at their nodes."""
    held = placement[trellis.stage_node, tables.segment_model[trellis.stage_segment]]
    inside: Bools = covers(tables, held, trellis.stage_segment)
    return inside
