"""The expected slot: known data of the coming slot, as a draw of one row that the core can serve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Floats, Ints, State, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.listing import error_row
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.places import place_of
from idn_gym.objective_records import OBJECTIVES
from idn_gym.scenarios.compile import Compiled


class Sight(NamedTuple):
    """The part of a draw that a policy sees."""

    hidden: bool  # whether node and link state of the coming slot is not seen
    horizon: int  # slots of an episode
    weight: Ints  # (objectives that ship,) column of `Draw.weights`, or EMPTY where it is not in force


def sight_of(compiled: Compiled) -> Sight:
    """Return the part of a draw that a scenario's policies see."""
    names = [objective.name for objective in compiled.objectives]
    return Sight(
        hidden=compiled.scenario.resources == "hidden",
        horizon=compiled.scenario.horizon,
        weight=np.array([names.index(name) if name in names else EMPTY for name in OBJECTIVES], np.int64),
    )


def make_expected(tables: Tables, tariff: Floats) -> Draw:
    """One row and one slot, for `expect_slot` to write to.

    Entries that `expect_slot` does not write are nominal, speeds of devices included. The tariff differs from
    row to row, and with it the costs of requests: costs are NaN, so that any use of them is noticed.

    Args:
        tables: the scenario's tables.
        tariff: (4 + F,) of any episode.
    """
    expected = nominal_draw(tables, tariff)._replace(weights=np.zeros((1, len(OBJECTIVES))))
    expected.option_cost[:], expected.drop_cost[:] = np.nan, np.nan
    return expected


@njit_inline
def expect_slot(draw: Draw, state: State, sight: Sight, expected: Draw, b: int) -> None:
    """Write the expected slot of row b: smoothed demand, known resources, tariff and weights in force.

    The one place where an observation reads a draw, but for past demand (`past_runs`); a row at the horizon
    gets the last slot's resources.
    """
    t = place_of(min(state.slot[b], sight.horizon - 1), draw.seconds.shape[1])
    if expected.price_list[0] != draw.price_list[b]:
        expected.price_list[0] = draw.price_list[b]
        for o in range(expected.error_in_force.shape[1]):
            expected.error_in_force[0, o] = draw.error_in_force[error_row(draw, b), o]
    for rho in range(expected.demand.shape[2]):
        expected.demand[0, 0, rho] = state.recent[b, rho]
    if not sight.hidden:
        for v in range(expected.seconds.shape[2]):
            expected.seconds[0, 0, v] = draw.seconds[b, t, v]
            expected.memory[0, 0, v] = draw.memory[b, t, v]
        for e in range(expected.rate.shape[2]):
            expected.rate[0, 0, e] = draw.rate[b, t, e]
    for i in range(expected.tariff.shape[1]):
        expected.tariff[0, i] = draw.tariff[b, i]
    for i in range(len(sight.weight)):
        expected.weights[0, i] = 0.0 if sight.weight[i] == EMPTY else draw.weights[b, sight.weight[i]]
