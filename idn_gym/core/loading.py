"""Loads: how models come over the links, slot by slot, where `loading` is a transfer.

A load follows the node's path to the repository of the task, backwards, from the nearest node on it that
holds what is missing. Loads that meet on a link share it in proportion to what each of them lacks. A segment
is usable once its last byte is there and the model has started, so in the slot in which that happens it is
usable for the rest of the slot: its window. Kernels work on row ``b`` of a batch.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Draw, Floats, Outcome, Residents, State, Tables
from idn_gym.core.geometry import (
    bytes_to_load,
    common_segment,
    covers,
    free_bytes,
    held_bytes,
    shared_bytes,
)
from idn_gym.core.kernel import aside, njit_inline
from idn_gym.core.lacking import end_at_source, left_to_load
from idn_gym.core.stores import ask_store, draw_store, near_end, rests, store_offer
from idn_gym.core.workspace import Scratch


def held_segments(state: State) -> Residents:
    """Segments that take memory of each node (B, N, M): in flight, otherwise resident; EMPTY without."""
    if not state.wish.size:
        return state.resident
    return np.where(state.wish != EMPTY, state.wish, state.resident)


def loaded_share(tables: Tables, state: State) -> Floats:
    """Share of its bytes that has come for each segment on its way, (B, N, M); 0 where none is.

    It is 1 where all have come and start-up goes on.
    """
    size = np.where(state.wish != EMPTY, tables.segment_bytes[state.wish], 0.0)
    none = (state.wish != EMPTY).astype(np.float64)
    share: Floats = np.divide(size - state.bytes_to_come, size, out=none, where=size > 0.0)
    return share


@njit_inline
def held_segment(state: State, b: int, v: int, m: int) -> int:
    """One entry of `held_segments`."""
    if state.wish.shape[1] > 0 and state.wish[b, v, m] != EMPTY:
        return int(state.wish[b, v, m])
    return int(state.resident[b, v, m])


@aside
def load_models(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    before: State,
    after: State,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Begin, go on with and end the loads of a slot.

    On entry `after.resident` holds the goals: what repair lets each node hold. On return it holds what is
    usable all the slot, `after` what is on its way, and `scratch` the windows of what becomes usable.
    """
    flights = 0
    for v in range(len(tables.node_memory)):
        begun = 0
        for m in range(len(tables.model_task)):
            begun += settle_goal(tables, b, v, m, before, after)
        if begun > 0:
            make_room(tables, draw, b, t, v, after)
        flights += begun
    scratch.flights[0] = flights
    scratch.flights[1] = 0
    for e in range(len(scratch.taken)):
        scratch.taken[e] = 0.0
        scratch.until[e] = 0.0
        scratch.needs[e] = 0.0
    for z in range(len(scratch.asks)):
        scratch.asks[z] = 0.0
    if flights > 0:
        find_sources(tables, b, after, scratch)
        move_loads(tables, draw, b, t, after, scratch, outcome)


@njit_inline
def settle_goal(tables: Tables, b: int, v: int, m: int, before: State, after: State) -> int:
    """Make a load of a goal that lacks bytes; returns 1 if there is one."""
    goal, old = after.resident[b, v, m], before.resident[b, v, m]
    after.wish[b, v, m] = EMPTY
    after.bytes_to_come[b, v, m] = 0.0
    after.seconds_to_come[b, v, m] = 0.0
    if goal == EMPTY or covers(tables, old, goal):
        return 0
    after.resident[b, v, m] = old
    after.wish[b, v, m] = goal
    missing, start = left_to_load(tables, before, b, v, m, goal)
    after.bytes_to_come[b, v, m] = missing
    after.seconds_to_come[b, v, m] = start
    return 1


@njit_inline
def make_room(tables: Tables, draw: Draw, b: int, t: int, v: int, after: State) -> None:
    """Where old segments do not fit beside the new ones, cut them to the blocks in common.

    Those of least nominal saving per byte come first.
    """
    free = free_bytes(draw.memory, tables.node_reserved, b, t, v)
    taken = 0.0
    for m in range(len(tables.model_task)):
        if tables.pinned[v, m] == EMPTY:
            held, wish = after.resident[b, v, m], after.wish[b, v, m]
            taken += held_bytes(tables.segment_bytes, wish) + bytes_to_load(tables, held, wish)
    while taken > free:
        worst = -1
        for m in range(len(tables.model_task)):
            held = after.resident[b, v, m]
            if held == EMPTY or after.wish[b, v, m] == EMPTY or covers(tables, after.wish[b, v, m], held):
                continue
            if worst < 0 or (
                tables.segment_value[v, held] < tables.segment_value[v, after.resident[b, v, worst]]
            ):
                worst = m
        if worst < 0:
            break
        held, wish = after.resident[b, v, worst], after.wish[b, v, worst]
        taken -= bytes_to_load(tables, held, wish)
        kept = common_segment(tables, held, wish)
        if kept == EMPTY:  # no option could use what both have, so it goes and comes again
            after.bytes_to_come[b, v, worst] += shared_bytes(tables, held, wish)
        after.resident[b, v, worst] = kept


