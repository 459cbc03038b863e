"""How the requests of a slot share nodes and links: they arrive interleaved, and nobody is served first.

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
pull is summed anew at each event: nothing is subtracted, so no rounding error keeps pulling at what is full.
"""

from __future__ import annotations

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
        How many resources became full in the pass in which the most did.
    """
    streams = list_batches(tables, draw, b, t, resident, scratch)
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
        limit = tables.load_limit if turn == 0 else tables.last_resort
        if begin_pass(tables, limit, streams, scratch):
            most = max(most, run_pass(tables, draw, b, streams, scratch))
    for w in range(len(scratch.batch), streams):
        scratch.left[scratch.owner[w]] += scratch.left[w]
    for rho in range(len(scratch.batch)):
        if scratch.batch[rho] > 0.0:
            keep_order(b, rho, scratch)
    return most


@njit_inline
def list_batches(tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch) -> int:
    """Write the entries of all classes that ask for something; returns how many streams they make."""
    c = b % len(scratch.change)
    streams = len(scratch.batch)
    for rho in range(len(scratch.batch)):
        if rho % TOGETHER == 0:
            warm_classes(tables, b, rho, min(rho + TOGETHER, len(scratch.batch)), scratch)
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
    return streams


@njit_inline
def split_class(rho: int, streams: int, scratch: Scratch) -> int:
    """Split what is left of a class by the windows of its entries; returns the end of streams.

    The stream of the class's own number comes first, with what may only use what is there all the time.
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
def begin_pass(tables: Tables, limit: float, streams: int, scratch: Scratch) -> bool:
    """Send all that is left to the first entries; returns whether there is something left."""
    stores = len(scratch.supply) - len(tables.store_capacity)
    for r in range(len(scratch.supply)):
        scratch.limit[r] = limit * scratch.supply[r] if r < stores else scratch.supply[r]
        scratch.full[r] = scratch.used[r] >= scratch.limit[r]
    some = False
    for w in range(streams):
        scratch.pour[w] = scratch.left[w]
        scratch.entry[w] = scratch.entry_start[scratch.owner[w]]
        some |= scratch.left[w] > 0.0
    return some


@njit_inline
def run_pass(tables: Tables, draw: Draw, b: int, streams: int, scratch: Scratch) -> int:
    """Pour from 0 to 1, event by event; returns how many resources became full."""
    now, count = 0.0, 0
    for _ in range(len(scratch.supply) + 1):
        sum_pulls(tables, draw, b, streams, scratch)
        first, until = -1, 1.0
        for r in range(len(scratch.supply)):
            room = max(0.0, scratch.limit[r] - scratch.used[r])
            # What all the rest of the pass does not fill is not divided: by a tiny pull it overflows.
            if room < scratch.pull[r]:
                then = now + room / scratch.pull[r]
                if then < until:
                    first, until = r, then
        for r in range(len(scratch.supply)):
            scratch.used[r] += scratch.pull[r] * (until - now)
        for w in range(streams):
            i = scratch.entry[w]
            if scratch.pour[w] > 0.0 and i < scratch.entry_end[scratch.owner[w]]:
                after = scratch.pour[w] * (1.0 - until)
                scratch.amount[i] += scratch.left[w] - after
                scratch.left[w] = after
        if first < 0:
            break
        scratch.used[first] = scratch.limit[first]
        scratch.full[first] = True
        now = until
        count += 1
    return count


@njit_inline
def sum_pulls(tables: Tables, draw: Draw, b: int, streams: int, scratch: Scratch) -> None:
    """Move every stream on from entries that use something full, and add up what all of them pull."""
    nodes = len(tables.node_memory)
    for r in range(len(scratch.pull)):
        scratch.pull[r] = 0.0
    for w in range(streams):
        if scratch.pour[w] <= 0.0:
            continue
        rho = scratch.owner[w]
        origin = tables.path_start[tables.class_path[rho]]
        i = next_entry(tables, w, rho, origin, scratch)
        if i == scratch.entry_end[rho]:
            continue
        o = scratch.option[i]
        before = origin + tables.option_origin[o]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            scratch.pull[v] += scratch.pour[w] * (tables.part_seconds[q] * draw.slowdown[b, v])
            here = origin + tables.part_position[q]
            for j in range(before + 1, here + 1):
                scratch.pull[nodes + tables.path_link[j]] += scratch.pour[w] * tables.part_bytes[q]
            before = here
        if len(tables.store_capacity) > 0:
            stores = nodes + len(tables.link_rate)
            for y in range(tables.need_start[o], tables.need_start[o + 1]):
                z = tables.need_store[y]
                scratch.pull[stores + z] += scratch.pour[w] * need_amount(tables, draw, b, y)


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
    """Whether a node, a link or a store that the option needs something of is full."""
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
