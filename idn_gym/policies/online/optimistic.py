"""Optimistic mirror ascent: INFIDA that leans on hints, and trusts each as far as it has been right.

With g the supergradients, m the hints, s sizes, theta the sum of all g so far, z_1 the start,
l = max(1, ln(S / b)), delta = max |g - m| / s, Q the sum of delta^2 so far and M the largest delta so far:

- lazy (default), optimistic follow the regularised leader: z = P_ent(z_1 exp(eta (theta + m) / s)) with
  eta = scale sqrt(l / (Q + M^2)). Regret of a node: at most 2 b sqrt(l (Q + M^2)) + 2 b M, proven in
  docs/learners.md.
- eager, optimistic mirror descent: w <- P_ent(w exp(eta g / s)), z = P_ent(w exp(eta m / s)) with
  eta = scale sqrt(2 l / Q). With the best fixed step regret is at most b sqrt(2 l Q); this one has no
  proof.

As long as delta was 0 throughout, nothing is hinted and nothing moves. Without hints delta is max |g| / s,
and the lazy form is `ftrl-entropy` but for its step.

Every node mixes its hints: m = sum of p_k m_k, by AdaHedge on the losses delta_k^2. delta^2 is convex in m:
Q is at most that of the best hint plus AdaHedge's regret; the empty hint is always included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats
from idn_gym.optimum.projection import Polytope, project_entropy
from idn_gym.policies.online.experts import AdaHedge
from idn_gym.policies.online.hints import Hint, make_hint
from idn_gym.policies.online.learner import OnlineConfig, OnlineLearner
from idn_gym.policies.online.mirror_state import Update, start_fractions, widths
from idn_gym.policies.online.proof import unproven_scenario
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled

NO_HINT = "none"


@dataclass(frozen=True)
class OptimisticConfig(OnlineConfig):
    """Hints, and how far to step."""

    hints: tuple[Any, ...] = ("last", "smoothed")
    """beside none at all: names of hints or of forecasters, or mappings of kind and options"""
    lazy: bool = True
    """follow the regularised leader, whose step has a proof; false: mirror descent"""
    scale: float = bounded(1.0, above=0)
    """factor on the step; tune it on validation seeds"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if NO_HINT in self.hints:
            raise ConfigError("hints", f"{NO_HINT!r} is not allowed; the empty hint is always included")


class OptimisticState:
    """One fractional placement per row, moved by supergradients and hints.

    Attributes:
        z: (B, I) the placements.
        squares: (B, N) Q, sums of delta^2 so far.
        largest: (B, N) M, the largest delta so far.
    """

    def __init__(
        self, polytope: Polytope, rows: int, lazy: bool, scale: float = 1.0, fixed: Floats | None = None
    ) -> None:
        """Start at the uniform placement.

        Args:
            polytope: chains and budgets.
            rows: B.
            lazy: which update.
            scale: factor on the step.
            fixed: (N,) step of each node; None: adaptive steps.
        """
        self.fixed = fixed
        count, nodes = len(polytope.size), len(polytope.budget)
        self.polytope, self.lazy, self.scale = polytope, lazy, scale
        self.squares, self.largest = np.zeros((2, rows, nodes))
        self._everything = np.ones((rows, nodes), np.bool_)  # nodes that held all, no slope being negative
        self.z, self._sum, self._point, self._hint = np.zeros((4, rows, count))
        self._node = np.repeat(np.arange(nodes), np.diff(polytope.node_start))
        self._width = widths(polytope, Update(True, lazy))
        self._start, self._origin = start_fractions(polytope, entropy=True)
        self.begin(np.ones(rows, np.bool_))

    def begin(self, rows: Bools) -> None:
        """Put the marked rows back to the start."""
        self.squares[rows], self.largest[rows], self._sum[rows], self._hint[rows] = 0.0, 0.0, 0.0, 0.0
        self._everything[rows] = True
        self._point[rows], self.z[rows] = self._origin, self._start

    def learn(self, gradient: Floats) -> None:
        """Take in the supergradients (B, I) at z."""
        short = np.where((self.z < 1.0) | (gradient < 0.0), self.polytope.size, 0.0)
        self._everything &= node_slopes(self.polytope, short) == 0.0
        delta = node_slopes(self.polytope, gradient - self._hint)
        self.squares += delta**2
        np.maximum(self.largest, delta, out=self.largest)
        if self.lazy:
            self._sum += gradient
            return
        self._point += self._steps()[:, self._node] * (gradient / self.polytope.size)
        project_entropy(self.polytope, self._point, self.z)  # which also brings the point itself back

    def aim(self, hint: Floats) -> None:
        """Move to where the next slot is played, given its hint (B, I)."""
        eta = self._steps()[:, self._node]
        self._hint[:] = np.where(eta > 0.0, hint, 0.0)
        if self.lazy:
            point = self._origin + eta * ((self._sum + self._hint) / self.polytope.size)
        else:
            point = self._point + eta * (self._hint / self.polytope.size)
        project_entropy(self.polytope, point, self.z)

    def bounds(self) -> Floats:
        """(B, N) [cost] bound on the regret of each node, for lazy updates at scale 1."""
        held, budget = self._width**2, self.polytope.budget  # l
        spread = np.sqrt(held * (self.squares + self.largest**2))
        bound: Floats = 2.0 * budget * np.where(self._everything, 0.0, spread + self.largest)
        return bound

    def _steps(self) -> Floats:
        """(B, N) 0 where nothing has been learnt, if they adapt."""
        if self.fixed is not None:
            return np.broadcast_to(self.fixed, self.squares.shape)
        seen = self.squares + (self.largest**2 if self.lazy else 0.0)
        eta = np.zeros_like(seen)
        np.divide(self.scale * self._width, np.sqrt(seen), out=eta, where=seen > 0.0)
        return eta


