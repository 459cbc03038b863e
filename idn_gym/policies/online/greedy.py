"""Lazy greedy on the tariff: the placement of prefixes that saves most, step by step.

Gains are measured by the core's own serving, class by class. With shared capacity every class is served
as if it were alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, SHARED, Draw, Floats, Instance, Ints, Outcome, Residents, Tables
from idn_gym.core.capacity import fill_capacity
from idn_gym.core.kernel import hot, inner
from idn_gym.core.serving import measure_paths, serve_class
from idn_gym.core.workspace import Scratch, empty_outcome, make_scratch
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import Layers
from idn_gym.optimum.prefixes import Items

LEAST = 1e-12
"""What is loaded must save this share of the cost, so that rounding errors load nothing."""


class Concerned(NamedTuple):
    """The classes that a model on a node may serve."""

    item_pair: Ints  # (I,) pair (node, task) of the item
    start: Ints  # (pairs + 2,) into the next two; the last row lists all classes
    classes: Ints
    position: Ints  # of the node on the path of the class


def concerned(tables: Tables, items: Items) -> Concerned:
    """List the classes of each (node, task) whose path crosses the node."""
    tasks = len(tables.task_model) - 1
    lists: list[list[tuple[int, int]]] = [[] for _ in range(len(tables.node_memory) * tasks)]
    for rho, p in enumerate(tables.class_path):
        for position, j in enumerate(range(tables.path_start[p], tables.path_start[p + 1])):
            lists[tables.path_node[j] * tasks + tables.class_task[rho]].append((rho, position))
    lists.append([(rho, 0) for rho in range(len(tables.class_path))])
    return Concerned(
        item_pair=(items.node * tasks + tables.model_task[items.model]).astype(np.int64),
        start=np.cumsum([0, *map(len, lists)]),
        classes=np.array([rho for pairs in lists for rho, _ in pairs], np.int64),
        position=np.array([position for pairs in lists for _, position in pairs], np.int64),
    )


def merge_slots(instance: Instance, b: int, groups: int) -> Instance:
    """One row with at most `groups` slots, each the sum of consecutive ones.

    Batches and compute seconds are added up, link rates averaged as seconds per byte, links open for as long
    as the mean group, and the rest is that of the first slot. The gain of the sum is that of its slots where
    costs are the same in all of them and no capacity binds, and at least that where costs are the same.
    """
    draw = instance.draw
    slots = draw.demand.shape[1]
    starts = np.unique(np.linspace(0, slots, min(groups, slots) + 1)[:-1].astype(np.int64))
    sizes = np.diff(np.append(starts, slots))
    row = slice(b, b + 1)
    priced = row if len(draw.option_cost) > 1 else slice(0, 1)
    pace = np.add.reduceat(1.0 / draw.rate[row], starts, axis=1) / sizes[None, :, None]
    merged = draw._replace(
        demand=np.add.reduceat(draw.demand[row], starts, axis=1),
        seconds=np.add.reduceat(draw.seconds[row], starts, axis=1),
        rate=1.0 / pace,
        **{
            name: np.add.reduceat(getattr(draw, name)[row], starts, axis=1) / sizes[None, :, None, None]
            for name in ("charge_second", "charge_byte", "charge_drop")
        },
        order=draw.order[row][:, starts],
        memory=draw.memory[row][:, starts],
        uniforms=draw.uniforms[row][:, starts],
        slowdown=draw.slowdown[row].copy(),
        tariff=draw.tariff[row].copy(),
        weights=draw.weights[row].copy(),
        **{
            name: getattr(draw, name)[priced].copy()
            for name in ("option_latency", "option_cost", "option_joules", "drop_joules")
        },
    )
    longer = instance.tables.slot_seconds * float(sizes.mean())
    return Instance(instance.tables._replace(slot_seconds=longer), merged)


class Greedy:
    """Work space of the greedy for one scenario."""

    def __init__(self, tables: Tables, items: Items, per_byte: bool) -> None:
        self.tables, self.items, self.per_byte = tables, items, per_byte
        self._concerned = concerned(tables, items)
        self._scratch, self._outcome = make_scratch(tables), empty_outcome(tables, 1)
        count = len(items.node)
        self._bound, self._zero, self._gradient, self._prefix = np.zeros((4, count))
        self._best = np.zeros(len(items.budget), np.int64)
        for i in range(count):
            parent = items.parent[i]
            self._prefix[i] = items.size[i] + (self._prefix[parent] if parent != EMPTY else 0.0)

    def place(self, instance: Instance, layers: Layers) -> Residents:
        """The greedy placement (N, M) for all slots of row 0 together.

        Args:
            instance: one row, few slots; see `merge_slots`.
            layers: from `make_layers`.
        """
        tables, draw = instance
        self._bound[:] = 0.0
        for t in range(draw.demand.shape[1]):
            gain_and_gradient(tables, draw, 0, t, self.items, self._zero, self._gradient, layers)
            self._bound += self._gradient
        for i, parent in enumerate(self.items.parent):
            if parent != EMPTY:
                self._bound[i] += self._bound[parent]
        resident = tables.pinned[None].copy()
        cost = np.zeros((2, draw.demand.shape[1], len(tables.class_task)))
        if len(self._bound):
            _greedy(
                tables,
                draw,
                self.items.node_start,
                self.items.model,
                self.items.segment,
                self.items.budget.copy(),
                self._prefix,
                self._concerned,
                self.per_byte,
                self._bound,
                self._best,
                cost,
                resident,
                self._scratch,
                self._outcome,
            )
        return resident[0]


@hot
def _greedy(
    tables: Tables,
    draw: Draw,
    node_start: Ints,
    model: Ints,
    segment: Ints,
    room: Floats,
    prefix: Floats,
    concern: Concerned,
    per_byte: bool,
    bound: Floats,
    best: Ints,
    cost: Floats,
    resident: Residents,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Load the item of the largest bound on its gain; if the bound turns out too high, look again.

    `bound` holds upper bounds on the gains at the start and those measured last later on; gains only
    fall while more is loaded. `cost` is (2, T, R): of what is resident, and of a trial.
    """
    slots = draw.demand.shape[1]
    for v in range(len(room)):
        best[v] = _node_best(tables, v, node_start, model, segment, room, prefix, per_byte, bound, resident)
    item, held = -1, EMPTY
    least = 0.0
    while True:
        row = len(concern.start) - 2 if item < 0 else concern.item_pair[item]
        saved = 0.0
        for t in range(slots):
            measure_paths(tables, draw, 0, t, scratch)
            for k in range(concern.start[row], concern.start[row + 1]):
                rho = concern.classes[k]
                if tables.capacity == SHARED:
                    fill_capacity(tables, draw, 0, t, scratch)
                cost[1, t, rho] = serve_class(
                    tables, draw, 0, t, rho, draw.demand[0, t, rho], resident, scratch, outcome
                )
                saved += cost[0, t, rho] - cost[1, t, rho]
        keep = item < 0
        if item < 0:
            least = -LEAST * saved
        else:
            v, m = _node_of(item, node_start), model[item]
            bound[item] = saved if saved > least else 0.0
            resident[0, v, m] = held
            best[v] = _node_best(
                tables, v, node_start, model, segment, room, prefix, per_byte, bound, resident
            )
            keep = item == _overall(tables, best, model, prefix, per_byte, bound, segment, resident)
            if keep:
                room[v] -= _extra(tables, v, item, model, prefix, segment, resident)
                resident[0, v, m] = segment[item]
                bound[item] = 0.0
                best[v] = _node_best(
                    tables, v, node_start, model, segment, room, prefix, per_byte, bound, resident
                )
        if keep:
            for t in range(slots):
                for k in range(concern.start[row], concern.start[row + 1]):
                    cost[0, t, concern.classes[k]] = cost[1, t, concern.classes[k]]
        item = _overall(tables, best, model, prefix, per_byte, bound, segment, resident)
        if item < 0:
            break
        v, m = _node_of(item, node_start), model[item]
        held = resident[0, v, m]
        resident[0, v, m] = segment[item]


