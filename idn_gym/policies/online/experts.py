"""INFIDA without tuning: AdaHedge over mirrors and steps.

K experts, each a mirror with its own multiple of the adaptive step, all learn from the one supergradient
at the placement that is played, their weighted mean (the surrogate of Ader, Zhang et al. 2018). Every node
weighs the experts for itself by their linearised gains l_k = <g, z_k> on its own items, with AdaHedge
(de Rooij et al. 2014): w_k proportional to exp(eta L_k), eta = ln K / (sum of the mixability gaps so far).
A node's regret is at most that of its best expert plus O(max |l| sqrt(T ln K)).

`infida-adahedge-smoothed` is the same with costs of moving: expert k is weighed by
l_k - p sum s |z_k - (before)| / 2, p the price of a byte: the movement term of Smoothed Ader, in bytes times
price. Its experts are multiples of adaptive steps that fall with time, and have no bound on dynamic regret:
the learner with the grid of fixed steps, and the bound, is `smoothed_ader.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats, Residents
from idn_gym.optimum.load_prices import option_prices_per_byte
from idn_gym.policies.online.expert_set import ExpertSet
from idn_gym.policies.online.learner import OnlineLearner
from idn_gym.policies.online.mirror_state import MirrorState, Update, warm_start
from idn_gym.policies.online.warm_start import WarmStartConfig
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class HedgeConfig(WarmStartConfig):
    """The experts: each mirror with each multiple."""

    scales: tuple[float, ...] = (0.3, 1.0, 3.0, 10.0)
    """multiples of the adaptive step"""
    lazy: bool = False
    """follow the regularised leader instead of mirror ascent"""
    share: float = bounded(0.0, least=0, below=1)
    """fixed share of every expert, see `MirrorConfig.share`; not with lazy"""
    load_price: float | None = bounded(0.0, least=0)
    """price of loading all memory once, in serving cost per slot and nominal request: experts are weighed by
    how they move, too; null: as the score charges it"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scales or min(self.scales) <= 0.0:
            raise ConfigError("scales", f"{self.scales!r} is not allowed; must be numbers above 0")
        if self.lazy and self.share > 0.0:
            raise ConfigError("share", f"{self.share:g} is not allowed; must be 0 with lazy")


class AdaHedge:
    """Weights (B, N, K) of K experts at each node."""

    def __init__(self, rows: int, nodes: int, experts: int) -> None:
        self.total = np.zeros((rows, nodes, experts))  # linearised gains so far
        self.gap = np.zeros((rows, nodes))  # mixability gaps so far

    def begin(self, rows: Bools) -> None:
        self.total[rows], self.gap[rows] = 0.0, 0.0

    def weights(self) -> Floats:
        """(B, N, K), each sums to 1; before the first gap, the leaders share equally."""
        lead = self.total - self.total.max(axis=2, keepdims=True)
        rate = self._rates()[:, :, None]
        finite = np.where(np.isfinite(rate), rate, 0.0)
        raw = np.where(np.isfinite(rate), np.exp(finite * lead), (lead >= 0.0).astype(float))
        found: Floats = raw / raw.sum(axis=2, keepdims=True)
        return found

    def learn(self, gains: Floats) -> None:
        """Take in the linearised gains (B, N, K) of a slot."""
        weights, rate = self.weights(), self._rates()
        mean = (weights * gains).sum(axis=2)
        # mix gain: ln sum w exp(eta l) / eta, or the best gain among the leaders where eta is infinite
        top = np.where(weights > 0.0, gains, -np.inf).max(axis=2)
        finite = np.where(np.isfinite(rate), rate, 0.0)
        inside = (weights * np.exp(finite[:, :, None] * np.minimum(0.0, gains - top[:, :, None]))).sum(axis=2)
        safe = np.where(finite > 0.0, finite, 1.0)
        mix = np.where(finite > 0.0, top + np.log(inside) / safe, np.where(np.isinf(rate), top, mean))
        self.gap += np.maximum(0.0, mix - mean)
        self.total += gains

    def _rates(self) -> Floats:
        rates = np.full_like(self.gap, np.inf)
        np.divide(np.log(self.total.shape[2]), self.gap, out=rates, where=self.gap > 0.0)
        return rates


class Hedge(OnlineLearner):
    """INFIDA without tuning."""

    def __init__(
        self, compiled: Compiled, rows: int, config: HedgeConfig, held: Residents | None = None
    ) -> None:
        """Start as the options say; `held` (N, M) is the placement of start "static-greedy"."""
        self.config, self._held = config, held
        self.experts: ExpertSet | None = None
        super().__init__(compiled, rows, config)

    def start(self, rows: Bools) -> None:
        if self.experts is None:
            mirrors = [
                MirrorState(
                    self.polytope,
                    self.rows,
                    Update(entropy, self.config.lazy),
                    scale,
                    share=self.config.share,
                    warm=warm_start(self, self.config, entropy, self._held),
                )
                for entropy in (True, False)
                for scale in self.config.scales
            ]
            self.experts = ExpertSet(mirrors)
            self.hedge = AdaHedge(self.rows, len(self.polytope.budget), len(mirrors))
        self.experts.begin(rows)
        self.hedge.begin(rows)
        self.experts.mix(self.hedge.weights(), self.fractional)

    def learn(self, feedback: Feedback) -> None:
        assert self.experts is not None
        weights = feedback.revealed.draw.weights
        prices = option_prices_per_byte(self.compiled, self.config.load_price, weights)
        moving = 0.5 * prices[:, None] * self.polytope.size
        moving *= self.tables.node_count[self.items.node]
        self.hedge.learn(self.experts.earn(self.gradient, moving))
        self.experts.move(self.gradient)
        self.experts.mix(self.hedge.weights(), self.fractional)
