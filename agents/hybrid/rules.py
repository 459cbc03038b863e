"""Rules for weighing experts by their losses, and for changing between them rarely.

Losses are costs of a slot over B, the maximum cost of a slot; `D` is the maximum load cost of a move from one
expert's placement to another's, and Delta = D / B. This module works on numbers only, without environments.

- `FixedStepWeights`: Hedge, with a step determined beforehand by B, D and the number of slots. With
  `move_rarely`, its expected cost, all moves included, is at most `fixed_step_bound`.
- `AdaptiveWeights`: AdaHedge (de Rooij et al. 2014) that follows changes of the best expert: no sum of losses
  falls further than a lag behind the leader's, so a new best expert leads after the lag divided by its
  advantage. With `share`, weights are mixed with uniform ones in every slot (fixed share, Herbster and
  Warmuth 1998), which adds uncertainty where AdaHedge has none.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.policies.online.experts import AdaHedge


class Weights(Protocol):
    """Weights of n experts in each of B rows."""

    def begin(self, rows: Bools) -> None:
        """Give the experts of the marked rows equal weights."""
        ...

    def weights(self) -> Floats:
        """(B, n), each row sums to 1."""
        ...

    def learn(self, losses: Floats) -> None:
        """Update with the losses (B, n) of the experts in a slot."""
        ...


class FixedStepWeights:
    """Weights proportional to exp(-step x sum of the losses).

    Attributes:
        step: (B,) step, set before an episode begins.
    """

    def __init__(self, rows: int, experts: int) -> None:
        self.step = np.ones(rows)
        self._total = np.zeros((rows, experts))

    def begin(self, rows: Bools) -> None:
        self._total[rows] = 0.0

    def weights(self) -> Floats:
        ahead = self._total - self._total.min(axis=1, keepdims=True)
        raw = np.exp(-self.step[:, None] * ahead)
        found: Floats = raw / raw.sum(axis=1, keepdims=True)
        return found

    def learn(self, losses: Floats) -> None:
        self._total += losses


class AdaptiveWeights:
    """AdaHedge with a limit on how far an expert can fall behind."""

    def __init__(self, rows: int, experts: int, lag: float = math.inf, share: float = 0.0) -> None:
        """Set up; without lag and share, this is plain AdaHedge.

        Args:
            rows: B.
            experts: n.
            lag: maximum distance of an expert's total loss from the leader's.
            share: share of the weight that is redistributed to all experts in every slot.
        """
        self._hedge, self._lag, self._share = AdaHedge(rows, 1, experts), lag, share

    def begin(self, rows: Bools) -> None:
        self._hedge.begin(rows)

    def weights(self) -> Floats:
        found: Floats = self._hedge.weights()[:, 0]
        return found

    def learn(self, losses: Floats) -> None:
        hedge = self._hedge
        hedge.learn(-losses[:, None])
        if self._share:
            self._give_back(hedge)
        np.maximum(hedge.total, hedge.total.max(axis=2, keepdims=True) - self._lag, out=hedge.total)

    def _give_back(self, hedge: AdaHedge) -> None:
        """Mix the weights with uniform ones."""
        mixed = (1.0 - self._share) * hedge.weights() + self._share / hedge.total.shape[2]
        gap = hedge.gap[:, :, None]
        # Weights are exp(ln n / gap x total); these totals give exactly the mixed weights. Before the first
        # gap the leaders share equally, and nothing needs to be redistributed.
        met = np.broadcast_to(gap > 0.0, mixed.shape)
        np.copyto(hedge.total, np.log(mixed) * gap / math.log(mixed.shape[2]), where=met)


def move_rarely(expert: Ints, before: Floats, after: Floats, uniforms: Floats) -> Ints:
    """Next expert of each row: distributed as `after` if `expert` is as `before`, with the fewest changes.

    This is the maximal coupling: an expert stays with probability min(1, after / before); otherwise another
    one is drawn from the increases. A change thus has the probability of the total variation between the two.

    Args:
        expert: (B,) experts of the last slot.
        before: (B, n) weights from which they were drawn.
        after: (B, n) weights of the next slot.
        uniforms: (B, 2) independent ones from [0, 1).
    """
    rows = np.arange(len(expert))
    stays = uniforms[:, 0] * before[rows, expert] < after[rows, expert]
    grown = np.maximum(0.0, after - before)
    total = grown.sum(axis=1)
    drawn = draw_expert(grown / np.where(total > 0.0, total, 1.0)[:, None], uniforms[:, 1])
    return np.where(stays | (total <= 0.0), expert, drawn)


def draw_expert(weights: Floats, uniforms: Floats) -> Ints:
    """(B,) experts, each drawn from the weights (B, n) of its row by one uniform (B,)."""
    sums = np.cumsum(weights, axis=1)
    found = (sums <= uniforms[:, None] * sums[:, -1:]).sum(axis=1)
    # Rounding may put the uniform behind the last sum; then the last expert with positive weight is meant.
    last: Any = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0.0, axis=1)
    return np.minimum(found, last)


def fixed_step(experts: int, delta: Floats, slots: int) -> Floats:
    """The step of `FixedStepWeights`: min(1, sqrt(ln n / ((1 + Delta) T))), as losses sum to at most T.

    Args:
        experts: n.
        delta: (...) D / B.
        slots: T.
    """
    step: Floats = np.minimum(1.0, np.sqrt(math.log(experts) / ((1.0 + delta) * slots)))
    return step


def fixed_step_bound(step: Floats, largest: Floats, diameter: Floats, least: Floats, experts: int) -> Floats:
    """Bound on the expected cost of `FixedStepWeights` with `move_rarely`, moves included [cost].

    (1 + eta Delta) (eta C + B ln n) / (1 - exp(-eta)): Hedge for losses in [0, 1], and for the moves the
    shrinking dartboard of Geulen, Voecking and Winkler 2010, as Blum and Burch combine policies in On-line
    learning and the metrical task system problem, Machine Learning 39, 2000. It holds for sequences that do
    not depend on the draws.

    Args:
        step: (...) eta.
        largest: (...) B [cost], which no loss times B exceeds.
        diameter: (...) D [cost].
        least: (...) C [cost] of the best expert in hindsight, its own loads included.
        experts: n.
    """
    moves = 1.0 + step * diameter / largest
    bound: Floats = moves * (step * least + largest * math.log(experts)) / -np.expm1(-step)
    return bound
