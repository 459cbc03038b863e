"""Devices that keep a random one of their links: a baseline for the value of an association."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.actions.association import AssociationCodec
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Floats, Instance, Ints, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.objectives import tariff_of
from idn_gym.optimum.search.greedy import greedy
from idn_gym.optimum.search.moves import Search
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policy import Choice
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class RandomAssociationConfig:
    """Options of the random association."""

    seed: int = bounded(0, least=0)


class RandomAssociation(PlacementPolicy):
    """Draws links once per episode; models are placed greedily for them, at nominal demand."""

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        config: RandomAssociationConfig,
        codec: AssociationCodec,
        weights: Floats | None,
    ) -> None:
        super().__init__(compiled, rows, config.seed)
        self._codec = codec
        self._weights = balanced_preference(compiled.objectives) if weights is None else weights
        self.uplink = np.zeros((rows, len(self.tables.node_memory)), np.int32)

    def begin(self, rows: Bools) -> None:
        for b in np.flatnonzero(rows).tolist():
            self.uplink[b] = self.tables.node_uplink
            for v, links in zip(self._codec.choosers, self._codec.links, strict=True):
                self.uplink[b, v] = self.rng[b].choice(links)
            self.wanted[b] = greedy_for(self.compiled, self.uplink[b], self._weights)

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        _, state = super().act(observation, state, start, deterministic)
        pairs = zip(self.wanted, self.uplink, strict=True)
        return np.stack([self._codec.encode(*pair) for pair in pairs]), state


def greedy_for(compiled: Compiled, uplink: Ints, weights: Floats) -> Residents:
    """The placement (N, M) that greedy finds at nominal demand where nodes use these links (N,)."""
    tables = compiled.tables._replace(node_uplink=uplink)
    tariff = compiled.tariff
    if tariff is None:
        tariff = tariff_of(weights, compiled.scales, compiled.objectives)
    slot = nominal_draw(tables, tariff)._replace(weights=weights[None])
    search = Search(
        dataclasses.replace(compiled, tables=tables), Instance(tables, slot), 1, one_per_task=True
    )
    greedy(search)
    return search.placement.copy()
