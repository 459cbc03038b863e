"""Saving of each segment on each node: the expected slot, served with and without the segment.

For a node v and a task, v is emptied of the task's models that may move, and every class of the task that
passes v is served in the slot to expect, by the rules of the core: usable options, cheapest first, as many
requests as fit. It is served again with one segment on v, and again with the next; the difference in cost
is what that segment saves. Other nodes keep what they hold, so a tail counts where its head is.

With private capacities this is the difference of `costs.serving_cost` in the slot to expect. With shared
ones, serving all classes again for every pair would take too long (`docs/graph_policy.md` has the numbers),
so each class is served by itself and waiting is left out: it finds of links and of other nodes what the
other classes left of them in the last slot, up to `load_limit`, and of v what other tasks left; where the
segment is wanted by more requests of the task than v can serve, all of them get the same share. Where a
segment would cost more than it saves, 0 is forecast.
"""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Outcome, State, Tables
from idn_gym.core.geometry import covers
from idn_gym.core.kernel import njit_inline
from idn_gym.core.paces import measure_paths
from idn_gym.core.usable import note_residents
from idn_gym.core.workspace import Scratch
from idn_gym.observations.forecast_lists import ForecastLists, bring_up_to_date, note_expected
from idn_gym.observations.forecast_serving import gather_entries, give_back, serve_entries
from idn_gym.observations.forecast_tables import GATHER_NEXT, GATHERED, TOUCHED, TURNS, ForecastTables


@njit_inline
def forecast_savings(
    tables: Tables,
    expected: Draw,
    state: State,
    outcome: Outcome,
    f: ForecastTables,
    lists: ForecastLists,
    scratch: Scratch,
    b: int,
) -> None:
    """Write `saving`, `load` and `base` for row b.

    Args:
        tables: the scenario's tables.
        expected: the slot that the row is to expect.
        state: before that slot.
        outcome: of the slot before.
        f: written to.
        lists: of B rows.
        scratch: work space with lists of B rows.
        b: row.
    """
    for i in range(f.counts[TOUCHED]):
        f.saving[f.touched[i]], f.load[f.touched[i]] = 0.0, 0.0
    f.counts[TOUCHED] = 0
    for v in range(len(f.base)):
        f.base[v] = 0.0
    measure_paths(tables, expected, 0, 0, scratch)
    note_expected(tables, expected, b, lists, scratch)
    note_residents(tables, state.resident, b, scratch)
    if tables.capacity == EXOGENOUS:
        _fill_nodes(expected, lists, scratch)
    else:
        _note_others(tables, outcome, f, b)
    before = f.counts[TURNS]
    for rho in range(len(tables.class_task)):
        if expected.demand[0, 0, rho] > 0.0:
            bring_up_to_date(tables, expected, state.resident, b, rho, lists, scratch)
            _forecast_class(tables, expected, outcome, f, lists, scratch, b, rho, before)
    for i in range(f.counts[TOUCHED]):
        c = f.touched[i]
        f.saving[c] = max(0.0, f.saving[c])
        if tables.capacity != EXOGENOUS:
            v = f.pair_node[c]
            left = max(0.0, tables.load_limit * expected.seconds[0, 0, v] - f.others[v, f.pair_task[c]])
            if f.load[c] > left:
                f.saving[c] *= left / f.load[c]
                f.load[c] = left


@njit_inline
def _fill_nodes(expected: Draw, lists: ForecastLists, scratch: Scratch) -> None:
    """Give all copies their node's seconds; who uses some gives them back."""
    for v in range(len(lists.filled)):
        seconds = expected.seconds[0, 0, v]
        if lists.filled[v] != seconds:
            lists.filled[v] = seconds
            for m in range(scratch.seconds_left.shape[1]):
                scratch.seconds_left[v, m] = seconds


@njit_inline
def _note_others(tables: Tables, outcome: Outcome, f: ForecastTables, b: int) -> None:
    """Seconds of each node that were spent on other tasks in the last slot."""
    for v in range(f.others.shape[0]):
        for k in range(f.others.shape[1]):
            f.others[v, k] = outcome.busy[b, v]
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            f.others[tables.path_node[origin + j], tables.class_task[rho]] -= outcome.spent[b, rho, j]


