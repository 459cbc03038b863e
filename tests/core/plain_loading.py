"""The rule of loads once more, written for reading and not for speed: segments are sets of blocks."""

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY


class Slot(NamedTuple):
    usable: np.ndarray  # (N, M) segments there all the slot
    windows: dict  # (node, model) -> (segment, share of the slot in which it is usable)
    rate: np.ndarray  # (E,) that requests see
    crossed: np.ndarray  # (E,) bytes of loads
    loaded: float  # bytes
    to_come: dict  # (node, model) -> (bytes, seconds) of what is not done by the end of the slot


def blocks(tables, s):
    return set() if s == EMPTY else set(range(tables.segment_first[s], tables.segment_last[s]))


def weight(tables, m, these):
    return sum(tables.block_bytes[m, k + 1] - tables.block_bytes[m, k] for k in these)


def rest_of(tables, m, these, arrived):
    """Bytes still to come of each block, when so many of them have come in order."""
    rest = {}
    for k in sorted(these):
        size = weight(tables, m, [k])
        rest[k] = size - min(size, arrived)
        arrived -= min(size, arrived)
    return rest


def begin(tables, before, v, m, goal):
    """[bytes, seconds] to come of a goal that lacks blocks."""
    old, new = before.resident[0, v, m], blocks(tables, goal)
    wish, come = before.wish[0, v, m], before.bytes_to_come[0, v, m]
    if goal == wish:
        return [come, before.seconds_to_come[0, v, m]]
    missing = weight(tables, m, new - blocks(tables, old))
    if wish != EMPTY:
        lacked = blocks(tables, wish) - blocks(tables, old)
        rest = rest_of(tables, m, lacked, weight(tables, m, lacked) - come)
        missing -= sum(weight(tables, m, [k]) - rest[k] for k in lacked & new)
    rounded = missing <= 1e-9 * tables.segment_bytes[goal]
    return [0.0 if rounded else missing, tables.start_seconds[v, m]]


def cut_old(tables, draw, t, v, usable, goal, pending):
    """Where old and new do not fit, keep of the old what both have; the least valuable come first."""
    mine = [m for m in range(usable.shape[1]) if tables.pinned[v, m] == EMPTY]
    free = draw.memory[0, t, v] - tables.node_reserved[v]
    while True:
        together = {m: blocks(tables, usable[v, m]) | blocks(tables, goal[v, m]) for m in mine}
        extra = [m for m in mine if (v, m) in pending and together[m] != blocks(tables, goal[v, m])]
        if not extra or sum(weight(tables, m, together[m]) for m in mine) <= free:
            return
        m = min(extra, key=lambda m: tables.segment_value[v, usable[v, m]])
        both = blocks(tables, usable[v, m]) & blocks(tables, goal[v, m])
        same = [s for s in np.flatnonzero(tables.segment_model == m) if blocks(tables, s) == both]
        usable[v, m] = same[0] if same else EMPTY
        if not same:
            pending[v, m][0] += weight(tables, m, both)


def way_of(tables, v, m, usable, goal, bytes_to_come):
    """Links from the nearest source to the node."""
    lacked = blocks(tables, goal) - blocks(tables, usable[v, m])
    rest = rest_of(tables, m, lacked, weight(tables, m, lacked) - bytes_to_come)
    needed = {k for k, size in rest.items() if size > 1e-9 * bytes_to_come}
    row = v * (len(tables.task_model) - 1) + tables.model_task[m]
    links = []
    for i in range(tables.load_start[row], tables.load_start[row + 1]):
        links.append(tables.load_link[i])
        if needed <= blocks(tables, usable[tables.load_node[i], m]):
            break
    return links


def load_plainly(tables, draw, t, before, goal):
    """What is usable in slot t, when the placement `goal` (N, M) is what repair has let through."""
    usable, pending, slot = before.resident[0].copy(), {}, tables.slot_seconds
    for v, m in np.ndindex(goal.shape):
        if blocks(tables, goal[v, m]) <= blocks(tables, usable[v, m]):
            usable[v, m] = goal[v, m]
        else:
            pending[v, m] = begin(tables, before, v, m, goal[v, m])
    for v in range(len(goal)):
        cut_old(tables, draw, t, v, usable, goal, pending)
    ways = {key: way_of(tables, *key, usable, goal[key], come) for key, (come, _) in pending.items() if come}
    rate, down = draw.rate[0, t], tables.link_down_rate
    budget = np.where(down > 0, down * rate / tables.link_rate, tables.loading_share * rate) * slot
    needs = [sum(pending[key][0] for key, way in ways.items() if e in way) for e in range(len(rate))]
    crossed, loaded, windows, to_come = np.zeros(len(rate)), 0.0, {}, {}
    for (v, m), (come, starts) in pending.items():
        offer = min([np.inf, *(budget[e] * come / needs[e] for e in ways.get((v, m), []))])
        moved = min(come, offer)
        loaded += moved
        crossed[ways.get((v, m), [])] += moved
        ready = (come / offer * slot if 0.0 < come <= offer else 0.0) + starts
        if offer < come:
            to_come[v, m] = come - moved, starts
        elif ready > slot:
            to_come[v, m] = 0.0, ready - slot
        elif ready < slot:
            windows[v, m] = goal[v, m], 1.0 - ready / slot
    for key, (segment, share) in list(windows.items()):
        if share == 1.0:
            usable[key] = segment
            del windows[key]
    seen = rate - np.where(down > 0, 0.0, crossed) / slot
    return Slot(usable, windows, seen, crossed, loaded, to_come)
