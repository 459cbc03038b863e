"""The placements that the fluid finds cheapest, ranked by events too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Instance, Residents
from idn_gym.core.costs import serve
from idn_gym.core.flows import option_flows
from idn_gym.core.geometry import placed_bytes
from idn_gym.evaluation.event_plan import Dispatch
from idn_gym.evaluation.fluid_check import DISPATCHES, simulate_placement

MOST_PLACEMENTS = 50_000
"""Up to which all placements are looked at."""


class RankedPlacement(NamedTuple):
    """One of the placements that the fluid finds cheapest."""

    placement: Residents  # (N, M)
    fluid: float  # [cost] per request
    proportions: float  # [cost] by events, shares as in the fluid; nan where it was not simulated
    selfish: float  # [cost] by events, requests choose for themselves


def rank_placements(
    instance: Instance,
    placements: Iterable[Residents],
    count: int,
    t: int = 0,
    requests: int = 20_000,
    seed: int = 0,
    dispatches: tuple[Dispatch, ...] = DISPATCHES,
) -> Iterator[RankedPlacement]:
    """The distinct placements that the fluid finds cheapest in slot `t` (row 0), and their cost in events.

    Placements whose requests go the same ways are one. All are simulated on the same random numbers.

    Args:
        instance: one row.
        placements: to choose from, as from `list_placements`.
        count: how many to rank.
        t: the slot.
        requests: of each simulation.
        seed: seed of the simulations.
        dispatches: to simulate.
    """
    found: dict[bytes, tuple[float, Residents]] = {}
    arrived = float(instance.draw.demand[0, t].sum())
    for placement in placements:
        flows, _ = option_flows(instance, t, placement)
        if flows.tobytes() not in found:
            cost = float(serve(instance, t, placement).tariff_cost[0]) / arrived
            found[flows.tobytes()] = (cost, placement)
    for cost, placement in sorted(found.values(), key=lambda item: item[0])[:count]:
        seen = {
            dispatch: simulate_placement(instance, t, placement, dispatch, requests, seed).overall.cost
            for dispatch in dispatches
        }
        yield RankedPlacement(
            placement, cost, seen.get("proportions", math.nan), seen.get("selfish", math.nan)
        )


def list_placements(
    instance: Instance, placeable: Bools, around: Residents, t: int = 0, most: int = MOST_PLACEMENTS
) -> Iterator[Residents]:
    """All placements (N, M) that fit into the memories of slot `t` (row 0), if there are not too many.

    Otherwise `around`, and those that differ from it in one model on one node.

    Args:
        instance: one row.
        placeable: (N, S) what a policy may place, as `Compiled.placeable`.
        around: a placement that fits.
        t: the slot.
        most: how many are too many.
    """
    rows: list[list[Residents]] = []
    left = most
    for v in range(len(placeable)):
        rows.append(_rows(instance, placeable, t, v, left))
        left //= len(rows[-1])
        if left == 0:
            return _neighbours(instance, placeable, around, t)
    return (np.stack(chosen) for chosen in product(*rows))


def _rows(instance: Instance, placeable: Bools, t: int, v: int, most: int) -> list[Residents]:
    """Rows (M,) of a node that fit; at least one more than `most` if there are more."""
    rows = [instance.tables.pinned[v]]
    for m in range(len(rows[0])):
        rows += [longer for row in rows for longer in _changes(instance, placeable, row, t, v, m)]
        if len(rows) > most:
            break
    return rows


def _neighbours(instance: Instance, placeable: Bools, around: Residents, t: int) -> Iterator[Residents]:
    yield around
    for v, m in np.argwhere(instance.tables.pinned == EMPTY):
        row = around[v].copy()
        row[m] = EMPTY
        for other in (row, *_changes(instance, placeable, row, t, v, m)):
            if other[m] != around[v, m]:
                placement = around.copy()
                placement[v] = other
                yield placement


def _changes(instance: Instance, placeable: Bools, row: Residents, t: int, v: int, m: int) -> list[Residents]:
    """A node's row (M,) that has nothing of a model, with each segment of it that still fits."""
    tables = instance.tables
    if row[m] != EMPTY:
        return []
    taken = placed_bytes(tables.segment_bytes, row, tables.pinned[v]).sum()
    free = instance.draw.memory[0, t, v] - tables.node_reserved[v] - taken
    fits = placeable[v] & (tables.segment_model == m) & (tables.segment_bytes <= free)
    changed = np.repeat(row[None], fits.sum(), axis=0)
    changed[:, m] = np.flatnonzero(fits)
    return list(changed)
