"""What a segment alone is worth on a node at nominal demand: the order in which repair keeps things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Draw, Floats, Ints, Outcome, Residents, Tables
from idn_gym.core.kernel import hot
from idn_gym.core.serving import serve_slot
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch


def nominal_draw(tables: Tables, tariff: Floats) -> Draw:
    """One slot in which everything is at its nominal value.

    Args:
        tables: the scenario's tables.
        tariff: (4,) cost per unit of error, second, joule and byte-hop.
    """
    draw = Draw(
        demand=tables.class_requests[None, None].copy(),
        order=np.arange(len(tables.class_task), dtype=np.int32)[None, None].copy(),
        seconds=tables.node_seconds[None, None].copy(),
        memory=tables.node_memory[None, None].copy(),
        rate=tables.link_rate[None, None].copy(),
        slowdown=np.ones((1, len(tables.node_memory))),
        option_latency=np.zeros((1, len(tables.option_model))),
        option_cost=np.zeros((1, len(tables.option_model))),
        option_joules=np.zeros((1, len(tables.option_model))),
        drop_joules=np.zeros((1, len(tables.class_task))),
        tariff=tariff[None].copy(),
        weights=np.zeros((1, 5)),
        uniforms=np.zeros((1, 1, 0)),
    )
    price_options(tables, draw, 0)
    return draw


@hot
def price_options(tables: Tables, draw: Draw, b: int) -> None:
    """Fill row b of the `option_` fields and `drop_joules` from the slowdown and tariff of row b.

    Latency: q d per hop and q s per block. Energy: watts x seconds on nodes and joules per byte on
    links; a drop is charged that of the class's most expensive option.
    """
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        draw.drop_joules[b, rho] = 0.0
        for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
            latency = 0.0
            joules = tables.option_link_joules[o]
            before = origin
            for q in range(tables.part_start[o], tables.part_start[o + 1]):
                v = tables.part_node[q]
                here = origin + tables.part_position[q]
                seconds = tables.part_seconds[q] * draw.slowdown[b, v]
                delay = tables.path_delay[here] - tables.path_delay[before]
                latency += tables.part_reach[q] * delay + seconds
                joules += tables.node_watts[v] * seconds
                before = here
            draw.option_latency[b, o] = latency
            draw.option_joules[b, o] = joules
            draw.option_cost[b, o] = draw.tariff[b, 0] * tables.option_error[o] + draw.tariff[b, 1] * latency
            draw.option_cost[b, o] += (
                draw.tariff[b, 2] * joules + draw.tariff[b, 3] * tables.option_traffic[o]
            )
            draw.drop_joules[b, rho] = max(draw.drop_joules[b, rho], joules)


def segment_values(tables: Tables, placeable: npt.NDArray[np.bool_], tariff: Floats) -> Floats:
    """Saving per byte of each segment alone, each class having all capacity to itself (N, S).

    Args:
        tables: the scenario's tables; `segment_value` is not read.
        placeable: (N, S) which pairs to value; the others get 0.
        tariff: (4,) cost per unit of error, second, joule and byte-hop.
    """
    rho, node, segment = _trials(tables, placeable)
    draw, scratch, outcome = nominal_draw(tables, tariff), make_scratch(tables), empty_outcome(tables, 1)
    draw = draw._replace(order=np.zeros((1, 1, 1), np.int32))
    cost = np.zeros(len(rho))
    resident = tables.pinned[None].copy()
    # Row and slot are handed over although they are 0: kernels compile anew for a constant.
    _costs_alone(tables, draw, 0, 0, rho, node, segment, resident, scratch, outcome, cost)
    base = cost[segment == EMPTY]
    saved = np.where(segment == EMPTY, 0.0, base[rho] - cost) / np.maximum(1.0, tables.segment_bytes[segment])
    values = np.zeros(placeable.shape)
    np.add.at(values, (node, segment), saved)
    return values


def _trials(tables: Tables, placeable: npt.NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """Class, node and segment of what to try: first nothing for each class, then all it could use."""
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
    for i in range(len(rho)):
        draw.order[b, t, 0] = rho[i]
        outcome.tariff_cost[b] = 0.0
        model = tables.segment_model[max(segment[i], 0)]
        held = resident[b, node[i], model]
        if segment[i] != EMPTY:
            resident[b, node[i], model] = segment[i]
        serve_slot(tables, draw, b, t, resident, scratch, outcome)
        resident[b, node[i], model] = held
        cost[i] = outcome.tariff_cost[b]
