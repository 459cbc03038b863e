"""The codec that chooses among precomputed placements."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import Form, NativeDecoding
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Instance, Numbers, Residents, State
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.scenarios.compile import Compiled


class LibraryCodec(NativeDecoding):
    """`Discrete`: which of the scenario's `placements` to request; all of them are allowed in every slot.

    `python -m experiments.find_placements` finds some on training episodes. Feasible set: these placements,
    repaired where memory has shrunk; with `transfer`, an unchanged choice continues its loads.
    """

    form: ClassVar[Form] = "choice"
    masked: ClassVar[bool] = False
    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        self.placements = np.array(compiled.placements)  # a copy: that of the scenario is read-only
        self._names, self._pinned = compiled.names, compiled.tables.pinned
        if len(self.placements) < 2:
            raise ConfigError(
                "action",
                f"'library' needs two `placements` of the scenario or more, which has {len(self.placements)};"
                " python -m experiments.find_placements writes a scenario that has some",
            )
        self.space = gym.spaces.Discrete(len(self.placements))

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        programme.add(take_from_library, ChosenPlacement(self.placements, actions), action)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        raise ConfigError(
            "action", "every placement may be requested in every slot, so this codec has no mask"
        )

    def describe(self) -> list[str]:
        """One line per placement: its number, and the segments of each node that holds any."""
        names, lines = self._names, []
        for k, placement in enumerate(self.placements):
            own = np.where(placement == self._pinned, EMPTY, placement)
            rows = ((node, row[row != EMPTY]) for node, row in zip(names.nodes, own, strict=True))
            held = [f"{node}: " + ", ".join(names.segments[s] for s in row) for node, row in rows if len(row)]
            lines.append(f"{k} " + ("; ".join(held) or "nothing"))
        return lines


class ChosenPlacement(NamedTuple):
    """Actions, and the placements among which they choose."""

    placements: Residents  # (K, N, M)
    actions: Numbers  # (B,)


@stage
def take_from_library(block: int) -> None:
    """Request the chosen placements."""
    chosen, wanted = fetch(block, 0, ChosenPlacement), fetch(block, 1, Action).wanted
    for b in range(wanted.shape[0]):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = chosen.placements[chosen.actions[b], v, m]
