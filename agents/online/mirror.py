"""Mirror ascent and follow-the-regularised-leader over chains under budgets, in both geometries.

With g a supergradient of the slot's gain, s sizes and P the projections of `projection.py`:

=============  ========================================  =====================================
name           eager: online mirror descent              lazy: follow the regularised leader
=============  ========================================  =====================================
entropy        z+ = P_ent(z exp(eta g / s)), INFIDA       z+ = P_ent(exp(eta theta / s))
Euclidean      z+ = P_euc(z + eta g / s), OGA             z+ = P_euc(eta theta / s)
=============  ========================================  =====================================

theta is the sum of all g so far. Entropy steps are taken on logs, which the projection hands back floored
at 1e-12 (see `projection.LOG_FLOOR`): that is INFIDA exactly while no fraction is below it.

Steps per node v, with b its budget, S the sum of its sizes, q_t = max |g_t| / s and n_t^2 = sum g_t^2 / s:

- "adaptive", entropy: sqrt(c ln(S / b) / sum q_t^2), c = 2 eager and 1 lazy. Regret of the best fixed
  eager step: at most b sqrt(2 ln(S / b) sum q_t^2), summed over nodes; the adaptive one is proven for
  the lazy form only.
- "adaptive", Euclidean: D / sqrt(2 sum n_t^2), D^2 = 2 min(b, S - b). Regret: at most D sqrt(2 sum n_t^2).
- "theory": the fixed step for the scenario's horizon T and the largest gradient there can be while no
  batch exceeds `peak` times its nominal size at nominal costs, which is the one at an empty network:
  sqrt(2 ln(S / b) / T) / q, or D / (n sqrt(T)). These are the constants of the published bound, node
  by node (derived in its notation: theta = 1 / b, D_max = b ln(S / b), sigma = q).

`scale` multiplies either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from agents.online.learner import OnlineConfig, OnlineLearner
from agents.online.projection import Polytope, project_entropy, project_euclid
from idn_gym.core.arrays import Floats
from idn_gym.core.kernel import hot
from idn_gym.core.layers import make_layers
from idn_gym.core.relaxation import gain_and_gradient
from idn_gym.evaluation.hindsight import serves_alone
from idn_gym.policy import Bools, Feedback
from idn_gym.scenarios.compile import Compiled
from idn_gym.strict import number


@dataclass(frozen=True)
class MirrorConfig(OnlineConfig):
    """Steps of mirror ascent."""

    step: Literal["adaptive", "theory"] = "adaptive"
    scale: float = number(1.0, above=0)
    """factor on the step; tune it on validation seeds"""
    peak: float = number(2.0, above=0)
    """largest batch over the nominal one that step "theory" reckons with"""


@dataclass(frozen=True)
class Geometry:
    """Which of the four updates."""

    entropy: bool
    lazy: bool


class Iterate:
    """One fractional placement per row, moved by supergradients.

    Attributes:
        z: (B, I) the placements.
        norms: (B, N) sums of squared dual norms of the gradients so far.
    """

    def __init__(
        self,
        polytope: Polytope,
        rows: int,
        geometry: Geometry,
        scale: float = 1.0,
        fixed: Floats | None = None,
    ) -> None:
        """Start at the uniform placement.

        Args:
            polytope: chains and budgets.
            rows: B.
            geometry: which update.
            scale: factor on the step.
            fixed: (N,) step of each node; None: adaptive steps.
        """
        count, nodes = len(polytope.size), len(polytope.budget)
        self.polytope, self.geometry, self.scale, self.fixed = polytope, geometry, scale, fixed
        self.z = np.zeros((rows, count))
        self.norms = np.zeros((rows, nodes))
        self._point = np.zeros((rows, count))
        self._sum = np.zeros((rows, count if geometry.lazy else 0))
        self._width = widths(polytope, geometry)
        self.begin(np.ones(rows, np.bool_))

    def begin(self, rows: Bools) -> None:
        """Put the marked rows back to the minimum of the mirror map: the same fraction everywhere."""
        self.norms[rows] = 0.0
        self._sum[rows] = 0.0
        # from 0 both projections lead to the same fraction everywhere; the other rows stay
        point, z = np.zeros((1, self.z.shape[1])), np.zeros((1, self.z.shape[1]))
        self._project(point, z)
        self._point[rows] = point if self.geometry.entropy else z
        self.z[rows] = z

    def move(self, gradient: Floats) -> None:
        """Take one step along the supergradients (B, I)."""
        add_norms(self.polytope, gradient, self.geometry.entropy, self.norms)
        if self.fixed is None:
            eta = np.zeros_like(self.norms)
            np.divide(self._width, np.sqrt(self.norms), out=eta, where=self.norms > 0.0)
            eta *= self.scale
        else:
            eta = np.broadcast_to(self.scale * self.fixed, self.norms.shape).copy()
        if self.geometry.lazy:
            self._sum += gradient
            self._point[:] = 0.0
            step(self.polytope, self._sum, eta, self._point)
        else:
            step(self.polytope, gradient, eta, self._point)
        self._project(self._point, self.z)
        if not self.geometry.entropy:
            self._point[:] = self.z

    def _project(self, point: Floats, z: Floats) -> None:
        (project_entropy if self.geometry.entropy else project_euclid)(self.polytope, point, z)


def widths(polytope: Polytope, geometry: Geometry) -> Floats:
    """(N,) numerators of the adaptive steps; 0 where there is nothing to choose."""
    total = _totals(polytope)
    budget = polytope.budget
    free = (budget > 0.0) & (budget < total)
    if geometry.entropy:
        ratio = np.where(free, total / np.where(free, budget, 1.0), 1.0)
        return np.sqrt((1.0 if geometry.lazy else 2.0) * np.log(ratio))
    return np.where(free, np.sqrt(np.minimum(budget, total - budget)), 0.0)


def theory_steps(learner: OnlineLearner, geometry: Geometry, peak: float) -> Floats:
    """(N,) the fixed steps of the published bound, with the constants of each node."""
    tables, polytope = learner.tables, learner.polytope
    draw = learner.nominal._replace(demand=peak * learner.nominal.demand)
    gradient = np.zeros((1, len(polytope.size)))
    nothing = np.zeros(len(polytope.size))
    layers = make_layers(tables, learner.items)
    gain_and_gradient(tables, draw, 0, 0, learner.items, nothing, gradient[0], layers)
    norms = np.zeros((1, len(polytope.budget)))
    add_norms(polytope, gradient, geometry.entropy, norms)
    horizon = learner.compiled.scenario.horizon
    width = widths(polytope, Geometry(geometry.entropy, False)) * (1.0 if geometry.entropy else np.sqrt(2.0))
    steps = np.zeros_like(width)
    np.divide(width, np.sqrt(norms[0] * horizon), out=steps, where=norms[0] > 0.0)
    return steps


def _totals(polytope: Polytope) -> Floats:
    sums = np.append(0.0, np.cumsum(polytope.size))
    totals: Floats = sums[polytope.node_start[1:]] - sums[polytope.node_start[:-1]]
    return totals


@hot
def add_norms(polytope: Polytope, gradient: Floats, entropy: bool, norms: Floats) -> None:
    """Add the squared dual norm of each node's gradient: (max |g| / s)^2, or sum g^2 / s."""
    for b in range(len(gradient)):
        for v in range(len(polytope.budget)):
            total, most = 0.0, 0.0
            for i in range(polytope.node_start[v], polytope.node_start[v + 1]):
                rate = gradient[b, i] / polytope.size[i]
                most = max(most, abs(rate))
                total += rate * gradient[b, i]
            norms[b, v] += most * most if entropy else total


