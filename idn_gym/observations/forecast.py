"""What each segment would save on each node in the slot to expect, given what is resident elsewhere.

One step of a greedy: for a node v and a task, take away what v holds of the task, fill the batches to
expect with the options that are left, cheapest first, and ask by how much one segment on v would lower
the cost. Other nodes keep what they hold, so a tail counts where its head is. This is a forecast for
policies, not a bound:

- batches are the smoothed past ones, and speeds of devices are nominal;
- with shared capacity a class finds of links and of other nodes what the other classes left of them in
  the last slot, and of v what other tasks left; where the segment is wanted by more requests of the task
  than v can serve, all of them get the same share;
- of the options that a segment allows a class, the cheapest stands for all, since it is served first.

With private capacities that never bind it is the difference of `costs.serving_cost`.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY
from idn_gym.core.kernel import njit_inline
from idn_gym.observations.forecast_tables import Known, Prospects


@njit_inline
def foresee(p: Prospects, known: Known, b: int) -> None:
    """Write `saving`, `load` and `base` for row b."""
    for j in range(len(p.path_node)):
        link = p.path_link[j]
        p.pace[j] = 0.0 if link == EMPTY else p.pace[j - 1] + 1.0 / known.rate[b, link]
    for c in range(len(p.saving)):
        p.saving[c] = 0.0
        p.load[c] = 0.0
    for v in range(len(p.base)):
        p.base[v] = 0.0
    for rho in range(len(p.class_task)):
        if known.recent[b, rho] > 0.0:
            _foresee_class(p, known, b, rho)
    if p.exogenous:
        return
    _note_others(p, known, b)
    for c in range(len(p.saving)):
        left = max(0.0, known.seconds[b, p.pair_node[c]] - p.others[p.pair_node[c], p.pair_task[c]])
        if p.load[c] > left:
            p.saving[c] *= left / p.load[c]
            p.load[c] = left


@njit_inline
def _note_others(p: Prospects, known: Known, b: int) -> None:
    """Seconds of each node that were spent on other tasks in the last slot."""
    for v in range(p.others.shape[0]):
        for k in range(p.others.shape[1]):
            p.others[v, k] = known.busy[b, v]
    for rho in range(len(p.class_task)):
        origin = p.path_start[p.class_path[rho]]
        for j in range(p.path_start[p.class_path[rho] + 1] - origin):
            p.others[p.path_node[origin + j], p.class_task[rho]] -= known.spent[b, rho, j]


@njit_inline
def _foresee_class(p: Prospects, known: Known, b: int, rho: int) -> None:
    """Add what one class would save to the pairs on its path."""
    count = _list_entries(p, known, b, rho)
    origin = p.path_start[p.class_path[rho]]
    usable = 0
    for e in range(count):
        if p.missing[e] == EMPTY:
            i = usable
            while i > 0 and p.cost[p.ranked[i - 1]] > p.cost[e]:
                p.ranked[i] = p.ranked[i - 1]
                i -= 1
            p.ranked[i] = e
            usable += 1
    for j in range(p.path_start[p.class_path[rho] + 1] - origin):
        if p.node_asked[p.path_node[origin + j]]:
            steps = _fill_without(p, known, b, rho, j, usable)
            for i in range(steps):
                p.base[p.path_node[origin + j]] += p.price[i] * p.amount[i]
            _try_pairs(p, known, b, rho, j, count, steps)


@njit_inline
def _list_entries(p: Prospects, known: Known, b: int, rho: int) -> int:
    """List the options in time that lack one resident segment at most; return their number."""
    origin = p.path_start[p.class_path[rho]]
    count = 0
    for o in range(p.option_start[rho], p.option_start[rho + 1]):
        lacking, missing = 0, EMPTY
        for q in range(p.part_start[o], p.part_start[o + 1]):
            held, part = known.resident[b, p.part_node[q], p.option_model[o]], p.part_segment[q]
            if held == EMPTY or p.segment_first[held] > p.segment_first[part]:
                lacking, missing = lacking + 1, q
            elif p.segment_last[held] < p.segment_last[part]:
                lacking, missing = lacking + 1, q
        if lacking > 1 or (lacking == 1 and p.part_cover[missing] == EMPTY):
            continue
        seconds, room, before = p.option_seconds[o], known.recent[b, rho], origin
        for q in range(p.part_start[o], p.part_start[o + 1]):
            here, size = origin + p.part_position[q], p.part_bytes[q]
            seconds += size * (p.pace[here] - p.pace[before])
            if size > 0.0 and not p.exogenous:
                for j in range(before + 1, here + 1):
                    link = p.path_link[j]
                    taken = max(0.0, known.carried[b, link] - known.sent[b, rho, j - origin])
                    room = min(room, max(0.0, known.rate[b, link] * p.slot_seconds - taken) / size)
            before = here
        if seconds <= p.class_timeout[rho]:
            cost = known.tariff[b, 0] * p.option_error[o] + known.tariff[b, 1] * seconds
            cost += known.tariff[b, 2] * p.option_joules[o] + known.tariff[b, 3] * p.option_traffic[o]
            p.option[count], p.missing[count] = o, missing
            p.cost[count], p.room[count] = cost, room
            count += 1
    return count


@njit_inline
def _room(p: Prospects, known: Known, b: int, rho: int, e: int, asked: int) -> float:
    """How many requests entry e takes; what other classes of the task took of position `asked` is free."""
    room = p.room[e]
    for q in range(p.part_start[p.option[e]], p.part_start[p.option[e] + 1]):
        v, j = p.part_node[q], p.part_position[q]
        left = known.seconds[b, v]
        if not p.exogenous and j != asked:
            left = max(0.0, left - max(0.0, known.busy[b, v] - known.spent[b, rho, j]))
        if p.part_seconds[q] * room > left:
            room = left / p.part_seconds[q]
    return room


@njit_inline
def _part_at(p: Prospects, o: int, j: int) -> int:
    """The part of the option at path position j that some pair covers, or EMPTY."""
    for q in range(p.part_start[o], p.part_start[o + 1]):
        if p.part_position[q] == j and p.part_cover[q] != EMPTY:
            return q
    return EMPTY


@njit_inline
def _fill_without(p: Prospects, known: Known, b: int, rho: int, j: int, usable: int) -> int:
    """Serve the batch without position j; write prices and amounts, rising, and return their number."""
    left = known.recent[b, rho]
    steps = 0
    for i in range(usable):
        e = p.ranked[i]
        if _part_at(p, p.option[e], j) != EMPTY:
            continue
        amount = min(left, _room(p, known, b, rho, e, EMPTY))
        if amount > 0.0:
            p.price[steps], p.amount[steps] = p.cost[e], amount
            steps += 1
            left -= amount
            if left <= 0.0:
                return steps
    drop = known.tariff[b, 0] + known.tariff[b, 1] * p.class_timeout[rho]
    drop += known.tariff[b, 2] * p.class_drop_joules[rho] + known.tariff[b, 3] * p.class_drop_bytes[rho]
    p.price[steps], p.amount[steps] = drop, left
    return steps + 1


@njit_inline
def _try_pairs(p: Prospects, known: Known, b: int, rho: int, j: int, count: int, steps: int) -> None:
    """Let options with a part at position j take over the dearest requests; add what the cheapest saves."""
    touched = 0
    for e in range(count):
        if p.cost[e] >= p.price[steps - 1]:
            continue
        q = _part_at(p, p.option[e], j)
        if q == EMPTY or (p.missing[e] != EMPTY and p.missing[e] != q):
            continue
        room = _room(p, known, b, rho, e, j)
        saved, taken = 0.0, 0.0
        for i in range(steps - 1, -1, -1):
            if p.price[i] <= p.cost[e] or taken >= room:
                break
            amount = min(room - taken, p.amount[i])
            saved += amount * (p.price[i] - p.cost[e])
            taken += amount
        if saved <= 0.0:
            continue
        for k in range(p.cover_start[p.part_cover[q]], p.cover_start[p.part_cover[q] + 1]):
            c = p.cover[k]
            if p.least[c] == np.inf:
                p.touched[touched] = c
                touched += 1
            if p.cost[e] < p.least[c]:
                p.least[c], p.saved[c], p.taken[c] = p.cost[e], saved, taken * p.part_seconds[q]
    for k in range(touched):
        c = p.touched[k]
        p.saving[c] += p.saved[c]
        p.load[c] += p.taken[c]
        p.least[c] = np.inf
