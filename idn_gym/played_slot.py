"""Result of a step of many episodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.observations import Observations, copy_of


class Slot(NamedTuple):
    """Result of one call of `Simulation.step`, B rows; later calls overwrite it."""

    observation: Observations  # B rows
    vector: npt.NDArray[np.float64]  # (B, D) reward vectors
    scalar: npt.NDArray[np.float64]  # (B,) minus the weighted cost
    truncated: npt.NDArray[np.bool_]  # (B,)
    terminated: npt.NDArray[np.bool_]  # (B,) whether an exceeded budget ends the episode
    metrics: npt.NDArray[np.float64]  # (B, len(METRICS))

    def copy(self) -> Slot:
        """Return a copy that later calls do not overwrite."""
        arrays: list[Any] = [field.copy() for field in self[1:]]
        return Slot(copy_of(self.observation), *arrays)