@njit_inline
def _forecast_class(
    tables: Tables,
    expected: Draw,
    outcome: Outcome,
    f: ForecastTables,
    lists: ForecastLists,
    scratch: Scratch,
    b: int,
    rho: int,
    before: int,
) -> None:
    """Add what one class would save to the pairs on its path; `before` are the turns of other rows."""
    path, task = tables.class_path[rho], tables.class_task[rho]
    shared = tables.capacity != EXOGENOUS
    if shared:
        _leave_others(tables, expected, outcome, f, scratch, b, rho)
    for j in range(tables.path_start[path + 1] - tables.path_start[path]):
        v = tables.path_node[tables.path_start[path] + j]
        if f.first_pair[v, task] == f.first_pair[v, task + 1]:
            continue
        if tables.path_same_node[tables.path_start[path] + j] != j:
            continue
        left = f.start_seconds[v]
        if shared:
            f.start_seconds[v] = _seconds_left(tables, expected, f.others[v, task], v)
            scratch.seconds_left[v, 0] = f.start_seconds[v]
        _forecast_node(tables, expected, f, lists, scratch, b, rho, v, before)
        if shared:
            f.start_seconds[v], scratch.seconds_left[v, 0] = left, left


@njit_inline
def _forecast_node(
    tables: Tables,
    expected: Draw,
    f: ForecastTables,
    lists: ForecastLists,
    scratch: Scratch,
    b: int,
    rho: int,
    v: int,
    before: int,
) -> None:
    """Serve a class without the node's models of its task, and with each pair of the node that helps.

    A pair changes nothing unless an option that it adds comes before the one which takes the last request
    without it. Up to the first of these, or the first option that takes requests without it, serving with it
    is what serving without it was.
    """
    f.counts[TURNS] += 1
    f.counts[GATHERED], f.counts[GATHER_NEXT] = 0, tables.option_start[rho]
    gather_entries(tables, expected, f, lists, scratch, b, rho, v, expected.demand[0, 0, rho])
    without, _, used, first, last = serve_entries(tables, expected, f, lists, scratch, b, rho, v, EMPTY, 0)
    give_back(tables, expected, f, scratch, rho, used)
    f.base[v] += without
    for n in range(last):
        if f.part[n] == EMPTY:
            continue
        needed = tables.part_segment[f.part[n]]
        model = tables.segment_model[needed]
        for c in range(f.model_pair[v, model], f.model_pair[v, model + 1]):
            segment = f.pair_segment[c]
            if f.turn[c] == f.counts[TURNS] or not covers(tables, segment, needed):
                continue
            if f.turn[c] <= before:
                f.touched[f.counts[TOUCHED]] = c
                f.counts[TOUCHED] += 1
            f.turn[c] = f.counts[TURNS]
            cost, load, used, _, _ = serve_entries(
                tables, expected, f, lists, scratch, b, rho, v, segment, min(first, n)
            )
            give_back(tables, expected, f, scratch, rho, used)
            f.saving[c] += without - cost
            f.load[c] += load


@njit_inline
def _seconds_left(tables: Tables, expected: Draw, taken: float, v: int) -> float:
    return max(0.0, tables.load_limit * expected.seconds[0, 0, v] - max(0.0, taken))


@njit_inline
def _leave_others(
    tables: Tables, expected: Draw, outcome: Outcome, f: ForecastTables, scratch: Scratch, b: int, rho: int
) -> None:
    """Hand out what other classes left along the path."""
    path = tables.class_path[rho]
    origin = tables.path_start[path]
    for j in range(tables.path_start[path + 1] - origin):
        v, link = tables.path_node[origin + j], tables.path_link[origin + j]
        own = outcome.spent[b, rho, tables.path_same_node[origin + j]]
        f.start_seconds[v] = _seconds_left(tables, expected, outcome.busy[b, v] - own, v)
        scratch.seconds_left[v, 0] = f.start_seconds[v]
        if link != EMPTY:
            taken = outcome.carried[b, link] - outcome.sent[b, rho, tables.path_same_link[origin + j]]
            size = tables.load_limit * expected.rate[0, 0, link] * tables.slot_seconds
            f.start_bytes[link] = max(0.0, size - max(0.0, taken))
            scratch.bytes_left[link] = f.start_bytes[link]
