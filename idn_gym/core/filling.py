"""How the requests of a slot share nodes and links: they arrive interleaved, and nobody is served first.

Every class sends at the constant rate of its batch to its cheapest usable option, at the cost without
waiting. Where a node or a link is full, the classes on it go on with their next option, all at the same point
of the slot. Two passes: first every batch, no resource beyond `load_limit`; then what is left over, at rates
in proportion to the leftovers, no resource beyond `last_resort`. What is still left is dropped.

A pass fills one resource per event, so it ends within as many events as there are resources. What classes
pull is summed anew at each event: nothing is subtracted, so no rounding error keeps pulling at what is full.
"""

from __future__ import annotations

from idn_gym.core.arrays import Draw, Residents, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.listing import bring_cheapest, list_options
from idn_gym.core.workspace import Scratch


@njit_inline
def fill_slot(tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch) -> int:
    """Deal out `Scratch.batch` over the usable options of all classes.

    Writes `entry_start`, `amount`, `ordered` and `left`; `measure_paths` comes before.

    Returns:
        How many resources became full in the pass in which the most did.
    """
    list_batches(tables, draw, b, t, resident, scratch)
    nodes = len(tables.node_memory)
    for v in range(nodes):
        scratch.supply[v] = draw.seconds[b, t, v]
        scratch.used[v] = 0.0
    for e in range(len(tables.link_rate)):
        scratch.supply[nodes + e] = draw.rate[b, t, e] * tables.slot_seconds
        scratch.used[nodes + e] = 0.0
    most = 0
    for turn in range(2):
        limit = tables.load_limit if turn == 0 else tables.last_resort
        if begin_pass(limit, scratch):
            most = max(most, run_pass(tables, draw, b, limit, scratch))
    return most


@njit_inline
def list_batches(tables: Tables, draw: Draw, b: int, t: int, resident: Residents, scratch: Scratch) -> None:
    """Write the entries of all classes that ask for something."""
    end = 0
    for rho in range(len(scratch.batch)):
        scratch.entry_start[rho] = end
        scratch.ordered[rho] = end
        scratch.left[rho] = scratch.batch[rho]
        if scratch.batch[rho] > 0.0:
            end = list_options(tables, draw, b, t, rho, resident, end, scratch)
    scratch.entry_start[len(scratch.batch)] = end
    for i in range(end):
        scratch.amount[i] = 0.0


@njit_inline
def begin_pass(limit: float, scratch: Scratch) -> bool:
    """Send all that is left to the first entries; returns whether there is something left."""
    for r in range(len(scratch.supply)):
        scratch.full[r] = scratch.used[r] >= limit * scratch.supply[r]
    some = False
    for rho in range(len(scratch.left)):
        scratch.pour[rho] = scratch.left[rho]
        scratch.entry[rho] = scratch.entry_start[rho]
        some |= scratch.left[rho] > 0.0
    return some


@njit_inline
def run_pass(tables: Tables, draw: Draw, b: int, limit: float, scratch: Scratch) -> int:
    """Pour from 0 to 1, event by event; returns how many resources became full."""
    now, count = 0.0, 0
    for _ in range(len(scratch.supply) + 1):
        sum_pulls(tables, draw, b, scratch)
        first, until = -1, 1.0
        for r in range(len(scratch.supply)):
            if scratch.pull[r] > 0.0:
                then = now + max(0.0, limit * scratch.supply[r] - scratch.used[r]) / scratch.pull[r]
                if then < until:
                    first, until = r, then
        for r in range(len(scratch.supply)):
            scratch.used[r] += scratch.pull[r] * (until - now)
        for rho in range(len(scratch.pour)):
            i = scratch.entry[rho]
            if scratch.pour[rho] > 0.0 and i < scratch.entry_start[rho + 1]:
                after = scratch.pour[rho] * (1.0 - until)
                scratch.amount[i] += scratch.left[rho] - after
                scratch.left[rho] = after
        if first < 0:
            break
        scratch.used[first] = limit * scratch.supply[first]
        scratch.full[first] = True
        now = until
        count += 1
    return count


@njit_inline
def sum_pulls(tables: Tables, draw: Draw, b: int, scratch: Scratch) -> None:
    """Move every class on from entries that use something full, and add up what all of them pull."""
    nodes = len(tables.node_memory)
    for r in range(len(scratch.pull)):
        scratch.pull[r] = 0.0
    for rho in range(len(scratch.pour)):
        if scratch.pour[rho] <= 0.0:
            continue
        origin = tables.path_start[tables.class_path[rho]]
        i = next_entry(tables, rho, origin, scratch)
        if i == scratch.entry_start[rho + 1]:
            continue
        o = scratch.option[i]
        before = origin + tables.option_origin[o]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            scratch.pull[v] += scratch.pour[rho] * (tables.part_seconds[q] * draw.slowdown[b, v])
            here = origin + tables.part_position[q]
            for j in range(before + 1, here + 1):
                scratch.pull[nodes + tables.path_link[j]] += scratch.pour[rho] * tables.part_bytes[q]
            before = here


@njit_inline
def next_entry(tables: Tables, rho: int, origin: int, scratch: Scratch) -> int:
    """The class's first entry, from where it is on, that uses nothing full; its end if there is none."""
    i = scratch.entry[rho]
    end = scratch.entry_start[rho + 1]
    while i < end:
        if i == scratch.ordered[rho]:
            bring_cheapest(tables, i, end, scratch)
            scratch.ordered[rho] = i + 1
        if not uses_full(tables, scratch.option[i], origin, scratch):
            break
        i += 1
    scratch.entry[rho] = i
    return i


@njit_inline
def uses_full(tables: Tables, o: int, origin: int, scratch: Scratch) -> bool:
    """Whether a node or a link that the option needs something of is full."""
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
    return False
