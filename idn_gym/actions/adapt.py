"""The codec for models that go on learning where they run: which of them do now, beside a placement."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.discrete import PlacementCodec
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Bools, Instance, Ints, Numbers, Residents, State
from idn_gym.core.handover import Programme
from idn_gym.scenarios.compile import Compiled


class AdaptCodec(PlacementCodec):
    """`MultiDiscrete`: per node and model that may adapt there, what is done after a slot; then `placement`.

    1 adapts; where nodes share, 2 takes over the best version of another node and 3 the catalogue's weights.
    Feasible set: that of `placement`. A wish comes to nothing where samples, memory or the model are missing,
    where the node is at it already, where there is nothing to be sent, and where the guard refuses. The mask
    leaves out models that the node does not hold whole, and weights that are nowhere.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        adaptation = None if compiled.scenario.quality is None else compiled.scenario.quality.adaptation
        if compiled.adaptations is None or adaptation is None or adaptation.rule != "asked":
            raise ConfigError("action", "'adapt' needs quality.adaptation.rule asked; use 'placement'")
        self._plan = compiled.adaptations
        self._at, self._whole = (self._plan.pair_node, self._plan.pair_model), self._plan.pair_whole
        self.adaptable = len(self._whole)
        self._each = 4 if adaptation.share == "pull" else 2
        chosen = np.full(self.adaptable, self._each)
        self.space = gym.spaces.MultiDiscrete(np.concatenate([chosen, self.space.nvec]))

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        self.join_placement(programme, instance, actions, action, self.adaptable)

    def asked(self, actions: Any) -> Any:
        """The part (B, v) of actions that says what is done with versions; a view."""
        return actions[:, : self.adaptable]

    def encode(self, placement: Residents, adapt: Bools | Ints) -> Ints:
        """The action that asks for a placement (N, M) and has pairs (v,) adapt, or do another choice."""
        return np.concatenate([adapt.astype(np.int64), self.choices_of(placement)])

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        asked = np.ones((len(state.slot), self.adaptable, self._each), np.bool_)
        asked[..., 1:] = (state.resident[:, *self._at] == self._whole)[..., None]
        return np.concatenate([asked.reshape(len(asked), -1), super().masks(instance, state)], axis=1)

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
        """One line per node and model: 1 adapts, 2 pulls, 3 goes back; then those of `placement`."""
        names, lines = self._names, []
        for v, m in zip(*self._at, strict=True):
            model = names.models[m]
            more = f", 2 pull {model} from another node, 3 {model} of the catalogue" * (self._each > 2)
            lines.append(f"{names.nodes[v]}: 0 nothing, 1 adapt {model}{more}")
        return lines + super().describe()
