"""Requests run where they enter, and nothing is loaded anywhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from idn_gym.core.arrays import Floats, Instance, Ints, Residents
from idn_gym.core.costs import costs
from idn_gym.core.geometry import nominal_free_bytes, whole_models
from idn_gym.core.nominal import ingress_nodes, nominal_draw
from idn_gym.core.row_starts import owners
from idn_gym.objectives import known_tariff
from idn_gym.policies.heuristics.policies import Constant, hold_placement
from idn_gym.scenarios.compile import Compiled


def on_device(env: VectorEnv[Any, Any, Any]) -> Constant:
    """Nodes where requests enter hold whole models for their own requests; repositories serve the rest."""
    return hold_placement(env, device_placement(env.unwrapped.simulation.compiled))  # type: ignore[attr-defined]


def device_placement(compiled: Compiled) -> Residents:
    """Whole models (N, M) at the nodes where requests enter, the class with most requests first.

    A class gets, of the models that still fit into the memory of its node, the one of least tariff per
    request in the nominal slot among those that keep up with its batch in the compute seconds that are
    left, and the fastest one if none keeps up.
    """
    tables = compiled.tables
    placement, free = tables.pinned.copy(), nominal_free_bytes(tables)
    left = tables.node_seconds.copy()
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    price, _ = costs(Instance(tables, nominal_draw(tables, tariff)), 0)
    options = _options_at_ingress(compiled)
    first = np.searchsorted(owners(tables.option_start)[options], np.arange(len(tables.class_path) + 1))
    for rho in np.argsort(-tables.class_requests, kind="stable"):
        mine = options[first[rho] : first[rho + 1]]
        part = tables.part_start[mine]
        segment, node = tables.part_segment[part], tables.part_node[part]
        fitting = np.isfinite(price[mine]) & (tables.segment_bytes[segment] <= free[node])
        if not fitting.any():
            continue
        mine, part = mine[fitting], part[fitting]
        i = _choose(price[mine], tables.class_requests[rho] * tables.part_seconds[part], left[node[0]])
        v, s = tables.part_node[part[i]], tables.part_segment[part[i]]
        placement[v, tables.segment_model[s]] = s
        free[v] -= tables.segment_bytes[s]
        left[v] -= tables.class_requests[rho] * tables.part_seconds[part[i]]
    return placement


def _choose(price: Floats, seconds: Floats, left: float) -> int:
    keeps_up = seconds <= left
    return int(np.argmin(np.where(keeps_up, price, np.inf)) if keeps_up.any() else np.argmin(seconds))


def _options_at_ingress(compiled: Compiled) -> Ints:
    """Options that run a whole model where requests enter and where models may be placed, by class."""
    tables = compiled.tables
    one = np.flatnonzero(np.diff(tables.part_start) == 1)
    part = tables.part_start[one]
    node, segment = tables.part_node[part], tables.part_segment[part]
    ingress = ingress_nodes(tables)[owners(tables.option_start)[one]]
    here = (node == ingress) & tables.node_movable[node] & whole_models(tables)[segment]
    found: Ints = one[here & compiled.placeable[node, segment]]
    return found
