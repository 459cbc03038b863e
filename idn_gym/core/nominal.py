"""The slot in which nothing moves: a draw at nominal demand, speed, memory and rates."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Floats, Ints, Tables
from idn_gym.core.charges import charge_drops
from idn_gym.core.pricing import compute_option_costs, option_prices
from idn_gym.core.row_starts import entries_of, owners


def nominal_draw(tables: Tables, tariff: Floats) -> Draw:
    """One slot in which everything is at its nominal value.

    Args:
        tables: the scenario's tables.
        tariff: (4 + F,) cost per unit of error, second, joule, byte-hop and further objectives.
    """
    further = tables.node_charge.shape[1]
    draw = Draw(
        demand=tables.class_requests[None, None].copy(),
        seconds=tables.node_seconds[None, None].copy(),
        memory=tables.node_memory[None, None].copy(),
        rate=tables.link_rate[None, None].copy(),
        refill=tables.store_refill[None, None].copy(),
        charge_second=tables.node_charge[None, None].copy(),
        charge_byte=tables.link_charge[None, None].copy(),
        charge_drop=np.zeros((1, 1, len(tables.class_task), further)),
        charge_slot=tables.slot_charge[None, None].copy(),
        condition=np.zeros((1, 1, 0), np.int32),
        slowdown=np.ones((1, len(tables.node_memory))),
        error_in_force=tables.option_error[None].copy(),
        price_list=np.zeros(1),
        **option_prices(tables, 1),
        drop_joules=np.zeros((1, len(tables.class_task))),
        drop_cost=np.zeros((1, len(tables.class_task))),
        last_choice=np.full((1, len(tables.class_task)), EMPTY, np.int32),
        tariff=tariff[None].copy(),
        weights=np.zeros((1, 0)),
        uniforms=np.zeros((1, 1, 0)),
    )
    compute_option_costs(tables, draw, 0)
    if further:
        charge_drops(tables, draw, 0, 0, 1)
    return draw


def passing_requests(tables: Tables) -> Floats:
    """Nominal requests per slot of each task that pass each node (N, K)."""
    requests = np.zeros((len(tables.node_memory), len(tables.task_model) - 1))
    rho, node = passed_nodes(tables)
    np.add.at(requests, (node, tables.class_task[rho]), tables.class_requests[rho])
    return requests


def ingress_nodes(tables: Tables) -> Ints:
    """Node at which each class enters (R,)."""
    found: Ints = tables.path_node[tables.path_start[tables.class_path]]
    return found


def passed_nodes(tables: Tables) -> tuple[Ints, Ints]:
    """Classes and the nodes of their paths, int64 each: every pair once, by class, then node."""
    nodes, paths = len(tables.node_memory), len(tables.path_start) - 1
    passed = np.unique(owners(tables.path_start) * nodes + tables.path_node)
    first = np.searchsorted(passed, np.arange(paths + 1) * nodes)
    count = np.diff(first)[tables.class_path]
    rho = np.repeat(np.arange(len(tables.class_path)), count)
    return rho, passed[entries_of(first[tables.class_path], count)] % nodes
