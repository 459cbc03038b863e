"""Constants that combiners declare before an episode: maximum costs of a slot and of a move."""

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
"""Number of training episodes from which the maximum cost of a slot is estimated."""

DECLARED_MARGIN = 1.1
"""Safety factor on that estimate."""


def load_diameter(compiled: Compiled, weights: Floats) -> float:
    """D: maximum cost of loading the whole memory [cost], with the score's prices of bytes.

    A node loads at most its memory beside the pinned models, and at most all segments that it can hold at
    once.

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
    """Maximum cost of serving a slot [cost], from training episodes in which only repositories serve.

    No slot costs less than 0, so this is also the maximum gain of a slot.

    Args:
        compiled: the scenario.
        weights: (D,) preference.
    """
    pieces = build_instance(compiled.scenario, range(DECLARED_EPISODES), "train", weights.tolist())
    costs = [sequence_costs(compiled, pieces, compiled.tables.pinned, b) for b in range(DECLARED_EPISODES)]
    return DECLARED_MARGIN * float(np.max(costs))


def unproven_moves(compiled: Compiled, weights: Floats | None) -> str | None:
    """Return the first violated assumption about moves between experts; None: all hold.

    The assumptions: a change loads for at most D, and the network then serves like the expert's network, at a
    cost of at least 0. They need private capacity and instant loading, and costs of requests and loads only.

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
    """Return the first violated assumption of "no placement serves at a higher cost than repositories alone".

    Under the assumptions, a request is served at most at the cost of a repository. Where repositories can be
    full, a part of a model elsewhere may send them requests that take longer.

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
    """Weight of an objective; 1 where preferences are drawn and it is in force."""
    own = np.ones(len(compiled.objectives)) if weights is None else weights
    return float(weight_of(name, own, compiled.objectives))
