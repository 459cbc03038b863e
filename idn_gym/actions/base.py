"""Common parts of the action codecs: the protocol, the pairs of nodes and segments, and the memory masks."""

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
"""Form of an action: one choice (`Discrete`), several at once (`MultiDiscrete`), real numbers (`Box`), or a
whole placement, for planners rather than networks (`Box` of integers)."""


class CodecKind(Protocol):
    """What the name of an action codec stands for: as a rule its class."""

    @property
    def form(self) -> Form:
        """Form of its actions."""
        ...

    @property
    def masked(self) -> bool:
        """Whether `ActionCodec.masks` returns the allowed choices."""
        ...

    def __call__(self, compiled: Compiled) -> ActionCodec:
        """Lay out the actions of a scenario.

        Raises:
            ConfigError: the scenario is too large or too small for them.
        """
        ...


class ActionCodec(Protocol):
    """Translates a policy's actions into those of the core."""

    @property
    def form(self) -> Form:
        """Form of an action."""
        ...

    @property
    def masked(self) -> bool:
        """Whether `masks` returns the allowed choices."""
        ...

    @property
    def space(self) -> gym.spaces.Space[Any]:
        """Space of one action."""
        ...

    @property
    def uniforms(self) -> int:
        """Number of rounding uniforms per slot."""
        ...

    def decode(self, instance: Instance, state: State, actions: npt.NDArray[np.generic]) -> Action:
        """Turn B actions of the space into requested placements; `ActionCheck` has checked them."""
        ...

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        """(B, choices) choices that are allowed now, in the form that MaskablePPO expects."""
        ...

    def describe(self) -> list[str]:
        """Meaning of each dimension or choice, in order."""
        ...


@runtime_checkable
class NativeCodec(Protocol):
    """An action codec that decodes in compiled code, as a stage of a slot program."""

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        """Add decoding to a program, with the result in `action`; arguments as in `decode`."""
        ...


def join_decoding(
    codec: ActionCodec,
    programme: Programme,
    instance: Instance,
    state: State,
    actions: Numbers,
    action: Action,
) -> None:
    """Add a codec's decoding to a program, compiled or not; arguments as in `NativeCodec.join`."""
    if isinstance(codec, NativeCodec):
        codec.join(programme, instance, state, actions, action)
        return

    def decode() -> None:
        asked = codec.decode(instance, state, actions)
        action.wanted[:] = asked.wanted
        if asked.uplink.size:
            action.uplink[:] = asked.uplink

    programme.add_call(decode)


class NativeDecoding:
    """Mixin of codecs that are stages of programs: `decode` plays a program with this stage only."""

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
    """Request an empty placement."""
    for b in range(wanted.shape[0]):
        for v in range(wanted.shape[1]):
            for m in range(wanted.shape[2]):
                wanted[b, v, m] = EMPTY


class MemoryMask:
    """Pairs (node, segment) that fit into memory; the basis of masks."""

    def __init__(self, compiled: Compiled, node: Ints, segment: Ints) -> None:
        tables = compiled.tables
        self._node, self._reserved = node, tables.node_reserved
        self._size = held_bytes(tables.segment_bytes, segment)

    def mark(self, instance: Instance, state: State, fits: npt.NDArray[np.bool_]) -> None:
        """Write (B, pairs) whether each pair fits into the memory of the slot by itself."""
        items_that_fit(instance.draw.memory, state.slot, self._node, self._size, self._reserved, fits)


class PlaceablePairs(NativeDecoding):
    """The (node, segment) pairs that may be loaded; base of the codecs with one entry per pair.

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
        # Copies: a copy of the codec would have writable arrays, for which kernels would be compiled again.
        self.pairs = Pairs(
            self.node,
            self.segment,
            np.array(tables.segment_model, np.int64),
            np.array(tables.segment_bytes),
            np.array(tables.node_reserved),
        )
        if not len(self.node):
            raise ConfigError(
                "action", "no node has memory for any segment, so an agent has nothing to decide"
            )

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        raise ConfigError("action", "this codec's actions are continuous and have no mask")

    def describe(self) -> list[str]:
        """One line per item: node and segment."""
        names = self._names
        pairs = zip(self.node, self.segment, strict=True)
        return [f"{names.nodes[v]}: {names.segments[s]}" for v, s in pairs]
