"""The codec for nodes with several radios: the radio that each node uses, beside a placement."""

from __future__ import annotations

from typing import NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions.discrete import PlacementCodec
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Instance, Ints, Numbers, Residents, State
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.scenarios.compile import Compiled


class AssociationCodec(PlacementCodec):
    """`MultiDiscrete`: for each node with several LoRaWAN links the link that it uses; then as `placement`.

    A link stands for a gateway and a spreading factor. Feasible set: one link per such node, and that of
    `placement`.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        chooser = compiled.tables.link_chooser
        self.choosers = np.unique(chooser[chooser != EMPTY]).astype(np.int64)
        if not len(self.choosers):
            raise ConfigError(
                "action", "'association' needs nodes with several LoRaWAN links; use 'placement'"
            )
        self.links = [np.flatnonzero(chooser == v) for v in self.choosers]
        self._link_start = np.cumsum([0, *map(len, self.links)])
        counts = [len(links) for links in self.links]
        self.space = gym.spaces.MultiDiscrete(np.concatenate([counts, self.space.nvec]))

    def join(
        self, programme: Programme, instance: Instance, state: State, actions: Numbers, action: Action
    ) -> None:
        links = np.concatenate(self.links).astype(np.int64)
        programme.add(associate, ChosenLinks(self.choosers, self._link_start, links, actions), action)
        self.join_placement(programme, instance, actions, action, len(self.choosers))

    def encode(self, placement: Residents, uplink: Ints) -> Ints:
        """Return the action that requests a placement (N, M) and links (N,) of all nodes with a choice.

        Raises:
            ConfigError: a link is not among those of its node.
        """
        chosen = np.zeros(len(self.choosers), np.int64)
        for d, (v, links) in enumerate(zip(self.choosers.tolist(), self.links, strict=True)):
            if uplink[v] not in links:
                raise ConfigError("uplink", f"{uplink[v]} is not allowed; must be a link of node {v}")
            chosen[d] = np.searchsorted(links, uplink[v])
        return np.concatenate([chosen, self.choices_of(placement)])

    def masks(self, instance: Instance, state: State) -> npt.NDArray[np.bool_]:
        links = np.ones((len(state.slot), self._link_start[-1]), np.bool_)
        return np.concatenate([links, super().masks(instance, state)], axis=1)

    def describe(self) -> list[str]:
        """One line per dimension: node and its links; then those of `placement`."""
        names, lines = self._names, []
        for v, links in zip(self.choosers, self.links, strict=True):
            values = ", ".join(f"{i} {names.links[e]}" for i, e in enumerate(links))
            lines.append(f"{names.nodes[v]}: {values}")
        return lines + super().describe()


class ChosenLinks(NamedTuple):
    """One choice per node; node[d] offers link[start[d]:start[d + 1]]."""

    node: Ints  # (U,)
    start: Ints  # (U+1,)
    link: Ints
    actions: Numbers  # (B, U + D)


@stage
def associate(block: int) -> None:
    """Set the chosen links of the nodes."""
    chosen, uplink = fetch(block, 0, ChosenLinks), fetch(block, 1, Action).uplink
    for b in range(len(uplink)):
        for d in range(len(chosen.node)):
            uplink[b, chosen.node[d]] = chosen.link[chosen.start[d] + chosen.actions[b, d]]
