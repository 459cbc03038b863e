"""What a segment alone is worth on a node at nominal demand: the order in which repair keeps things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Floats, Outcome, Residents, Tables
from idn_gym.core.capacity import fill_capacity
from idn_gym.core.kernel import hot, inner
from idn_gym.core.serving import measure_paths, serve_class
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
    values = np.zeros(placeable.shape)
    resident = tables.pinned[None].copy()
    draw, scratch, outcome = nominal_draw(tables, tariff), make_scratch(tables), empty_outcome(tables, 1)
    base = np.zeros(len(tables.class_task))
    _segment_values(tables, draw, placeable, resident, scratch, outcome, base, values)
    return values


@hot
def _segment_values(
    tables: Tables,
    draw: Draw,
    placeable: npt.NDArray[np.bool_],
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
    base: Floats,
    values: Floats,
) -> None:
    measure_paths(tables, draw, 0, 0, scratch)
    classes = len(tables.class_task)
    for rho in range(classes):
        base[rho] = _cost_alone(tables, draw, rho, resident, scratch, outcome)
    for rho in range(classes):
        p = tables.class_path[rho]
        for j in range(tables.path_start[p], tables.path_start[p + 1]):
            v = tables.path_node[j]
            for s in range(len(tables.segment_model)):
                m = tables.segment_model[s]
                if placeable[v, s] and tables.model_task[m] == tables.class_task[rho]:
                    resident[0, v, m] = s
                    saved = base[rho] - _cost_alone(tables, draw, rho, resident, scratch, outcome)
                    resident[0, v, m] = EMPTY
                    values[v, s] += saved / max(1.0, tables.segment_bytes[s])


@inner
def _cost_alone(
    tables: Tables, draw: Draw, rho: int, resident: Residents, scratch: Scratch, outcome: Outcome
) -> float:
    if tables.capacity != EXOGENOUS:
        fill_capacity(tables, draw, 0, 0, scratch)
    return serve_class(tables, draw, 0, 0, rho, draw.demand[0, 0, rho], resident, scratch, outcome)
