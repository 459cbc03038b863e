"""What a segment alone is worth on a node at nominal demand: the order in which repair keeps things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Floats, Ints, Outcome, Tables
from idn_gym.core.kernel import hot, inner
from idn_gym.core.serving import Scratch, empty_outcome, fill_capacity, make_scratch, measure_paths, serve_class


def nominal_draw(tables: Tables, tariff: Floats) -> Draw:
    """One slot in which everything is at its nominal value.

    Args:
        tables: the scenario's tables.
        tariff: (4,) cost per unit of error, second, joule and byte-hop.
    """
    slowdown = np.ones((1, len(tables.node_memory)))
    latency, joules, drop = price_options(tables, slowdown)
    return Draw(
        demand=tables.class_requests[None, None].copy(),
        order=np.arange(len(tables.class_task), dtype=np.int32)[None, None].copy(),
        seconds=tables.node_seconds[None, None].copy(),
        memory=tables.node_memory[None, None].copy(),
        rate=tables.link_rate[None, None].copy(),
        slowdown=slowdown,
        option_latency=latency,
        option_joules=joules,
        drop_joules=drop,
        tariff=tariff[None].copy(),
        weights=np.zeros((1, 5)),
        uniforms=np.zeros((1, 1, 0)),
    )


def price_options(tables: Tables, slowdown: Floats) -> tuple[Floats, Floats, Floats]:
    """The part of each option's latency and energy that holds for a whole episode.

    Args:
        tables: the scenario's tables.
        slowdown: (B, N) factor on compute seconds.

    Returns:
        (B, O) [s] delays and compute; (B, O) [J] watts x seconds on nodes plus joules per byte on
        links; (B, R) [J] of each class's most expensive option, which is what a drop is charged.
    """
    latency = np.zeros((len(slowdown), len(tables.option_model)))
    joules, worst = np.zeros_like(latency), np.zeros((len(slowdown), len(tables.class_task)))
    _price_options(tables, slowdown, latency, joules, worst)
    return latency, joules, worst


@hot
def _price_options(tables: Tables, slowdown: Floats, latency: Floats, joules: Floats, worst: Floats) -> None:
    for b in range(len(slowdown)):
        for rho in range(worst.shape[1]):
            origin = tables.path_start[tables.class_path[rho]]
            for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
                joules[b, o] = tables.option_link_joules[o]
                before = origin
                for q in range(tables.part_start[o], tables.part_start[o + 1]):
                    v = tables.part_node[q]
                    here = origin + tables.part_position[q]
                    seconds = tables.part_seconds[q] * slowdown[b, v]
                    delay = tables.path_delay[here] - tables.path_delay[before]
                    latency[b, o] += tables.part_reach[q] * delay + seconds
                    joules[b, o] += tables.node_watts[v] * seconds
                    before = here
                worst[b, rho] = max(worst[b, rho], joules[b, o])


def segment_values(tables: Tables, placeable: npt.NDArray[np.bool_], tariff: Floats, seed: int = 0) -> Floats:
    """Saving per byte of each segment alone, each class having all capacity to itself (N, S).

    Ties are broken by a seeded factor within 1e-9 of 1, so that no index order decides.

    Args:
        tables: the scenario's tables; `segment_value` is not read.
        placeable: (N, S) which pairs to value; the others get 0.
        tariff: (4,) cost per unit of error, second, joule and byte-hop.
        seed: of the tie-breaking factors.
    """
    values = np.zeros(placeable.shape)
    resident = tables.pinned[None].copy()
    draw, scratch, outcome = nominal_draw(tables, tariff), make_scratch(tables), empty_outcome(tables, 1)
    base = np.zeros(len(tables.class_task))
    _segment_values(tables, draw, placeable, resident, scratch, outcome, base, values)
    jitter = np.random.default_rng(seed).uniform(-1e-9, 1e-9, values.shape)
    return values * (1.0 + jitter)


@hot
def _segment_values(
    tables: Tables,
    draw: Draw,
    placeable: npt.NDArray[np.bool_],
    resident: Ints,
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
    tables: Tables, draw: Draw, rho: int, resident: Ints, scratch: Scratch, outcome: Outcome
) -> float:
    if tables.capacity != EXOGENOUS:
        fill_capacity(tables, draw, 0, 0, scratch)
    return serve_class(tables, draw, 0, 0, rho, draw.demand[0, 0, rho], resident, scratch, outcome)
