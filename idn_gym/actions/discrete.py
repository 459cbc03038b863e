"""Codecs with discrete choices: one segment per (node, task), or one or a few loads per slot."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import Form, MemoryMask, NativeDecoding, PlaceablePairs, clear
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import (
    EMPTY,
    Action,
    Draw,
    Floats,
    Instance,
    Ints,
    Numbers,
    Residents,
    State,
    Tables,
)
from idn_gym.core.decoding import Pairs
from idn_gym.core.geometry import free_bytes, placed_bytes
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment, held_segments
from idn_gym.core.places import place_of
from idn_gym.scenarios.compile import Compiled

MAX_DIMENSIONS, MAX_CHOICES = 30, 1500
"""Largest `placement` space that is offered; above it, training with one softmax per choice stalls."""


class PlacementCodec(NativeDecoding):
    """`MultiDiscrete`: per (node, task) one segment of the task's models, or nothing.

    Feasible set: at most one segment per (node, task). The mask excludes segments that alone exceed the
    node's memory; combinations that do not fit are repaired.
    """

    form: ClassVar[Form] = "choices"
    masked: ClassVar[bool] = True
    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        self._names, self._model = compiled.names, compiled.tables.segment_model
        task = compiled.tables.model_task[self._model]
        self.node, tasks = compiled.pairs_of(task)
        pairs = list(zip(self.node.tolist(), tasks.tolist(), strict=True))
        lists = [[EMPTY, *np.flatnonzero(compiled.placeable[v] & (task == k)).tolist()] for v, k in pairs]
        counts = [len(choices) for choices in lists]
        if len(pairs) > MAX_DIMENSIONS or sum(counts) > MAX_CHOICES or not pairs:
            raise ConfigError(
                "action",
                f"'placement' would have {len(pairs)} dimensions and {sum(counts)} choices here; allowed: "
                f"1 to {MAX_DIMENSIONS} and at most {MAX_CHOICES}; use 'change', 'scores' or 'scores-task'",
            )
        self._pairs = pairs
        self.start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.choice = np.array([s for choices in lists for s in choices], np.int64)
        self._room = MemoryMask(compiled, np.repeat(self.node, counts), self.choice)
        self.space = gym.spaces.MultiDiscrete(np.array(counts))

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        self.join_placement(programme, instance, actions, action)

    def join_placement(
        self, programme: Programme, instance: Instance, actions: Numbers, action: Action, first: int = 0
    ) -> None:
        """Decode the choices of segments, which begin at column `first` of the actions."""
        tables = instance.tables
        choices = ChosenSegments(tables.segment_model, self.node, self.start, self.choice, actions, first)
        programme.add(pick, choices, action)

    def choices_of(self, placement: Residents) -> Ints:
        """(D,) the choices that request a placement (N, M); of several segments of a task the first one."""
        chosen = np.zeros(len(self.node), np.int64)
        for d, v in enumerate(self.node.tolist()):
            offered = self.choice[self.start[d] : self.start[d + 1]]
            there = np.flatnonzero((offered != EMPTY) & (placement[v, self._model[offered]] == offered))
            chosen[d] = there[0] if len(there) else 0
        return chosen

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        fits = np.ones((len(state.slot), len(self.choice)), np.bool_)
        self._room.mark(instance, state, fits)
        return fits

    def describe(self) -> list[str]:
        """One line per dimension: node, task and the meaning of each value."""
        lines = []
        for d, (v, k) in enumerate(self._pairs):
            segments = self.choice[self.start[d] + 1 : self.start[d + 1]]
            values = ", ".join(
                ["0 nothing", *(f"{i + 1} {self._names.segments[s]}" for i, s in enumerate(segments))]
            )
            lines.append(f"{self._names.nodes[v]}, {self._names.tasks[k]}: {values}")
        return lines


SLOT_CHANGES = 4
"""Maximum number of loads that `changes` requests in a slot."""


class ChangeCodec(PlaceablePairs):
    """`Discrete`: 0 changes nothing; i + 1 loads item i, evicting to make room.

    A segment replaces another one of its model; then the resident segments with the smallest nominal saving
    per byte are evicted until it fits. Feasible set: one load per slot. The mask is exact: an item is allowed
    if it fits into the node's memory after these evictions and is neither resident nor in flight; segments in
    flight count as resident.
    """

    form: ClassVar[Form] = "choice"
    masked: ClassVar[bool] = True

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self._room = MemoryMask(compiled, self.node, self.segment)
        self.space: gym.spaces.Space[Any] = gym.spaces.Discrete(len(self.node) + 1)

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        chosen = ChosenLoads(actions.reshape(len(actions), -1))  # a view, which is read as it is then
        programme.add(change, instance.tables, instance.draw, state, self.pairs, chosen, action)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        allowed = np.ones((len(state.slot), len(self.node) + 1), np.bool_)
        self._room.mark(instance, state, allowed[:, 1:])
        model = instance.tables.segment_model[self.segment]
        allowed[:, 1:] &= held_segments(state)[:, self.node, model] != self.segment
        return allowed

    def describe(self) -> list[str]:
        return ["nothing", *(f"load {line}" for line in super().describe())]


class ChangesCodec(ChangeCodec):
    """`MultiDiscrete`: up to four choices of `change` in one slot, each of them 0 for nothing.

    They are applied in order, each to the result of the earlier ones, which it may evict; repeated choices
    count once. Feasible set: four loads per slot. The mask of every choice is that of `change`.
    """

    form: ClassVar[Form] = "choices"

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self.space = gym.spaces.MultiDiscrete(np.full(SLOT_CHANGES, len(self.node) + 1))

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        return np.tile(super().masks(instance, state), SLOT_CHANGES)

    def values(self) -> list[str]:
        """Meaning of each value of a dimension."""
        return super().describe()

    def describe(self) -> list[str]:
        """One line per dimension, the first with the meaning of each value."""
        values = ", ".join(f"{i} {value}" for i, value in enumerate(self.values()))
        return [f"change 1: {values}", *(f"change {k}: as change 1" for k in range(2, SLOT_CHANGES + 1))]


class ChosenSegments(NamedTuple):
    """One choice per dimension; dimension d offers choice[start[d]:start[d + 1]] on node[d]."""

    segment_model: Ints  # (S,)
    node: Ints  # (D,)
    start: Ints  # (D+1,)
    choice: Ints  # segments, or EMPTY
    actions: Numbers  # (B, first + D)
    first: int  # column of dimension 0


@stage
def pick(block: int) -> None:
    """Request the chosen segments."""
    chosen, wanted = fetch(block, 0, ChosenSegments), fetch(block, 1, Action).wanted
    clear(wanted)
    for b in range(len(wanted)):
        for d in range(len(chosen.node)):
            s = chosen.choice[chosen.start[d] + chosen.actions[b, chosen.first + d]]
            if s != EMPTY:
                wanted[b, chosen.node[d], chosen.segment_model[s]] = s


class ChosenLoads(NamedTuple):
    """Actions, in order."""

    actions: Numbers  # (B, changes) 0 or 1 + a pair


@stage
def change(block: int) -> None:
    """Request the held segments and the chosen pairs, evicting those with the smallest `segment_value`."""
    _change(
        fetch(block, 0, Tables),
        fetch(block, 1, Draw).memory,
        fetch(block, 2, State),
        fetch(block, 3, Pairs),
        fetch(block, 4, ChosenLoads).actions,
        fetch(block, 5, Action).wanted,
    )


@njit_inline
def _change(
    tables: Tables, memory: Floats, state: State, pairs: Pairs, actions: Numbers, wanted: Residents
) -> None:
    for b in range(len(wanted)):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = held_segment(state, b, v, m)
        t = place_of(state.slot[b], memory.shape[1])
        for k in range(actions.shape[1]):
            if is_new_choice(actions, b, k):
                load_and_evict(tables, memory, pairs, b, t, actions[b, k] - 1, wanted)


@njit_inline
def is_new_choice(actions: Numbers, b: int, k: int) -> bool:
    """Return whether choice `k` of row `b` is a change that differs from the earlier choices."""
    new = actions[b, k] != 0
    for j in range(k):
        new &= actions[b, j] != actions[b, k]
    return bool(new)


@njit_inline
def load_and_evict(
    tables: Tables, memory: Floats, pairs: Pairs, b: int, t: int, i: int, wanted: Residents
) -> None:
    """Request pair `i` in slot `t`, unless it is larger than the memory, and evict until it fits.

    Args:
        tables: the scenario's tables.
        memory: (B, T, N) [bytes].
        pairs: pairs that may be loaded.
        b: row.
        t: index of the slot.
        i: pair.
        wanted: (B, N, M) segments requested so far, written to.
    """
    value, pinned = tables.segment_value, tables.pinned
    v, s = pairs.node[i], pairs.segment[i]
    free = free_bytes(memory, pairs.node_reserved, b, t, v)
    if pairs.segment_bytes[s] > free:
        return
    wanted[b, v, pairs.segment_model[s]] = s
    for m in range(wanted.shape[2]):
        free -= placed_bytes(pairs.segment_bytes, wanted[b, v, m], pinned[v, m])
    while free < 0.0:
        worst = -1
        for m in range(wanted.shape[2]):
            held = wanted[b, v, m]
            if held == EMPTY or held == s or pinned[v, m] != EMPTY:
                continue
            if worst < 0 or value[v, held] < value[v, wanted[b, v, worst]]:
                worst = m
        if worst < 0:
            break
        free += pairs.segment_bytes[wanted[b, v, worst]]
        wanted[b, v, worst] = EMPTY
