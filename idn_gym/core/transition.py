"""One slot from end to end: make the wished placement fit, load what is new, then serve.

The only file that orders the others.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import (
    EMPTY,
    INSTANT,
    TRANSFER,
    Action,
    Draw,
    Floats,
    Instance,
    Outcome,
    Residents,
    State,
    Tables,
    place_of,
)
from idn_gym.core.charges import book_slot
from idn_gym.core.geometry import bytes_to_load, free_bytes, load_if_fits, placed_bytes
from idn_gym.core.handover import fetch, stage
from idn_gym.core.kernel import njit_inline
from idn_gym.core.listing import charged_slots
from idn_gym.core.loading import end_slot, held_segment, load_models
from idn_gym.core.serving import measure_utilisation, serve_slot
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch

SMOOTHING = 0.3
"""Weight of the newest batch in `State.recent`."""


def initial_state(instance: Instance) -> State:
    """Slot 0: pinned models only, and the nominal demand as the guess of what is to come."""
    tables = instance.tables
    batch = len(instance.draw.demand)
    loads = (batch, *(tables.pinned.shape if tables.loading == TRANSFER else (0, 0)))
    return State(
        slot=np.zeros(batch, np.int64),
        resident=np.repeat(tables.pinned[None], batch, axis=0),
        recent=np.repeat(tables.class_requests[None], batch, axis=0),
        wish=np.full(loads, EMPTY, np.int32),
        bytes_to_come=np.zeros(loads),
        seconds_to_come=np.zeros(loads),
    )


def step(
    instance: Instance, state: State, action: Action, scratch: Scratch | None = None
) -> tuple[State, Outcome]:
    """Play one slot in every row of the batch. Pure: the arguments are left as they are.

    Args:
        instance: tables and draw, B rows.
        state: rows may be in different slots, each below the horizon.
        action: wished placement; it acts in this very slot, where loading takes time by beginning to.
        scratch: work space to use again; None: a fresh one.
    """
    moving = state[1:] if instance.tables.loading == TRANSFER else state[1:3]
    following = State(state.slot + 1, *map(np.empty_like, moving), *state[1 + len(moving) :])
    scratch = make_scratch(instance.tables) if scratch is None else scratch
    outcome = empty_outcome(instance.tables, len(state.slot), scratch.longest)
    play.play(*instance, state, action, following, outcome, scratch)
    return following, outcome


@stage
def play(block: int) -> None:
    """Play a slot in every row."""
    advance(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw),
        fetch(block, 2, State),
        fetch(block, 3, Action).wanted,
        fetch(block, 4, State),
        fetch(block, 5, Outcome),
        fetch(block, 6, Scratch),
    )


@njit_inline
def advance(
    tables: Tables,
    draw: Draw,
    state: State,
    wanted: Residents,
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
        play_slot(tables, draw, b, t, wanted, state, following, scratch, outcome)
        measure_utilisation(tables, draw, b, t, scratch, outcome)
        smooth(state.recent, outcome.arrived, b, following.recent)
        for v in range(len(tables.node_memory)):
            outcome.idle_energy[b] += tables.node_idle_watts[v] * tables.slot_seconds
        if charged_slots(draw):
            book_slot(draw, b, t, outcome)


@njit_inline
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
    place(tables, draw, b, t, wanted, before, after.resident, outcome)
    if tables.loading == TRANSFER:
        load_models(tables, draw, b, t, before, after, scratch, outcome)
    serve_slot(tables, draw, b, t, after.resident, scratch, outcome)
    if tables.loading == TRANSFER:
        end_slot(tables, b, after, scratch, outcome)


@njit_inline
def place(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    wanted: Residents,
    before: State,
    after: Residents,
    outcome: Outcome,
) -> None:
    """Repair the wishes of row `b`; where loading is instant, book the bytes that are newly resident."""
    for v in range(len(tables.node_memory)):
        if tables.node_movable[v]:
            outcome.refused[b] += repair_node(tables, draw, b, t, v, wanted, before, after)
        else:
            for m in range(len(tables.model_task)):
                after[b, v, m] = tables.pinned[v, m]
        if tables.loading == INSTANT:
            for m in range(len(tables.model_task)):
                if after[b, v, m] != before.resident[b, v, m]:
                    outcome.loaded[b, v] += bytes_to_load(tables, after[b, v, m], before.resident[b, v, m])


@njit_inline
def repair_node(
    tables: Tables, draw: Draw, b: int, t: int, v: int, wanted: Residents, before: State, after: Residents
) -> int:
    """Write into `after` the wished segments of a node that fit; return how many do not.

    What was resident already comes first, or on its way, then the larger nominal saving per byte.
    """
    free = free_bytes(draw.memory, tables.node_reserved, b, t, v)
    size = 0.0
    for m in range(len(tables.model_task)):
        pin = tables.pinned[v, m]
        after[b, v, m] = pin
        if wanted[b, v, m] != EMPTY:  # most are, and the rest takes longer
            size += placed_bytes(tables.segment_bytes, wanted[b, v, m], pin)
    if size <= free:
        for m in range(len(tables.model_task)):
            if tables.pinned[v, m] == EMPTY:
                after[b, v, m] = wanted[b, v, m]
        return 0
    return _fill_node(tables, b, v, free, wanted, before, after)


@njit_inline
def _fill_node(
    tables: Tables, b: int, v: int, free: float, wanted: Residents, before: State, after: Residents
) -> int:
    models = len(tables.model_task)
    refused = 0
    last_kept = True
    last_value = 0.0
    last_model = -1
    for _ in range(models):
        best = -1
        best_kept = False
        best_value = 0.0
        for m in range(models):
            s = wanted[b, v, m]
            if s == EMPTY or tables.pinned[v, m] != EMPTY:
                continue
            kept = held_segment(before, b, v, m) == s
            value = tables.segment_value[v, s]
            if last_model >= 0 and not _after(kept, value, m, last_kept, last_value, last_model):
                continue
            if best < 0 or _after(best_kept, best_value, best, kept, value, m):
                best, best_kept, best_value = m, kept, value
        if best < 0:
            break
        if load_if_fits(tables, b, v, wanted[b, v, best], free, after):
            free -= tables.segment_bytes[wanted[b, v, best]]
        else:
            refused += 1
        last_kept, last_value, last_model = best_kept, best_value, best
    return refused


@njit_inline
def _after(kept: bool, value: float, m: int, kept0: bool, value0: float, m0: int) -> bool:
    """Whether item (kept, value, m) comes strictly after item 0 in the order of repair."""
    if kept != kept0:
        return kept0
    if value != value0:
        return value < value0
    return m > m0


@njit_inline
def smooth(recent: Floats, arrived: Floats, b: int, following: Floats) -> None:
    """Exponential smoothing of the batches seen so far."""
    for rho in range(recent.shape[1]):
        following[b, rho] = recent[b, rho] + SMOOTHING * (arrived[b, rho] - recent[b, rho])
