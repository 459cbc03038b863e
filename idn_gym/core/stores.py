"""Stores: stocks that serving draws on and that carry over from slot to slot.

A battery is a store of joules, refilled by what is harvested; a duty cycle is one of seconds of airtime,
refilled by its share of the slot. In a slot a store has its level and the slot's refill. What drains whatever
is served goes first, then loads and requests draw on what is left above the cut-off. A store at or below its
cut-off after a slot is off: it gives nothing and is not drained, until level and refill reach the level at
which it comes back. So, for every slot,

    level' = level + refill - drained - drawn - spilled,

and no level falls below 0. Kernels work on row ``b`` of a batch; with no stores they do nothing.
"""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, Draw, Outcome, Residents, State, Tables
from idn_gym.core.kernel import aside, njit_inline
from idn_gym.core.workspace import Scratch


@njit_inline
def need_amount(tables: Tables, draw: Draw, b: int, y: int) -> float:
    """Amount that one request draws by the need `y`, in the unit of its store."""
    v = tables.need_node[y]
    return float(tables.need_amount[y] if v == EMPTY else tables.need_amount[y] * draw.slowdown[b, v])


@njit_inline
def needs_full(tables: Tables, o: int, scratch: Scratch) -> bool:
    """Whether a store that the option draws on is exhausted."""
    if len(tables.store_capacity) > 0:
        stores = len(tables.node_memory) + len(tables.link_rate)
        for y in range(tables.need_start[o], tables.need_start[o + 1]):
            if scratch.full[stores + tables.need_store[y]]:
                return True
    return False


@njit_inline
def is_off(tables: Tables, draw: Draw, b: int, t: int, z: int, scratch: Scratch) -> bool:
    """Whether a store that was off stays off in the slot: refilled, it does not reach its restart level."""
    return bool(scratch.dark[z] and scratch.stock[z] + draw.refill[b, t, z] < tables.store_restart[z])


@njit_inline
def spare_amount(tables: Tables, draw: Draw, b: int, t: int, z: int, scratch: Scratch) -> float:
    """Amount that loads and requests may draw from the store in the slot."""
    if is_off(tables, draw, b, t, z, scratch):
        return 0.0
    stock = scratch.stock[z] + draw.refill[b, t, z]
    return max(0.0, stock - min(stock, tables.store_drain[z]) - tables.store_least[z])


@njit_inline
def begin_stores(before: State, b: int, scratch: Scratch) -> None:
    """Take the levels at which the slot of row `b` begins."""
    for z in range(len(scratch.stock)):
        scratch.stock[z] = before.level[b, z]
        scratch.dark[z] = before.off[b, z]
        scratch.fetched[z] = 0.0


@njit_inline
def supply_stores(tables: Tables, draw: Draw, b: int, t: int, scratch: Scratch) -> None:
    """Write what requests may draw of each store in the slot: what loads leave of what it may give."""
    stores = len(scratch.supply) - len(scratch.stock)
    for z in range(len(scratch.stock)):
        spare = spare_amount(tables, draw, b, t, z, scratch)
        scratch.supply[stores + z] = max(0.0, spare - scratch.fetched[z])
        scratch.used[stores + z] = 0.0


@aside
def end_stores(
    tables: Tables, draw: Draw, b: int, t: int, after: State, scratch: Scratch, outcome: Outcome
) -> None:
    """Write the levels at which the slot ends, and book what came of what was there; requests are served."""
    stores = len(scratch.supply) - len(scratch.stock)
    for z in range(len(scratch.stock)):
        resting = is_off(tables, draw, b, t, z, scratch)
        spare = spare_amount(tables, draw, b, t, z, scratch)
        drawn = min(spare, scratch.fetched[z] + scratch.used[stores + z])
        stock = scratch.stock[z] + draw.refill[b, t, z]
        scratch.drained[z] = 0.0 if resting else min(stock, tables.store_drain[z])
        left = stock - scratch.drained[z]
        if not resting:  # not `left - drawn`: of a store that gives all it may, exactly the cut-off is left
            left = min(left, tables.store_least[z]) + (spare - drawn)
        after.level[b, z] = min(left, tables.store_capacity[z])
        after.off[b, z] = resting or after.level[b, z] <= tables.store_least[z]
        outcome.drawn[b, z] += drawn
        outcome.drained[b, z] += scratch.drained[z]
        outcome.spilled[b, z] += left - after.level[b, z]


