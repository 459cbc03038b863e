"""The codec of whole placements, for learners and planners."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import Form, NativeDecoding
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Bools, Instance, Ints, Numbers, State
from idn_gym.core.decoding import keep_placeable
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.scenarios.compile import Compiled


class SegmentsCodec(NativeDecoding):
    """`Box` of integers (nodes, models): the requested segment, or -1; the placement itself.

    For learners and planners that compute placements, not for networks. Entries of pinned models are ignored,
    as are segments of another column's model or segments that the node may not load. Feasible set: every
    placement; placements that do not fit are repaired.
    """

    form: ClassVar[Form] = "placement"
    masked: ClassVar[bool] = False
    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        tables = compiled.tables
        self._names, self._placeable = compiled.names, compiled.placeable
        self._model = tables.segment_model
        self.space = gym.spaces.Box(EMPTY, len(self._model) - 1, tables.pinned.shape, np.int32)

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        programme.add(take, Wishes(self._model, self._placeable, actions), action)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        raise ConfigError("action", "this codec's actions are whole placements and have no mask")

    def describe(self) -> list[str]:
        """One line per node: its name and what may be placed on it."""
        names = self._names
        return [
            f"{node}: " + ", ".join(f"{s} {names.segments[s]}" for s in np.flatnonzero(row))
            for node, row in zip(names.nodes, self._placeable, strict=True)
        ]


class Wishes(NamedTuple):
    """Actions, and the allowed segments."""

    segment_model: Ints  # (S,)
    placeable: Bools  # (N, S)
    actions: Numbers  # (B, N, M)


@stage
def take(block: int) -> None:
    """Request the chosen segments, where they may be placed."""
    wishes, wanted = fetch(block, 0, Wishes), fetch(block, 1, Action).wanted
    for b in range(wanted.shape[0]):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = wishes.actions[b, v, m]
    keep_placeable(wishes.segment_model, wishes.placeable, wanted)
