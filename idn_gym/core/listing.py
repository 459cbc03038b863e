"""Costs of one request by each option that a class can use (`usable`).

The cost of an option is the tariff applied to its latency, error, energy and traffic without waiting;
options slower than the timeout or as slow are left out. Kernels work on row ``b`` of a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import EMPTY, SECOND, TRANSFER, Draw, Residents, Tables
from idn_gym.core.charges import add_charges, charges_cost, drop_charges
from idn_gym.core.kernel import njit_inline, rule
from idn_gym.core.usable import is_listed, scan_options, usable_share
from idn_gym.core.workspace import Scratch


@njit_inline
def cost_row(draw: Draw, b: int) -> int:
    """Row of the `option_` fields that holds for row b."""
    return b if len(draw.option_latency) > 1 else 0


@rule
def error_row(draw: Any, b: Any) -> Any:
    """Row of `Draw.error_in_force` that holds for row b."""
    return b if len(draw.error_in_force) > 1 else 0


@njit_inline
def link_seconds(tables: Tables, option: int, origin: int, scratch: Scratch) -> float:
    """Expected seconds of one request that the rates of the slot decide: q c / B per hop.

    inf where a link on the way is down: such an option has the largest latency.
    """
    if scratch.pace[origin + tables.part_position[tables.part_start[option + 1] - 1]] == np.inf:
        return np.inf
    total = 0.0
    before = origin + tables.option_origin[option]
    for q in range(tables.part_start[option], tables.part_start[option + 1]):
        here = origin + tables.part_position[q]
        total += tables.part_bytes[q] * (scratch.pace[here] - scratch.pace[before])
        before = here
    return total


@njit_inline
def option_latency(draw: Draw, b: int, option: int, link: float) -> float:
    """Expected seconds of one request: q (d + c / B) per hop and q s per block, over early exits.

    Delays and compute are in `Draw.option_latency` already; `link` is what the slot's rates add.
    """
    return float(draw.option_latency[cost_row(draw, b), option] + link)


@njit_inline
def is_late(tables: Tables, rho: int, latency: float) -> bool:
    """Whether an option takes as long as the timeout of its class without waiting, and is left out."""
    return bool(latency >= tables.class_timeout[rho])


@njit_inline
def charged_slots(draw: Draw) -> bool:
    """Whether a request has more than the four components: further objectives are in force."""
    return draw.charge_second.shape[3] > 0


@njit_inline
def priced_cost(draw: Draw, b: int, option: int, link: float) -> float:
    """The tariff of one request but for further objectives; the slot's rates decide `link` seconds of it."""
    return float(draw.option_cost[cost_row(draw, b), option] + draw.tariff[b, SECOND] * link)


@njit_inline
def option_cost(tables: Tables, draw: Draw, b: int, t: int, option: int, origin: int, link: float) -> float:
    """The tariff of one request, of which `link` seconds are decided by the rates of the slot."""
    return priced_cost(draw, b, option, link) + charges_cost(tables, draw, b, t, option, origin)


@njit_inline
def drop_cost(draw: Draw, b: int, t: int, rho: int) -> float:
    """The tariff of a dropped request: no option of the class is worse in any component."""
    cost = float(draw.drop_cost[cost_row(draw, b), rho])
    if charged_slots(draw):
        cost += drop_charges(draw, b, t, rho)
    return cost


@njit_inline
def list_options(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, resident: Residents, scratch: Scratch
) -> None:
    """Make the usable options of a class its entries, with cost and latency.

    `measure_paths` and `note_residents` come before, and again when rates or what is resident have changed.
    Options without capacity limit come last, of which the cheapest in time is enough.
    """
    c = b % len(scratch.change)
    first: Any = c * len(tables.option_model) + tables.option_start[rho]
    moves = scratch.moves[c, tables.class_path[rho]]
    listed = is_listed(tables, rho, c, scratch)
    windows = not listed and scratch.flights[1] > 0
    scratch.entry_start[rho] = first
    if listed and scratch.priced[c, rho] == moves:
        scratch.list_change[c, rho] = scratch.change[c]
        scratch.entry_end[rho] = first + scratch.entries[c, rho]
        scratch.ordered[rho] = first + scratch.sorted[c, rho]
        return
    if not windows:
        if not listed:
            scan_options(tables, b, c, rho, resident, scratch)
        scratch.list_change[c, rho] = scratch.change[c]
    scratch.entry_end[rho] = price_options(tables, draw, b, t, rho, resident, windows, first, scratch)
    scratch.ordered[rho] = first
    scratch.entries[c, rho] = scratch.entry_end[rho] - first
    scratch.priced[c, rho] = EMPTY if windows or charged_slots(draw) else moves


@njit_inline
def keep_order(b: int, rho: int, scratch: Scratch) -> None:
    """Note how far the entries of a class have been sorted, once its batch is dealt out."""
    scratch.sorted[b % len(scratch.change), rho] = scratch.ordered[rho] - scratch.entry_start[rho]