@hot
def step(polytope: Polytope, direction: Floats, eta: Floats, point: Floats) -> None:
    """Add eta direction / s to the points, (B, I) each; eta is (B, N)."""
    for b in range(len(point)):
        for v in range(len(polytope.budget)):
            for i in range(polytope.node_start[v], polytope.node_start[v + 1]):
                point[b, i] += eta[b, v] * (direction[b, i] / polytope.size[i])


class Mirror(OnlineLearner):
    """One of the four updates with one step."""

    def __init__(self, compiled: Compiled, rows: int, config: MirrorConfig, geometry: Geometry) -> None:
        self.config, self.geometry = config, geometry
        self.iterate: Iterate | None = None
        super().__init__(compiled, rows, config)
        self._covered = serves_alone(self.tables, self.items)

    def start(self, rows: Bools) -> None:
        if self.iterate is None:
            theory = self.config.step == "theory"
            fixed = theory_steps(self, self.geometry, self.config.peak) if theory else None
            self.iterate = Iterate(self.polytope, self.rows, self.geometry, self.config.scale, fixed)
            self.fractional = self.iterate.z
        self.iterate.begin(rows)

    def learn(self, feedback: Feedback) -> None:
        assert self.iterate is not None
        self.iterate.move(self.gradient)

    @property
    def regret_bound(self) -> Floats | None:
        """(B,) what fractional regret has at most come to so far: D sqrt(2 sum n_t^2) over all nodes.

        None where it is not proven: it is for `oga` with its own adaptive step, with private capacities
        and where no option needs two placed segments.
        """
        eager = not (self.geometry.entropy or self.geometry.lazy)
        own = self.config.step == "adaptive" and self.config.scale == 1.0
        if self.iterate is None or not (eager and own and self._covered):
            return None
        diameter = np.sqrt(2.0) * widths(self.polytope, self.geometry)
        bound: Floats = (diameter * np.sqrt(2.0 * self.iterate.norms)).sum(axis=1)
        return bound
