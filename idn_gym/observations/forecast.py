"""What each segment would save on each node: the slot to expect, served with it and without.

For a node v and a task, v is emptied of the task's models that may move, and every class of the task that
passes v is served in the slot to expect, by the rules of the core: usable options, cheapest first, as many
requests as fit. It is served again with one segment on v, and again with the next; the difference in cost
is what that segment saves. Other nodes keep what they hold, so a tail counts where its head is.

With private capacities this is the difference of `costs.serving_cost` in the slot to expect. With shared
ones, to serve all classes anew for every pair would take too long (`docs/graph_policy.md` has the numbers),
so each class is served by itself and waiting is left out: it finds of links and of other nodes what the
other classes left of them in the last slot, up to `load_limit`, and of v what other tasks left; where the
segment is wanted by more requests of the task than v can serve, all of them get the same share. Where a
segment would cost more than it saves, 0 is forecast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Floats, Residents, State, Tables
from idn_gym.core.capacity import fill_copies, option_room, use_up
from idn_gym.core.geometry import covers
from idn_gym.core.kernel import njit_inline
from idn_gym.core.listing import drop_cost, is_late, link_seconds, measure_paths, option_cost, option_latency
from idn_gym.observations.forecast_tables import ForecastTables


class ObservedInputs(NamedTuple):
    """What is known before a slot beside the slot to expect, B rows."""

    state: State
    over: Floats  # (B,) share of the episode that is over
    weights: Floats  # (B, objectives) in force
    update_weight: Floats  # (B,) of the objective `update`; 0 where it is not in force
    # of the last slot
    arrived: Floats  # (B, R) [requests]
    served: Floats  # (B, R) [requests]
    started: Floats  # (B, R, L + 1) [requests]
    busy: Floats  # (B, N) [s]
    carried: Floats  # (B, E) [bytes]
    spent: Floats  # (B, R, L) [s]
    sent: Floats  # (B, R, L) [bytes]


@njit_inline
def forecast_savings(
    tables: Tables, expected: Draw, seen: ObservedInputs, f: ForecastTables, b: int, t: int
) -> None:
    """Write `saving`, `load` and `base` for slot t, the slot to expect, of row b."""
    for c in range(len(f.saving)):
        f.saving[c] = 0.0
        f.load[c] = 0.0
    for v in range(len(f.base)):
        f.base[v] = 0.0
    measure_paths(tables, expected, b, t, f.scratch)
    if tables.capacity != EXOGENOUS:
        _note_others(tables, seen, f, b)
    for rho in range(len(tables.class_task)):
        if expected.demand[b, t, rho] > 0.0:
            _forecast_class(tables, expected, seen, f, b, t, rho)
    for c in range(len(f.saving)):
        f.saving[c] = max(0.0, f.saving[c])
        if tables.capacity != EXOGENOUS:
            v = f.pair_node[c]
            left = max(0.0, tables.load_limit * expected.seconds[b, t, v] - f.others[v, f.pair_task[c]])
            if f.load[c] > left:
                f.saving[c] *= left / f.load[c]
                f.load[c] = left


@njit_inline
def _note_others(tables: Tables, seen: ObservedInputs, f: ForecastTables, b: int) -> None:
    """Seconds of each node that were spent on other tasks in the last slot."""
    for v in range(f.others.shape[0]):
        for k in range(f.others.shape[1]):
            f.others[v, k] = seen.busy[b, v]
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            f.others[tables.path_node[origin + j], tables.class_task[rho]] -= seen.spent[b, rho, j]


@njit_inline
def _forecast_class(
    tables: Tables,
    expected: Draw,
    seen: ObservedInputs,
    f: ForecastTables,
    b: int,
    t: int,
    rho: int,
) -> None:
    """Add what one class would save to the pairs on its path."""
    path, task = tables.class_path[rho], tables.class_task[rho]
    count = _list_nearly_usable(tables, expected, seen.state.resident, f, b, t, rho)
    if tables.capacity == EXOGENOUS:
        for i in range(count):
            f.scratch.option[i] = f.option[i]
        fill_copies(tables, expected, b, t, count, f.scratch)
    for j in range(tables.path_start[path + 1] - tables.path_start[path]):
        v = tables.path_node[tables.path_start[path] + j]
        first, last = f.first_pair[v, task], f.first_pair[v, task + 1]
        if first == last or tables.path_same_node[tables.path_start[path] + j] != j:
            continue
        if tables.capacity != EXOGENOUS:
            _leave_others(tables, expected, seen, f, b, t, rho, v)
        entries = _pick_entries(tables, f, v, count)
        without, _, used, end = _serve_entries(tables, expected, f, b, t, rho, EMPTY, entries)
        f.base[v] += without
        for c in range(first, last):
            segment = f.pair_segment[c]
            if _changes_nothing(tables, f, segment, end):
                continue
            _give_back(tables, expected, seen, f, b, t, rho, v, used)
            cost, load, used, _ = _serve_entries(tables, expected, f, b, t, rho, segment, entries)
            f.saving[c] += without - cost
            f.load[c] += load
        _give_back(tables, expected, seen, f, b, t, rho, v, used)


@njit_inline
def _list_nearly_usable(
    tables: Tables,
    expected: Draw,
    resident: Residents,
    f: ForecastTables,
    b: int,
    t: int,
    rho: int,
) -> int:
    """List the options in time that lack one resident segment at most, ranked as in serving; count them."""
    origin = tables.path_start[tables.class_path[rho]]
    count, dearest = 0, np.inf
    for n in range(tables.option_start[rho], tables.option_start[rho + 1]):
        o = f.option_order[n]
        lacking, missing = 0, EMPTY
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            held = resident[b, tables.part_node[q], tables.option_model[o]]
            if not covers(tables, held, tables.part_segment[q]):
                lacking, missing = lacking + 1, q
        if lacking > 1:
            continue
        link = link_seconds(tables, o, origin, f.scratch)
        if is_late(tables, rho, option_latency(expected, b, o, link)):
            continue
        cost = option_cost(tables, expected, b, t, o, origin, link)
        if cost > dearest:
            continue
        if tables.capacity == EXOGENOUS and o >= tables.class_fallback[rho]:
            dearest = cost  # it takes all that is left: those that cost more are never used
        i = count
        while i > 0 and (
            f.cost[i - 1] > cost
            or (f.cost[i - 1] == cost and tables.option_rank[f.option[i - 1]] > tables.option_rank[o])
        ):
            f.option[i], f.cost[i], f.missing[i] = f.option[i - 1], f.cost[i - 1], f.missing[i - 1]
            i -= 1
        f.option[i], f.cost[i], f.missing[i] = o, cost, missing
        count += 1
    return count


@njit_inline
def _pick_entries(tables: Tables, f: ForecastTables, v: int, count: int) -> int:
    """Of the listed options those that lack nothing but on node v; return their number.

    `needed` says which segment must be there for them to run, models apart that the node pins.
    """
    entries = 0
    for i in range(count):
        o, part = f.option[i], f.missing[i]
        if part != EMPTY and tables.part_node[part] != v:
            continue
        if tables.pinned[v, tables.option_model[o]] == EMPTY:
            for q in range(tables.part_start[o], tables.part_start[o + 1]):
                if tables.part_node[q] == v:
                    part = q
        f.entry[entries] = i
        f.needed[entries] = EMPTY if part == EMPTY else tables.part_segment[part]
        f.seconds[entries] = 0.0 if part == EMPTY else tables.part_seconds[part]
        entries += 1
    return entries


@njit_inline
def _serves(tables: Tables, segment: int, needed: int) -> bool:
    """Whether an option that needs a segment on the node, or EMPTY, runs where this one, or EMPTY, is."""
    if needed == EMPTY:
        return True
    if segment == EMPTY or tables.segment_model[segment] != tables.segment_model[needed]:
        return False
    return bool(covers(tables, segment, needed))


@njit_inline
def _changes_nothing(tables: Tables, f: ForecastTables, segment: int, end: int) -> bool:
    """Whether no option that the segment adds comes before the one that takes the last request without it."""
    for n in range(end):
        if f.needed[n] != EMPTY and _serves(tables, segment, f.needed[n]):
            return False
    return True


@njit_inline
def _serve_entries(
    tables: Tables,
    expected: Draw,
    f: ForecastTables,
    b: int,
    t: int,
    rho: int,
    segment: int,
    entries: int,
) -> tuple[float, float, int, int]:
    """Serve the batch with one segment on the node, or with EMPTY.

    Returns:
        Cost of the batch; seconds that the segment runs; how many options used up what others may need; the
        entry that took the last request, or the number of entries if some were dropped.
    """
    origin = tables.path_start[tables.class_path[rho]]
    left, cost, load, used = expected.demand[b, t, rho], 0.0, 0.0, 0
    for n in range(entries):
        if not _serves(tables, segment, f.needed[n]):
            continue
        i = f.entry[n]
        o = f.option[i]
        amount = option_room(tables, expected, b, o, origin, left, f.scratch)
        if amount > 0.0:
            cost += amount * f.cost[i]
            load += amount * f.seconds[n]
            left -= amount
            if left <= 0.0:
                return cost, load, used, n
            use_up(tables, expected, b, o, origin, amount, f.scratch)
            f.scratch.option[used] = o
            used += 1
    return cost + left * drop_cost(expected, b, t, rho), load, used, entries


@njit_inline
def _give_back(
    tables: Tables,
    expected: Draw,
    seen: ObservedInputs,
    f: ForecastTables,
    b: int,
    t: int,
    rho: int,
    asked: int,
    used: int,
) -> None:
    """Undo what serving the batch used up."""
    if tables.capacity == EXOGENOUS:
        fill_copies(tables, expected, b, t, used, f.scratch)
    elif used > 0:
        _leave_others(tables, expected, seen, f, b, t, rho, asked)


@njit_inline
def _leave_others(
    tables: Tables,
    expected: Draw,
    seen: ObservedInputs,
    f: ForecastTables,
    b: int,
    t: int,
    rho: int,
    asked: int,
) -> None:
    """Hand out what others left along the path: other tasks on node `asked`, other classes elsewhere."""
    path = tables.class_path[rho]
    origin = tables.path_start[path]
    for j in range(tables.path_start[path + 1] - origin):
        v, link = tables.path_node[origin + j], tables.path_link[origin + j]
        own = seen.spent[b, rho, tables.path_same_node[origin + j]]
        taken = f.others[v, tables.class_task[rho]] if v == asked else seen.busy[b, v] - own
        left = tables.load_limit * expected.seconds[b, t, v] - max(0.0, taken)
        f.scratch.seconds_left[v, 0] = max(0.0, left)
        if link != EMPTY:
            taken = seen.carried[b, link] - seen.sent[b, rho, tables.path_same_link[origin + j]]
            size = tables.load_limit * expected.rate[b, t, link] * tables.slot_seconds
            f.scratch.bytes_left[link] = max(0.0, size - max(0.0, taken))
