"""Arrays that the graph observation writes, and inputs of its kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Bools, Floats
from idn_gym.core.kernel import njit_inline
from idn_gym.observations.columns import FeatureRows


class GraphConstants(NamedTuple):
    """Constants, and work space."""

    first_node: int  # column of the nodes from which on columns move; the next four the same
    first_link: int
    first_charge: int
    first_airtime: int
    first_pair: int
    # upper bounds of the columns that move
    node_high: Floats
    link_high: Floats
    charge_high: Floats
    airtime_high: Floats
    holding_high: Floats
    demand_high: Floats
    forecast_high: Floats
    loading_high: Floats
    progress_high: Floats
    network_high: Floats
    passing: Floats  # (N,) [requests] nominal, of all tasks
    task_passing: Floats  # (N, K) [requests] nominal
    load_price: float  # [cost/byte] of loading, at a weight of 1
    update: int  # place of the weight that loading has
    # work space
    arrived: Floats  # (N,) [requests] that pass; the next two the same
    recent: Floats  # (N,)
    dropped: Floats  # (N,)
    started: Floats  # (N,) that began here
    task_batch: Floats  # (N, K)
    task_recent: Floats  # (N, K)
    task_most: Floats  # (N, K) [cost] largest saving of a pair
    most: Floats  # (N,) [cost]
    most_rate: Floats  # (N,) [cost/byte]


class GraphTables(NamedTuple):
    """Arrays that are written, B rows."""

    nodes: FeatureRows  # (B, N, columns)
    links: FeatureRows  # (B, E, columns)
    pairs: FeatureRows  # (B, C, columns)
    pair_mask: FeatureRows  # (B, C)
    overall: FeatureRows  # (B, columns)


class GraphMemory(NamedTuple):
    """State that is kept from slot to slot."""

    taken: Floats  # (B, N) [bytes] of models that may move, loads included
    loading: Bools  # (B, N) whether anything was on its way
    missing: Floats  # (B, C) [bytes] to load
    forecast: Bools  # (B, C) whether there was anything to forecast


class GraphClips(NamedTuple):
    """Number of entries that had to be clipped."""

    clipped: npt.NDArray[np.int64]  # (B,)


@njit_inline
def share_of(value: float, most: float) -> float:
    """A value over its maximum; 0 where the maximum is 0."""
    return value / most if most > 0.0 else 0.0
