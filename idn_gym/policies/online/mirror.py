"""Mirror ascent and follow-the-regularised-leader over chains under budgets, in both geometries.

With g a supergradient of the slot's gain, s sizes and P the projections of `projection.py`:

=============  ========================================  =====================================
name           eager: online mirror descent              lazy: follow the regularised leader
=============  ========================================  =====================================
entropy        z+ = P_ent(z exp(eta g / s)), INFIDA       z+ = P_ent(z_1 exp(eta theta / s))
Euclidean      z+ = P_euc(z + eta g / s), OGA             z+ = P_euc(z_1 + eta theta / s)
=============  ========================================  =====================================

theta is the sum of all g so far and z_1 the start, the fraction b / S everywhere, with b a node's budget and
S the sum of its sizes. Entropy steps are taken on logs, which the projection hands back floored
at 1e-12 (see `projection.LOG_FLOOR`): that is INFIDA exactly while no fraction is below it.

Steps per node, with q_t = max |g_t| / s, n_t^2 = sum g_t^2 / s and l = max(1, ln(S / b)) (derivations in
docs/learners.md):

- "adaptive", entropy: sqrt(c l / sum q_t^2), c = 2 eager and 1 lazy. Regret of the best fixed eager
  step: at most b sqrt(2 l sum q_t^2), summed over nodes; the adaptive one is proven for the lazy form only.
- "adaptive", Euclidean: D / sqrt(2 sum n_t^2), D^2 = min(2 b, S). Regret: at most D sqrt(2 sum n_t^2).
- "theory": the fixed step for the scenario's horizon T and the gradient at an empty network while each
  batch is `peak` times its nominal size at nominal costs: sqrt(2 l / T) / q, or D / (n sqrt(T)). With whole
  models no gradient is larger while no batch is. These are the constants of the published bound, node
  by node (derived in its notation: theta = 1 / b, D_max = b l, sigma = q).

A slot in which an eager node holds everything and no gradient is negative moves nothing and has no
regret; it is left out of the sums. `scale` multiplies either step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.optimum.projection import LOG_FLOOR, Polytope, project_entropy, project_euclid
from idn_gym.policies.online.learner import OnlineConfig, OnlineLearner
from idn_gym.policies.online.proof import unproven
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class MirrorConfig(OnlineConfig):
    """Steps of mirror ascent."""

    step: Literal["adaptive", "theory"] = "adaptive"
    scale: float = bounded(1.0, above=0)
    """factor on the step; tune it on validation seeds"""
    peak: float = bounded(2.0, above=0)
    """largest batch over the nominal one that step "theory" reckons with"""
    share: float = bounded(0.0, least=0, below=1)
    """fixed share: how much of the start is mixed in after every slot, to follow changes; not for ftrl"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.splits and self.step == "theory":
            raise ConfigError(
                "step", "'theory' is not allowed with splits, for which its step is not defined"
            )


class Update(NamedTuple):
    """Choice among the four updates."""

    entropy: bool
    lazy: bool


