"""Smoothed Ader: dynamic regret O(sqrt(T (1 + P))) with the loads of the fractions paid.

After Zhang, Jiang, Lu and Yang, "Revisiting Smoothed Online Learning", NeurIPS 2021, of which only the
abstract was read: the form for nodes with budgets, its constants and its proof are ours (`ader_state.py`,
docs/learners.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats
from idn_gym.optimum.load_prices import option_prices_per_byte
from idn_gym.policies.online.ader_state import ASCENT, AderState
from idn_gym.policies.online.learner import OnlineConfig, OnlineLearner
from idn_gym.policies.online.mirror import declared_norms
from idn_gym.policies.online.proof import unproven_scenario
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class SmoothedAderConfig(OnlineConfig):
    """What is declared before an episode; its horizon is the scenario's."""

    peak: float = bounded(2.0, above=0)
    """largest batch over the nominal one that steps reckon with"""
    load_price: float | None = bounded(0.0, least=0)
    """price of loading all memory once, in serving cost per slot and nominal request; null: as the score
    charges it"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.splits:
            raise ConfigError("splits", "True is not allowed; must be false: steps are declared for prefixes")


class SmoothedAder(OnlineLearner):
    """See `AderState`.

    Attributes:
        unproven: the first assumption of the proven bounds that fails here; None: there are bounds.
    """

    def __init__(self, compiled: Compiled, rows: int, config: SmoothedAderConfig) -> None:
        self.config = config
        self.state: AderState | None = None
        super().__init__(compiled, rows, config)
        self.unproven = unproven_scenario(compiled, self.items)

    def start(self, rows: Bools) -> None:
        if self.state is None:
            steepest = np.sqrt(declared_norms(self, ASCENT, self.config.peak))
            self.state = AderState(self.polytope, self.rows, self.compiled.scenario.horizon, steepest)
            self.fractional = self.state.z
        self.state.begin(rows)

    def learn(self, feedback: Feedback) -> None:
        assert self.state is not None
        weights = feedback.revealed.draw.weights
        prices = option_prices_per_byte(self.compiled, self.config.load_price, weights)
        self.state.declare(0.5 * prices[:, None] * self.tables.node_count)
        self.state.learn(self.gradient)

    @property
    def regret_bound(self) -> Floats | None:
        """(B,) [cost] bound on the fractional regret so far against static fractions, loads left out.

        None where it is not proven: `unproven` says why.
        """
        if self.state is None or self.unproven is not None:
            return None
        bound: Floats = self.state.bounds(0.0, loads=False).sum(axis=1)
        return bound

    def dynamic_bound(self, path: Floats | float = 0.0) -> Floats | None:
        """(B,) [cost] bound on the fractional regret so far against a sequence, the learner's loads paid.

        Loads are those of `fractional_loaded`, at the price of `load_price`; those of the sequence are not
        charged. None where it is not proven.

        Args:
            path: (N,) or (B, N) [sqrt(bytes)] length of each node's path, of `path_lengths`; 0: static.
        """
        if self.state is None or self.unproven is not None:
            return None
        bound: Floats = self.state.bounds(path).sum(axis=1)
        return bound

    @property
    def notes(self) -> dict[str, Any]:
        """Values of row 0, for reports: experts of a node, slots with gradients above what is declared."""
        assert self.state is not None
        return {"experts": len(self.state.prior), "exceeded": int(self.state.exceeded[0])}
