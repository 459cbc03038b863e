"""Mirror ascent and follow-the-regularised-leader over chains under budgets, in both geometries.

With g a supergradient of the slot's gain, s sizes and P the projections of `projection.py`:

=============  ========================================  =====================================
name           eager: online mirror descent              lazy: follow the regularised leader
=============  ========================================  =====================================
entropy        z+ = P_ent(z exp(eta g / s)), INFIDA       z+ = P_ent(z_1 exp(eta theta / s))
Euclidean      z+ = P_euc(z + eta g / s), OGA             z+ = P_euc(z_1 + eta theta / s)
=============  ========================================  =====================================

theta is the sum of all g so far and z_1 the start, the fraction b / S everywhere unless it is warm
(`warm_start.py`), with b a node's budget and S the sum of its sizes. Entropy steps are taken on logs, which
the projection hands back floored at 1e-12 (see `projection.LOG_FLOOR`): that is INFIDA exactly while no
fraction is below it.

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
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Residents
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.optimum.projection import LOG_FLOOR, Polytope, project_entropy, project_euclid
from idn_gym.policies.online.learner import OnlineLearner
from idn_gym.policies.online.warm_start import EVEN, Columns, WarmStart, WarmStartConfig, held_columns


class Update(NamedTuple):
    """Which of the four updates."""

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
        warm: WarmStart | None = None,
    ) -> None:
        """Start at the uniform placement, or at a warm one.

        Args:
            polytope: chains and budgets.
            rows: B.
            geometry: which update.
            scale: factor on the step.
            fixed: (N,) step of each node; None: adaptive steps.
            share: of the uniform placement that is mixed in after every step; eager updates alone.
            warm: what episodes start from; None: the uniform placement.
        """
        self.share, self.warm = share, warm
        count, nodes = len(polytope.size), len(polytope.budget)
        self.polytope, self.geometry, self.scale, self.fixed = polytope, geometry, scale, fixed
        self.z = np.zeros((rows, count))
        self.norms, self.steps, self._slot = np.zeros((3, rows, nodes))
        self._point = np.zeros((rows, count))
        self._sum = np.zeros((rows, count if geometry.lazy else 0))
        self._width = widths(polytope, geometry)
        self._even, even_point = start_fractions(polytope, geometry.entropy)
        self._start = np.repeat(self._even[None], rows, axis=0)
        self._origin = np.repeat(even_point[None], rows, axis=0)
        self._moved = np.zeros(rows, np.bool_)
        if warm is not None:
            self._start_from(warm.fractions)
        self.begin(np.ones(rows, np.bool_))

    def begin(self, rows: Bools) -> None:
        """Put the marked rows back to the start; a warm one first takes over what they have learnt."""
        learnt: Bools = rows & self._moved
        if self.warm is not None and learnt.any():
            self.warm.take_over(learnt, self.z)
            self._start_from(self.warm.fractions)
        self._moved[rows] = False
        self.norms[rows], self.steps[rows] = 0.0, 0.0
        self._sum[rows] = 0.0
        self._point[rows] = self._origin[rows]
        self.z[rows] = self._start[rows]

    def _start_from(self, fractions: Floats) -> None:
        """Project warm starts (B, I), and keep the points that they are the projections of."""
        self._origin[:] = _point_of(fractions, self.geometry.entropy)
        self._project(self._origin, self._start)

    def move(self, gradient: Floats) -> None:
        """Take one step along the supergradients (B, I)."""
        self._moved[:] = True
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
            self.z += self.share * self._even
            if self.geometry.entropy:
                self._point[:] = _point_of(self.z, entropy=True)
        if not self.geometry.entropy:
            self._point[:] = self.z

    def _project(self, point: Floats, z: Floats) -> None:
        (project_entropy if self.geometry.entropy else project_euclid)(self.polytope, point, z)


def start_fractions(polytope: Polytope, entropy: bool) -> tuple[Floats, Floats]:
    """The fraction b / S everywhere (I,), and the point whose projection it is."""
    held = polytope.total > 0.0
    share = np.divide(polytope.budget, polytope.total, out=np.zeros(len(held)), where=held)
    start: Floats = np.repeat(share, np.diff(polytope.node_start))
    return start, _point_of(start, entropy)


def _point_of(z: Floats, entropy: bool) -> Floats:
    """What the mirror works on: logs, floored, or the fractions themselves."""
    return np.log(np.maximum(z, math.exp(LOG_FLOOR))) if entropy else z


def warm_start(
    learner: OnlineLearner, config: WarmStartConfig, entropy: bool, held: Residents | None
) -> WarmStart | None:
    """What one mirror of a learner starts from; None: the uniform placement."""
    if config.start == EVEN:
        return None
    columns = Columns(learner.items.node, learner.items.model, learner.items.segment)
    even, _ = start_fractions(learner.polytope, entropy)
    placement = learner.tables.pinned if held is None else held
    return WarmStart(learner.rows, even, config, columns, held_columns(learner.tables, columns, placement))


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