class MirrorState:
    """One fractional placement per row, moved by supergradients.

    Attributes:
        z: (B, I) the placements.
        norms: (B, N) sums of squared dual norms of the gradients so far.
        steps: (B, N) sums of step x dual norm so far: an eager iterate moves no further in its norm.
    """

    def __init__(
        self,
        polytope: Polytope,
        rows: int,
        geometry: Update,
        scale: float = 1.0,
        fixed: Floats | None = None,
        share: float = 0.0,
    ) -> None:
        """Start at the uniform placement.

        Args:
            polytope: chains and budgets.
            rows: B.
            geometry: which update.
            scale: factor on the step.
            fixed: (N,) step of each node; None: adaptive steps.
            share: of the start that is mixed in after every step; eager updates alone.
        """
        self.share = share
        count, nodes = len(polytope.size), len(polytope.budget)
        self.polytope, self.geometry, self.scale, self.fixed = polytope, geometry, scale, fixed
        self.z = np.zeros((rows, count))
        self.norms, self.steps, self._slot = np.zeros((3, rows, nodes))
        self._point = np.zeros((rows, count))
        self._sum = np.zeros((rows, count if geometry.lazy else 0))
        self._width = widths(polytope, geometry)
        self._start, self._origin = start_fractions(polytope, geometry.entropy)
        self.begin(np.ones(rows, np.bool_))

    def begin(self, rows: Bools) -> None:
        """Put the marked rows back to the start: the same fraction everywhere in a node."""
        self.norms[rows], self.steps[rows] = 0.0, 0.0
        self._sum[rows] = 0.0
        self._point[rows] = self._origin
        self.z[rows] = self._start

    def move(self, gradient: Floats) -> None:
        """Take one step along the supergradients (B, I)."""
        self._slot[:] = 0.0
        add_norms(self.polytope, gradient, self.z, self.geometry, self._slot)
        self.norms += self._slot
        if self.fixed is None:
            eta = np.zeros_like(self.norms)
            np.divide(self._width, np.sqrt(self.norms), out=eta, where=self.norms > 0.0)
            eta *= self.scale
        else:
            eta = np.broadcast_to(self.scale * self.fixed, self.norms.shape).copy()
        self.steps += eta * np.sqrt(self._slot)
        if self.geometry.lazy:
            self._sum += gradient
            self._point[:] = self._origin
            ascend(self.polytope, self._sum, eta, self._point)
        else:
            ascend(self.polytope, gradient, eta, self._point)
        self._project(self._point, self.z)
        if self.share > 0.0:
            self.z *= 1.0 - self.share
            self.z += self.share * self._start
            if self.geometry.entropy:
                self._point[:] = np.log(np.maximum(self.z, math.exp(LOG_FLOOR)))
        if not self.geometry.entropy:
            self._point[:] = self.z

    def _project(self, point: Floats, z: Floats) -> None:
        (project_entropy if self.geometry.entropy else project_euclid)(self.polytope, point, z)


def start_fractions(polytope: Polytope, entropy: bool) -> tuple[Floats, Floats]:
    """The fraction b / S everywhere (I,), and the point whose projection it is."""
    held = polytope.total > 0.0
    share = np.divide(polytope.budget, polytope.total, out=np.zeros(len(held)), where=held)
    start: Floats = np.repeat(share, np.diff(polytope.node_start))
    return start, np.log(np.maximum(start, math.exp(LOG_FLOOR))) if entropy else start


def widths(polytope: Polytope, geometry: Update) -> Floats:
    """(N,) numerators of the adaptive steps; 0 where there is nothing to choose.

    Entropy: sqrt(c max(1, ln(S/b))) with c as above; nothing is further from the start than b times the
    maximum. Euclidean: D / sqrt(2) with D^2 = min(2b, S), the squared diameter [bytes].
    """
    total, budget = polytope.total, polytope.budget
    free = budget > 0.0
    if geometry.entropy:
        ratio = np.divide(total, budget, out=np.ones_like(total), where=free)
        return np.where(free, np.sqrt((1.0 if geometry.lazy else 2.0) * np.maximum(1.0, np.log(ratio))), 0.0)
    return np.sqrt(np.minimum(budget, 0.5 * total))


def theory_steps(learner: OnlineLearner, geometry: Update, peak: float) -> Floats:
    """(N,) the fixed steps of the published bound, with the constants of each node."""
    tables, polytope = learner.tables, learner.polytope
    draw = learner.nominal._replace(demand=peak * learner.nominal.demand)
    gradient = np.zeros((1, len(polytope.size)))
    nothing = np.zeros(len(polytope.size))
    layers = allocate_ranking(tables, learner.items)
    gain_and_gradient(tables, draw, 0, 0, learner.items, nothing, gradient[0], layers)
    norms = np.zeros((1, len(polytope.budget)))
    add_norms(polytope, gradient, np.zeros_like(gradient), geometry, norms)
    horizon = learner.compiled.scenario.horizon
    width = widths(polytope, Update(geometry.entropy, False)) * (1.0 if geometry.entropy else np.sqrt(2.0))
    steps = np.zeros_like(width)
    np.divide(width, np.sqrt(norms[0] * horizon), out=steps, where=norms[0] > 0.0)
    return steps