@njit_inline
def slots_lasted(tables: Tables, before: State, after: State, b: int) -> int:
    """Slots of row `b` until its first battery went off; those played where none has."""
    if len(tables.store_capacity) > 0:
        if before.lasted[b] < before.slot[b]:
            return int(before.lasted[b])
        for v in range(len(tables.node_store)):
            z = tables.node_store[v]
            if z != EMPTY and (before.off[b, z] or after.off[b, z]):
                return int(before.lasted[b])
    return int(after.slot[b])


@njit_inline
def book_idle(tables: Tables, b: int, resident: Residents, scratch: Scratch, outcome: Outcome) -> None:
    """Book the energy of nodes that does not depend on serving; a battery gives what it has, none while off.

    A model that comes within the slot counts as held in all of it.
    """
    for v in range(len(tables.node_memory)):
        watts = tables.node_idle_watts[v]
        if tables.node_context_watts[v] > 0.0 and holds_any(b, v, resident):
            watts += tables.node_context_watts[v]
        idle = watts * tables.slot_seconds
        if len(tables.store_capacity) > 0 and tables.node_store[v] != EMPTY:
            idle = min(idle, scratch.drained[tables.node_store[v]])
        outcome.idle_energy[b] += idle


@njit_inline
def holds_any(b: int, v: int, resident: Residents) -> bool:
    """Whether a node has a segment of any model."""
    for m in range(resident.shape[2]):
        if resident[b, v, m] != EMPTY:
            return True
    return False


@njit_inline
def near_end(tables: Tables, v: int, start: int, i: int) -> int:
    """Node that a load of node `v` reaches over hop i of its path, which begins at hop `start`."""
    return int(v if i == start else tables.load_node[i - 1])


@njit_inline
def rests(tables: Tables, draw: Draw, b: int, t: int, v: int, scratch: Scratch) -> bool:
    """Whether the battery of a node is off in the slot: the node receives and forwards nothing."""
    z = tables.node_store[v]
    return bool(z != EMPTY and is_off(tables, draw, b, t, z, scratch))


@njit_inline
def ask_store(tables: Tables, v: int, e: int, need: float, scratch: Scratch) -> None:
    """Note what a load draws on the battery of node `v` until all its bytes have come there over a link."""
    z = tables.node_store[v]
    if z != EMPTY:
        scratch.asks[z] += need * tables.link_joules[e]


@njit_inline
def store_offer(
    tables: Tables, draw: Draw, b: int, t: int, near: int, far: int, need: float, scratch: Scratch
) -> float:
    """Bytes of a load that lacks `need` which the batteries at both ends of a hop let pass in the slot.

    Who receives pays. Of what its battery may give, loads get `loading_share`, in proportion to what they
    draw until they are there.
    """
    if rests(tables, draw, b, t, near, scratch) or rests(tables, draw, b, t, far, scratch):
        return 0.0
    z = tables.node_store[near]
    if z == EMPTY or scratch.asks[z] <= 0.0:
        return float("inf")
    spare = spare_amount(tables, draw, b, t, z, scratch)
    return float(tables.loading_share * spare * (need / scratch.asks[z]))


@njit_inline
def draw_store(tables: Tables, v: int, e: int, moved: float, scratch: Scratch) -> None:
    """Take from the battery of node `v` what bytes of a load cost that came there over a link."""
    z = tables.node_store[v]
    if z != EMPTY:
        scratch.fetched[z] += moved * tables.link_joules[e]
