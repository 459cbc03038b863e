"""The codec for learners and planners: the placement itself."""

from __future__ import annotations

from typing import ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import Form
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Instance, State
from idn_gym.core.decoding import keep_placeable
from idn_gym.scenarios.compile import Compiled


class SegmentsCodec:
    """`Box` of integers (nodes, models): the wished segment, or -1; the placement itself.

    For learners and planners that speak of placements, not for networks. Entries where a model is pinned
    count for nothing, and so do segments of another column's model or that the node may not load. Feasible
    set: every placement; what does not fit together is repaired.
    """

    form: ClassVar[Form] = "placement"
    masked: ClassVar[bool] = False
    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        tables = compiled.tables
        self._names, self._placeable = compiled.names, compiled.placeable
        self._model = tables.segment_model
        self.space = gym.spaces.Box(EMPTY, len(self._model) - 1, tables.pinned.shape, np.int32)

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        wanted = actions.astype(np.int32)
        keep_placeable(self._model, self._placeable, wanted)
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
