"""Experts with a grid of fixed steps, weighed by Hedge: dynamic regret with the loads of the learner paid.

Per node, in the norm ||x||^2 = sum s x^2: D^2 = min(2 b, S) the squared diameter, n_t^2 = sum g_t^2 / s,
N the declared bound on n_t, T the horizon, c half the price of a byte on all devices of the node. An expert
k = 1, 2, ..., K is online gradient ascent from the even start with the step

    eta_k = 2^(k-1) D / sqrt(N (N + 2 c sqrt S) T),    K = 1 + ceil(log2(2 T - 1) / 2),

and its loss in a slot is l_k = c sum s |z_k - (before)| - <g, z_k>, g the supergradient at the mean of the
experts. Hedge weighs the experts by w_k ~ exp(- rate (l_k so far)) / (k (k + 1)), with, for the declared
spread L = D (N + c D) of the losses of a slot, the rate sqrt(8 / (T L (L + 2 c D^2))).

Against every u_1, u_2, ... of a path sum ||u_t - u_(t-1)|| = P, and for every expert k at once, the sum of
<g_t, u_t - z_t> and all loads of z, the first ones included, is at most

    (D^2 + 2 D P) / (2 eta_k) + eta_k (sum n_t^2 / 2 + c sqrt S sum n_t)      for the expert,
    + ln(1 / w_k) / rate + rate (sum L_t^2 / 8 + c D^2 sum L_t / 4)           for its weight,
    + 2 c b                                                                   for the first and last loads,

L_t the spread of the losses in slot t: what is declared sets steps and rate alone, and the bound holds if it
is exceeded. The proof, and O(sqrt(T (1 + P))) where it is not, are in docs/learners.md.
"""

from __future__ import annotations

import math

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.optimum.projection import Polytope
from idn_gym.policies.online.expert_set import ExpertSet
from idn_gym.policies.online.mirror_state import MirrorState, Update, add_norms, widths

ASCENT = Update(entropy=False, lazy=False)


class AderState:
    """The fractions of one learner, moved by supergradients.

    Attributes:
        z: (B, I) what is played.
        exceeded: (B,) slots in which a node's gradient was above what was declared.
    """

    def __init__(self, polytope: Polytope, rows: int, horizon: int, steepest: Floats) -> None:
        """Start even.

        Args:
            polytope: chains and budgets.
            rows: B.
            horizon: T, the slots of an episode.
            steepest: (N,) declared bound on the dual norm of a node's gradients.
        """
        self.polytope, self.horizon, self.steepest = polytope, horizon, steepest
        shape = rows, len(polytope.budget)
        self.diameter = math.sqrt(2.0) * widths(polytope, ASCENT)
        self.price, self.rate = np.zeros(shape), np.zeros(shape)
        # one step for each row and node, where `MirrorState` would also take one for all rows
        self.step = np.zeros(shape)
        order = np.arange(1, 2 + math.ceil(0.5 * math.log2(2 * horizon - 1)))
        self.experts = ExpertSet(
            [MirrorState(polytope, rows, ASCENT, 2.0 ** (k - 1), fixed=self.step) for k in order.tolist()]
        )
        self.prior = (1.0 + 1.0 / len(order)) / (order * (order + 1.0))
        self._node = np.repeat(np.arange(shape[1]), np.diff(polytope.node_start))
        self._total = np.zeros((*shape, len(order)))
        self._spread, self._squares = np.zeros(shape), np.zeros(shape)
        self.exceeded: Ints = np.zeros(rows, np.int64)
        self.z = np.zeros((rows, len(polytope.size)))
        self.begin(np.ones(rows, np.bool_))

    def declare(self, price: Floats) -> None:
        """Set steps and rates.

        Args:
            price: (B, N) [cost/byte] c, half the price of a byte that all devices of a node load; the same in
                all slots of an episode.
        """
        self.price[:] = price
        steepest, diameter = self.steepest, self.diameter
        pull = np.sqrt(steepest * (steepest + 2.0 * price * np.sqrt(self.polytope.total)) * self.horizon)
        self.step[:] = 0.0
        np.divide(np.broadcast_to(diameter, pull.shape), pull, out=self.step, where=pull > 0.0)
        spread = diameter * (steepest + price * diameter)
        worst = self.horizon * spread * (spread + 2.0 * price * diameter**2) / 8.0
        self.rate[:] = 0.0
        np.divide(1.0, np.sqrt(worst), out=self.rate, where=worst > 0.0)

    def begin(self, rows: Bools) -> None:
        """Put the marked rows back to the start."""
        self.experts.begin(rows)
        self._total[rows], self._spread[rows], self._squares[rows] = 0.0, 0.0, 0.0
        self.exceeded[rows] = 0
        self.experts.mix(self.weights(), self.z)

    def weights(self) -> Floats:
        """(B, N, K) of the experts in the coming slot; each sums to 1."""
        raw = np.log(self.prior) + self.rate[:, :, None] * self._total
        raw = np.exp(raw - raw.max(axis=2, keepdims=True))
        found: Floats = raw / raw.sum(axis=2, keepdims=True)
        return found

    def learn(self, gradient: Floats) -> None:
        """Take in the supergradients (B, I) at `z`, and move it."""
        norms = np.zeros_like(self.rate)
        add_norms(self.polytope, gradient, self.z, Update(entropy=False, lazy=True), norms)
        self.exceeded += (np.sqrt(norms) > self.steepest * (1.0 + 1e-9)).any(axis=1)
        gains = self.experts.earn(gradient, self.price[:, self._node] * self.polytope.size)
        spread = gains.max(axis=2) - gains.min(axis=2)
        self._spread += spread
        self._squares += spread**2
        self._total += gains
        self.experts.move(gradient)
        self.experts.mix(self.weights(), self.z)

    def bounds(self, path: Floats | float, loads: bool = True) -> Floats:
        """(B, N) [cost] proven bounds on the regret of the slots so far, see the module's head.

        Args:
            path: (N,) or (B, N) [sqrt(bytes)] P of each node's comparators; 0 for static ones.
            loads: whether the learner's loads are in the regret.
        """
        polytope, price, diameter = self.polytope, self.price, self.diameter
        far = diameter**2 + 2.0 * diameter * path
        found = np.full_like(self.rate, np.inf)
        paid = 0.25 * price * diameter**2 * self._spread if loads else 0.0
        for k, mirror in enumerate(self.experts.mirrors):
            with np.errstate(divide="ignore", invalid="ignore"):
                own = far / (2.0 * mirror.scale * self.step) + mirror.scale * self.step * mirror.norms / 2.0
                weight = -math.log(self.prior[k]) / self.rate + self.rate * (self._squares / 8.0 + paid)
            # there is no regret without a gradient or a choice, nor between experts that do not differ
            moved = (mirror.norms > 0.0) & (diameter > 0.0)
            own = np.where(moved, own + price * np.sqrt(polytope.total) * mirror.steps, 0.0)
            found = np.minimum(found, own + np.where(self._spread > 0.0, weight, 0.0))
        return found + (2.0 * price * polytope.budget if loads else 0.0)
