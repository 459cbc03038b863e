"""Rule O: experts as hints. INFIDA uses the placements of whole policies, also trained ones, as hints.

An expert plays in a virtual network of its own, so its placement for slot t is known before that slot. Its
hint m of the supergradient g is, column by column, the mean of g over the slots in which the expert held the
column, or over those in which it did not:

    m_i = mean of g_i over the past slots with the same value of (expert holds i) as now,

This hint has the least squared error of all that use only this information; with `memory`, the past is
discounted. Errors of a hint count by the bound of `infida-optimistic`, 2 b sqrt(l (Q + M^2)) + 2 b M per node
with Q the sum of max((g - m) / s)^2: an expert that holds a model whenever requests for it arrive makes Q
small; for AdaHedge, an uninformative expert is no better than the empty hint, which is always included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from agents.hybrid.combiner import NO_EXPERT, Combiner, CombinerConfig
from agents.hybrid.experts import ExpertEntry
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Draw, Floats, Residents
from idn_gym.core.geometry import covers
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.optimistic import Optimistic, OptimisticConfig
from idn_gym.policy import Choice, Feedback
from idn_gym.scenarios.compile import Compiled

PLAYED = "rule O bounds the regret of its fractions, not that of the played placements"


@dataclass(frozen=True)
class HintedConfig(CombinerConfig):
    """Options of the learner."""

    hints: tuple[Any, ...] = ("last",)
    """hints in addition to the experts and the empty hint; see `OptimisticConfig`"""
    scale: float = bounded(1.0, above=0)
    """factor on the step; only the factor 1 has a bound"""
    coupled: bool = True
    """one set of uniforms per episode; false: new ones in every slot"""
    memory: float = bounded(0.9, least=0, below=1)
    """weight of the past in the means of an expert's hint"""


class PlacementHint:
    """Predicts supergradients from an expert's placement; see the module docstring."""

    def __init__(self, compiled: Compiled, rows: int, memory: float) -> None:
        self._items, self._tables, self._memory = list_prefixes(compiled), compiled.tables, memory
        shape = rows, len(self._items.node)
        self._holds = np.zeros(shape, np.int64)
        self._seen = np.zeros((2, *shape), np.int64)
        self._mean = np.zeros((2, *shape))

    def tell(self, placements: Residents) -> None:
        """Set the expert's placement (B, N, M) for the coming slot."""
        items = self._items
        held = placements[:, items.node, items.model]
        self._holds[:] = covers(self._tables, held, np.broadcast_to(items.segment, held.shape))

    def begin(self, rows: Bools) -> None:
        self._seen[:, rows], self._mean[:, rows] = 0, 0.0

    def see(self, feedback: Feedback, gradient: Floats) -> None:
        for state in (0, 1):
            now = self._holds == state
            self._seen[state] += now
            rate = np.maximum(1.0 / np.maximum(self._seen[state], 1), 1.0 - self._memory)
            self._mean[state] += np.where(now, rate * (gradient - self._mean[state]), 0.0)

    def guess(self, fractional: Floats) -> Floats:
        found: Floats = np.where(self._holds == 1, self._mean[1], self._mean[0])
        return found


class LeaningLearner(Optimistic):
    """INFIDA with hints that become known only just before a slot is played.

    It therefore updates and rounds at that time, rather than after the previous slot.
    """

    def learn(self, feedback: Feedback) -> None:
        self.take_in(feedback)

    def settle(self, draw: Draw) -> None:
        if not self.options.coupled:
            for b in range(self.rows):
                self._draw_uniforms(b)

    def plan(self) -> None:
        self.lean()
        for b in range(self.rows):
            self._round(b, self.nominal, 0, self.layers[self.rows])


class HintedCombiner(Combiner):
    """Rule O: plays the learner's own placement rather than that of an expert.

    Attributes:
        learner: learner that uses the experts as hints.
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], experts: tuple[ExpertEntry, ...], config: HintedConfig
    ) -> None:
        super().__init__(env, experts, config)
        rows, own = env.num_envs, config.hints
        self._told = [PlacementHint(self.compiled, rows, config.memory) for _ in experts]
        options = OptimisticConfig(
            hints=own, scale=config.scale, coupled=config.coupled, memory=config.memory, seed=config.seed
        )
        beside = {f"expert {name}": hint for name, hint in zip(self.names, self._told, strict=True)}
        self.learner = LeaningLearner(self.compiled, rows, options, beside)
        self.unproven = self.unproven or PLAYED
        self._starting = np.ones(rows, np.bool_)
        self._memory: Any = None

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        self._memory = None if state is None else self._memory
        return super().act(observation, state, start, deterministic)

    def begin(self, rows: Bools) -> None:
        self.followed[rows] = NO_EXPERT
        self._starting = rows.copy()

    def wanted(self) -> Residents:
        for network, hint in zip(self.networks, self._told, strict=True):
            hint.tell(network.held)
        found, self._memory = self.learner.predict(None, self._memory, self._starting)
        self._starting = np.zeros_like(self._starting)
        return found

    def decide(self, feedback: Feedback, cost: Floats, virtual: Floats) -> None:
        self.learner.update(feedback)

    def readout(self) -> tuple[Floats, Floats, Floats, Floats]:
        none = np.full(len(self.followed), np.nan)
        return self.learner.trust.mean(axis=1)[:, -len(self.names) :], none, none, none

    @property
    def regret_bound(self) -> Floats | None:
        """(B,) [cost] bound on the fractional regret so far; None where it is not proven."""
        return self.learner.regret_bound

    @property
    def fractional_loaded(self) -> Floats:
        """(B,) [bytes] that the fractions have loaded so far."""
        return self.learner.fractional_loaded

    @property
    def notes(self) -> dict[str, Any]:
        """Values of row 0, for reports, with the bound on fractional regret and the weight of each hint."""
        bound = self.regret_bound
        own = {"regret_bound": None if bound is None else float(bound[0])}
        return super().notes | own | self.learner.notes
