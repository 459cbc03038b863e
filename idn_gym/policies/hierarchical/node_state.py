"""Information that nodes have when they choose segments, and the state of a choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import Floats, Ints, Residents

STEPS = 20
"""Load levels of a node, between idle and full, for which its waits are kept."""


@dataclass(frozen=True)
class Situation:
    """Information that nodes have when they choose."""

    flow: Floats
    """(I,) [requests] that arrive in a slot"""
    passed: Floats
    """(I,) [cost] of a request that is passed up"""
    total: Floats
    """(U,) [cost] of a request that a stage runs, waits at the node itself left out"""
    seconds: Floats
    """(U,) [s] that it computes"""
    memory: Floats
    """(N,) [bytes]"""
    offered: Floats
    """(N,) [s] of compute in a slot; inf where elastic"""
    wait: Floats
    """(N, STEPS) mean wait over the mean residual work (second moment over first) at each load level"""
    second_cost: float
    """[cost/s] of a request that waits"""
    held: Residents
    """(N, M) what nodes hold"""
    load_price: Floats
    """(N, M) [cost per slot] of a byte that is loaded"""


@dataclass
class Filling:
    """State of the nodes while they are filled."""

    placement: Residents
    """(N, M)"""
    cost: Floats
    """(I,) [cost] per request"""
    share: Floats
    """(U,) of the requests of its item that a stage runs; the rest is passed up"""
    node_cost: Floats
    """(N,) [cost per slot] of all requests that arrive, waits and loads included"""
    price: Floats
    """(N,) [cost per slot and byte] that the best segment saves which found no room; 0 where all did"""

    def copy(self) -> Filling:
        """With arrays of its own."""
        return Filling(*(array.copy() for array in vars(self).values()))


@dataclass(frozen=True)
class AskedWork:
    """Demands of items on nodes: sums over requests of visits, seconds and squared seconds."""

    visits: Floats
    first: Floats
    """[s]"""
    second: Floats
    """[s^2]"""

    def at_nodes(self, node: Ints, nodes: int) -> AskedWork:
        """Summed up by node."""
        return AskedWork(*(summed(node, column, nodes) for column in vars(self).values()))


def summed(place: Ints, amount: Floats, count: int) -> Floats:
    """(count,) amounts summed up by place."""
    sums: Floats = np.bincount(place, amount, count).astype(np.float64)
    return sums
