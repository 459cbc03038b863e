"""The gain of a slot as a concave function of fractional prefixes, with its value and a supergradient.

The gain of a class is a sum over the layers between its options, sorted by cost (the layer form; Si
Salem et al., "Toward inference delivery networks", IEEE/ACM ToN 2024):

    G(z) = sum over k of (gamma_{k+1} - gamma_k) min(c_k, sum over free options o <= k of
           min(lambda_o, c_k) (z_o - zbar_o))

- gamma_k is the cost of the k-th option, and the last one that of the fallback, the first pinned option
  of unlimited compute, or of a drop;
- c_k = max(0, batch - what pinned options up to k take), the demand they leave: capping lambda by it
  keeps an option of large capacity and tiny z from looking better than any rounding of it;
- lambda_o = min(batch, what the copy serves alone); with shared capacity lambda-hat, see `room_of`.
  Options of one copy (class, node, model) share its seconds, so a dearer one serves only where the
  prefix of the cheaper ones is not there: zbar_o is the column of the shortest prefix among them (0 if
  there is none), and options that need no shorter prefix than a cheaper one are left out.

With private capacities the value at integral z is `costs.gain` of the placement, provided that no option
needs two placed segments and that pinned copies which finish split requests have compute to spare. It
rises with z unless a shorter prefix, at a higher cost, serves more requests than a longer one.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Floats, Tables
from idn_gym.core.capacity import fitting
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.optimum.option_ranking import RankedOptions, rank_options
from idn_gym.optimum.prefixes import PINNED, Prefixes


@njit_no_alloc
def gain_and_gradient(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    items: Prefixes,
    z: Floats,
    gradient: Floats,
    layers: RankedOptions,
) -> float:
    """G(z) of slot `t` in row `b`; a supergradient of it is written into `gradient`.

    Args:
        tables: the scenario's tables.
        draw: the draw.
        b: row.
        t: slot.
        items: from `list_prefixes`.
        z: (I,) in [0, 1], falling along each chain.
        gradient: (I,) [cost per unit of z] overwritten.
        layers: from `allocate_ranking`, one per row.
    """
    for i in range(len(gradient)):
        gradient[i] = 0.0
    rank_options(tables, draw, b, t, items, layers)
    value = 0.0
    for rho in range(len(tables.class_task)):
        if draw.demand[b, t, rho] > 0.0:
            value += class_gain(tables, draw, b, t, rho, z, gradient, layers)
    return value


@njit_inline
def room_of(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, batch: float, entry: int, layers: RankedOptions
) -> float:
    """Number of the batch's requests that the entry's copies serve.

    Private capacities: lambda, what they serve when they serve nothing else. Shared ones: lambda-hat, what
    fits into that which the other classes left, up to `load_limit`, in the slot that `note_others` saw last.
    """
    if tables.capacity != EXOGENOUS:
        return float(shared_room(tables, draw, b, t, rho, batch, layers.option[entry], layers))
    room = fitting(batch, layers.need[entry], draw.seconds[b, t, layers.node[entry]])
    o = layers.option[entry]
    for q in range(tables.part_start[o] + 1, tables.part_start[o + 1]):
        v = tables.part_node[q]
        room = fitting(room, tables.part_seconds[q] * draw.slowdown[b, v], draw.seconds[b, t, v])
    return room


@njit_inline
def shared_room(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, batch: float, o: int, layers: RankedOptions
) -> float:
    """lambda-hat: how many of the batch fit into what the other classes left of nodes and links."""
    origin = tables.path_start[tables.class_path[rho]]
    room, before = batch, tables.option_origin[o]
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v, here = tables.part_node[q], tables.part_position[q]
        need = tables.part_seconds[q] * draw.slowdown[b, v]
        seconds = max(0.0, tables.load_limit * draw.seconds[b, t, v] - layers.taken_seconds[rho, here])
        room = fitting(room, need, seconds)
        size = tables.part_bytes[q]
        if size > 0.0:
            for j in range(before + 1, here + 1):
                rate = draw.rate[b, t, tables.path_link[origin + j]]
                left = max(0.0, tables.load_limit * rate * tables.slot_seconds - layers.taken_bytes[rho, j])
                room = fitting(room, size, left)
        before = here
    return room


@njit_inline
def share(z: Floats, entry: int, layers: RankedOptions) -> float:
    """Available share of the entry's capacity: z_o - zbar_o."""
    other = layers.shorter[entry]
    return float(z[layers.item[entry]] - (z[other] if other != EMPTY else 0.0))


