"""What a step of many episodes returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.observations import Observations, copy_of


class Slot(NamedTuple):
    """What one call of `Simulation.step` returns, B rows; later ones overwrite it."""

    observation: Observations  # B rows
    vector: npt.NDArray[np.float64]  # (B, D) reward vectors
    scalar: npt.NDArray[np.float64]  # (B,) minus the weighted cost
    truncated: npt.NDArray[np.bool_]  # (B,)
    terminated: npt.NDArray[np.bool_]  # (B,) by a budget that is exceeded
    metrics: npt.NDArray[np.float64]  # (B, len(METRICS))

    def copy(self) -> Slot:
        """One that stays."""
        arrays: list[Any] = [field.copy() for field in self[1:]]
        return Slot(copy_of(self.observation), *arrays)