def node_slopes(polytope: Polytope, gradient: Floats) -> Floats:
    """(B, N) largest |g| / s of each node's columns; 0 without columns."""
    steep = np.abs(gradient) / polytope.size
    largest = [steep[:, i:j].max(axis=1, initial=0.0) for i, j in pairwise(polytope.node_start.tolist())]
    return np.stack(largest, axis=1) if largest else np.zeros((len(gradient), 0))


class Optimistic(OnlineLearner):
    """See the module's head.

    Attributes:
        trust: (B, N, K) weight of each hint at each node in the coming slot, none at all first.
        unproven: the first assumption of the proven bound that fails here; None: there is a bound.
    """

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        config: OptimisticConfig,
        beside: Mapping[str, Hint] | None = None,
    ) -> None:
        """Build it.

        Args:
            compiled: the scenario.
            rows: B.
            config: options.
            beside: hints by name, further to those of the options.
        """
        self.config, self._beside = config, dict(beside or {})
        self.iterate: OptimisticState | None = None
        self._hints: list[Hint] = []
        super().__init__(compiled, rows, config)
        self.unproven = unproven_scenario(compiled, self.items, config.splits)
        if not config.lazy or config.scale != 1.0:
            self.unproven = "the step is not the one of the proof: lazy, scale 1"

    def start(self, rows: Bools) -> None:
        if self.iterate is None:
            self.iterate = OptimisticState(self.polytope, self.rows, self.config.lazy, self.config.scale)
            self.fractional = self.iterate.z
            self._hints = [make_hint(hint, self) for hint in self.config.hints]
            self._hints += self._beside.values()
            self._guesses = np.zeros((1 + len(self._hints), *self.fractional.shape))
            self._hedge = AdaHedge(self.rows, len(self.polytope.budget), len(self._guesses))
            self.trust = self._hedge.weights()
        self.iterate.begin(rows)
        self._hedge.begin(rows)
        self._guesses[:, rows] = 0.0
        for hint in self._hints:
            hint.begin(rows)

    def learn(self, feedback: Feedback) -> None:
        self.take_in(feedback)
        self.lean()

    def take_in(self, feedback: Feedback) -> None:
        """Learn from the slot just played which hints to trust, and its supergradient."""
        assert self.iterate is not None
        losses = [node_slopes(self.polytope, self.gradient - guess) ** 2 for guess in self._guesses]
        self._hedge.learn(-np.stack(losses, axis=2))
        self.iterate.learn(self.gradient)
        for hint in self._hints:
            hint.see(feedback, self.gradient)
        self.trust = self._hedge.weights()

    def lean(self) -> None:
        """Ask the hints what the coming slot is worth, and move to where it is played."""
        assert self.iterate is not None
        for k, hint in enumerate(self._hints):
            self._guesses[1 + k] = hint.guess(self.fractional)
        weights = self.trust[:, self.items.node]  # (B, I, K)
        self.iterate.aim(np.einsum("bik,kbi->bi", weights, self._guesses))

    @property
    def regret_bound(self) -> Floats | None:
        """(B,) [cost] bound on the fractional regret so far; None where it is not proven."""
        if self.iterate is None or self.unproven is not None:
            return None
        bound: Floats = self.iterate.bounds().sum(axis=1)
        return bound

    @property
    def notes(self) -> dict[str, float]:
        """Values of row 0, for reports: mean weight of each hint in the next slot; see `name_hints`."""
        names = [NO_HINT, *name_hints(self.config.hints), *self._beside]
        found = self.trust[0].mean(axis=0)
        return {f"trust {name}": float(weight) for name, weight in zip(names, found, strict=True)}


def name_hints(hints: Sequence[Any]) -> list[str]:
    """A name of its own for each of `OptimisticConfig.hints`: its kind, numbered from the second on."""
    names: list[str] = []
    for hint in hints:
        kind = hint["kind"] if isinstance(hint, dict) else hint
        name, number = kind, 2
        while name in names:
            name, number = f"{kind} {number}", number + 1
        names.append(name)
    return names
