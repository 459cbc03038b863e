"""One slot from end to end: make the wished placement fit, load what is new, then serve.

The only file that orders the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import (
    EMPTY,
    TRANSFER,
    Action,
    Draw,
    Floats,
    Instance,
    Outcome,
    Residents,
    State,
    Tables,
)
from idn_gym.core.charges import book_slot
from idn_gym.core.handover import fetch, stage
from idn_gym.core.kernel import njit_inline, njit_spliced
from idn_gym.core.listing import charged_slots
from idn_gym.core.loading import end_slot, load_models
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.places import place_of
from idn_gym.core.repair import place
from idn_gym.core.serving import measure_utilisation, serve_slot
from idn_gym.core.stores import begin_stores, book_idle, end_stores, slots_lasted
from idn_gym.core.workspace import Scratch, make_scratch, start_levels, start_uplinks

SMOOTHING = 0.3
"""Weight of the newest batch in `State.recent`."""


def initial_state(instance: Instance) -> State:
    """Slot 0: pinned models only, and the nominal demand as the guess of what is to come."""
    tables = instance.tables
    batch = len(instance.draw.demand)
    loads = (batch, *(tables.pinned.shape if tables.loading == TRANSFER else (0, 0)))
    level, off = start_levels(tables)
    return State(
        slot=np.zeros(batch, np.int64),
        resident=np.repeat(tables.pinned[None], batch, axis=0),
        recent=np.repeat(tables.class_requests[None], batch, axis=0),
        wish=np.full(loads, EMPTY, np.int32),
        bytes_to_come=np.zeros(loads),
        seconds_to_come=np.zeros(loads),
        uplink=np.repeat(start_uplinks(tables)[None], batch, axis=0),
        level=np.repeat(level[None], batch, axis=0),
        off=np.repeat(off[None], batch, axis=0),
        lasted=np.zeros(batch, np.int64),
    )


def step(
    instance: Instance, state: State, action: Action, scratch: Scratch | None = None
) -> tuple[State, Outcome]:
    """Play one slot in every row of the batch. The function is pure: it does not change its arguments.

    Args:
        instance: tables and draw, B rows.
        state: rows may be in different slots, each below the horizon.
        action: wished placement; it acts in this very slot, where loading takes time by beginning to.
        scratch: work space to use again; None: a fresh one.
    """
    fields: Any = (np.empty_like(field) if field.size else field for field in state[1:])
    following = State(state.slot + 1, *fields)
    scratch = make_scratch(instance.tables) if scratch is None else scratch
    outcome = empty_outcome(instance.tables, len(state.slot), scratch.longest)
    wish = Action(*map(np.ascontiguousarray, action))
    play_slots.play(*instance, state, wish, following, outcome, scratch)
    return following, outcome


@stage
def play_slots(block: int) -> None:
    """Play a slot in every row."""
    advance(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw),
        fetch(block, 2, State),
        fetch(block, 3, Action).wanted,
        fetch(block, 3, Action).uplink,
        fetch(block, 4, State),
        fetch(block, 5, Outcome),
        fetch(block, 6, Scratch),
    )


@njit_spliced
def advance(
    tables: Tables,
    draw: Draw,
    state: State,
    wanted: Residents,
    uplink: Residents,
    following: State,
    outcome: Outcome,
    scratch: Scratch,
) -> None:
    """Kernel of `step`; writes into `following` and `outcome`."""
    for b in range(len(state.slot)):
        for i in range(outcome.cells.shape[1]):
            outcome.cells[b, i] = 0.0
        outcome.in_flight[b], outcome.refused[b] = 0, 0
        following.slot[b] = state.slot[b] + 1
        t = place_of(state.slot[b], draw.demand.shape[1])
        if len(scratch.uplink) > 0:
            use_uplinks(tables, b, uplink, state, following, scratch)
        play_slot(tables, draw, b, t, wanted, state, following, scratch, outcome)
        following.lasted[b] = slots_lasted(tables, state, following, b)
        measure_utilisation(tables, draw, b, t, scratch, outcome)
        smooth(state.recent, outcome.arrived, b, following.recent)
        book_idle(tables, b, following.resident, scratch, outcome)
        if charged_slots(draw):
            book_slot(draw, b, t, outcome)


@njit_inline
def use_uplinks(
    tables: Tables, b: int, uplink: Residents, before: State, after: State, scratch: Scratch
) -> None:
    """Set the requested links of the nodes of row `b` that have a choice."""
    for v in range(len(scratch.uplink)):
        after.uplink[b, v] = before.uplink[b, v]
        if uplink.shape[1] > 0 and uplink[b, v] != EMPTY and tables.link_chooser[uplink[b, v]] == v:
            after.uplink[b, v] = uplink[b, v]
        scratch.uplink[v] = after.uplink[b, v]


@njit_spliced
def play_slot(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    wanted: Residents,
    before: State,
    after: State,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Place, load and serve in slot `t` of row `b`; what is placed then, and on its way, is in `after`."""
    if len(tables.store_capacity) > 0:
        begin_stores(before, b, scratch)
    place(tables, draw, b, t, wanted, before, after.resident, scratch, outcome)
    if tables.loading == TRANSFER:
        load_models(tables, draw, b, t, before, after, scratch, outcome)
    serve_slot(tables, draw, b, t, after.resident, scratch, outcome)
    if tables.loading == TRANSFER:
        end_slot(tables, b, after, scratch, outcome)
    if len(tables.store_capacity) > 0:
        end_stores(tables, draw, b, t, after, scratch, outcome)


@njit_inline
def smooth(recent: Floats, arrived: Floats, b: int, following: Floats) -> None:
    """Exponential smoothing of the batches seen so far."""
    for rho in range(recent.shape[1]):
        following[b, rho] = recent[b, rho] + SMOOTHING * (arrived[b, rho] - recent[b, rho])
