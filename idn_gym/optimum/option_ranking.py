"""The options of each class in the order in which they are used, as the layers of its gain need them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, PRICED, SECOND, Bools, Draw, Floats, Ints, Outcome, Tables
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.listing import drop_cost, is_late, link_seconds, option_cost, option_latency
from idn_gym.core.loading import shares_medium
from idn_gym.core.paces import measure_paths
from idn_gym.core.queues import option_wait
from idn_gym.core.row_starts import owners
from idn_gym.core.waiting import patient_wait
from idn_gym.core.workspace import Scratch, make_scratch
from idn_gym.optimum.prefixes import PINNED, UNUSABLE, Prefixes


class RankedOptions(NamedTuple):
    """Work space for one row of a batch; remembers the ranking while costs stay what they were.

    L counts the options that are not UNUSABLE; a class owns `start[rho]:start[rho + 1]` of each (L,) field.
    """

    start: Ints  # (R+1,) into L
    order: Ints  # (L,) options of the class by rising cost
    price: Floats  # (L,) [cost] of `order`; inf where it takes as long as the timeout
    group: Ints  # (O,) copy of the first part: (class, node, model), see `_copies`
    blocker: Ints  # (G,) shortest column that ranked options of the copy need; -1 none, -2 not seen
    linked: Bools  # (J,) whether one of what repositories pin is ranked for the route that begins here
    # the layers of each class: `entries[rho]` of them from `start[rho]`
    entries: Ints  # (R,)
    fixed: Ints  # (R,) how many of them are pinned
    last_cost: Floats  # (R,) [cost] of the fallback or a drop
    option: Ints  # (L,)
    item: Ints  # (L,) column, or PINNED
    shorter: Ints  # (L,) column to subtract, or EMPTY
    cost: Floats  # (L,)
    node: Ints  # (L,) of the first part
    need: Floats  # (L,) [s] per request on that node
    # what the other classes took in the last slot, where capacity is shared (`note_others`); 0: nothing
    taken_seconds: Floats  # (R, L) [s] at each path position
    taken_bytes: Floats  # (R, L) [bytes] over the link that enters it
    # of one slot
    room: Floats  # (max L of a class,) [requests] lambda
    since: Ints  # (max L of a class,) phase in which the entry begins
    phase_cost: Floats  # (max L of a class + 2,) cost at which c_k changes
    phase_cap: Floats  # (max L of a class + 1,) [requests] c_k
    # what the ranking was made for
    pace: Floats  # (J,)
    slowdown: Floats  # (N,)
    tariff: Floats  # (4 + F,)
    price_list: Floats  # (1,)
    delay: Floats  # (N+E,) [s]
    scratch: Scratch  # its `delay` [s] is the wait of a visit in the last slot (`note_others`); 0: none


def allocate_ranking(tables: Tables, items: Prefixes) -> RankedOptions:
    """Allocate the work space for one row; the first slot fills it.

    Args:
        tables: the scenario's tables.
        items: from `list_prefixes`.
    """
    usable = np.flatnonzero(items.option_item != UNUSABLE)
    start = np.searchsorted(usable, tables.option_start).astype(np.int64)
    widest = int(np.max(np.diff(start), initial=0))
    size, classes = len(usable), len(tables.class_task)
    groups = len(tables.group_start) - 1
    longest = int(np.max(np.diff(tables.path_start)))
    return RankedOptions(
        start=start,
        order=usable.astype(np.int64),
        price=np.zeros(size),
        group=_copies(tables),
        blocker=np.full(groups, -2, np.int64),
        linked=np.zeros(len(tables.path_node), np.bool_),
        entries=np.zeros(classes, np.int64),
        fixed=np.zeros(classes, np.int64),
        last_cost=np.zeros(classes),
        option=np.zeros(size, np.int64),
        item=np.zeros(size, np.int64),
        shorter=np.zeros(size, np.int64),
        cost=np.zeros(size),
        node=np.zeros(size, np.int64),
        need=np.zeros(size),
        taken_seconds=np.zeros((classes, longest)),
        taken_bytes=np.zeros((classes, longest)),
        room=np.zeros(widest),
        since=np.zeros(widest, np.int64),
        phase_cost=np.zeros(widest + 2),
        phase_cap=np.zeros(widest + 1),
        pace=np.full(len(tables.path_node), np.nan),
        slowdown=np.full(len(tables.node_memory), np.nan),
        tariff=np.full(PRICED + tables.node_charge.shape[1], np.nan),
        price_list=np.zeros(1),
        delay=np.full(len(tables.node_memory) + len(tables.link_rate), np.nan),
        scratch=make_scratch(tables),
    )


def _copies(tables: Tables) -> Ints:
    """The copy that each option's first part runs on (O,), as the first of its groups.

    Where nothing but links limits an elastic node, its copy counts once for each route.
    """
    option_class = owners(tables.option_start)
    first = tables.part_start[:-1]
    position = tables.part_position[first]
    start = tables.path_start[tables.class_path[option_class]]
    several = position - tables.path_same_node[start + position]
    if tables.capacity != EXOGENOUS:
        several = several * np.isfinite(tables.node_seconds[tables.part_node[first]])
    models = np.diff(tables.task_model)[tables.class_task[option_class]]
    copies: Ints = owners(tables.group_start) - several * models
    return copies


@njit_inline
def rank_options(tables: Tables, draw: Draw, b: int, t: int, items: Prefixes, layers: RankedOptions) -> None:
    """Rank the options of every class whose costs are not what they were at the last call."""
    measure_paths(tables, draw, b, t, layers.scratch)
    changed = draw.charge_second.shape[3] > 0  # what may differ from slot to slot
    for v in range(len(layers.slowdown)):
        if layers.slowdown[v] != draw.slowdown[b, v]:
            layers.slowdown[v] = draw.slowdown[b, v]
            changed = True
    for i in range(len(layers.tariff)):
        if layers.tariff[i] != draw.tariff[b, i]:
            layers.tariff[i] = draw.tariff[b, i]
            changed = True
    if layers.price_list[0] != draw.price_list[b]:
        layers.price_list[0] = draw.price_list[b]
        changed = True
    for r in range(len(layers.delay)):
        if layers.delay[r] != layers.scratch.delay[r]:
            layers.delay[r] = layers.scratch.delay[r]
            changed = True
    for rho in range(len(tables.class_task)):
        p = tables.class_path[rho]
        moved = changed
        for j in range(tables.path_start[p], tables.path_start[p + 1]):
            if layers.pace[j] != layers.scratch.pace[j]:
                moved = True
        if moved:
            rank_class(tables, draw, b, t, rho, layers)
            rank_class_layers(tables, draw, b, t, rho, items, layers)
    for j in range(len(layers.pace)):
        layers.pace[j] = layers.scratch.pace[j]


@njit_inline
def rank_class(tables: Tables, draw: Draw, b: int, t: int, rho: int, layers: RankedOptions) -> None:
    """Sort the options of a class by cost, ties by rank; quick where they nearly are already.

    Where capacity is shared, the wait W' of the slot that `note_others` saw last counts in their cost.
    """
    origin = tables.path_start[tables.class_path[rho]]
    first = layers.start[rho]
    for i in range(first, layers.start[rho + 1]):
        o = layers.order[i]
        link = link_seconds(tables, o, origin, layers.scratch)
        latency = option_latency(draw, b, o, link)
        price = option_cost(tables, draw, b, t, o, origin, link)
        if is_late(tables, rho, latency):
            price = np.inf
        elif tables.capacity != EXOGENOUS:
            wait = option_wait(tables, o, origin, layers.scratch)
            price += draw.tariff[b, SECOND] * patient_wait(wait, tables.class_timeout[rho] - latency)
        j = i
        while j > first:
            before = layers.order[j - 1]
            if layers.price[j - 1] < price:
                break
            if layers.price[j - 1] == price and tables.option_rank[before] < tables.option_rank[o]:
                break
            layers.order[j] = before
            layers.price[j] = layers.price[j - 1]
            j -= 1
        layers.order[j] = o
        layers.price[j] = price


@njit_inline
def rank_class_layers(
    tables: Tables, draw: Draw, b: int, t: int, rho: int, items: Prefixes, layers: RankedOptions
) -> None:
    """Write the entries of a class: its options in order, without those that never serve.

    What repositories pin shares the links to them: where links bind, the cheapest on a route stands for all.
    """
    path = tables.class_path[rho]
    origin = tables.path_start[path]
    for j in range(origin, tables.path_start[path + 1]):
        layers.linked[j] = False
    for g in range(tables.class_group[rho], tables.class_group[rho + 1]):
        layers.blocker[g] = -2
    first = layers.start[rho]
    n = first
    layers.fixed[rho] = 0
    layers.last_cost[rho] = drop_cost(draw, b, t, rho)
    for i in range(first, layers.start[rho + 1]):
        if layers.price[i] == np.inf:
            break
        o = layers.order[i]
        item = items.option_item[o]
        q = tables.part_start[o]
        before = layers.blocker[layers.group[o]]
        if item == PINNED:
            if unlimited(tables, o):
                if tables.capacity == EXOGENOUS or not crosses(tables, o):
                    layers.last_cost[rho] = layers.price[i]
                    break
                if layers.linked[origin + tables.option_origin[o]]:
                    continue
                layers.linked[origin + tables.option_origin[o]] = True
            if before != -2:
                continue
            layers.fixed[rho] += 1
        elif before >= 0 and item >= before:
            continue
        layers.blocker[layers.group[o]] = item
        layers.option[n] = o
        layers.item[n] = item
        layers.shorter[n] = before if before >= 0 else EMPTY
        layers.cost[n] = layers.price[i]
        layers.node[n] = tables.part_node[q]
        layers.need[n] = tables.part_seconds[q] * draw.slowdown[b, tables.part_node[q]]
        n += 1
    layers.entries[rho] = n - first


@njit_inline
def unlimited(tables: Tables, o: int) -> bool:
    """Whether all nodes of the option have unlimited compute."""
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        if tables.node_seconds[tables.part_node[q]] != np.inf:
            return False
    return True


@njit_inline
def crosses(tables: Tables, o: int) -> bool:
    """Whether requests of the option send bytes over a link."""
    before = tables.option_origin[o]
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        if tables.part_bytes[q] > 0.0 and tables.part_position[q] > before:
            return True
        before = tables.part_position[q]
    return False


@njit_no_alloc
def note_others(tables: Tables, outcome: Outcome, b: int, layers: RankedOptions) -> None:
    """Remember what the others took of the resources of each class in row b of a slot with shared capacity.

    Loads are among them where they share a link with requests. How long a visit to each resource waited is
    remembered too.
    """
    nodes = len(tables.node_memory)
    for v in range(nodes):
        layers.scratch.delay[v] = outcome.node_wait[b, v]
    for e in range(len(tables.link_rate)):
        layers.scratch.delay[nodes + e] = outcome.link_wait[b, e]
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            v = tables.path_node[origin + j]
            own = outcome.spent[b, rho, tables.path_same_node[origin + j]]
            layers.taken_seconds[rho, j] = max(0.0, outcome.busy[b, v] - own)
            link = tables.path_link[origin + j]
            if link != EMPTY:
                own = outcome.sent[b, rho, tables.path_same_link[origin + j]]
                layers.taken_bytes[rho, j] = max(0.0, outcome.carried[b, link] - own)
                if shares_medium(tables, link):  # serving keeps to `load_limit` of what loads leave
                    layers.taken_bytes[rho, j] += tables.load_limit * outcome.load_bytes[b, link]
