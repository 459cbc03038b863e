"""Common parts of the observation codecs: protocol, descriptions of entries, bounds."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Instance, Ints, Outcome, State
from idn_gym.core.handover import Programme
from idn_gym.scenarios.compile import Compiled

DEMAND_BOUND = 10.0
"""Batches are observed in units of the class's nominal batch, up to this many."""

RATE_BOUND = 4.0
"""Link rates and loads are observed in units of the nominal rate, up to this many."""


Observations = npt.NDArray[np.float32] | dict[str, npt.NDArray[np.float32]]
"""Rows of one array, or of several under their names."""


class Feature(NamedTuple):
    """One entry of an observation."""

    name: str
    low: float
    high: float
    meaning: str


View = Literal["vector", "tables"]
"""Form of an observation: one vector (`Box` of one dimension), or several tables (`Dict` of boxes)."""


class Observer(Protocol):
    """Translates past and present of an episode into a policy's observation."""

    view: ClassVar[View]

    def __init__(self, compiled: Compiled, preference: bool) -> None:
        """Lay out the observation of a scenario.

        Args:
            compiled: the scenario.
            preference: whether preferences differ between episodes, so that policies need the weights.
        """
        ...

    @property
    def space(self) -> gym.spaces.Space[Any]:
        """Space of one observation."""
        ...

    def encode(
        self, instance: Instance, state: State, outcome: Outcome
    ) -> tuple[Observations, npt.NDArray[np.int64]]:
        """Write the observation of the coming slot.

        Args:
            instance: tables and draw, B rows.
            state: before the coming slot; a row at the horizon sees the last slot's resources.
            outcome: of the slot before; zeros at the start.

        Returns:
            B observations, and (B,) the number of entries that had to be clipped.
        """
        ...

    def describe(self) -> Any:
        """Name, bounds and meaning of every entry, as plain data."""
        ...


@runtime_checkable
class NativeObserver(Protocol):
    """An observation codec that writes in compiled code, as a stage of a program."""

    def make_room(self, clipped: npt.NDArray[np.int64]) -> tuple[Any, Observations]:
        """Allocate the arrays of `join`, with as many rows as `clipped`; also return the part to observe."""
        ...

    def join(
        self, programme: Programme, instance: Instance, state: State, outcome: Outcome, room: Any
    ) -> None:
        """Add the observation to a program; arguments as in `encode`, read when it runs."""
        ...


def copy_of(observations: Observations) -> Observations:
    """A copy of all rows."""
    if isinstance(observations, dict):
        return {name: table.copy() for name, table in observations.items()}
    return observations.copy()


def row_of(observations: Observations, row: int) -> Observations:
    """A copy of one row."""
    if isinstance(observations, dict):
        return {name: table[row].copy() for name, table in observations.items()}
    return observations[row].copy()


def put_rows(observations: Observations, rows: Ints, source: Observations) -> None:
    """Overwrite some rows with those of `source`, which is of the same kind."""
    if isinstance(observations, dict):
        for name, table in observations.items():
            table[rows] = source[name][rows]  # type: ignore[call-overload]
    else:
        observations[rows] = source[rows]  # type: ignore[index]
