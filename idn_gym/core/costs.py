"""Costs for solvers of your own: every option in a slot, a placement in a slot.

Each slot is served by itself, so stores (`core.stores`) hold in it what they hold before slot 0; `step` plays
slots in which they hold what is left.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Draw, Floats, Instance, Outcome, Residents, Tables
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.listing import drop_cost, is_late, link_seconds, option_cost, option_latency
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.paces import measure_paths
from idn_gym.core.serving import measure_utilisation, serve_slot
from idn_gym.core.slots import placement_per_row
from idn_gym.core.validate import check_placement, check_slot
from idn_gym.core.workspace import Scratch, make_scratch


def costs(instance: Instance, t: int, b: int = 0) -> tuple[Floats, Floats]:
    """Tariff of one request by every option in slot `t`, and of a drop, for solvers of your own.

    Returns:
        (O,) cost of each option, inf where it takes as long as the timeout; (R,) cost of a drop.

    Raises:
        ConfigError: there is no such slot or row.
    """
    check_slot(instance, t, b)
    option, drop = np.zeros(len(instance.tables.option_model)), np.zeros(len(instance.tables.class_task))
    _costs(instance.tables, instance.draw, b, t, make_scratch(instance.tables), option, drop)
    return option, drop


def gain(instance: Instance, t: int, placement: Residents, b: int = 0) -> float:
    """Tariff saved in slot `t` by a placement, against the repositories alone.

    Args:
        instance: the instance.
        t: the slot.
        placement: (N, M) segment on each node, or EMPTY; must contain the pinned segments.
        b: row of the instance.

    Raises:
        ConfigError: there is no such slot or row, or the placement is one of another scenario.
    """
    return serving_cost(instance, t, instance.tables.pinned, b) - serving_cost(instance, t, placement, b)


def serving_cost(instance: Instance, t: int, placement: Residents, b: int = 0) -> float:
    """Tariff of slot `t` under a placement (N, M), stores being at the level of slot 0."""
    return float(serve(instance, t, placement, b).tariff_cost[b])


def serve(instance: Instance, t: int, placement: Residents, b: int = 0) -> Outcome:
    """Outcome of slot `t` of row `b` under a placement (N, M); other rows of the outcome stay 0.

    Raises:
        ConfigError: there is no such slot or row, or the placement is one of another scenario.
    """
    check_slot(instance, t, b)
    check_placement(instance.tables, placement)
    outcome = empty_outcome(instance.tables, b + 1)
    rows = placement_per_row(placement, b)
    _serve(instance.tables, instance.draw, b, t, rows, make_scratch(instance.tables), outcome)
    return outcome


@njit_no_alloc
def _costs(
    tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch, costs: Floats, drops: Floats
) -> None:
    measure_paths(tables, draw, b, t, scratch)
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        drops[rho] = drop_cost(draw, b, t, rho)
        for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
            link = link_seconds(tables, o, origin, scratch)
            late = is_late(tables, rho, option_latency(draw, b, o, link))
            costs[o] = np.inf if late else option_cost(tables, draw, b, t, o, origin, link)


@njit_no_alloc
def _serve(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, outcome: Outcome
) -> None:
    serve_slot(tables, draw, b, t, resident, scratch, outcome)
    measure_utilisation(tables, draw, b, t, scratch, outcome)
