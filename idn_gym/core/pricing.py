"""Cost of a request by each option, and dropped: the tariff on error, latency, energy and traffic.

Prices are made with the draw, before the first slot. Only the time on links moves from slot to slot; serving
adds it to the price of an option.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import BYTE_HOP, EMPTY, ERROR, JOULE, SECOND, Draw, Floats, Ints, Tables
from idn_gym.core.kernel import njit_no_alloc, rule
from idn_gym.core.listing import error_row
from idn_gym.core.row_starts import owners

PRICE_FIELDS = (
    *("option_latency", "option_cost", "option_joules"),
    *("drop_joules", "drop_cost", "last_choice"),
)
"""Fields of `Draw` that `compute_option_costs` fills; one row serves all episodes where these agree."""


def option_prices(tables: Tables, rows: int) -> dict[str, Floats]:
    """Room for the prices of all options, (rows, O) each; what a request reads of one lies together."""
    woven = np.zeros((rows, len(tables.option_model), 3))
    return {name: woven[:, :, i] for i, name in enumerate(PRICE_FIELDS[:3])}


@rule
def price(tariff: Any, error: Any, seconds: Any, joules: Any, byte_hops: Any) -> Any:
    """Tariff of given error, latency [s], energy [J] and traffic [byte-hops]."""
    return (tariff[ERROR] * error + tariff[SECOND] * seconds) + (
        tariff[JOULE] * joules + tariff[BYTE_HOP] * byte_hops
    )


def compute_option_costs(tables: Tables, draw: Draw, b: int) -> None:
    """Fill row b of the `PRICE_FIELDS` fields from the slowdown, tariff and error in force of row b.

    Latency: q d per hop, with pauses between frames, and q s per block. Energy: watts x seconds on nodes
    and joules per byte on links. A drop is an error that takes as long as the timeout, with energy and
    traffic of the class's worst option.
    """
    option_class = owners(tables.option_start)
    origin = tables.path_start[tables.class_path[option_class]]
    here = np.repeat(origin, np.diff(tables.part_start)) + tables.part_position
    before = np.concatenate([[0], here[:-1]])
    before[tables.part_start[:-1]] = origin + tables.option_origin
    seconds = tables.part_seconds * draw.slowdown[b, tables.part_node]
    delay = tables.path_delay[here] - tables.path_delay[before] + tables.part_pause
    latency = np.add.reduceat(tables.part_reach * delay + seconds, tables.part_start[:-1])
    joules = np.add.reduceat(tables.node_watts[tables.part_node] * seconds, tables.part_start[:-1])
    joules += tables.option_link_joules
    draw.option_latency[b], draw.option_joules[b] = latency, joules
    draw.drop_joules[b] = 0.0
    np.maximum.at(draw.drop_joules[b], option_class, joules)
    tariff = draw.tariff[b]
    # Traffic by itself: the order in which recorded episodes add up a drop.
    draw.drop_cost[b] = price(tariff, 1.0, tables.class_timeout, draw.drop_joules[b], 0.0)
    draw.drop_cost[b] += price(tariff, 0.0, 0.0, 0.0, tables.class_drop_bytes)
    price_answers(tables, draw, np.array([b]))


def price_answers(tables: Tables, draw: Draw, rows: Ints) -> None:
    """Fill `option_cost` and `last_choice`, which move with the error in force, in some rows (n,)."""
    spent = draw.option_latency[rows], draw.option_joules[rows], tables.option_traffic
    error = draw.error_in_force[error_row(draw, rows)]
    draw.option_cost[rows] = price(draw.tariff[rows].T[..., None], error, *spent)
    for b in rows:
        choose_last(tables, draw.option_cost[b], draw.last_choice[b])


def choose_last(tables: Tables, cost: Floats, choice: Ints) -> None:
    """Write the cheapest of each class's options that no capacity limits (R,), by their costs (O,)."""
    _choose_last(tables.option_start[1:], tables.class_fallback, tables.option_rank, cost, choice)


@njit_no_alloc
def _choose_last(end: Ints, fallback: Ints, rank: Ints, cost: Floats, choice: Ints) -> None:
    for rho in range(len(choice)):
        best = EMPTY
        for o in range(fallback[rho], end[rho]):
            if best == EMPTY or cost[o] < cost[best] or (cost[o] == cost[best] and rank[o] < rank[best]):
                best = o
        choice[rho] = best
