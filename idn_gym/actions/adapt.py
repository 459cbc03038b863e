"""The codec for models that go on learning where they run: what they do now, beside another codec."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.base import ActionCodec, CodecKind, Form, NativeDecoding, join_decoding
from idn_gym.actions.check import bounds_of
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Bools, Instance, Ints, Numbers, State
from idn_gym.core.handover import Programme
from idn_gym.scenarios.compile import Compiled

ADAPT = "+adapt"
"""End of the names of codecs that have models adapt, too."""


class AdaptCodec(NativeDecoding):
    """Per node and model that may adapt there, what is done after a slot; then as the codec before the plus.

    0 does nothing, 1 adapts; where nodes share, 2 takes over the best version of another node and 3 the
    catalogue's weights. Beside choices and whole placements, actions begin with one of these per node and
    model, as `MultiDiscrete` or `Box` of integers. Beside real numbers they begin with one number in [-1, 1]
    for each but 0, of which the largest is done, if it is above 0. Everything has one dimension. Feasible
    set: that of the other codec. A wish comes to nothing where samples, memory or the model are missing,
    where the node is at it already, where there is nothing to be sent, and where the guard refuses. The mask
    leaves out models that the node does not hold whole, and weights that are nowhere.

    Attributes:
        placing: the other codec.
        adaptable: number v of pairs of a node and a model.
    """

    def __init__(self, compiled: Compiled, placing: ActionCodec) -> None:
        """Put the choices before those of `placing`.

        Raises:
            ConfigError: nothing adapts when it is asked to.
        """
        adaptation = None if compiled.scenario.quality is None else compiled.scenario.quality.adaptation
        if compiled.adaptations is None or adaptation is None or adaptation.rule != "asked":
            raise ConfigError(
                "action", f"{ADAPT!r} needs quality.adaptation.rule asked; leave it out, or set the rule"
            )
        self.placing, self._names, self._plan = placing, compiled.names, compiled.adaptations
        self.form, self.uniforms = form_beside(placing.form), placing.uniforms
        self.masked = self.form == "choices"
        self._at, self._whole = (self._plan.pair_node, self._plan.pair_model), self._plan.pair_whole
        self.adaptable = len(self._whole)
        self._each = 4 if adaptation.share == "pull" else 2
        least, most, per_pair = (-1, 1, self._each - 1) if self.form == "numbers" else (0, self._each - 1, 1)
        self._width = self.adaptable * per_pair
        low, high = (np.ravel(bound) for bound in bounds_of(placing.space))
        low = np.concatenate([np.full(self._width, least, low.dtype), low])
        high = np.concatenate([np.full(self._width, most, high.dtype), high])
        self.space: gym.spaces.Space[Any] = (
            gym.spaces.MultiDiscrete(high - low + 1, start=low)
            if self.form == "choices"
            else gym.spaces.Box(low, high, dtype=low.dtype.type)
        )

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        rest = np.zeros((len(actions), *(self.placing.space.shape or ())), actions.dtype)
        flat = rest.reshape(len(rest), -1)
        programme.add_call(lambda: np.copyto(flat, actions[:, self._width :]))
        join_decoding(self.placing, programme, instance, state, rest, action)

    def asked(self, actions: npt.NDArray[Any]) -> Ints:
        """What actions (B, ...) have pairs do with versions, (B, v)."""
        begin = actions[:, : self._width]
        if self.form != "numbers":
            return begin
        numbers = begin.reshape(len(begin), self.adaptable, -1)
        found: Ints = np.where(numbers.max(axis=2) > 0.0, 1 + numbers.argmax(axis=2), 0)
        return found

    def encode(self, action: Numbers, adapt: Bools | Ints) -> Numbers:
        """The action that says `action` of the other codec and has pairs (v,) adapt, or do another choice."""
        begin = adapt.astype(self.space.dtype)
        if self.form == "numbers":
            begin = np.where(adapt[:, None] == np.arange(1, self._each), 1, -1).ravel()
        return np.concatenate([begin, np.ravel(action)]).astype(self.space.dtype)

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        if not self.masked:
            raise ConfigError("action", "this codec's actions are numbers and have no mask")
        rows, ends = len(state.slot), self.adaptable * self._each
        asked = np.ones((rows, self.adaptable, self._each), np.bool_)
        asked[..., 1:] = (state.resident[:, *self._at] == self._whole)[..., None]
        low, high = (bound[self._width :] for bound in bounds_of(self.space))
        rest = np.ones((rows, (high - low + 1).sum()), np.bool_)
        if self.placing.masked:
            rest = self.placing.masks(instance, state)
        return np.concatenate([asked.reshape(rows, ends), rest], axis=1)

    def leave_out(self, masks: npt.NDArray[np.bool_], adapted: Bools) -> None:
        """Take from masks (B, choices) the weights that are nowhere.

        Args:
            masks: written to.
            adapted: (B, v) pairs whose version is not the catalogue's.
        """
        if self._each > 2:
            asked = masks[:, : self._each * self.adaptable].reshape(len(masks), self.adaptable, self._each)
            asked[..., 2] &= (adapted[:, None] & self._plan.sources_of_pairs()).any(axis=2)
            asked[..., 3] &= adapted & (self._plan.home != EMPTY)

    def describe(self) -> list[str]:
        """One line per dimension of pairs of a node and a model; then those of the other codec."""
        lines = []
        for v, m in zip(*self._at, strict=True):
            node, model = self._names.nodes[v], self._names.models[m]
            does = [f"adapt {model}", f"pull {model} from another node", f"{model} of the catalogue"]
            does = ["nothing", *does][: self._each]
            if self.form == "numbers":
                lines += [f"{node}: {what}" for what in does[1:]]
            else:
                lines.append(f"{node}: " + ", ".join(f"{i} {what}" for i, what in enumerate(does)))
        return lines + self.placing.describe()


def form_beside(form: Form) -> Form:
    """Form of actions that have models adapt beside those of a form: one choice becomes several."""
    return "choices" if form == "choice" else form


class Beside:
    """An action codec beside adapting, as `CodecKind`."""

    def __init__(self, placing: CodecKind) -> None:
        self._placing = placing
        self.form = form_beside(placing.form)
        self.masked = self.form == "choices"

    def __call__(self, compiled: Compiled) -> AdaptCodec:
        """Build it; see `AdaptCodec`."""
        return AdaptCodec(compiled, self._placing(compiled))
