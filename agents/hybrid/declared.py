"""What combiners declare before an episode: the most that a slot costs, and a move."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, INSTANT, Floats
from idn_gym.core.geometry import nominal_free_bytes
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

    Where capacity is private nothing serves dearer, so this is the most that a slot can gain, too.

    Args:
        compiled: the scenario.
        weights: (D,) preference.
    """
    pieces = build_instance(compiled.scenario, range(DECLARED_EPISODES), "train", weights.tolist())
    costs = [sequence_costs(compiled, pieces, compiled.tables.pinned, b) for b in range(DECLARED_EPISODES)]
    return DECLARED_MARGIN * float(np.max(costs))


def is_proven(compiled: Compiled) -> bool:
    """Whether bounds hold: private capacity and instant loading; what is paid for is the score."""
    tables = compiled.tables
    return bool(tables.capacity == EXOGENOUS and tables.loading == INSTANT and compiled.tariff is None)
