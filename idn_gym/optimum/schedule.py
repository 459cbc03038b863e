"""The best sequence of placements in hindsight, with or without a price on loading: tiny scenarios only."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints, Residents
from idn_gym.core.costs import serving_cost
from idn_gym.core.geometry import bytes_to_load, held_bytes, nominal_free_bytes
from idn_gym.scenarios.compile import Compiled


class PlacementSchedule(NamedTuple):
    """The best sequence and what it saves."""

    gain: float  # [cost] saved by serving, less what loading cost
    placements: Residents  # (T, N, M)
    loaded: float  # [bytes]


def all_placements(compiled: Compiled, most: int = 20_000, one_per_task: bool = False) -> Residents:
    """Every placement that fits into nominal memory (placements, N, M), pins included.

    Args:
        compiled: the scenario.
        most: how many are allowed.
        one_per_task: allow one segment per node and task.

    Raises:
        ConfigError: there are more.
    """
    nodes, count = [], 1
    for v in range(len(compiled.tables.node_memory)):
        nodes.append(_node_placements(compiled, v, most, one_per_task))
        count *= len(nodes[-1])
        if count > most:
            raise ConfigError("scenario", f"has more than {most} placements, too many to list")
    return np.array([np.stack(rows) for rows in product(*nodes)])


def _node_placements(compiled: Compiled, v: int, most: int, one_per_task: bool) -> list[Residents]:
    """Combinations that fit on one node, model by model; stops beyond `most`."""
    tables = compiled.tables
    rows = [(tables.pinned[v], nominal_free_bytes(tables)[v])]
    for m in np.flatnonzero(tables.pinned[v] == EMPTY).tolist():
        mine = np.flatnonzero(compiled.placeable[v] & (tables.segment_model == m)).tolist()
        others = (tables.model_task == tables.model_task[m]) & (tables.pinned[v] == EMPTY)
        if len(rows) > most:
            break
        for row, free in list(rows):
            if one_per_task and (row[others] != EMPTY).any():
                continue
            for s in mine:
                if tables.segment_bytes[s] <= free:
                    longer = row.copy()
                    longer[m] = s
                    rows.append((longer, free - tables.segment_bytes[s]))
    return [row for row, _ in rows]


def slot_gains(instance: Instance, placements: Residents, b: int = 0) -> Floats:
    """Gain of each placement in each slot of row b (T, placements); -inf where memory is too small.

    Slots are served one by one, stores being at the level of slot 0: with stores, what a sequence that is
    chosen by these gains costs is known only once it is played.
    """
    tables, draw = instance
    size = held_bytes(tables.segment_bytes, placements).sum(2)
    gains = np.full((draw.demand.shape[1], len(placements)), -np.inf)
    for t in range(len(gains)):
        alone = serving_cost(instance, t, tables.pinned, b)
        for i in np.flatnonzero((size <= draw.memory[b, t]).all(1)).tolist():
            gains[t, i] = alone - serving_cost(instance, t, placements[i], b)
    return gains


def loads(instance: Instance, placements: Residents) -> Floats:
    """Bytes newly resident from each placement (row) to each other (column), as the core counts them."""
    total = np.zeros((len(placements), len(placements)))
    for i in range(len(placements)):
        new = bytes_to_load(instance.tables, placements, placements[i])
        total[i] = (new * instance.tables.node_count[:, None]).sum((1, 2))
    return total


def best_schedule(
    instance: Instance, placements: Residents, byte_cost: float = 0.0, b: int = 0
) -> PlacementSchedule:
    """The sequence of placements that saves most, by dynamic programming.

    Args:
        instance: tables and draw.
        placements: (placements, N, M) to choose from, such as `all_placements`; the pins alone are among
            them, and episodes start there.
        byte_cost: [cost/byte] price of loading; 0 gives the best placement of every slot by itself.
        b: row.
    """
    gains, moves = slot_gains(instance, placements, b), byte_cost * loads(instance, placements)
    start = int(np.flatnonzero((placements == instance.tables.pinned).all((1, 2)))[0])
    value = gains[0] - moves[start]
    choice: list[Ints] = []
    for row in gains[1:]:
        arriving = value[:, None] - moves
        choice.append(arriving.argmax(0))
        value = arriving.max(0) + row
    path = [int(value.argmax())]
    for back in reversed(choice):
        path.append(int(back[path[-1]]))
    path.reverse()
    loaded = loads(instance, placements)[[start, *path[:-1]], path].sum()
    return PlacementSchedule(float(value.max()), placements[path], float(loaded))
