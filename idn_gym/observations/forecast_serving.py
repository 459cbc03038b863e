"""Serving of one class for the forecast: one node's segments of its task vary, all else is unchanged."""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Draw, Tables
from idn_gym.core.capacity import fill_copies, option_room, use_up
from idn_gym.core.geometry import covers
from idn_gym.core.kernel import njit_inline
from idn_gym.core.workspace import Scratch
from idn_gym.observations.forecast_lists import ForecastLists
from idn_gym.observations.forecast_tables import GATHER_NEXT, GATHERED, ForecastTables


@njit_inline
def _part_on(tables: Tables, o: int, v: int) -> int:
    """Part of an option that a node runs, or EMPTY."""
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        if tables.part_node[q] == v:
            return q
    return EMPTY


@njit_inline
def gather_entries(
    tables: Tables,
    expected: Draw,
    f: ForecastTables,
    lists: ForecastLists,
    scratch: Scratch,
    b: int,
    rho: int,
    v: int,
    batch: float,
) -> None:
    """Gather what may serve when one node changes what it holds, with the part that the node would run.

    Nothing may have been used yet: what has no room then has none later. It ends with an entry that needs
    nothing on the node and takes the whole batch, since most batches never get beyond it. With a batch of 0
    all that is left is gathered, and nothing is measured.
    """
    origin = tables.path_start[tables.class_path[rho]]
    i = f.counts[GATHER_NEXT]
    full = False
    while i < lists.end[b, rho] and not full:
        lacks = lists.lacks[b, i]
        if lacks == EMPTY or lacks == v:
            o = int(lists.option[b, i])
            room = option_room(tables, expected, 0, o, origin, batch, scratch) if batch > 0.0 else 0.0
            if batch == 0.0 or room > 0.0:
                n, q = f.counts[GATHERED], _part_on(tables, o, v)
                if q != EMPTY and lacks == EMPTY and tables.pinned[v, tables.option_model[o]] != EMPTY:
                    q = EMPTY
                f.entry[n], f.part[n], f.room[n] = i, q, room
                f.counts[GATHERED] = n + 1
                full = q == EMPTY and batch > 0.0 and room >= batch
        i += 1
    f.counts[GATHER_NEXT] = i


@njit_inline
def serve_entries(
    tables: Tables,
    expected: Draw,
    f: ForecastTables,
    lists: ForecastLists,
    scratch: Scratch,
    b: int,
    rho: int,
    v: int,
    segment: int,
    start: int,
) -> tuple[float, float, int, int, int]:
    """Serve the batch with one segment on the node, or with EMPTY, from one of the gathered entries on.

    Returns:
        Cost of the batch; seconds that the segment runs; how many options used up what others may need, which
        `Scratch.option` lists; the first entry that took requests, and the one that took the last, or their
        number.
    """
    origin = tables.path_start[tables.class_path[rho]]
    left, cost, load, used, first, n = expected.demand[0, 0, rho], 0.0, 0.0, 0, f.counts[GATHERED], start
    while n < f.counts[GATHERED] or f.counts[GATHER_NEXT] < lists.end[b, rho]:
        if n == f.counts[GATHERED]:
            gather_entries(tables, expected, f, lists, scratch, b, rho, v, 0.0)
            continue
        q, seconds = f.part[n], 0.0
        n += 1
        if q != EMPTY:
            if not _runs(tables, segment, tables.part_segment[q]):
                continue
            seconds = tables.part_seconds[q]
        i, amount = f.entry[n - 1], f.room[n - 1]
        o = int(lists.option[b, i])
        if used > 0 or amount == 0.0:
            amount = option_room(tables, expected, 0, o, origin, left, scratch)
        if amount > 0.0:
            first = min(first, n - 1)
            cost += amount * lists.cost[b, i]
            load += amount * seconds
            left -= amount
            if left <= 0.0:
                return cost, load, used, first, n - 1
            use_up(tables, expected, 0, o, origin, amount, scratch)
            scratch.option[used] = o
            used += 1
    return cost + left * lists.drop[b, rho], load, used, first, n


@njit_inline
def _runs(tables: Tables, segment: int, needed: int) -> bool:
    """Return whether a part on the node can run with this segment (or EMPTY) resident."""
    if segment == EMPTY or tables.segment_model[segment] != tables.segment_model[needed]:
        return False
    return bool(covers(tables, segment, needed))


@njit_inline
def give_back(
    tables: Tables, expected: Draw, f: ForecastTables, scratch: Scratch, rho: int, used: int
) -> None:
    """Undo what serving the batch used up."""
    if tables.capacity == EXOGENOUS:
        fill_copies(tables, expected, 0, 0, used, scratch)
        return
    origin = tables.path_start[tables.class_path[rho]]
    for i in range(used):
        o = scratch.option[i]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v = tables.part_node[q]
            scratch.seconds_left[v, 0] = f.start_seconds[v]
            for j in range(origin + tables.option_origin[o] + 1, origin + tables.part_position[q] + 1):
                scratch.bytes_left[tables.path_link[j]] = f.start_bytes[tables.path_link[j]]