@njit_inline
def price_options(
    tables: Tables,
    draw: Draw,
    b: int,
    t: int,
    rho: int,
    resident: Residents,
    windows: bool,
    first: int,
    scratch: Scratch,
) -> int:
    """Write the entries of a class from `first` on; return their end."""
    origin = tables.path_start[tables.class_path[rho]]
    count: Any = np.int64(first)  # one width throughout: callees compile again for another
    if windows:
        count = scan_windows(tables, draw, b, rho, resident, count, scratch)
    else:
        c = b % len(scratch.change)
        for i in range(tables.option_start[rho], scratch.list_end[c, rho]):
            o = scratch.listed[c, i]
            link = link_seconds(tables, o, origin, scratch)
            count += list_option(tables, draw, b, rho, o, link, 1.0, count, scratch)
    if tables.class_fallback[rho] < tables.option_start[rho + 1]:
        count += list_fallback(tables, draw, b, rho, origin, count, scratch)
    if charged_slots(draw):
        add_charges(tables, draw, b, t, first, count, origin, scratch)
    return count


@njit_inline
def scan_windows(
    tables: Tables, draw: Draw, b: int, rho: int, resident: Residents, count: int, scratch: Scratch
) -> int:
    """Write the options of a class, each with the share of a slot in which loads end that it may be used."""
    path, task = tables.class_path[rho], tables.class_task[rho]
    origin = tables.path_start[path]
    group, fallback = tables.class_group[rho], tables.class_fallback[rho]
    for j in range(origin, tables.path_start[path + 1]):
        if tables.group_start[group] >= fallback:
            break
        v = tables.path_node[j]
        for m in range(tables.task_model[task], tables.task_model[task + 1]):
            if resident[b, v, m] != EMPTY or scratch.coming[v, m] != EMPTY:
                for o in range(tables.group_start[group], min(fallback, tables.group_start[group + 1])):
                    share = usable_share(tables, resident, b, o, scratch)
                    if share > 0.0:
                        link = link_seconds(tables, o, origin, scratch)
                        count += list_option(tables, draw, b, rho, o, link, share, count, scratch)
            group += 1
    return count


@njit_inline
def list_fallback(
    tables: Tables, draw: Draw, b: int, rho: int, origin: int, count: int, scratch: Scratch
) -> int:
    """Of the options without capacity limits, write the cheapest one in time: the others are never used.

    They send the same bytes over the same links, so the rates of the slot shift all of them alike. What
    further objectives add is not known here, so with these all are written.
    """
    row = cost_row(draw, b)
    link = link_seconds(tables, tables.class_fallback[rho], origin, scratch)
    if charged_slots(draw):
        listed: Any = np.int64(0)
        for o in range(tables.class_fallback[rho], tables.option_start[rho + 1]):
            listed += list_option(tables, draw, b, rho, o, link, 1.0, count + listed, scratch)
        return listed
    best: Any = draw.last_choice[row, rho]
    if not is_late(tables, rho, option_latency(draw, b, best, link)):
        return list_option(tables, draw, b, rho, best, link, 1.0, count, scratch)
    best = np.int64(-1)
    for o in range(tables.class_fallback[rho], tables.option_start[rho + 1]):
        if best >= 0 and draw.option_cost[row, o] > draw.option_cost[row, best]:
            continue
        if best >= 0 and draw.option_cost[row, o] == draw.option_cost[row, best]:
            if tables.option_rank[o] > tables.option_rank[best]:
                continue
        if not is_late(tables, rho, option_latency(draw, b, o, link)):
            best = o
    return 0 if best < 0 else list_option(tables, draw, b, rho, best, link, 1.0, count, scratch)


@njit_inline
def list_option(
    tables: Tables,
    draw: Draw,
    b: int,
    rho: int,
    o: int,
    link: float,
    share: float,
    count: int,
    scratch: Scratch,
) -> int:
    """Write an option that is usable for a share of the slot as the entry `count`; return 0 if it is late."""
    latency = option_latency(draw, b, o, link)
    if is_late(tables, rho, latency):
        return 0
    scratch.option[count] = o
    scratch.latency[count] = latency
    scratch.cost[count] = priced_cost(draw, b, o, link)
    if tables.loading == TRANSFER:
        scratch.window[count] = share
    return 1


@njit_inline
def bring_cheapest(tables: Tables, first: int, end: int, scratch: Scratch) -> None:
    """Swap the cheapest of the entries [first, end) to the front, ties by rank; it serves nothing yet.

    Most classes use one or two of their options: to sort them all would be work for nothing.
    """
    best = first
    for i in range(first + 1, end):
        cost = scratch.cost[i]
        if cost < scratch.cost[best]:
            best = i
        elif cost == scratch.cost[best]:
            if tables.option_rank[scratch.option[i]] < tables.option_rank[scratch.option[best]]:
                best = i
    option, cost, latency = scratch.option[first], scratch.cost[first], scratch.latency[first]
    scratch.option[first], scratch.option[best] = scratch.option[best], option
    scratch.cost[first], scratch.cost[best] = scratch.cost[best], cost
    scratch.latency[first], scratch.latency[best] = scratch.latency[best], latency
    window = scratch.window[first]
    scratch.window[first], scratch.window[best] = scratch.window[best], window
    scratch.amount[first] = 0.0
