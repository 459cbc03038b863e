"""Compute seconds and link bytes of a slot: handing them out, what still fits, and using them up."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EXOGENOUS, Draw, Floats, Outcome, Tables
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.workspace import Scratch


@njit_inline
def fitting(amount: float, need: float, left: float) -> float:
    """How many of `amount` requests fit into what is left of a resource, if each needs so much of it."""
    return left / need if need * amount > left else amount


def most_requests(need: Floats, left: Floats) -> Floats:
    """How many requests fit into what is left, elementwise; inf where they need nothing.

    Args:
        need: [s] or [bytes] of one request; broadcast to the shape of `left`.
        left: likewise.
    """
    most = np.empty(left.shape)
    _most_requests(np.broadcast_to(need, left.shape).flatten(), left.flatten(), most.reshape(-1))
    return most


@njit_no_alloc
def _most_requests(need: Floats, left: Floats, most: Floats) -> None:
    for i in range(len(most)):
        most[i] = fitting(np.inf, need[i], left[i]) if need[i] > 0.0 else np.inf


@njit_inline
def fill_capacity(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Hand out the slot's compute seconds and link bytes to all classes together."""
    for v in range(len(tables.node_seconds)):
        scratch.seconds_left[v, 0] = draw.seconds[b, t, v]
    for e in range(len(tables.link_rate)):
        scratch.bytes_left[e] = draw.rate[b, t, e] * tables.slot_seconds


@njit_inline
def fill_copies(tables: Tables, draw: Draw, b: int, t: int, usable: int, scratch: Scratch) -> None:
    """Give each resident copy that a class can use the node's seconds, for this class alone."""
    for i in range(usable):
        o = scratch.option[i]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            scratch.seconds_left[v, tables.option_model[o]] = draw.seconds[b, t, v]


@njit_inline
def option_room(
    tables: Tables, draw: Draw, b: int, o: int, origin: int, batch: float, scratch: Scratch
) -> float:
    """How many of `batch` requests fit into what the option's nodes and links have left."""
    room = batch
    column = tables.option_model[o] if tables.capacity == EXOGENOUS else 0
    before = 0
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        need = tables.part_seconds[q] * draw.slowdown[b, v]
        room = fitting(room, need, scratch.seconds_left[v, column])
        if tables.capacity != EXOGENOUS and tables.part_bytes[q] > 0.0:
            for j in range(origin + before + 1, origin + tables.part_position[q] + 1):
                room = fitting(room, tables.part_bytes[q], scratch.bytes_left[tables.path_link[j]])
        before = tables.part_position[q]
    return room


@njit_inline
def use_option(
    tables: Tables,
    draw: Draw,
    b: int,
    rho: int,
    o: int,
    origin: int,
    amount: float,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Take the requests' seconds and bytes from what is left and book them."""
    shared = tables.capacity != EXOGENOUS
    column = 0 if shared else tables.option_model[o]
    before = 0
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        seconds = amount * tables.part_seconds[q] * draw.slowdown[b, v]
        scratch.seconds_left[v, column] = max(0.0, scratch.seconds_left[v, column] - seconds)
        outcome.busy[b, v] += seconds
        if shared:
            outcome.spent[b, rho, tables.part_position[q]] += seconds
        for j in range(before + 1, tables.part_position[q] + 1):
            link = tables.path_link[origin + j]
            size = amount * tables.part_bytes[q]
            if shared:
                scratch.bytes_left[link] = max(0.0, scratch.bytes_left[link] - size)
                outcome.sent[b, rho, j] += size
            outcome.carried[b, link] += size
        before = tables.part_position[q]
