"""The best static placement of prefixes as a program, for private capacities.

Its linear relaxation is the maximum of the concave gain of `idn_gym.optimum.concave_gain`, written with one
column z per prefix and one column W per layer: W_k <= W_{k-1} + lambda_k (z_k - zbar_k), W_k <= c_k.

Slots share the columns W of a class where its options have the same order: the layers are then added up.
The value stays exact where costs are equal and no capacity binds. Otherwise it is an upper bound for
every placement: added layers use the largest step of cost among their slots, and capacities are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints, Tables
from idn_gym.optimum.concave_gain import list_slot
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.optimum.prefixes import PINNED, Prefixes
from idn_gym.optimum.solver import Program, sparse_rows

Triple = tuple[Ints, Ints, Floats]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The layers of all classes for one set of costs and compute seconds; fields as in `RankedOptions`."""

    option: Ints
    item: Ints
    shorter: Ints
    cost: Floats
    capacity: Floats
    entries: Ints
    last_cost: Floats


class Rankings:
    """The rankings of every slot of one row; slots with equal costs and seconds share one."""

    def __init__(self, instance: Instance, items: Prefixes, b: int) -> None:
        tables, draw = instance
        layers = allocate_ranking(tables, items)
        capacity = np.zeros(len(layers.order))
        known: dict[bytes, Ranking] = {}
        self.start = layers.start
        self.of_slot: list[Ranking] = []
        for t in range(draw.demand.shape[1]):
            moving = (draw.rate, draw.seconds, draw.charge_second, draw.charge_byte)
            key = b"".join(field[b, t].tobytes() for field in moving)
            if key not in known:
                list_slot(tables, draw, b, t, items, layers, capacity)
                copies = {
                    name: getattr(layers, name).copy()
                    for name in ("option", "item", "shorter", "cost", "entries", "last_cost")
                }
                known[key] = Ranking(capacity=capacity.copy(), **copies)
            self.of_slot.append(known[key])


@dataclass(frozen=True, eq=False)
class Merged:
    """The added-up layers of one class in some slots, E entries."""

    step: Floats  # (E,) [cost] to the next entry
    item: Ints  # (E,)
    shorter: Ints  # (E,)
    room: Floats  # (E, E') [requests] of each entry in the phase of each later one; E' = 1 without pins
    left: Floats  # (E,) [requests] that pinned options leave
    exact: bool


def merge_class(rankings: Rankings, rho: int, batch: Floats, pieces: int) -> list[Merged]:
    """Add up the layers of a class over slots.

    Args:
        rankings: of the row.
        rho: the class.
        batch: (T,) its requests.
        pieces: into how many parts to cut slots whose sum is no longer exact.
    """
    groups: dict[tuple[int, ...] | bytes, list[int]] = {}
    first = rankings.start[rho]
    names: dict[int, bytes] = {}
    for t in np.flatnonzero(batch > 0.0).tolist():
        ranking = rankings.of_slot[t]
        if id(ranking) not in names:
            names[id(ranking)] = ranking.option[first : first + ranking.entries[rho]].tobytes()
        groups.setdefault(names[id(ranking)], []).append(t)
    found = []
    for name, slots in groups.items():
        if name:
            found += _merge_slots(rankings, rho, batch, np.array(slots), pieces)
    return found


def _merge_slots(rankings: Rankings, rho: int, batch: Floats, slots: Ints, pieces: int) -> list[Merged]:
    """Slots in which the options of the class have one order."""
    first = rankings.start[rho]
    distinct = {id(rankings.of_slot[t]): rankings.of_slot[t] for t in slots.tolist()}
    index = {key: i for i, key in enumerate(distinct)}
    version = np.array([index[id(rankings.of_slot[t])] for t in slots.tolist()])
    own = slice(first, first + next(iter(distinct.values())).entries[rho])
    steps = np.stack([np.diff(np.append(r.cost[own], r.last_cost[rho])) for r in distinct.values()])
    capacity = np.stack([r.capacity[own] for r in distinct.values()])
    ranking = rankings.of_slot[slots[0]]
    item, shorter = ranking.item[own], ranking.shorter[own]
    fixed = item == PINNED
    equal = bool((steps == steps[0]).all())
    loose = batch[slots] <= capacity[version].min(axis=1)
    exact = equal and not fixed.any()
    if not equal:
        chunks = np.array_split(np.argsort(steps.sum(1)[version], kind="stable"), min(pieces, len(slots)))
    elif exact:
        tight = np.flatnonzero(~loose)
        by_batch = tight[np.argsort(batch[slots[tight]], kind="stable")]
        chunks = [np.flatnonzero(loose), *np.array_split(by_batch, max(1, min(pieces, len(tight))))]
    else:
        chunks = np.array_split(np.argsort(batch[slots], kind="stable"), min(pieces, len(slots)))
    found = []
    for chunk in chunks:
        if len(chunk):
            requests = batch[slots[chunk]]
            room = np.minimum(requests[:, None], capacity[version[chunk]])
            left = np.maximum(0.0, requests[:, None] - np.cumsum(np.where(fixed, room, 0.0), 1))
            free = np.where(fixed, 0.0, room)
            capped = (
                np.minimum(free[:, :, None], left[:, None, :]).sum(0) if fixed.any() else free.sum(0)[:, None]
            )
            step = steps[version[chunk]].max(0)
            same = len(chunk) == 1 or bool(exact and loose[chunk].all())
            found.append(Merged(step, item, shorter, capped, left.sum(0), same))
    return found


