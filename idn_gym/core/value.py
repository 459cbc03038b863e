"""What a segment alone is worth on a node at nominal demand: the order in which repair keeps things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import (
    BYTE_HOP,
    EMPTY,
    ERROR,
    JOULE,
    SECOND,
    Draw,
    Floats,
    Ints,
    Outcome,
    Residents,
    Tables,
)
from idn_gym.core.charges import charge_drops
from idn_gym.core.kernel import hot
from idn_gym.core.serving import serve_slot
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch


def nominal_draw(tables: Tables, tariff: Floats) -> Draw:
    """One slot in which everything is at its nominal value.

    Args:
        tables: the scenario's tables.
        tariff: (4 + F,) cost per unit of error, second, joule, byte-hop and further objectives.
    """
    further = tables.node_charge.shape[1]
    draw = Draw(
        demand=tables.class_requests[None, None].copy(),
        order=np.arange(len(tables.class_task), dtype=np.int32)[None, None].copy(),
        seconds=tables.node_seconds[None, None].copy(),
        memory=tables.node_memory[None, None].copy(),
        rate=tables.link_rate[None, None].copy(),
        charge_second=tables.node_charge[None, None].copy(),
        charge_byte=tables.link_charge[None, None].copy(),
        charge_drop=np.zeros((1, 1, len(tables.class_task), further)),
        slowdown=np.ones((1, len(tables.node_memory))),
        option_latency=np.zeros((1, len(tables.option_model))),
        option_cost=np.zeros((1, len(tables.option_model))),
        option_joules=np.zeros((1, len(tables.option_model))),
        drop_joules=np.zeros((1, len(tables.class_task))),
        tariff=tariff[None].copy(),
        weights=np.zeros((1, 0)),
        uniforms=np.zeros((1, 1, 0)),
    )
    price_options(tables, draw, 0)
    if further:
        charge_drops(tables, draw, 0)
    return draw


def price_options(tables: Tables, draw: Draw, b: int) -> None:
    """Fill row b of the `option_` fields and `drop_joules` from the slowdown and tariff of row b.

    Latency: q d per hop and q s per block. Energy: watts x seconds on nodes and joules per byte on
    links; a drop is charged that of the class's most expensive option.
    """
    option_class = np.repeat(np.arange(len(tables.class_task)), np.diff(tables.option_start))
    origin = tables.path_start[tables.class_path[option_class]]
    here = np.repeat(origin, np.diff(tables.part_start)) + tables.part_position
    before = np.concatenate([[0], here[:-1]])
    before[tables.part_start[:-1]] = origin
    seconds = tables.part_seconds * draw.slowdown[b, tables.part_node]
    delay = tables.path_delay[here] - tables.path_delay[before]
    latency = np.add.reduceat(tables.part_reach * delay + seconds, tables.part_start[:-1])
    joules = np.add.reduceat(tables.node_watts[tables.part_node] * seconds, tables.part_start[:-1])
    joules += tables.option_link_joules
    draw.option_latency[b], draw.option_joules[b] = latency, joules
    tariff = draw.tariff[b]
    draw.option_cost[b] = tariff[ERROR] * tables.option_error + tariff[SECOND] * latency
    draw.option_cost[b] += tariff[JOULE] * joules + tariff[BYTE_HOP] * tables.option_traffic
    draw.drop_joules[b] = 0.0
    np.maximum.at(draw.drop_joules[b], option_class, joules)


def segment_values(tables: Tables, placeable: npt.NDArray[np.bool_], tariff: Floats) -> Floats:
    """Saving per byte of each segment alone, each class having all capacity to itself (N, S).

    Args:
        tables: the scenario's tables; `segment_value` is not read.
        placeable: (N, S) which pairs to value; the others get 0.
        tariff: as in `nominal_draw`.
    """
    rho, node, segment = _trials(tables, placeable)
    draw = nominal_draw(tables, tariff)._replace(order=np.zeros((1, 1, 1), np.int32))
    resident, scratch, outcome = tables.pinned[None].copy(), make_scratch(tables), empty_outcome(tables, 1)
    cost = np.zeros(len(rho))
    # Row and slot are handed over although they are 0: kernels compile anew for a constant.
    _costs_alone(tables, draw, 0, 0, rho, node, segment, resident, scratch, outcome, cost)
    base = cost[segment == EMPTY]
    saved = np.where(segment == EMPTY, 0.0, base[rho] - cost) / np.maximum(1.0, tables.segment_bytes[segment])
    values = np.zeros(placeable.shape)
    np.add.at(values, (node, segment), saved)
    return values


@hot
def _costs_alone(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: Ints,
    node: Ints,
    segment: Ints,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
    cost: Floats,
) -> None:
    """Tariff of the batch of one class at a time, with one segment on one node."""
    for i in range(len(rho)):
        model = tables.segment_model[max(segment[i], 0)]
        held = resident[b, node[i], model]
        if segment[i] != EMPTY:
            resident[b, node[i], model] = segment[i]
        draw.order[b, t, 0] = rho[i]
        outcome.tariff_cost[b] = 0.0
        serve_slot(tables, draw, b, t, resident, scratch, outcome)
        cost[i] = outcome.tariff_cost[b]
        resident[b, node[i], model] = held


def _trials(tables: Tables, placeable: npt.NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """Class, node and segment of what to try: first nothing (EMPTY) for each class, then all it could use."""
    classes = len(tables.class_task)
    rows = [(rho, 0, EMPTY) for rho in range(classes)]
    task = tables.model_task[tables.segment_model]
    for rho in range(classes):
        p = tables.class_path[rho]
        for v in tables.path_node[tables.path_start[p] : tables.path_start[p + 1]]:
            mine = np.flatnonzero(placeable[v] & (task == tables.class_task[rho])).tolist()
            rows += [(rho, int(v), s) for s in mine]
    rho, node, segment = np.array(rows, np.int64).T.copy()
    return rho, node, segment
