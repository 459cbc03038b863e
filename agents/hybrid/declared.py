"""What combiners declare before an episode: the most that a slot costs, and a move."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, INSTANT, Floats
from idn_gym.core.geometry import covers, nominal_free_bytes
from idn_gym.objectives import weight_of
from idn_gym.optimum.dynamic.played import sequence_costs
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import build_instance

DECLARED_EPISODES = 3
"""Training episodes that the most of a slot is taken from."""

DECLARED_MARGIN = 1.1
"""Times what they show."""


def load_diameter(compiled: Compiled, weights: Floats) -> float:
    """D: what loading all memory there is costs at most [cost], as the score charges bytes.

    A node loads no more than its memory holds beside the pins, nor than all that it may hold at once.

    Args:
        compiled: the scenario.
        weights: (D,) preference.
    """
    tables = compiled.tables
    prices = byte_prices(compiled, weights)[:, tables.model_task]  # (N, M)
    sizes = np.where(compiled.placeable, tables.segment_bytes, 0.0)  # (N, S)
    # (M, N) the largest segment of each model
    largest = np.zeros(tables.pinned.shape[::-1])
    np.maximum.at(largest, tables.segment_model, sizes.T)
    free = tables.pinned == EMPTY
    most = np.minimum(nominal_free_bytes(tables), np.where(free, largest.T, 0.0).sum(axis=1))
    return float((np.where(free, prices, 0.0).max(axis=1, initial=0.0) * most).sum())


def largest_slot_cost(compiled: Compiled, weights: Floats) -> float:
    """What serving a slot costs at most [cost], by training episodes in which repositories serve alone.

    No slot costs less than 0, so this is the most that a slot can gain, too.

    Args:
        compiled: the scenario.
        weights: (D,) preference.
    """
    pieces = build_instance(compiled.scenario, range(DECLARED_EPISODES), "train", weights.tolist())
    costs = [sequence_costs(compiled, pieces, compiled.tables.pinned, b) for b in range(DECLARED_EPISODES)]
    return DECLARED_MARGIN * float(np.max(costs))


def unproven_moves(compiled: Compiled, weights: Floats | None) -> str | None:
    """The first assumption that fails of those on moves between experts; None: all hold.

    A change loads for D at most, and the network then serves as that of the expert does, at a cost of at
    least 0: private capacity, instant loading, and nothing is paid for but requests and loads.

    Args:
        compiled: the scenario.
        weights: (D,) preference; None: any.
    """
    tables = compiled.tables
    if tables.capacity != EXOGENOUS:
        return "capacity is shared"
    if tables.loading != INSTANT:
        return "loads take time"
    if compiled.tariff is not None:
        return "requests are served by a tariff of their own"
    for objective in compiled.objectives:
        if objective.measure is not None and _weight(compiled, weights, objective.name) > 0.0:
            return f"the objective {objective.name} is charged per slot"
    return None


def unproven_gains(compiled: Compiled, weights: Floats | None) -> str | None:
    """The first assumption that fails of those by which no placement serves dearer than repositories alone.

    A request is then served for the least that a repository takes, or for less. Where repositories can be
    full, a part of a model elsewhere may send them what takes longer.

    Args:
        compiled: the scenario; `unproven_moves` finds nothing.
        weights: (D,) preference; None: any.
    """
    tables = compiled.tables
    held = tables.pinned[tables.part_node, tables.segment_model[tables.part_segment]]
    limited = np.isfinite(tables.node_seconds)[tables.part_node]
    if (limited & covers(tables, held, tables.part_segment)).any():
        return "a node that pins models can be full"
    if (tables.class_fallback >= tables.option_start[1:]).any():
        return "some requests reach no repository that is never full"
    if tables.node_context_watts.any() and _weight(compiled, weights, "energy") > 0.0:
        return "nodes draw power for holding models"
    return None


def _weight(compiled: Compiled, weights: Floats | None, name: str) -> float:
    """Of an objective; 1 where preferences are drawn and it is in force."""
    own = np.ones(len(compiled.objectives)) if weights is None else weights
    return float(weight_of(name, own, compiled.objectives))
