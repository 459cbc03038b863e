"""`charge-rule`: one mode while a battery holds more than a share of its capacity, a thriftier one below.

The modes are those of `night-planner`. The rule looks at the charge alone, not at the time of day, so it is
what a myopic policy can make of a battery; its share and modes are tuned on validation episodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Instance
from idn_gym.policies.batteries.hosting import Hosting
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class ChargeRuleConfig:
    """Modes to host by charge.

    Modes are numbered by rising energy from 0; larger numbers mean the last mode.
    """

    share: float = bounded(0.4, least=0, most=1)
    """share of the capacity above which the mode with more energy is hosted"""
    below: int = bounded(0, least=0)
    """mode at this charge or below"""
    above: int = bounded(1, least=0)
    """mode above it"""
    episodes: int = bounded(32, least=1, most=1000)
    """number of training episodes with whose mean demand modes are measured"""
    modes: int = bounded(6, least=2, most=64)
    """that each node chooses from"""


class ChargeRule(PlacementPolicy):
    """See the head of the module."""

    def __init__(self, compiled: Compiled, rows: int, config: ChargeRuleConfig, training: Instance) -> None:
        hosting = Hosting(compiled, training, training.draw.weights[0])
        self._nodes, self._share = hosting.nodes, config.share
        if not len(self._nodes):
            raise ConfigError("agent charge-rule", "no node at which requests enter has a battery")
        self._modes = [
            [hosted[min(k, len(hosted) - 1)] for k in (config.below, config.above)]
            for hosted, _ in hosting.modes(config.modes)
        ]
        self._store = compiled.tables.node_store[self._nodes]
        self._charge = np.zeros((rows, len(self._nodes)))
        super().__init__(compiled, rows)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        start = self.tables.store_start / self.tables.store_capacity
        self._charge[rows] = start[self._store]

    def update(self, feedback: Feedback) -> None:
        """Note what batteries hold."""
        self._charge = feedback.after.level[:, self._store] / self.tables.store_capacity[self._store]

    def plan(self) -> None:
        for p, (v, (below, above)) in enumerate(zip(self._nodes.tolist(), self._modes, strict=True)):
            self.wanted[:, v] = np.where(self._charge[:, p, None] > self._share, above, below)
