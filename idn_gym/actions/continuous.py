"""Codecs with real numbers: priorities, shares of memory, fractions to be rounded."""

from __future__ import annotations

from typing import NamedTuple

import gymnasium as gym
import numpy as np

from idn_gym.actions.base import PlaceablePairs, clear
from idn_gym.core.arrays import Action, Draw, Instance, Ints, Numbers, State
from idn_gym.core.decoding import Pairs, Worth, fill_by_score, fill_by_share
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.pair_rounding import Rounding, make_rounding, round_dependently
from idn_gym.core.selection import Selection, make_selection
from idn_gym.scenarios.compile import Compiled


class ScoresCodec(PlaceablePairs):
    """`Box` in [-1, 1]: a priority per (node, segment).

    Each node loads its segments in falling order of score while they fit, at most one per model;
    scores of 0 and below are not loaded. Feasible set: every placement that fits into memory.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self._work = make_selection(int(np.bincount(self.node).max()))
        self.space = gym.spaces.Box(-1.0, 1.0, (len(self.node),), np.float32)

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        programme.add(score, instance.draw, state, self.pairs, Scores(actions), self._work, action)


class ScoresTaskCodec(PlaceablePairs):
    """`Box` in [-1, 1]: per (node, task) a share of the node's memory.

    Positive scores of a node are normalised to shares. In falling order of score each task gets the
    segment of largest nominal saving that fits into its share plus what earlier tasks left over. The
    saving is that of the segment alone (`Tables.segment_value`), so a tail that needs a head elsewhere is
    never chosen. Feasible set: at most one segment per (node, task), out of those that save by themselves.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        task = compiled.tables.model_task[compiled.tables.segment_model]
        self.pair_node, self.pair_task = compiled.pairs_of(task)
        tables = compiled.tables
        saving = np.where(compiled.placeable, tables.segment_value * tables.segment_bytes, 0.0)
        self._worth = Worth(saving, tables.segment_bytes, tables.segment_model, tables.node_reserved)
        tasks = len(compiled.names.tasks)
        start = np.searchsorted(task, np.arange(tasks + 1)).astype(np.int64)
        self._shares = SharePairs(self.pair_node, self.pair_task, start, np.zeros(tasks, np.int64))
        self.space = gym.spaces.Box(-1.0, 1.0, (len(self.pair_node),), np.float32)

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        programme.add(
            place_shares, instance.draw, state, self._shares, self._worth, ShareScores(actions), action
        )

    def describe(self) -> list[str]:
        pairs = zip(self.pair_node, self.pair_task, strict=True)
        return [f"{self._names.nodes[v]}: {self._names.tasks[k]}" for v, k in pairs]


class FractionalCodec(PlaceablePairs):
    """`Box` in [0, 1]: y per (node, segment), rounded by dependent rounding (DepRound).

    Pairs of fractional items of a node trade size until one is integral, so marginals are kept and
    the used size moves by less than one item; repair then cuts what is over, and of two segments of one
    model the larger stays, so means are y only where neither happens. Feasible set: every placement.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self.uniforms = len(self.node)
        self._work = make_rounding(len(self.node))
        self.space = gym.spaces.Box(0.0, 1.0, (len(self.node),), np.float32)

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        programme.add(
            round_fractions, instance.draw, state, self.pairs, Fractions(actions), self._work, action
        )


class Scores(NamedTuple):
    """Actions for each pair (node, segment)."""

    scores: Numbers  # (B, I)


@stage
def score(block: int) -> None:
    """Request the segments with the highest scores."""
    draw, state, pairs = fetch(block, 0, Draw), fetch(block, 1, State), fetch(block, 2, Pairs)
    wanted = fetch(block, 5, Action).wanted
    clear(wanted)
    scores, work = fetch(block, 3, Scores).scores, fetch(block, 4, Selection)
    fill_by_score(pairs, draw.memory, state.slot, scores, work, wanted)


class SharePairs(NamedTuple):
    """Pairs (node, task), node by node, and work space."""

    node: Ints  # (I,)
    task: Ints  # (I,)
    task_start: Ints  # (K+1,) into the segments
    order: Ints  # (K,) work space


class ShareScores(NamedTuple):
    """Actions for each pair (node, task)."""

    scores: Numbers  # (B, I)


@stage
def place_shares(block: int) -> None:
    """Request the segments that fit into each task's share of a node's memory."""
    draw, state, pairs = fetch(block, 0, Draw), fetch(block, 1, State), fetch(block, 2, SharePairs)
    worth, scores = fetch(block, 3, Worth), fetch(block, 4, ShareScores).scores
    wanted = fetch(block, 5, Action).wanted
    clear(wanted)
    where = pairs.node, pairs.task, pairs.task_start
    fill_by_share(worth, draw.memory, state.slot, *where, scores, pairs.order, wanted)


class Fractions(NamedTuple):
    """Actions for each pair (node, segment)."""

    y: Numbers  # (B, I)


@stage
def round_fractions(block: int) -> None:
    """Request the placement to which the fractions are rounded."""
    draw, state, pairs = fetch(block, 0, Draw), fetch(block, 1, State), fetch(block, 2, Pairs)
    y, work = fetch(block, 3, Fractions).y, fetch(block, 4, Rounding)
    wanted = fetch(block, 5, Action).wanted
    clear(wanted)
    round_dependently(pairs, draw.uniforms, state.slot, y, work, wanted)
