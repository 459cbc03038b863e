"""The codec for models that go on learning where they run: which of them do now, beside a placement."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.discrete import PlacementCodec
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Action, Bools, Instance, Ints, Numbers, Residents, State
from idn_gym.core.handover import Programme
from idn_gym.scenarios.compile import Compiled


class AdaptCodec(PlacementCodec):
    """`MultiDiscrete`: per node and model that may adapt there, 1: after the slot; then as `placement`.

    Feasible set: that of `placement`. A wish to adapt comes to nothing where samples, memory or the model are
    missing, where the node is at it already, and where the guard refuses. The mask leaves out models that the
    node does not hold whole.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        adaptation = None if compiled.scenario.quality is None else compiled.scenario.quality.adaptation
        if compiled.adaptations is None or adaptation is None or adaptation.rule != "asked":
            raise ConfigError("action", "'adapt' needs quality.adaptation.rule asked; use 'placement'")
        plan = compiled.adaptations
        self._at, self._whole = (plan.pair_node, plan.pair_model), plan.pair_whole
        self.adaptable = len(plan.pair_node)
        self.space = gym.spaces.MultiDiscrete(np.concatenate([np.full(self.adaptable, 2), self.space.nvec]))

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        self.join_placement(programme, instance, actions, action, self.adaptable)

    def asked(self, actions: Any) -> Any:
        """The part (B, v) of actions that says who adapts; a view."""
        return actions[:, : self.adaptable]

    def encode(self, placement: Residents, adapt: Bools) -> Ints:
        """The action that asks for a placement (N, M) and has pairs (v,) adapt."""
        return np.concatenate([adapt.astype(np.int64), self.choices_of(placement)])

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        asked = np.ones((len(state.slot), self.adaptable, 2), np.bool_)
        asked[..., 1] = state.resident[:, *self._at] == self._whole
        return np.concatenate([asked.reshape(len(asked), -1), super().masks(instance, state)], axis=1)

    def describe(self) -> list[str]:
        """One line per node and model: 1 adapts; then those of `placement`."""
        names = self._names
        pairs = zip(*self._at, strict=True)
        return [
            f"{names.nodes[v]}: 0 nothing, 1 adapt {names.models[m]}" for v, m in pairs
        ] + super().describe()
