"""Action codecs: what a policy may say, and which placement it then asks for.

Every codec states its feasible set. All of them end in a wished segment per (node, model), which the
core repairs against the memory of the slot. Codecs see the instance and the state, never the future.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import EMPTY, Action, Instance, Ints, State
from idn_gym.core.decoding import (
    Worth,
    change,
    fill_by_score,
    fill_by_share,
    items_that_fit,
    keep_placeable,
    pick,
    round_dependently,
)
from idn_gym.scenarios.compile import Compiled
from idn_gym.strict import ConfigError, closest, show

MAX_DIMENSIONS, MAX_CHOICES = 30, 1500
"""Largest `placement` space that is offered; beyond it policies with one softmax per choice stall."""


class ActionCodec(Protocol):
    """Between a policy's action and the core's."""

    @property
    def space(self) -> gym.spaces.Space[Any]:
        """Of one action."""
        ...

    @property
    def uniforms(self) -> int:
        """Rounding uniforms it needs per slot."""
        ...

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        """Turn B actions into wished placements."""
        ...

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        """(B, choices) which choices are allowed now, as MaskablePPO wants them."""
        ...

    def describe(self) -> list[str]:
        """What each dimension or choice means, in order."""
        ...


def invalid_action(actions: npt.NDArray[np.generic], space: gym.spaces.Space) -> gym.error.InvalidAction:  # type: ignore[type-arg]
    """The error for actions outside the space; unchecked, kernels would read beyond their arrays."""
    return gym.error.InvalidAction(f"{show(actions.tolist())} is not allowed; each row must be in {space}")


class _Room:
    """Which (node, segment) pairs fit into memory; the basis of masks."""

    def __init__(self, compiled: Compiled, node: Ints, segment: Ints) -> None:
        tables = compiled.tables
        self._node, self._pins = node, tables.node_reserved[node]
        self._size = np.where(segment == EMPTY, 0.0, tables.segment_bytes[segment])

    def mark(self, instance: Instance, state: State, fits: npt.NDArray[np.bool_]) -> None:
        """Write (B, pairs) whether each pair fits into the memory of the slot by itself."""
        items_that_fit(instance.draw.memory, state.slot, self._node, self._size, self._pins, fits)


class _Items:
    """The (node, segment) pairs that may be loaded; base of the codecs that speak of them."""

    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        node, segment = np.nonzero(compiled.placeable)
        self.node: Ints = node.astype(np.int64)
        self.segment: Ints = segment.astype(np.int64)
        self._names = compiled.names
        if not len(node):
            raise ConfigError("action", "no node has memory for any segment, so there is nothing to decide")

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        raise ConfigError("action", "this codec's actions are continuous and have no mask")

    def describe(self) -> list[str]:
        """One line per item: node and segment."""
        names = self._names
        pairs = zip(self.node, self.segment, strict=True)
        return [f"{names.nodes[v]}: {names.segments[s]}" for v, s in pairs]


class Placement:
    """`MultiDiscrete`: per (node, task) one segment of the task's models, or nothing.

    Feasible set: at most one segment per (node, task). The mask drops segments that alone exceed the
    node's memory; what does not fit together is repaired.
    """

    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        self._names = compiled.names
        task = compiled.tables.model_task[compiled.tables.segment_model]
        pairs = sorted({(int(v), int(task[s])) for v, s in zip(*np.nonzero(compiled.placeable), strict=True)})
        lists = [[EMPTY, *np.flatnonzero(compiled.placeable[v] & (task == k)).tolist()] for v, k in pairs]
        counts = [len(choices) for choices in lists]
        if len(pairs) > MAX_DIMENSIONS or sum(counts) > MAX_CHOICES or not pairs:
            raise ConfigError(
                "action",
                f"'placement' would have {len(pairs)} dimensions and {sum(counts)} choices here; allowed: "
                f"1 to {MAX_DIMENSIONS} and at most {MAX_CHOICES}; use 'change', 'scores' or 'scores-task'",
            )
        self._pairs = pairs
        self.node = np.array([v for v, _ in pairs], np.int64)
        self.start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.choice = np.array([s for choices in lists for s in choices], np.int64)
        self._room = _Room(compiled, np.repeat(self.node, counts), self.choice)
        self.space = gym.spaces.MultiDiscrete(np.array(counts))

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        if not pick(instance.tables.segment_model, self.node, self.start, self.choice, actions, wanted):
            raise invalid_action(actions, self.space)
        return Action(wanted)

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


class Change(_Items):
    """`Discrete`: 0 changes nothing; i + 1 loads item i, evicting to make room.

    A segment replaces another of its model; then the resident segments of least nominal saving per
    byte leave until it fits. Feasible set: one load per slot. The mask is exact: an item is allowed
    when it fits into the node's memory after these evictions and is not there already.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self._room = _Room(compiled, self.node, self.segment)
        self.space = gym.spaces.Discrete(len(self.node) + 1)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = state.resident.copy()
        tables, draw = instance
        if not change(tables, draw, state.slot, self.node, self.segment, actions, wanted):
            raise invalid_action(actions, self.space)
        return Action(wanted)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        allowed = np.ones((len(state.slot), len(self.node) + 1), np.bool_)
        self._room.mark(instance, state, allowed[:, 1:])
        model = instance.tables.segment_model[self.segment]
        allowed[:, 1:] &= state.resident[:, self.node, model] != self.segment
        return allowed

    def describe(self) -> list[str]:
        return ["nothing", *(f"load {line}" for line in super().describe())]


