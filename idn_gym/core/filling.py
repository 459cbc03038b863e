"""Sharing of nodes and links by the requests of a slot: they arrive interleaved, and none is served first.

Every class sends at the constant rate of its batch to its cheapest usable option, at the cost without
waiting. Where a node or a link is full, the classes on it go on with their next option, all at the same point
of the slot. Two passes: first every batch, no resource beyond `load_limit`; then what is left over, at rates
in proportion to the leftovers, no resource beyond `last_resort`. What is still left is dropped.

Where loads end within the slot, an option may be usable for the last part of it only. Such windows nest,
since they all end with the slot. So a class is split into streams: the share of its batch that comes while
options of some availability can be used, and none of less, goes to these or to longer ones. For every x,
options of availability up to x together serve at most x times the batch.

Stores fill like nodes and links, up to all that they may give in the slot (`core.stores`), in either pass.

A pass fills one resource per event, so it ends within as many events as there are resources. What classes
pull is summed again at each event: nothing is subtracted, so no rounding error keeps pulling at what is full.

Classes that share nothing that may become full cannot notice each other: they are of different basins, each
of which is filled by itself, event by event (`core.basins`). An event costs as much as what goes on in its
basin: it looks at the streams there that still have an entry, and at what these pull at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import TRANSFER, Draw, Residents, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.listing import bring_cheapest, keep_order, list_options
from idn_gym.core.stores import need_amount, needs_full, supply_stores
from idn_gym.core.warming import TOGETHER, warm_classes
from idn_gym.core.workspace import Scratch


@njit_inline
def ask_batches(draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Let every class ask for its batch of slot `t` of row `b`."""
    for rho in range(len(scratch.batch)):
        scratch.batch[rho] = draw.demand[b, t, rho]


@njit_inline
def fill_slot(tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch) -> int:
    """Deal out `Scratch.batch` over the usable options of all classes.

    Writes `entry_start`, `entry_end`, `amount`, `ordered` and `left`; `measure_paths` comes before.

    Returns:
        How many resources became full in the basin and pass in which the most did.
    """
    nodes = len(tables.node_memory)
    for v in range(nodes):
        scratch.supply[v] = draw.seconds[b, t, v]
        scratch.used[v] = 0.0
    for e in range(len(tables.link_rate)):
        scratch.supply[nodes + e] = scratch.rate[e] * tables.slot_seconds
        scratch.used[nodes + e] = 0.0
    supply_stores(tables, draw, b, t, scratch)
    most = 0
    for turn in range(2):
        set_limits(tables, tables.load_limit if turn == 0 else tables.last_resort, scratch)
        for basin in range(len(scratch.basin_start) - 1):
            if turn == 0:  # just before it is filled, while all that was read of it is at hand
                list_batches(tables, draw, b, t, basin, resident, scratch)
            most = max(most, run_pass(tables, draw, b, basin, scratch))
    for w in range(len(scratch.batch), scratch.split_start[len(scratch.basin_start) - 1]):
        scratch.left[scratch.owner[w]] += scratch.left[w]
    for rho in range(len(scratch.batch)):
        if scratch.batch[rho] > 0.0:
            keep_order(b, rho, scratch)
    return most


@njit_inline
def list_batches(
    tables: Tables, draw: Draw, b: int, t: int, basin: int, resident: Residents, scratch: Scratch
) -> None:
    """Write the entries of all classes of a basin that ask for something, and its further streams.

    Basins come in turn, since the streams of each are numbered after those of the one before.
    """
    c = b % len(scratch.change)
    if basin == 0:
        scratch.split_start[0] = len(scratch.batch)
    streams = scratch.split_start[basin]
    end = scratch.basin_start[basin + 1]
    for k in range(scratch.basin_start[basin], end):
        if (k - scratch.basin_start[basin]) % TOGETHER == 0:
            warm_classes(tables, b, scratch.basin_class, k, min(k + TOGETHER, end), scratch)
        rho = scratch.basin_class[k]
        scratch.left[rho] = scratch.batch[rho]
        scratch.level[rho] = 1.0
        if scratch.batch[rho] > 0.0:
            list_options(tables, draw, b, t, rho, resident, scratch)
            for i in range(scratch.entry_start[rho], scratch.ordered[rho]):
                scratch.amount[i] = 0.0
            if scratch.flights[1] > 0 and scratch.list_change[c, rho] != scratch.change[c]:
                streams = split_class(rho, streams, scratch)
        else:
            scratch.entry_start[rho], scratch.entry_end[rho], scratch.ordered[rho] = 0, 0, 0
    scratch.split_start[basin + 1] = streams


@njit_inline
def split_class(rho: int, streams: int, scratch: Scratch) -> int:
    """Split what is left of a class by the windows of its entries; returns the end of streams.

    The stream with the class's own number comes first; it uses only what is available throughout the slot.
    """
    w, level = rho, 1.0
    scratch.level[w] = level
    while True:
        below = 0.0
        for i in range(scratch.entry_start[rho], scratch.entry_end[rho]):
            if scratch.window[i] < level:
                below = max(below, scratch.window[i])
        scratch.left[w] = scratch.batch[rho] * (level - below)
        if below == 0.0:
            return streams
        w, level = streams, below
        scratch.owner[w] = rho
        scratch.level[w] = level
        streams += 1


@njit_inline
def set_limits(tables: Tables, limit: float, scratch: Scratch) -> None:
    """Write what a pass may use of each resource, and which ones are full before it."""
    stores = len(scratch.supply) - len(tables.store_capacity)
    for r in range(len(scratch.supply)):
        scratch.limit[r] = limit * scratch.supply[r] if r < stores else scratch.supply[r]
        scratch.full[r] = scratch.used[r] >= scratch.limit[r]


