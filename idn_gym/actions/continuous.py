"""Codecs for policies that weigh: priorities, shares of memory, fractions to be rounded."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import PlaceablePairs
from idn_gym.core.arrays import EMPTY, Action, Instance, State
from idn_gym.core.decoding import Worth, fill_by_score, fill_by_share
from idn_gym.core.pair_rounding import make_rounding, round_dependently
from idn_gym.core.selection import make_selection
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

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        scores = actions.astype(np.float64, copy=False)
        fill_by_score(self.pairs, instance.draw.memory, state.slot, scores, self._work, wanted)
        return Action(wanted)


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
        self._order = np.zeros(len(compiled.names.tasks), np.int64)
        self._task_start = np.searchsorted(task, np.arange(len(compiled.names.tasks) + 1)).astype(np.int64)
        self.space = gym.spaces.Box(-1.0, 1.0, (len(self.pair_node),), np.float32)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        fill_by_share(
            self._worth,
            instance.draw.memory,
            state.slot,
            self.pair_node,
            self.pair_task,
            self._task_start,
            actions.astype(np.float64, copy=False),
            self._order,
            wanted,
        )
        return Action(wanted)

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

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        y = actions.astype(np.float64, copy=False)
        round_dependently(self.pairs, instance.draw.uniforms, state.slot, y, self._work, wanted)
        return Action(wanted)