class Scores(_Items):
    """`Box` in [-1, 1]: a priority per (node, segment).

    Each node loads its segments in falling order of score while they fit, at most one per model;
    scores of 0 and below are not loaded. Feasible set: every placement that fits into memory.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self.space = gym.spaces.Box(-1.0, 1.0, (len(self.node),), np.float32)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        scores = actions.astype(np.float64)
        fill_by_score(instance.tables, instance.draw, state.slot, self.node, self.segment, scores, wanted)
        return Action(wanted)


class ScoresTask(_Items):
    """`Box` in [-1, 1]: per (node, task) a share of the node's memory.

    Positive scores of a node are normalised to shares. In falling order of score each task gets the
    segment of largest nominal saving that fits into its share plus what earlier tasks left over. The
    saving is that of the segment alone (`Tables.segment_value`), so a tail that needs a head elsewhere is
    never chosen. Feasible set: at most one segment per (node, task), out of those that save by themselves.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        task = compiled.tables.model_task[compiled.tables.segment_model]
        pairs = sorted({(int(v), int(task[s])) for v, s in zip(self.node, self.segment, strict=True)})
        self._pairs = pairs
        self.pair_node = np.array([v for v, _ in pairs], np.int64)
        self.pair_task = np.array([k for _, k in pairs], np.int64)
        tables = compiled.tables
        saving = np.where(compiled.placeable, tables.segment_value * tables.segment_bytes, 0.0)
        self._worth = Worth(saving, tables.segment_bytes, tables.segment_model, tables.node_reserved)
        self._order = np.zeros(len(compiled.names.tasks), np.int64)
        self._task_start = np.searchsorted(task, np.arange(len(compiled.names.tasks) + 1)).astype(np.int64)
        self.space = gym.spaces.Box(-1.0, 1.0, (len(pairs),), np.float32)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        fill_by_share(
            self._worth,
            instance.draw.memory,
            state.slot,
            self.pair_node,
            self.pair_task,
            self._task_start,
            actions.astype(np.float64),
            self._order,
            wanted,
        )
        return Action(wanted)

    def describe(self) -> list[str]:
        return [f"{self._names.nodes[v]}: {self._names.tasks[k]}" for v, k in self._pairs]


class Fractional(_Items):
    """`Box` in [0, 1]: y per (node, segment), rounded by dependent rounding (DepRound).

    Pairs of fractional items of a node trade size until one is integral, so marginals are kept and
    the used size moves by less than one item; repair then cuts what is over, and of two segments of one
    model the larger stays, so means are y only where neither happens. Feasible set: every placement.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self.uniforms = len(self.node)
        self.space = gym.spaces.Box(0.0, 1.0, (len(self.node),), np.float32)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = np.full_like(state.resident, EMPTY)
        y = np.clip(actions.astype(np.float64), 0.0, 1.0)
        round_dependently(instance.tables, instance.draw, state.slot, self.node, self.segment, y, wanted)
        return Action(wanted)


class Segments:
    """`Box` of integers (nodes, models): the wished segment, or -1; the placement itself.

    For learners and planners that speak of placements, not for networks. Entries where a model is pinned
    count for nothing, and so do segments of another column's model or that the node may not load. Feasible
    set: every placement; what does not fit together is repaired.
    """

    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        tables = compiled.tables
        self._names, self._placeable = compiled.names, compiled.placeable
        self._model = tables.segment_model
        self.space = gym.spaces.Box(EMPTY, len(self._model) - 1, tables.pinned.shape, np.int32)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = actions.astype(np.int32)
        if not keep_placeable(self._model, self._placeable, wanted):
            raise invalid_action(actions, self.space)
        return Action(wanted)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        raise ConfigError("action", "this codec's actions are whole placements and have no mask")

    def describe(self) -> list[str]:
        """One line per node: its name and what may be placed on it."""
        names = self._names
        return [
            f"{node}: " + ", ".join(f"{s} {names.segments[s]}" for s in np.flatnonzero(row))
            for node, row in zip(names.nodes, self._placeable, strict=True)
        ]


CODECS: dict[str, Callable[[Compiled], ActionCodec]] = {
    "placement": Placement,
    "change": Change,
    "scores": Scores,
    "scores-task": ScoresTask,
    "fractional": Fractional,
    "segments": Segments,
}


def make_codec(name: str, compiled: Compiled) -> ActionCodec:
    """The named codec for a scenario.

    Raises:
        ConfigError: an unknown name, or a codec whose space is too large here.
    """
    if not isinstance(name, str) or name not in CODECS:
        raise ConfigError("action", f"{show(name)} is not allowed; {closest(name, list(CODECS))}")
    return CODECS[name](compiled)
