"""What all action codecs share: the protocol, the pairs they speak of, and what fits into memory."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Instance, Ints, Numbers, Residents, State
from idn_gym.core.decoding import Pairs, items_that_fit
from idn_gym.core.geometry import held_bytes
from idn_gym.core.handover import Programme
from idn_gym.core.kernel import njit_inline
from idn_gym.scenarios.compile import Compiled

Form = Literal["choice", "choices", "numbers", "placement"]
"""What an action is: one choice (`Discrete`), several at once (`MultiDiscrete`), real numbers (`Box`), or a
whole placement, for planners and not for nets (`Box` of integers)."""


class ActionCodec(Protocol):
    """Between a policy's action and the core's."""

    form: ClassVar[Form]
    masked: ClassVar[bool]
    """whether `masks` tells which choices are allowed"""

    def __init__(self, compiled: Compiled) -> None:
        """Lay out the actions of a scenario.

        Raises:
            ConfigError: the scenario is too large or too small for them.
        """
        ...

    @property
    def space(self) -> gym.spaces.Space[Any]:
        """Of one action."""
        ...

    @property
    def uniforms(self) -> int:
        """Rounding uniforms it needs per slot."""
        ...

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        """Turn B actions of the space into wished placements; `ActionCheck` has looked at them."""
        ...

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        """(B, choices) which choices are allowed now, as MaskablePPO wants them."""
        ...

    def describe(self) -> list[str]:
        """What each dimension or choice means, in order."""
        ...


@runtime_checkable
class NativeCodec(Protocol):
    """An action codec that decodes in compiled code, as a stage of a programme."""

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        """Let a programme decode next, into `action`; arguments as of `decode`, read as it is played."""
        ...


class NativeDecoding:
    """What codecs share that join programmes: to decode is to play a programme of nothing else."""

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        """See `NativeCodec`."""
        raise NotImplementedError

    def decode(self, instance: Instance, state: State, actions: Numbers) -> Action:
        """See `ActionCodec`."""
        action = Action(np.empty_like(state.resident), np.full_like(state.uplink, EMPTY))
        wide = np.float64 if actions.dtype.kind == "f" else np.int64
        programme = Programme()
        self.join(programme, instance, state, np.ascontiguousarray(actions, wide), action)
        programme.play()
        return action


@njit_inline
def clear(wanted: Residents) -> None:
    """Ask for nothing."""
    for b in range(wanted.shape[0]):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = EMPTY


class MemoryMask:
    """Which (node, segment) pairs fit into memory; the basis of masks."""

    def __init__(self, compiled: Compiled, node: Ints, segment: Ints) -> None:
        tables = compiled.tables
        self._node, self._reserved = node, tables.node_reserved
        self._size = held_bytes(tables.segment_bytes, segment)

    def mark(self, instance: Instance, state: State, fits: npt.NDArray[np.bool_]) -> None:
        """Write (B, pairs) whether each pair fits into the memory of the slot by itself."""
        items_that_fit(instance.draw.memory, state.slot, self._node, self._size, self._reserved, fits)


class PlaceablePairs(NativeDecoding):
    """The (node, segment) pairs that may be loaded; base of the codecs that speak of them.

    Attributes:
        node: (I,) of each pair, in rising order.
        segment: (I,)
        pairs: both, as kernels take them.
    """

    form: ClassVar[Form] = "numbers"
    masked: ClassVar[bool] = False
    uniforms = 0

    def __init__(self, compiled: Compiled) -> None:
        self.node, self.segment = compiled.pairs
        self._names, tables = compiled.names, compiled.tables
        # Copies, since a copy of the codec would have writable ones, and kernels would be compiled anew.
        self.pairs = Pairs(
            self.node,
            self.segment,
            np.array(tables.segment_model, np.int64),
            np.array(tables.segment_bytes),
            np.array(tables.node_reserved),
        )
        if not len(self.node):
            raise ConfigError("action", "no node has memory for any segment, so there is nothing to decide")

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        raise ConfigError("action", "this codec's actions are continuous and have no mask")

    def describe(self) -> list[str]:
        """One line per item: node and segment."""
        names = self._names
        pairs = zip(self.node, self.segment, strict=True)
        return [f"{names.nodes[v]}: {names.segments[s]}" for v, s in pairs]
