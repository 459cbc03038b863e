"""Rules H and A: the followed expert is drawn by weights and changes as rarely as they allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from agents.hybrid.combiner import Combiner, DeclaringConfig
from agents.hybrid.experts import Expert
from agents.hybrid.rules import (
    AdaptiveWeights,
    FixedStepWeights,
    Weights,
    draw_expert,
    fixed_step,
    fixed_step_bound,
    move_rarely,
)
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Floats
from idn_gym.policy import Feedback


@dataclass(frozen=True)
class FixedStepConfig(DeclaringConfig):
    """Options of rule H."""

    step: float | None = bounded(None, above=0)
    """eta; null: from B, D and the number of slots"""


@dataclass(frozen=True)
class AdaptiveConfig(DeclaringConfig):
    """Options of rule A."""

    lag: float = bounded(8.0, above=0, infinite=True)
    """[B] maximum loss of an expert behind the leader, so that it can recover; inf: no limit"""
    share: float = bounded(0.0, least=0, below=1)
    """share of the weight that is redistributed to all experts in every slot"""


class WeightedCombiner(Combiner):
    """Draws the followed expert by weights and changes it as rarely as they allow: rules H and A."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        experts: tuple[Expert, ...],
        config: FixedStepConfig | AdaptiveConfig,
    ) -> None:
        super().__init__(env, experts, config)
        rows, count = env.num_envs, len(experts)
        self.fixed: FixedStepWeights | None = None
        self._rule: Weights
        if isinstance(config, FixedStepConfig):
            self._rule = self.fixed = FixedStepWeights(rows, count)
        else:
            self._rule = AdaptiveWeights(rows, count, config.lag, config.share)
        self._total = np.zeros((rows, count))
        self._now = np.full((rows, count), 1.0 / count)

    def begin(self, rows: Bools) -> None:
        if self.fixed is not None:
            own = getattr(self.config, "step", None)
            step = fixed_step(len(self.names), self.diameter / self.largest, self._env.unwrapped.horizon)  # type: ignore[attr-defined]
            self.fixed.step[rows] = step[rows] if own is None else own
        self._rule.begin(rows)
        self._total[rows] = 0.0
        self._now[rows] = self._rule.weights()[rows]
        first = draw_expert(self._now, self._uniforms()[:, 0])
        self.followed[rows] = first[rows]

    def decide(self, feedback: Feedback, cost: Floats, virtual: Floats) -> None:
        self._total += virtual
        self._rule.learn(virtual / self.largest[:, None])
        after = self._rule.weights()
        self.followed = move_rarely(self.followed, self._now, after, self._uniforms())
        self._now = after

    def readout(self) -> tuple[Floats, Floats, Floats, Floats]:
        none = np.full(len(self.followed), np.nan)
        bound = none
        if self.fixed is not None and self.proven:
            least = self._total.min(axis=1)
            bound = fixed_step_bound(self.fixed.step, self.largest, self.diameter, least, len(self.names))
            bound = np.where(self.exceeded == 0, bound, np.nan)
        return self._now, none, none, bound

    def _uniforms(self) -> Floats:
        """(B, 2), each row from its own generator."""
        return np.stack([rng.random(2) for rng in self.rng])
