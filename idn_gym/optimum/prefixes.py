"""Units that a learner may put on a node: chains of ever longer prefixes of each model.

Column i of a chain says "the resident segment covers the blocks [0, last_i)", so along a chain
1 >= z_1 >= z_2 >= ... >= 0, and each column adds the bytes by which its prefix is longer than the one
before. A model that is not split is a chain of one. Tails and middles are served only where pinned.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Floats, Ints, Residents, Tables
from idn_gym.core.geometry import covered_parts, nominal_free_bytes

PINNED, UNUSABLE = -1, -2
"""Entries of `Prefixes.option_item` that are no column."""


class Placeable(Protocol):
    """The part of a compiled scenario that items follow from."""

    @property
    def tables(self) -> Tables:
        """The scenario's tables."""
        ...

    @property
    def placeable(self) -> npt.NDArray[np.bool_]:
        """(N, S) may be loaded and fits into nominal memory."""
        ...


class Prefixes(NamedTuple):
    """The I columns, node by node, in a node model by model, in a model by rising length."""

    node: Ints  # (I,)
    model: Ints  # (I,)
    segment: Ints  # (I,) the prefix [0, last)
    size: Floats  # (I,) [bytes] more than the column before it in the chain
    parent: Ints  # (I,) the shorter prefix of the chain, or EMPTY
    node_start: Ints  # (N+1,) into I
    budget: Floats  # (N,) [bytes] nominal memory without what the node pins
    option_item: Ints  # (O,) the column that the option needs, or PINNED, or UNUSABLE


def list_prefixes(compiled: Placeable) -> Prefixes:
    """List the prefixes that some option can use on its own.

    An option needs a column when its first part is a placeable prefix and the other parts are pinned
    where they run. It is PINNED when all its parts are, and UNUSABLE otherwise: those that need two
    placed segments are left out of the relaxation.

    Args:
        compiled: the scenario.
    """
    tables = compiled.tables
    first = tables.part_start[:-1]
    held = covered_parts(tables, tables.pinned)
    rest = np.add.reduceat(~held, first) - ~held[first] == 0 if len(first) else np.zeros(0, bool)
    node, segment = tables.part_node[first], tables.part_segment[first]
    placed = rest & ~held[first] & compiled.placeable[node, segment]
    places = np.unique(np.stack([node[placed], _by_length(tables)[segment[placed]]], 1), axis=0)
    column_segment = np.argsort(_by_length(tables))[places[:, 1]]
    column = np.full(compiled.placeable.shape, UNUSABLE)
    column[places[:, 0], column_segment] = np.arange(len(places))
    option_item = np.where(placed, column[node, segment], np.where(rest & held[first], PINNED, UNUSABLE))
    model = tables.segment_model[column_segment].astype(np.int64)
    follows = np.zeros(len(places), bool)
    follows[1:] = (places[1:, 0] == places[:-1, 0]) & (model[1:] == model[:-1])
    size = tables.segment_bytes[column_segment].copy()
    size[1:] -= np.where(follows[1:], tables.segment_bytes[column_segment[:-1]], 0.0)
    return Prefixes(
        node=places[:, 0].astype(np.int64),
        model=model,
        segment=column_segment.astype(np.int64),
        size=size,
        parent=np.where(follows, np.arange(len(places)) - 1, EMPTY),
        node_start=np.searchsorted(places[:, 0], np.arange(len(tables.node_memory) + 1)),
        budget=nominal_free_bytes(tables),
        option_item=option_item.astype(np.int64),
    )


def to_placement(tables: Tables, items: Prefixes, z: Floats) -> Residents:
    """The placement (N, M) in which each chain is as long as the columns at 1 say, pins included."""
    placement: Residents = tables.pinned.copy()
    held = np.flatnonzero(z > 0.5)
    placement[items.node[held], items.model[held]] = items.segment[held]  # the last column of a chain stays
    return placement


def _by_length(tables: Tables) -> Ints:
    """Rank of each segment (S,) by model, first and last block."""
    order = np.lexsort((tables.segment_last, tables.segment_first, tables.segment_model))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def serves_alone(tables: Tables, items: Prefixes) -> bool:
    """Whether the concave gain covers every placement of the scenario.

    That is so with private capacities, when no option needs two placed segments and pinned copies that
    finish split requests have unlimited compute.
    """
    ample = np.isinf(tables.node_seconds[tables.part_node])
    ample[tables.part_start[:-1]] = True
    alone = tables.capacity == EXOGENOUS and ample.all() and not (items.option_item == UNUSABLE).any()
    return bool(alone)
