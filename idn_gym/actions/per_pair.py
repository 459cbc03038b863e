"""The codec with one decision per pair: keep, load or drop."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import Form, MemoryMask, PlaceablePairs
from idn_gym.core.arrays import EMPTY, Action, Floats, Instance, Numbers, Residents, State
from idn_gym.core.decoding import Pairs
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment, held_segments
from idn_gym.scenarios.compile import Compiled

KEEP, LOAD, DROP = 0, 1, 2


class KeepLoadDropCodec(PlaceablePairs):
    """`MultiDiscrete`: per (node, segment) 0 keeps it unchanged, 1 loads it, 2 drops it.

    Kept segments come first: of a model the one in flight, otherwise the resident one. Where no segment of a
    model is kept, the one with the largest nominal saving per byte among those to load is requested. So a
    load displaces nothing: it needs free memory, and another segment of its model must be dropped in the same
    slot. Dropping
        the
    segment in flight and keeping the resident one cancels a load. Keeping all pairs holds the placement,
    loads in flight included. Feasible set: every placement that fits, from every other one. The mask allows
    loading segments that alone fit into the node's memory and are neither resident nor in flight, and
    dropping those that are.
    """

    form: ClassVar[Form] = "choices"
    masked: ClassVar[bool] = True

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self._room = MemoryMask(compiled, self.node, self.segment)
        self._value = np.array(compiled.tables.segment_value)
        self.space = gym.spaces.MultiDiscrete(np.full(len(self.node), 3))

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        programme.add(keep_load_drop, state, self.pairs, PairChoices(self._value, actions), action)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        allowed = np.ones((len(state.slot), len(self.node), 3), np.bool_)
        fits = np.ones(allowed.shape[:2], np.bool_)
        self._room.mark(instance, state, fits)
        where = slice(None), self.node, instance.tables.segment_model[self.segment]
        there = (held_segments(state)[where] == self.segment) | (state.resident[where] == self.segment)
        allowed[..., LOAD], allowed[..., DROP] = fits & ~there, there
        return allowed.reshape(len(allowed), -1)

    def describe(self) -> list[str]:
        """One line per dimension: node, segment and the meaning of each value."""
        return [f"{line}: {KEEP} keep, {LOAD} load, {DROP} drop" for line in super().describe()]


class PairChoices(NamedTuple):
    """Actions for each pair (node, segment)."""

    value: Floats  # (N, S) as `Tables.segment_value`
    actions: Numbers  # (B, I)


@stage
def keep_load_drop(block: int) -> None:
    """Request the segments that are held and not dropped, and segments to load where nothing is held."""
    state, pairs, chosen = fetch(block, 0, State), fetch(block, 1, Pairs), fetch(block, 2, PairChoices)
    _keep_load_drop(state, pairs, chosen.value, chosen.actions, fetch(block, 3, Action).wanted)


@njit_inline
def _keep_load_drop(state: State, pairs: Pairs, value: Floats, actions: Numbers, wanted: Residents) -> None:
    for b in range(len(wanted)):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = held_segment(state, b, v, m)
        for i in range(len(pairs.node)):
            v, s = pairs.node[i], pairs.segment[i]
            if actions[b, i] == DROP and wanted[b, v, pairs.segment_model[s]] == s:
                wanted[b, v, pairs.segment_model[s]] = EMPTY
        # What stays while something else of its model is on its way goes on without that.
        for i in range(len(pairs.node)):
            v, s = pairs.node[i], pairs.segment[i]
            m = pairs.segment_model[s]
            if actions[b, i] != DROP and wanted[b, v, m] == EMPTY and state.resident[b, v, m] == s:
                wanted[b, v, m] = s
        for i in range(len(pairs.node)):
            if actions[b, i] != LOAD:
                continue
            v, s = pairs.node[i], pairs.segment[i]
            m = pairs.segment_model[s]
            other = wanted[b, v, m]
            kept = other == state.resident[b, v, m] or other == held_segment(state, b, v, m)
            if other == EMPTY or (not kept and value[v, other] < value[v, s]):
                wanted[b, v, m] = s