@njit_inline
def find_sources(tables: Tables, b: int, after: State, scratch: Scratch) -> None:
    """Write where each load comes from, and add up what the loads on each link lack."""
    tasks = len(tables.task_model) - 1
    for v in range(len(tables.node_memory)):
        for m in range(len(tables.model_task)):
            need = after.bytes_to_come[b, v, m]
            if need <= 0.0:
                continue
            row_start = tables.load_start[v * tasks + tables.model_task[m]]
            scratch.source[v, m] = end_at_source(tables, after, b, v, m, after.wish[b, v, m], need)
            for i in range(row_start, scratch.source[v, m]):
                total = need * tables.node_count[v]
                scratch.needs[tables.load_link[i]] += total
                ask_store(tables, near_end(tables, v, row_start, i), tables.load_link[i], total, scratch)


@njit_inline
def shares_medium(tables: Tables, e: int) -> bool:
    """Whether loads take rate from requests: the medium has no rate of its own away from the repository."""
    return bool(tables.link_down_rate[e] <= 0.0)


@njit_inline
def link_budget(tables: Tables, draw: Draw, b: int, t: int, e: int) -> float:
    """Bytes that loads may take of a link in a slot, over all of its media.

    Where the medium has a rate of its own away from the repository, all of that; it moves with the link's.
    """
    if shares_medium(tables, e):
        return float(tables.loading_share * draw.rate[b, t, e] * tables.slot_seconds)
    share = draw.rate[b, t, e] / tables.link_rate[e]
    return float(share * tables.link_down_rate[e] * tables.slot_seconds)


@njit_inline
def move_loads(
    tables: Tables, draw: Draw, b: int, t: int, after: State, scratch: Scratch, outcome: Outcome
) -> None:
    """Move every load by the least that a link or a battery of its path offers, and end those that are there.

    All devices of a cohort load alike, each in its share of what is offered to the cohort. What a node loads
    waits, start-up too, while its battery is off.
    """
    tasks = len(tables.task_model) - 1
    for v in range(len(tables.node_memory)):
        for m in range(len(tables.model_task)):
            if after.wish[b, v, m] == EMPTY:
                continue
            need = after.bytes_to_come[b, v, m]
            ready = after.seconds_to_come[b, v, m]
            if ready > 0.0 and rests(tables, draw, b, t, v, scratch):
                continue
            if need > 0.0:
                start = tables.load_start[v * tasks + tables.model_task[m]]
                offer = np.inf
                for i in range(start, scratch.source[v, m]):
                    e = tables.load_link[i]
                    offer = min(offer, link_budget(tables, draw, b, t, e) * (need / scratch.needs[e]))
                    near, far = near_end(tables, v, start, i), tables.load_node[i]
                    offer = min(offer, store_offer(tables, draw, b, t, near, far, need, scratch))
                moved = min(need, offer)
                until = min(1.0, need / offer) if offer > 0.0 else 0.0
                book_load(tables, draw, b, t, v, start, scratch.source[v, m], moved, until, scratch, outcome)
                after.bytes_to_come[b, v, m] = need - moved
                if offer < need:
                    continue
                ready += need / offer * tables.slot_seconds
            end_load(tables, b, v, m, ready, after, scratch)


@njit_inline
def end_load(tables: Tables, b: int, v: int, m: int, ready: float, after: State, scratch: Scratch) -> None:
    """Availability in the slot of a load without bytes to come started `ready` seconds after its begin."""
    after.seconds_to_come[b, v, m] = max(0.0, ready - tables.slot_seconds)
    if ready <= 0.0:
        after.resident[b, v, m] = after.wish[b, v, m]
        after.wish[b, v, m] = EMPTY
    elif ready < tables.slot_seconds:
        scratch.coming[v, m] = after.wish[b, v, m]
        c = b % len(scratch.change)
        scratch.change[c] += 1
        scratch.changed[c, v, tables.model_task[m]] = scratch.change[c]
        scratch.available[v, m] = 1.0 - ready / tables.slot_seconds
        scratch.flights[1] += 1


@njit_inline
def book_load(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    v: int,
    start: int,
    end: int,
    moved: float,
    until: float,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Book bytes to each device of a node over the hops [start, end), until a share of the slot."""
    moved *= tables.node_count[v]
    outcome.loaded[b, v] += moved
    for i in range(start, end):
        e = tables.load_link[i]
        scratch.until[e] = max(scratch.until[e], until)
        if shares_medium(tables, e):
            scratch.taken[e] += moved
        draw_store(tables, near_end(tables, v, start, i), e, moved, scratch)
        outcome.load_bytes[b, e] += moved
        outcome.load_traffic[b] += moved
        outcome.load_energy[b] += moved * tables.link_joules[e]
        for f in range(outcome.load_charged.shape[1]):
            outcome.load_charged[b, f] += moved * draw.charge_byte[b, t, e, f]


@aside
def end_slot(tables: Tables, b: int, after: State, scratch: Scratch, outcome: Outcome) -> None:
    """Make resident what has come and started, in place of what served until then."""
    outcome.in_flight[b] = 0
    if scratch.flights[0] == 0:
        return
    for v in range(len(tables.node_memory)):
        for m in range(len(tables.model_task)):
            scratch.coming[v, m] = EMPTY
            if after.wish[b, v, m] == EMPTY:
                continue
            if after.bytes_to_come[b, v, m] > 0.0 or after.seconds_to_come[b, v, m] > 0.0:
                outcome.in_flight[b] += 1
            else:
                after.resident[b, v, m] = after.wish[b, v, m]
                after.wish[b, v, m] = EMPTY
    scratch.flights[1] = 0
