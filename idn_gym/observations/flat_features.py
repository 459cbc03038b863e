"""The features of the flat observation, declared by name; the kernel takes their columns from here.

A new one is a record here and a line in the kernel of `idn_gym/observations/flat.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, EXOGENOUS, TRANSFER, Ints, Tables
from idn_gym.core.kernel import indices
from idn_gym.core.row_starts import owners
from idn_gym.observations.base import DEMAND_BOUND, RATE_BOUND, Feature
from idn_gym.scenarios.compile import Compiled

ABSENT = 2**32 - 1
"""Column of a feature that a row has not."""

Per = Literal["class", "node", "link", "store", "stream", "adapting", "resident", "episode", "objective"]


class FeatureBlock(NamedTuple):
    """One feature of all things of a kind, such as classes or links, or of the episode."""

    name: str
    per: Per
    high: float
    """upper bound; the lower one is 0"""
    meaning: str
    private_high: float | None = None
    """upper bound where capacity is private per class, so that a node may be used more than once over"""
    coming: bool = False
    """of the coming slot: left out where the scenario hides resources"""
    sure: bool = False
    """cannot pass its bounds"""
    split: bool = False
    """only of models with two blocks or more"""
    loads: bool = False
    """of what is on its way: only where loading takes time"""
    chosen: bool = False
    """only of links among which a node chooses"""


FLAT_BLOCKS = (
    FeatureBlock("batch", "class", DEMAND_BOUND, "last batch over the nominal batch"),
    FeatureBlock("recent", "class", DEMAND_BOUND, "smoothed past batches over the nominal batch"),
    FeatureBlock("dropped", "class", 1, "share of the last batch that was dropped"),
    FeatureBlock("busy", "node", 1, "compute used in the last slot over nominal", private_high=RATE_BOUND),
    FeatureBlock("compute", "node", 1, "compute of the coming slot over nominal", coming=True),
    FeatureBlock("memory", "node", 1, "memory of the coming slot over nominal", coming=True),
    FeatureBlock("load", "link", RATE_BOUND, "bytes carried in the last slot over nominal"),
    FeatureBlock("rate", "link", RATE_BOUND, "rate of the coming slot over nominal", coming=True),
    FeatureBlock("used", "link", 1, "1: of its node's links the one in use", sure=True, chosen=True),
    FeatureBlock("charge", "store", 1, "what a battery or airtime budget holds over its capacity", sure=True),
    FeatureBlock("off", "store", 1, "1: it fell to its cut-off and has not come back", sure=True),
    FeatureBlock("confidence", "stream", 1, "mean confidence of the last answers; 0: none", sure=True),
    FeatureBlock("spread", "stream", 0.5, "standard deviation of these confidences", sure=True),
    FeatureBlock("accuracy", "stream", 1, "accuracy in force", sure=True),
    FeatureBlock("samples", "adapting", 1, "samples to adapt to, over the most that are kept", sure=True),
    FeatureBlock("adapted", "adapting", 1, "samples of the version in force over the most", sure=True),
    FeatureBlock("end", "resident", 1, "last resident block over the model's blocks; 0: none", sure=True),
    FeatureBlock(
        "begin", "resident", 1, "first resident block over the model's blocks", sure=True, split=True
    ),
    FeatureBlock(
        "wish_end", "resident", 1, "last block on its way over the model's; 0: none", sure=True, loads=True
    ),
    FeatureBlock(
        "wish_begin",
        "resident",
        1,
        "first block on its way over the model's blocks",
        sure=True,
        split=True,
        loads=True,
    ),
    FeatureBlock("to_come", "resident", 1, "share of its bytes still to come", sure=True, loads=True),
    FeatureBlock(
        "to_start",
        "resident",
        1,
        "s / (s + slot): seconds s of start-up still to come",
        sure=True,
        loads=True,
    ),
    FeatureBlock("slot", "episode", 1, "share of the episode that is over", sure=True),
    FeatureBlock("weight", "objective", 1, "weight of the objective", sure=True),
)
"""Blocks of one kind of row are adjacent, and interleaved row by row."""

BLOCK = indices([block.name for block in FLAT_BLOCKS])
"""Row of `FlatColumns.of` of each block by its name, also in kernels."""


class FlatColumns(NamedTuple):
    """Column of each feature in the observation."""

    of: npt.NDArray[np.uint32]  # (blocks, rows) column, or ABSENT; unsigned, so that no index is wrapped
    unsure: int  # so many of the first columns may have to be clipped


class FlatFeatures:
    """The features of a scenario in the order of their columns; names are made on demand.

    Attributes:
        bounds: (features, 2) float32 lower and upper bound.
    """

    def __init__(self, compiled: Compiled, node: Ints, held: npt.NDArray[np.int64], preference: bool) -> None:
        """Determine the features of the scenario; see `place_features`."""
        self._compiled, self._node, self._held = compiled, node, held
        self._objectives = [objective.name for objective in compiled.objectives] if preference else []
        private = compiled.tables.capacity == EXOGENOUS
        self._highs = [
            block.private_high if private and block.private_high is not None else block.high
            for block in FLAT_BLOCKS
        ]
        there = [np.nonzero(self._there(per, size)) for per, size in self._sizes().items()]
        self._row, self._block = (np.concatenate(column) for column in zip(*there, strict=True))
        self.bounds = np.zeros((len(self._block), 2), np.float32)
        self.bounds[:, 1] = np.array(self._highs, np.float32)[self._block]

    def columns(self) -> FlatColumns:
        """Column of each feature."""
        of = np.full((len(FLAT_BLOCKS), max(self._sizes().values())), ABSENT, np.uint32)
        of[self._block, self._row] = np.arange(len(self._row))
        sure = np.array([block.sure for block in FLAT_BLOCKS])[self._block]
        return FlatColumns(of, int(np.flatnonzero(~sure).max(initial=-1)) + 1)

    def __iter__(self) -> Iterator[Feature]:
        names, held = self._compiled.names, self._held.T.tolist()
        labels: dict[Per, Sequence[str]] = {
            "class": names.classes,
            "node": [names.nodes[v] for v in self._node],
            "link": names.links,
            "store": names.stores,
            "stream": self._streams() if self._compiled.tables.answer_streams else (),
            "adapting": self._adapting(),
            "resident": [f"{names.models[m]} at {names.nodes[v]}" for v, m in zip(*held, strict=True)],
            "episode": [""],
            "objective": self._objectives,
        }
        for k, row in zip(self._block.tolist(), self._row.tolist(), strict=True):
            block = FLAT_BLOCKS[k]
            yield Feature(f"{block.name} {labels[block.per][row]}".strip(), 0, self._highs[k], block.meaning)

    def _streams(self) -> list[str]:
        """Class, model and operating point of each stream of answers."""
        tables, names = self._compiled.tables, self._compiled.names
        option = first_options(tables)
        rho = owners(tables.option_start)[option]
        found = [
            f"{names.models[m]} {names.points[m][p]} of {names.classes[r]}"
            for m, p, r in zip(tables.option_model[option], tables.option_point[option], rho, strict=True)
        ]
        if self._compiled.adaptations is None:
            return found
        first, end = tables.part_start[option], tables.part_start[option + 1]
        nodes = [names.nodes[v] for v in tables.part_node[first]]
        where = [f"at {v}" if alone else "in parts" for v, alone in zip(nodes, end - first == 1, strict=True)]
        return [f"{stream} {place}" for stream, place in zip(found, where, strict=True)]

    def _adapting(self) -> list[str]:
        """Model and node of each stream of answers that may adapt."""
        plan, names = self._compiled.adaptations, self._compiled.names
        if plan is None:
            return []
        pairs = zip(plan.pair_model[plan.stream_pair], plan.pair_node[plan.stream_pair], strict=True)
        return [f"{names.models[m]} at {names.nodes[v]}" for m, v in pairs]

    def _tells(self) -> npt.NDArray[np.bool_]:
        """(a,) the first stream of each pair that may adapt, which tells of all."""
        plan = self._compiled.adaptations
        assert plan is not None
        first = np.zeros(len(plan.stream_pair), np.bool_)
        first[np.unique(plan.stream_pair, return_index=True)[1]] = True
        return first & (plan.stream_pair != EMPTY)

    def _sizes(self) -> dict[Per, int]:
        """Number of rows of each kind, in the order of the columns."""
        tables = self._compiled.tables
        return {
            "class": len(tables.class_task),
            "node": len(self._node),
            "link": len(tables.link_rate),
            "store": len(tables.store_capacity),
            "stream": tables.answer_streams,
            "adapting": 0 if self._compiled.adaptations is None else tables.answer_streams,
            "resident": len(self._held),
            "episode": 1,
            "objective": len(self._objectives),
        }

    def _there(self, per: Per, size: int) -> npt.NDArray[np.bool_]:
        """(rows, blocks) whether a row of this kind has the feature."""
        tables, hidden = self._compiled.tables, self._compiled.scenario.resources == "hidden"
        there = np.zeros((size, len(FLAT_BLOCKS)), bool)
        for k, block in enumerate(FLAT_BLOCKS):
            if block.per != per or (hidden and block.coming):
                continue
            there[:, k] = not block.loads or tables.loading == TRANSFER
            if block.per == "adapting" and size:
                there[:, k] &= self._tells()
            if block.chosen:
                there[:, k] &= tables.link_chooser != EMPTY
            if block.split:
                there[:, k] &= tables.model_blocks[self._held[:, 1]] > 1
        return there


def first_options(tables: Tables) -> Ints:
    """First option of each stream of answers (a,)."""
    found: Ints = np.unique(tables.option_stream, return_index=True)[1][: tables.answer_streams]
    return found


def place_features(
    compiled: Compiled, node: Ints, held: npt.NDArray[np.int64], preference: bool
) -> tuple[FlatFeatures, FlatColumns]:
    """Name the features of a scenario and give each its column.

    Args:
        compiled: the scenario.
        node: (n,) nodes to describe.
        held: (h, 2) node and model of each residency entry.
        preference: whether the weights in force are part of the observation.
    """
    features = FlatFeatures(compiled, node, held, preference)
    return features, features.columns()