@njit_inline
def class_gain(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, z: Floats, gradient: Floats, layers: RankedOptions
) -> float:
    """Gain of one class with a batch above 0; its supergradient is added to `gradient`.

    A phase is a run of layers with the same c_k; it ends where a pinned option takes its share.
    """
    batch = draw.demand[b, t, rho]
    first = layers.start[rho]
    end = first + layers.entries[rho]
    cap, filled, value = batch, 0.0, 0.0
    phases, fixed = 0, layers.fixed[rho]
    layers.phase_cost[0] = 0.0
    layers.phase_cap[0] = cap
    stop_cost = layers.last_cost[rho]
    stop = end
    for e in range(first, end):
        room = room_of(tables, draw, b, t, rho, batch, e, layers)
        layers.room[e - first] = room
        layers.since[e - first] = phases
        if layers.item[e] == PINNED:
            fixed -= 1
            cap = max(0.0, cap - room)
            phases += 1
            layers.phase_cost[phases] = layers.cost[e]
            layers.phase_cap[phases] = cap
            filled = 0.0
            for k in range(first, e):
                if layers.item[k] != PINNED:
                    filled += min(layers.room[k - first], cap) * share(z, k, layers)
        else:
            filled += min(room, cap) * share(z, e, layers)
        if filled >= cap:
            stop, stop_cost = e, layers.cost[e]
            break
        value += (_next_cost(rho, e, end, layers) - layers.cost[e]) * filled
    if stop < end:
        value += _saturated(tables, draw, b, t, rho, stop, end, cap, fixed, layers)
    layers.phase_cost[phases + 1] = stop_cost
    for e in range(first, stop):
        if layers.item[e] != PINNED:
            weight = 0.0
            for k in range(layers.since[e - first], phases + 1):
                since = max(layers.phase_cost[k], layers.cost[e])
                weight += (layers.phase_cost[k + 1] - since) * min(
                    layers.room[e - first], layers.phase_cap[k]
                )
            gradient[layers.item[e]] += weight
            if layers.shorter[e] != EMPTY:
                gradient[layers.shorter[e]] -= weight
    return value


@njit_inline
def _next_cost(rho: int, e: int, end: int, layers: RankedOptions) -> float:
    return float(layers.cost[e + 1] if e + 1 < end else layers.last_cost[rho])


@njit_inline
def _saturated(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: int,
    stop: int,
    end: int,
    cap: float,
    fixed: int,
    layers: RankedOptions,
) -> float:
    """Value of the layers from `stop` on, in which free options take all that pinned ones leave."""
    if fixed == 0:
        return float((layers.last_cost[rho] - layers.cost[stop]) * cap)
    value = 0.0
    for e in range(stop, end):
        if layers.item[e] == PINNED and e > stop:
            cap = max(0.0, cap - room_of(tables, draw, b, t, rho, draw.demand[b, t, rho], e, layers))
        value += (_next_cost(rho, e, end, layers) - layers.cost[e]) * cap
    return value


@njit_no_alloc
def list_slot(
    tables: Tables, draw: Draw, b: int, t: int, items: Prefixes, layers: RankedOptions, capacity: Floats
) -> None:
    """Write the layers of slot `t` into `layers`, for solvers that take them all at once.

    Args:
        tables: the scenario's tables.
        draw: the draw.
        b: row.
        t: slot.
        items: from `list_prefixes`.
        layers: from `allocate_ranking`, one per row.
        capacity: (L,) [requests] overwritten: what `room_of` says of an endless batch; inf where nothing
            limits it.
    """
    rank_options(tables, draw, b, t, items, layers)
    for rho in range(len(tables.class_task)):
        for e in range(layers.start[rho], layers.start[rho] + layers.entries[rho]):
            capacity[e] = room_of(tables, draw, b, t, rho, np.inf, e, layers)