@njit_no_alloc
def add_norms(polytope: Polytope, gradient: Floats, z: Floats, geometry: Update, norms: Floats) -> None:
    """Add the squared dual norm of each node's gradient: (max |g| / s)^2, or sum g^2 / s.

    Nodes that an eager update leaves at everything are passed over: no placement does better there.
    """
    for b in range(len(gradient)):
        for v in range(len(polytope.budget)):
            total, most = 0.0, 0.0
            stays = not geometry.lazy
            for i in range(polytope.node_start[v], polytope.node_start[v + 1]):
                rate = gradient[b, i] / polytope.size[i]
                most = max(most, abs(rate))
                total += rate * gradient[b, i]
                stays = stays and z[b, i] == 1.0 and rate >= 0.0
            if not stays:
                norms[b, v] += most * most if geometry.entropy else total


@njit_no_alloc
def ascend(polytope: Polytope, direction: Floats, eta: Floats, point: Floats) -> None:
    """Add eta direction / s to the points, (B, I) each; eta is (B, N)."""
    for b in range(len(point)):
        for v in range(len(polytope.budget)):
            for i in range(polytope.node_start[v], polytope.node_start[v + 1]):
                point[b, i] += eta[b, v] * (direction[b, i] / polytope.size[i])


class MirrorAscent(OnlineLearner):
    """One of the four updates with one step.

    Attributes:
        unproven: the first assumption of a proven regret bound that fails here; None: there is a bound.
    """

    def __init__(self, compiled: Compiled, rows: int, config: MirrorConfig, geometry: Update) -> None:
        if geometry.lazy and config.share > 0.0:
            raise ConfigError(
                "share", f"{config.share:g} is not allowed; must be 0 for leaders, which have no restarts"
            )
        self.config, self.geometry = config, geometry
        self.iterate: MirrorState | None = None
        super().__init__(compiled, rows, config)
        self.unproven = unproven(compiled, self.items, geometry, config)

    def start(self, rows: Bools) -> None:
        if self.iterate is None:
            theory = self.config.step == "theory"
            fixed = theory_steps(self, self.geometry, self.config.peak) if theory else None
            steps = self.config.scale, fixed, self.config.share
            self.iterate = MirrorState(self.polytope, self.rows, self.geometry, *steps)
            self.fractional = self.iterate.z
        self.iterate.begin(rows)

    def learn(self, feedback: Feedback) -> None:
        assert self.iterate is not None
        self.iterate.move(self.gradient)

    @property
    def regret_bound(self) -> Floats | None:
        """(B,) bound on the fractional regret so far: D sqrt(2 sum n_t^2) over all nodes.

        None where it is not proven: `unproven` says why.
        """
        if self.iterate is None or self.unproven is not None:
            return None
        bound: Floats = (2.0 * widths(self.polytope, self.geometry) * np.sqrt(self.iterate.norms)).sum(axis=1)
        return bound

    @property
    def movement_bound(self) -> Floats | None:
        """(B,) [bytes] bound on `fractional_loaded` so far: b + sqrt(S) sum eta_t n_t, all nodes.

        With a price p of a byte, fractional regret net of loads is at most `regret_bound` + p x this. None
        where that is.
        """
        if self.iterate is None or self.unproven is not None:
            return None
        polytope, devices = self.polytope, self.tables.node_count
        bound: Floats = (polytope.budget + np.sqrt(polytope.total) * self.iterate.steps) @ devices
        return bound
