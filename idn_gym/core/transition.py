"""One slot from end to end: repair the placement, then serve. The only file that orders the others."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Action, Draw, Floats, Instance, Outcome, Residents, State, Tables
from idn_gym.core.kernel import hot, inner
from idn_gym.core.placement import place
from idn_gym.core.serving import serve_slot
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch

SMOOTHING = 0.3
"""Weight of the newest batch in `State.recent`."""


def initial_state(instance: Instance) -> State:
    """Slot 0: pinned models only, and the nominal demand as the guess of what is to come."""
    tables = instance.tables
    batch = len(instance.draw.demand)
    return State(
        slot=np.zeros(batch, np.int64),
        resident=np.repeat(tables.pinned[None], batch, axis=0),
        recent=np.repeat(tables.class_requests[None], batch, axis=0),
    )


def step(
    instance: Instance, state: State, action: Action, scratch: Scratch | None = None
) -> tuple[State, Outcome]:
    """Play one slot in every row of the batch. Pure: the arguments are left as they are.

    Args:
        instance: tables and draw, B rows.
        state: rows may be in different slots, each below the horizon.
        action: wished placement; it acts in this very slot.
        scratch: work space to use again; None: a fresh one.
    """
    following = State(state.slot + 1, np.empty_like(state.resident), np.empty_like(state.recent))
    scratch = make_scratch(instance.tables) if scratch is None else scratch
    outcome = empty_outcome(instance.tables, len(state.slot), scratch.longest)
    advance(instance.tables, instance.draw, state, action.wanted, following, outcome, scratch)
    return following, outcome


@hot
def advance(
    tables: Tables,
    draw: Draw,
    state: State,
    wanted: Residents,
    following: State,
    outcome: Outcome,
    scratch: Scratch,
) -> None:
    """Kernel of `step`; writes into `following` and `outcome` (zeros on entry)."""
    for b in range(len(state.slot)):
        t = state.slot[b]
        place(tables, draw, b, t, wanted, state.resident, following.resident, outcome)
        serve_slot(tables, draw, b, t, following.resident, scratch, outcome)
        smooth(state.recent, outcome.arrived, b, following.recent)
        for v in range(len(tables.node_memory)):
            outcome.idle_energy[b] += tables.node_idle_watts[v] * tables.slot_seconds


@inner
def smooth(recent: Floats, arrived: Floats, b: int, following: Floats) -> None:
    """Exponential smoothing of the batches seen so far."""
    for rho in range(recent.shape[1]):
        following[b, rho] = recent[b, rho] + SMOOTHING * (arrived[b, rho] - recent[b, rho])
