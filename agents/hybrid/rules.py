"""How to weigh experts by what they would have lost, and how to go from one to another rarely.

Losses are costs of a slot over B, the most that a slot can cost; `D` is what a move from one expert's
placement to another's can load at most, and Delta = D / B. Pure numbers: nothing here knows an environment.

- `FixedStepWeights`: Hedge, with a step that B, D and the number of slots fix beforehand. With `move_rarely`
  its expected cost, all moves paid, is at most `fixed_step_bound`.
- `AdaptiveWeights`: AdaHedge (de Rooij et al. 2014), which follows when another expert becomes the best one:
  nobody's sum of losses falls further than a lag behind the leader's, so that who becomes best is ahead after
  the lag over what it is better by. With `share`, weights are mixed with uniform ones in every slot (fixed
  share, Herbster and Warmuth 1998); where AdaHedge is in no doubt that brings it into doubt.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.policies.online.experts import AdaHedge


class Weights(Protocol):
    """Weighs n experts in each of B rows."""

    def begin(self, rows: Bools) -> None:
        """Weigh the experts of the marked rows alike."""
        ...

    def weights(self) -> Floats:
        """(B, n), each row adding up to 1."""
        ...

    def learn(self, losses: Floats) -> None:
        """Take in what the experts lost (B, n) in a slot."""
        ...


class FixedStepWeights:
    """Weights proportional to exp(-step x sum of the losses).

    Attributes:
        step: (B,) to be set before an episode begins.
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
    """AdaHedge that does not forget whom it has left behind."""

    def __init__(self, rows: int, experts: int, lag: float = math.inf, share: float = 0.0) -> None:
        """Begin; without lag and share, plain AdaHedge.

        Args:
            rows: B.
            experts: n.
            lag: by which losses may add up to more than the leader's.
            share: of all weight that goes back to everybody in every slot.
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
        # Weights are exp(ln n / gap x total): the totals that have just the mixed ones. Before any gap was
        # met the leaders share alike, and there is nothing to give back.
        met = np.broadcast_to(gap > 0.0, mixed.shape)
        np.copyto(hedge.total, np.log(mixed) * gap / math.log(mixed.shape[2]), where=met)


def move_rarely(expert: Ints, before: Floats, after: Floats, uniforms: Floats) -> Ints:
    """The next expert of each row: distributed as `after` if `expert` is as `before`, with fewest changes.

    The maximal coupling: who plays stays with probability min(1, after / before), else another one is drawn
    from what has grown. So a change has the probability of the total variation between the two.

    Args:
        expert: (B,) that played.
        before: (B, n) weights that it was drawn from.
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
    # Rounding may put the uniform behind the last sum; the last expert that has any weight is meant then.
    last: Any = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0.0, axis=1)
    return np.minimum(found, last)


def fixed_step(experts: int, delta: Floats, slots: int) -> Floats:
    """The step of `FixedStepWeights`: min(1, sqrt(ln n / ((1 + Delta) T))), as losses add up to T at most.

    Args:
        experts: n.
        delta: (...) D / B.
        slots: T.
    """
    step: Floats = np.minimum(1.0, np.sqrt(math.log(experts) / ((1.0 + delta) * slots)))
    return step


def fixed_step_bound(step: Floats, largest: Floats, diameter: Floats, least: Floats, experts: int) -> Floats:
    """What `FixedStepWeights` with `move_rarely` costs at most in expectation, moves paid [cost].

    (1 + eta Delta) (eta C + B ln n) / (1 - exp(-eta)): Hedge for losses in [0, 1], and for the moves the
    shrinking dartboard of Geulen, Voecking and Winkler 2010, as Blum and Burch combine policies in On-line
    learning and the metrical task system problem, Machine Learning 39, 2000. It holds for sequences that do
    not depend on the draws.

    Args:
        step: (...) eta.
        largest: (...) B [cost], which no loss times B exceeds.
        diameter: (...) D [cost].
        least: (...) C [cost], of the expert that is best in the end, its own loads paid.
        experts: n.
    """
    moves = 1.0 + step * diameter / largest
    bound: Floats = moves * (step * least + largest * math.log(experts)) / -np.expm1(-step)
    return bound