@njit_inline
def send_left(basin: int, scratch: Scratch) -> int:
    """Send all that is left in a basin to the first entries: its streams in `stream`; returns how many."""
    count: Any = np.int64(0)
    for k in range(scratch.basin_start[basin], scratch.basin_start[basin + 1]):
        count += send_stream(scratch.basin_class[k], count, scratch)
    for w in range(scratch.split_start[basin], scratch.split_start[basin + 1]):
        count += send_stream(w, count, scratch)
    return count


@njit_inline
def send_stream(w: int, count: int, scratch: Scratch) -> int:
    """Make a stream the one after `count` others; returns 0 if nothing of it is left."""
    if scratch.left[w] <= 0.0:
        return 0
    scratch.pour[w] = scratch.left[w]
    scratch.entry[w] = scratch.entry_start[scratch.owner[w]]
    scratch.stream[count] = w
    return 1


@njit_inline
def run_pass(tables: Tables, draw: Draw, b: int, basin: int, scratch: Scratch) -> int:
    """Pour what is left in a basin from 0 to 1, event by event; returns how many resources became full."""
    streams = send_left(basin, scratch)
    now, count = 0.0, 0
    for _ in range(len(scratch.supply) + 1):
        streams, pulled = sum_pulls(tables, draw, b, streams, scratch)
        first, until = first_full(now, pulled, scratch)
        for n in range(pulled):
            r = scratch.pulled[n]
            scratch.used[r] += scratch.pull[r] * (until - now)
            scratch.pull[r] = 0.0
        for k in range(streams):
            w = scratch.stream[k]
            after = scratch.pour[w] * (1.0 - until)
            scratch.amount[scratch.entry[w]] += scratch.left[w] - after
            scratch.left[w] = after
        if first < 0:
            break
        scratch.used[first] = scratch.limit[first]
        scratch.full[first] = True
        now = until
        count += 1
    return count


@njit_inline
def first_full(now: float, pulled: int, scratch: Scratch) -> tuple[int, float]:
    """The next resource that becomes full, and when; -1 and 1 where none does in the rest of the pass."""
    first, until = -1, 1.0
    for n in range(pulled):
        r = scratch.pulled[n]
        room = max(0.0, scratch.limit[r] - scratch.used[r])
        # What all the rest of the pass does not fill is not divided: by a tiny pull it overflows.
        if room < scratch.pull[r]:
            then = now + room / scratch.pull[r]
            if then < until or (then == until and r < first):
                first, until = r, then
    return first, until


@njit_inline
def sum_pulls(tables: Tables, draw: Draw, b: int, streams: int, scratch: Scratch) -> tuple[int, int]:
    """Move the listed streams on from entries that use something full, and add up what all of them pull.

    Those that have no entry left leave the list.

    Returns:
        Number of classes that continue, and of resources in use: those in `pulled`.
    """
    nodes = len(tables.node_memory)
    stores = nodes + len(tables.link_rate)
    stay: Any = np.int64(0)
    pulled: Any = np.int64(0)
    for k in range(streams):
        w = scratch.stream[k]
        rho = scratch.owner[w]
        origin = tables.path_start[tables.class_path[rho]]
        i = next_entry(tables, w, rho, origin, scratch)
        if i == scratch.entry_end[rho]:
            continue
        scratch.stream[stay] = w
        stay += 1
        pour, o = scratch.pour[w], scratch.option[i]
        before = origin + tables.option_origin[o]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            pulled += add_pull(v, pour * (tables.part_seconds[q] * draw.slowdown[b, v]), pulled, scratch)
            here = origin + tables.part_position[q]
            for j in range(before + 1, here + 1):
                pulled += add_pull(nodes + tables.path_link[j], pour * tables.part_bytes[q], pulled, scratch)
            before = here
        if len(tables.store_capacity) > 0:
            for y in range(tables.need_start[o], tables.need_start[o + 1]):
                z = tables.need_store[y]
                pulled += add_pull(stores + z, pour * need_amount(tables, draw, b, y), pulled, scratch)
    return stay, pulled


@njit_inline
def add_pull(r: int, pull: float, pulled: int, scratch: Scratch) -> int:
    """Add to what a resource is pulled at; returns 1 if it is the first that does so, and notes it."""
    before = scratch.pull[r]
    scratch.pull[r] = before + pull
    if before > 0.0 or pull <= 0.0:
        return 0
    scratch.pulled[pulled] = r
    return 1


@njit_inline
def next_entry(tables: Tables, w: int, rho: int, origin: int, scratch: Scratch) -> int:
    """The stream's first entry, from where it is on, that uses nothing full; its end if there is none."""
    i = scratch.entry[w]
    end = scratch.entry_end[rho]
    while i < end:
        if i == scratch.ordered[rho]:
            bring_cheapest(tables, i, end, scratch)
            scratch.ordered[rho] = i + 1
        opens = tables.loading != TRANSFER or scratch.window[i] >= scratch.level[w]
        if opens and not uses_full(tables, scratch.option[i], origin, scratch):
            break
        i += 1
    scratch.entry[w] = i
    return i


@njit_inline
def uses_full(tables: Tables, o: int, origin: int, scratch: Scratch) -> bool:
    """Whether a node, a link or a store that the option needs is full."""
    nodes = len(tables.node_memory)
    before = origin + tables.option_origin[o]
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        if tables.part_seconds[q] > 0.0 and scratch.full[tables.part_node[q]]:
            return True
        here = origin + tables.part_position[q]
        if tables.part_bytes[q] > 0.0:
            for j in range(before + 1, here + 1):
                if scratch.full[nodes + tables.path_link[j]]:
                    return True
        before = here
    return needs_full(tables, o, scratch)