class LayerProgram:
    """The program of one row, built from its merged layers.

    Attributes:
        program: its first I columns are the prefixes.
        exact: whether no value was given away by adding slots up.
    """

    def __init__(
        self,
        instance: Instance,
        items: Prefixes,
        b: int = 0,
        pieces: int = 1,
        one_per_task: bool = False,
        rankings: Rankings | None = None,
        paid: Floats | None = None,
    ) -> None:
        """Build it.

        Args:
            instance: tables and draw.
            items: from `list_prefixes`.
            b: row.
            pieces: parts into which slots are cut whose sum is inexact.
            one_per_task: allow one model per node and task, as the `placement` codec does.
            rankings: of this row, if they are there already.
            paid: (I,) [cost] what each prefix costs that is loaded; None: nothing.
        """
        tables, draw = instance
        rankings = rankings or Rankings(instance, items, b)
        builder = _Builder(tables, items, one_per_task, paid)
        self.exact = True
        for rho in range(len(tables.class_task)):
            for merged in merge_class(rankings, rho, draw.demand[b, :, rho], pieces):
                builder.add(merged)
                self.exact &= merged.exact
        self.program = builder.finish()


def placement_rows(tables: Tables, items: Prefixes, one_per_task: bool) -> tuple[list[Triple], Floats]:
    """Rows that a placement of prefixes obeys: memory, chains, and one model per node and task if asked for.

    Returns:
        (row, column, value) triples and the limit of each row.
    """
    nodes, everything = len(items.budget), np.arange(len(items.node))
    child = np.flatnonzero(items.parent != EMPTY)
    row, ones = nodes + np.arange(len(child)), np.ones(len(child))
    triples = [(items.node, everything, items.size), (row, child, ones), (row, items.parent[child], -ones)]
    limits = [items.budget, np.zeros(len(child))]
    if one_per_task:
        roots = np.flatnonzero(items.parent == EMPTY)
        tasks = int(tables.model_task.max()) + 1
        pair = items.node[roots] * tasks + tables.model_task[items.model[roots]]
        places, row = np.unique(pair, return_inverse=True)
        triples.append((nodes + len(child) + row, roots, np.ones(len(roots))))
        limits.append(np.ones(len(places)))
    return triples, np.concatenate(limits)


class _Builder:
    def __init__(self, tables: Tables, items: Prefixes, one_per_task: bool, paid: Floats | None) -> None:
        self.integers = self.columns = len(items.node)
        self.triples, limit = placement_rows(tables, items, one_per_task)
        self.limits, self.rows = [limit], len(limit)
        self.gains = [np.zeros(self.columns) if paid is None else -paid]
        self.uppers = [np.ones(self.columns)]

    def _add_rows(self, triples: list[Triple], limit: Floats) -> None:
        self.triples += [(row + self.rows, column, value) for row, column, value in triples]
        self.limits.append(limit)
        self.rows += len(limit)

    def add(self, merged: Merged) -> None:
        """One column W and one row per entry; entries that nothing reaches are left out."""
        count = len(merged.step)
        column = self.columns + np.arange(count)
        fixed = np.flatnonzero(merged.item == PINNED)
        bounds = [0, *fixed.tolist(), count]
        for phase, (begin, end) in enumerate(pairwise(bounds)):
            room = merged.room[:, 0 if merged.room.shape[1] == 1 else begin]
            entry = np.arange(begin, end)
            free = entry[merged.item[entry] != PINNED]
            triples: list[Triple] = [(entry - begin, column[entry], np.ones(len(entry)))]
            later = entry[1:]
            triples.append((later - begin, column[later - 1], -np.ones(len(later))))
            triples += _capacity(free - begin, free, merged, room)
            if phase:
                # A new phase starts from all entries before it, under the smaller cap.
                before = np.flatnonzero(merged.item[:begin] != PINNED)
                triples += _capacity(np.zeros(len(before), np.int64), before, merged, room)
            self._add_rows(triples, np.zeros(len(entry)))
        self.gains.append(merged.step)
        self.uppers.append(merged.left)
        self.columns += count

    def finish(self) -> Program:
        return Program(
            gain=np.concatenate(self.gains),
            rows=sparse_rows(self.triples, self.rows, self.columns),
            limit=np.concatenate(self.limits),
            upper=np.concatenate(self.uppers),
            integers=self.integers,
        )


def _capacity(row: Ints, entry: Ints, merged: Merged, room: Floats) -> list[Triple]:
    """-room (z - zbar) of free entries."""
    chained: npt.NDArray[np.bool_] = merged.shorter[entry] != EMPTY
    return [
        (row, merged.item[entry], -room[entry]),
        (row[chained], merged.shorter[entry][chained], room[entry][chained]),
    ]