@inner
def _node_of(item: int, node_start: Ints) -> int:
    low, high = 0, len(node_start) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if node_start[middle] <= item:
            low = middle
        else:
            high = middle
    return low


@inner
def _extra(
    tables: Tables, v: int, i: int, model: Ints, prefix: Floats, segment: Ints, resident: Residents
) -> float:
    """Bytes by which the prefix is longer than what the node holds of its model; 0 if it is not."""
    held = resident[0, v, model[i]]
    if held == EMPTY:
        return float(prefix[i])
    return float(max(0.0, tables.segment_bytes[segment[i]] - tables.segment_bytes[held]))


@inner
def _key(
    tables: Tables,
    v: int,
    i: int,
    model: Ints,
    prefix: Floats,
    per_byte: bool,
    bound: Floats,
    segment: Ints,
    resident: Residents,
) -> float:
    if not per_byte:
        return float(bound[i])
    return float(bound[i] / max(1.0, _extra(tables, v, i, model, prefix, segment, resident)))


@inner
def _node_best(
    tables: Tables,
    v: int,
    node_start: Ints,
    model: Ints,
    segment: Ints,
    room: Floats,
    prefix: Floats,
    per_byte: bool,
    bound: Floats,
    resident: Residents,
) -> int:
    """The node's item of the largest bound that fits; -1 if there is none."""
    best = -1
    most = 0.0
    for i in range(node_start[v], node_start[v + 1]):
        if bound[i] <= 0.0:
            continue
        if resident[0, v, model[i]] != EMPTY:
            if tables.segment_last[resident[0, v, model[i]]] >= tables.segment_last[segment[i]]:
                continue
        if _extra(tables, v, i, model, prefix, segment, resident) > room[v]:
            continue
        key = _key(tables, v, i, model, prefix, per_byte, bound, segment, resident)
        if key > most:
            best, most = i, key
    return best


@inner
def _overall(
    tables: Tables,
    best: Ints,
    model: Ints,
    prefix: Floats,
    per_byte: bool,
    bound: Floats,
    segment: Ints,
    resident: Residents,
) -> int:
    found = -1
    most = 0.0
    for v in range(len(best)):
        if best[v] >= 0:
            key = _key(tables, v, best[v], model, prefix, per_byte, bound, segment, resident)
            if key > most:
                found, most = best[v], key
    return found
