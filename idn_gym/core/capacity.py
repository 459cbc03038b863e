"""Compute seconds and link bytes of a slot: what still fits, using it up, and booking it."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EXOGENOUS, Draw, Floats, Outcome, Tables
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.workspace import UNTOUCHED, Scratch


@njit_inline
def fitting(amount: float, need: float, left: float) -> float:
    """Number of `amount` requests that fit into the rest of a resource, given the need of each request."""
    # A need that rounds to nothing in total still finds no room where nothing is left.
    if need * amount > left or (left <= 0.0 and need > 0.0):
        return left / need
    return amount


def most_requests(need: Floats, left: Floats) -> Floats:
    """Number of requests that fit into the rest, elementwise; inf where they need nothing.

    Args:
        need: [s] or [bytes] of one request; broadcast to the shape of `left`.
        left: capacity left, in the same unit.
    """
    most = np.empty(left.shape)
    _most_requests(np.broadcast_to(need, left.shape).flatten(), left.flatten(), most.reshape(-1))
    return most


@njit_no_alloc
def _most_requests(need: Floats, left: Floats, most: Floats) -> None:
    for i in range(len(most)):
        most[i] = fitting(np.inf, need[i], left[i]) if need[i] > 0.0 else np.inf


@njit_inline
def fill_copies(tables: Tables, draw: Draw, b: int, t: int, used: int, scratch: Scratch) -> None:
    """Give the copies that the first `used` entries run on the node's seconds."""
    for i in range(used):
        o = scratch.option[i]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            scratch.seconds_left[v, tables.option_model[o]] = draw.seconds[b, t, v]


@njit_inline
def open_copies(tables: Tables, draw: Draw, b: int, t: int, o: int, scratch: Scratch) -> None:
    """Give the copies that an option runs on the node's seconds, unless the class has used them already."""
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v, m = tables.part_node[q], tables.option_model[o]
        if scratch.seconds_left[v, m] == UNTOUCHED:
            scratch.seconds_left[v, m] = draw.seconds[b, t, v]


@njit_inline
def close_copies(tables: Tables, o: int, scratch: Scratch) -> None:
    """Let the next class have all of the copies that an option runs on."""
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        scratch.seconds_left[tables.part_node[q], tables.option_model[o]] = UNTOUCHED


@njit_inline
def option_room(
    tables: Tables, draw: Draw, b: int, o: int, origin: int, batch: float, scratch: Scratch
) -> float:
    """Number of `batch` requests that fit into the free capacity of the option's nodes and links."""
    room = batch
    column = tables.option_model[o] if tables.capacity == EXOGENOUS else 0
    before = tables.option_origin[o]
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
def use_up(tables: Tables, draw: Draw, b: int, o: int, origin: int, amount: float, scratch: Scratch) -> None:
    """Take the requests' seconds and bytes from what is left."""
    shared = tables.capacity != EXOGENOUS
    column = 0 if shared else tables.option_model[o]
    before = tables.option_origin[o]
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        seconds = amount * tables.part_seconds[q] * draw.slowdown[b, v]
        scratch.seconds_left[v, column] = max(0.0, scratch.seconds_left[v, column] - seconds)
        if shared:
            for j in range(before + 1, tables.part_position[q] + 1):
                link = tables.path_link[origin + j]
                scratch.bytes_left[link] = max(0.0, scratch.bytes_left[link] - amount * tables.part_bytes[q])
        before = tables.part_position[q]


@njit_inline
def book_use(
    tables: Tables, draw: Draw, b: int, rho: int, o: int, origin: int, amount: float, outcome: Outcome
) -> None:
    """Book the requests' seconds and bytes."""
    shared = tables.capacity != EXOGENOUS
    before = tables.option_origin[o]
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        seconds = amount * tables.part_seconds[q] * draw.slowdown[b, v]
        outcome.busy[b, v] += seconds
        if shared:
            outcome.spent[b, rho, tables.path_same_node[origin + tables.part_position[q]]] += seconds
        for j in range(before + 1, tables.part_position[q] + 1):
            link = tables.path_link[origin + j]
            size = amount * tables.part_bytes[q]
            if shared:
                outcome.sent[b, rho, tables.path_same_link[origin + j]] += size
            outcome.carried[b, link] += size
        before = tables.part_position[q]
