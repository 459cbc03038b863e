"""Flows of a slot: requests that serving assigns to each option, and requests that it drops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import (
    SHARED,
    TRANSFER,
    Action,
    Bools,
    Draw,
    Floats,
    Instance,
    Outcome,
    Residents,
    State,
    Tables,
)
from idn_gym.core.filling import ask_batches
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.listing import list_options
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.paces import measure_paths
from idn_gym.core.row_starts import entries_of
from idn_gym.core.serving import serve_class, serve_together
from idn_gym.core.slots import one_row, one_state, placement_per_row
from idn_gym.core.transition import step
from idn_gym.core.usable import note_residents
from idn_gym.core.validate import check_placement, check_slot
from idn_gym.core.workspace import Scratch, make_scratch
from idn_gym.messages import ConfigError


class LoadedSlot(NamedTuple):
    """A slot that is played with what is on its way, which a placement alone does not tell."""

    following: State  # of one row
    outcome: Outcome  # of one row
    flows: Floats  # (O,) requests that each option serves
    dropped: Floats  # (R,) requests of each class that are dropped
    option_window: Floats  # (O,) share of the slot, its last one, in which the option is usable; 0: never
    link_bytes: Floats  # (E,) [bytes] that loads took from requests
    link_share: Floats  # (E,) share of the slot, its first one, in which loads crossed


def play_loads(instance: Instance, state: State, wanted: Residents, b: int = 0) -> LoadedSlot:
    """Play row `b` of the slot that `state` is about to enter, and tell how requests and loads share it.

    Args:
        instance: with shared capacity.
        state: before the slot.
        wanted: (N, M) wished placement.
        b: row of the instance and of the state.

    Raises:
        ConfigError: capacity is private.
    """
    tables, scratch = instance.tables, make_scratch(instance.tables)
    if tables.capacity != SHARED:
        raise ConfigError("serving.capacity", "'exogenous' is not allowed where loads are played; 'shared'")
    following, outcome = step(one_row(instance, b), one_state(state, b), Action(wanted[None]), scratch)
    flows, window = np.zeros((2, len(tables.option_model)))
    used = entries_of(scratch.entry_start, scratch.ordered - scratch.entry_start)
    listed = entries_of(scratch.entry_start, scratch.entry_end - scratch.entry_start)
    loads = tables.loading == TRANSFER
    flows[scratch.option[used]] = scratch.amount[used]
    window[scratch.option[listed]] = scratch.window[listed] if loads else 1.0
    links = np.zeros(len(tables.link_rate))
    return LoadedSlot(
        following,
        outcome,
        flows,
        scratch.left[: len(tables.class_task)].copy(),
        window,
        scratch.taken if loads else links,
        scratch.until if loads else links,
    )


def option_flows(instance: Instance, t: int, placement: Residents, b: int = 0) -> tuple[Floats, Floats]:
    """Requests of slot `t` of row `b` under a placement (N, M), as serving sends them; stores as at slot 0.

    Returns:
        (O,) requests that each option serves, and (R,) requests of each class that are dropped.

    Raises:
        ConfigError: there is no such slot or row, or the placement is one of another scenario.
    """
    check_slot(instance, t, b)
    check_placement(instance.tables, placement)
    tables = instance.tables
    flows, dropped = np.zeros(len(tables.option_model)), np.zeros(len(tables.class_task))
    rows = placement_per_row(placement, b)
    outcome = empty_outcome(tables, b + 1)
    _flows(tables, instance.draw, b, t, rows, make_scratch(tables), outcome, flows, dropped)
    return flows, dropped


def listed_options(instance: Instance, t: int, placement: Residents, b: int = 0) -> Bools:
    """Options (O,) among which serving chooses in slot `t` of row `b` under a placement (N, M).

    Usable and faster than the timeout; of a class's fallback only the cheapest.

    Raises:
        ConfigError: there is no such slot or row, or the placement is one of another scenario.
    """
    check_slot(instance, t, b)
    check_placement(instance.tables, placement)
    tables = instance.tables
    listed = np.zeros(len(tables.option_model), np.bool_)
    rows = placement_per_row(placement, b)
    _listed(tables, instance.draw, b, t, rows, make_scratch(tables), listed)
    return listed


@njit_no_alloc
def _flows(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
    flows: Floats,
    dropped: Floats,
) -> None:
    measure_paths(tables, draw, b, t, scratch)
    note_residents(tables, resident, b, scratch)
    if tables.capacity == SHARED:
        ask_batches(draw, b, t, scratch)
        serve_together(tables, draw, b, t, resident, scratch, outcome)
        for rho in range(len(dropped)):
            _record(rho, scratch, flows)
            dropped[rho] = scratch.left[rho]
        return
    for rho in range(len(dropped)):
        serve_class(tables, draw, b, t, rho, draw.demand[b, t, rho], resident, scratch, outcome)
        _record(rho, scratch, flows)
        dropped[rho] = outcome.started[b, rho, outcome.started.shape[2] - 1]


@njit_inline
def _record(rho: int, scratch: Scratch, flows: Floats) -> None:
    for i in range(scratch.entry_start[rho], scratch.ordered[rho]):
        if scratch.amount[i] > 0.0:
            flows[scratch.option[i]] = scratch.amount[i]


@njit_no_alloc
def _listed(
    tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch, listed: Bools
) -> None:
    measure_paths(tables, draw, b, t, scratch)
    note_residents(tables, resident, b, scratch)
    for rho in range(len(tables.class_task)):
        list_options(tables, draw, b, t, rho, resident, scratch)
        for i in range(scratch.entry_start[rho], scratch.entry_end[rho]):
            listed[scratch.option[i]] = True
