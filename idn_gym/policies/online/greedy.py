"""Lazy greedy on the tariff: the placement of prefixes that saves most, step by step.

Gains are measured by the core's own serving: class by class where capacity is private; all together where it
is shared, waiting included. Memory is left empty where nothing that fits saves anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, SHARED, Draw, Floats, Instance, Ints, Outcome, Residents, Tables
from idn_gym.core.filling import ask_batches
from idn_gym.core.geometry import bytes_to_load, covers
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.paces import measure_paths
from idn_gym.core.serving import serve_class, serve_together
from idn_gym.core.usable import note_pair, note_residents
from idn_gym.core.workspace import Scratch, make_scratch
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import RankedOptions
from idn_gym.optimum.prefixes import Prefixes

LEAST_SAVING = 1e-12
"""Minimum saving of an item as a share of the cost, so that rounding errors load nothing."""


class Concerned(NamedTuple):
    """The classes that a model on a node may serve."""

    item_pair: Ints  # (I,) pair (node, task) of the item
    start: Ints  # (pairs + 2,) into the next two; the last row lists all classes
    classes: Ints
    position: Ints  # of the node on the path of the class


class GreedySearch(NamedTuple):
    """The placement that is being built, and what is known of the items that may go into it."""

    node_start: Ints  # (N+1,) into I, as the next two in `Prefixes`
    model: Ints  # (I,)
    segment: Ints  # (I,)
    concern: Concerned
    per_byte: bool  # what saves most per byte comes first, not what saves most
    bound: Floats  # (I,) most that loading the item can save: a bound, later the saving measured last
    first: Ints  # (N,) the node's item that comes first, or -1
    room: Floats  # (N,) [bytes] free
    resident: Residents  # (1, N, M)
    cost: Floats  # (T, R) with what is resident
    trial: Floats  # (T, R) with one item more; of both, only column 0 where capacity is shared: all classes


def concerned(tables: Tables, items: Prefixes) -> Concerned:
    """List the classes of each (node, task) whose path crosses the node."""
    tasks = len(tables.task_model) - 1
    lists: list[list[tuple[int, int]]] = [[] for _ in range(len(tables.node_memory) * tasks)]
    for rho, p in enumerate(tables.class_path):
        for position, j in enumerate(range(tables.path_start[p], tables.path_start[p + 1])):
            if tables.path_same_node[j] == position:
                lists[tables.path_node[j] * tasks + tables.class_task[rho]].append((rho, position))
    lists.append([(rho, 0) for rho in range(len(tables.class_path))])
    return Concerned(
        item_pair=(items.node * tasks + tables.model_task[items.model]).astype(np.int64),
        start=np.cumsum([0, *map(len, lists)]),
        classes=np.array([rho for pairs in lists for rho, _ in pairs], np.int64),
        position=np.array([position for pairs in lists for _, position in pairs], np.int64),
    )


class Greedy:
    """Work space of the greedy for one scenario."""

    def __init__(self, tables: Tables, items: Prefixes, per_byte: bool) -> None:
        self.tables, self.items, self.per_byte = tables, items, per_byte
        self._concerned = concerned(tables, items)
        self._scratch, self._outcome = make_scratch(tables), empty_outcome(tables, 1)
        count = len(items.node)
        self._bound, self._zero, self._gradient = np.zeros((3, count))

    def place(self, instance: Instance, layers: RankedOptions) -> Residents:
        """The greedy placement (N, M) for all slots of row 0 together.

        Args:
            instance: one row, few slots.
            layers: from `allocate_ranking`.
        """
        tables, draw = instance
        self._bound[:] = self._most_saved(instance, layers)
        resident = tables.pinned[None].copy()
        shape = (draw.demand.shape[1], len(tables.class_task))
        search = GreedySearch(
            node_start=self.items.node_start,
            model=self.items.model,
            segment=self.items.segment,
            concern=self._concerned,
            per_byte=self.per_byte,
            bound=self._bound,
            first=np.full(len(self.items.budget), -1),
            room=self.items.budget.copy(),
            resident=resident,
            cost=np.zeros(shape),
            trial=np.zeros(shape),
        )
        if len(self._bound):
            _greedy(tables, draw, search, self._scratch, self._outcome)
        return resident[0]

    def _most_saved(self, instance: Instance, layers: RankedOptions) -> Floats:
        """Most that each item (I,) can save; inf where capacity is shared, as a queue may get shorter."""
        tables, draw = instance
        if tables.capacity == SHARED:
            return np.full(len(self.items.node), np.inf)
        most = np.zeros(len(self.items.node))
        for t in range(draw.demand.shape[1]):
            gain_and_gradient(tables, draw, 0, t, self.items, self._zero, self._gradient, layers)
            most += self._gradient
        for i in np.flatnonzero(self.items.parent != EMPTY).tolist():
            most[i] += most[self.items.parent[i]]
        return most


@njit_no_alloc
def _greedy(tables: Tables, draw: Draw, search: GreedySearch, scratch: Scratch, outcome: Outcome) -> None:
    """Load the item of the largest bound on its saving; if the bound turns out too high, look again.

    Where capacity is private, what was measured once bounds later savings; where shared, by rule of thumb.
    """
    least = LEAST_SAVING * _measure_base(tables, draw, search, scratch, outcome)
    for v in range(len(search.first)):
        search.first[v] = _first_of_node(tables, v, search)
    item = _first_of_all(tables, search)
    while item >= 0:
        v = _node_of(item, search)
        saved = _measure(tables, draw, v, item, search, scratch, outcome)
        search.bound[item] = saved if saved > least else 0.0
        search.first[v] = _first_of_node(tables, v, search)
        following = _first_of_all(tables, search)
        if following == item:
            _load(tables, v, item, search, scratch)
            following = _first_of_all(tables, search)
        item = following


@njit_inline
def _measure_base(
    tables: Tables, draw: Draw, search: GreedySearch, scratch: Scratch, outcome: Outcome
) -> float:
    """Serve all classes with what is pinned; returns what that costs."""
    everyone = len(search.concern.start) - 2
    note_residents(tables, search.resident, 0, scratch)
    saved = _serve(tables, draw, everyone, search, scratch, outcome)
    _accept(tables, everyone, search)
    return -saved


@njit_inline
def _measure(
    tables: Tables, draw: Draw, v: int, item: int, search: GreedySearch, scratch: Scratch, outcome: Outcome
) -> float:
    """Saving from loading the item; `GreedySearch.trial` has the costs."""
    m = search.model[item]
    held = search.resident[0, v, m]
    search.resident[0, v, m] = search.segment[item]
    note_pair(tables, search.resident, 0, v, m, scratch)
    saved = _serve(tables, draw, search.concern.item_pair[item], search, scratch, outcome)
    search.resident[0, v, m] = held
    note_pair(tables, search.resident, 0, v, m, scratch)
    return saved


@njit_inline
def _serve(
    tables: Tables, draw: Draw, row: int, search: GreedySearch, scratch: Scratch, outcome: Outcome
) -> float:
    """Serve the classes of a row of `Concerned` with what is resident; returns what that saves."""
    concern, cost, trial, resident = search.concern, search.cost, search.trial, search.resident
    saved = 0.0
    for t in range(draw.demand.shape[1]):
        measure_paths(tables, draw, 0, t, scratch)
        if tables.capacity == SHARED:
            ask_batches(draw, 0, t, scratch)
            trial[t, 0] = serve_together(tables, draw, 0, t, resident, scratch, outcome)
            saved += cost[t, 0] - trial[t, 0]
            continue
        for k in range(concern.start[row], concern.start[row + 1]):
            rho = concern.classes[k]
            batch = draw.demand[0, t, rho]
            trial[t, rho] = serve_class(tables, draw, 0, t, rho, batch, resident, scratch, outcome)
            saved += cost[t, rho] - trial[t, rho]
    return saved


@njit_inline
def _accept(tables: Tables, row: int, search: GreedySearch) -> None:
    """Make the costs of the trial, for the classes of a row of `Concerned`, the current costs."""
    for t in range(len(search.cost)):
        if tables.capacity == SHARED:
            search.cost[t, 0] = search.trial[t, 0]
            continue
        for k in range(search.concern.start[row], search.concern.start[row + 1]):
            search.cost[t, search.concern.classes[k]] = search.trial[t, search.concern.classes[k]]


@njit_inline
def _load(tables: Tables, v: int, item: int, search: GreedySearch, scratch: Scratch) -> None:
    """Load the item that was measured last."""
    search.room[v] -= _extra(tables, v, item, search)
    search.resident[0, v, search.model[item]] = search.segment[item]
    note_pair(tables, search.resident, 0, v, search.model[item], scratch)
    search.bound[item] = 0.0
    search.first[v] = _first_of_node(tables, v, search)
    _accept(tables, search.concern.item_pair[item], search)


@njit_inline
def _node_of(item: int, search: GreedySearch) -> int:
    low, high = 0, len(search.node_start) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if search.node_start[middle] <= item:
            low = middle
        else:
            high = middle
    return low


@njit_inline
def _extra(tables: Tables, v: int, i: int, search: GreedySearch) -> float:
    """Bytes by which the prefix is longer than what the node holds of its model; 0 if it is not."""
    return float(bytes_to_load(tables, search.segment[i], search.resident[0, v, search.model[i]]))


@njit_inline
def _key(tables: Tables, v: int, i: int, search: GreedySearch) -> float:
    """Sort key of the order; the largest comes first."""
    if not search.per_byte:
        return float(search.bound[i])
    return float(search.bound[i] / max(1.0, _extra(tables, v, i, search)))


@njit_inline
def _first_of_node(tables: Tables, v: int, search: GreedySearch) -> int:
    """The node's item of the largest key that fits; -1 if there is none."""
    best = -1
    most = 0.0
    for i in range(search.node_start[v], search.node_start[v + 1]):
        if search.bound[i] <= 0.0:
            continue
        if covers(tables, search.resident[0, v, search.model[i]], search.segment[i]):
            continue
        if _extra(tables, v, i, search) > search.room[v]:
            continue
        key = _key(tables, v, i, search)
        if key > most:
            best, most = i, key
    return best


@njit_inline
def _first_of_all(tables: Tables, search: GreedySearch) -> int:
    """The item of the largest key over all nodes; -1 if there is none."""
    found = -1
    most = 0.0
    for v in range(len(search.first)):
        if search.first[v] >= 0:
            key = _key(tables, v, search.first[v], search)
            if key > most:
                found, most = search.first[v], key
    return found
