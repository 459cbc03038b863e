"""Nodes that adapt a model together: who with whom, by a hedonic game on what each of them expects.

Members train on samples of their own and average weights, in rounds, at the node where sending them costs all
of them least. Nobody is asked for anything but the number of samples and their believed condition.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from idn_gym.adapting.rules import mixed_change
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.games.dynamics import ShiftRules, play_shifts
from idn_gym.games.hedonic import all_alone, player_costs
from idn_gym.scenarios.compile.adaptations import AdaptationTables

_REFUSED = 1.0
"""What a coalition that a node refuses costs it more than being alone, whatever the unit."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Learners:
    """Pairs (P,) of a node and a model in one episode, and what they would do alone."""

    samples: Floats
    """(P, C) of each node, by believed condition"""
    chance: Floats
    """(P, C) of the conditions at each node"""
    worth: Floats
    """(P,) [cost] of an accuracy of 1 at each node, for as long as it is expected to last"""
    alone_cost: Floats
    """(P,) [cost] of what a node does otherwise"""
    least: Floats
    """(P,) change that a node wants to have at least"""
    sure: Floats
    """(P,) change that is to be reached even one standard deviation lower; -inf without a guard"""
    price: Floats
    """(P, N) [cost] of all rounds, by the node where weights are averaged"""

    def at(self, pairs: Ints) -> Learners:
        """Those of some pairs."""
        return Learners(**{field.name: getattr(self, field.name)[pairs] for field in fields(self)})


@dataclass(frozen=True, eq=False, kw_only=True)
class LearnersGame:
    """Nodes with the same model; a `CoalitionGame` in which being alone is to be the only one at a site.

    A member costs minus the worth of the change that it expects of the averaged weights, plus its price of
    sending its own up and being sent others, in every round.
    """

    curves: Floats
    """(C, C, G) change that is known beforehand, as in `AdaptationTables`"""
    spread: Floats
    """(C, C, G) its standard deviation over trainings"""
    learners: Learners
    """P of them"""
    exponent: float
    """of `Averaging`"""

    @property
    def players(self) -> int:
        """P."""
        return len(self.learners.worth)

    @property
    def sites(self) -> int:
        """As many sites as players, all alike."""
        return len(self.learners.worth)

    def alone(self) -> None:
        """There is no outside: an empty site is."""

    def joined_costs(self, partition: Ints, sites: Ints) -> Floats:
        """(P, S); see `CoalitionGame`."""
        those = self.learners
        members = (partition == sites[:, None])[None] | np.eye(self.players, dtype=np.bool_)[:, None]
        size = members.sum(axis=2)
        pooled = (members[..., None] * those.samples).sum(axis=2) * averaged(size, self.exponent)[..., None]
        change, spread = (self._expected(curves, pooled) for curves in (self.curves, self.spread))
        meeting = np.where(members[..., None], those.price, 0.0).sum(axis=2).argmin(axis=2)
        cost = np.take_along_axis(those.price, meeting, axis=1) - those.worth[:, None] * change
        refused = (change < those.least[:, None]) | (change - spread < those.sure[:, None])
        cost = np.where(refused, those.alone_cost[:, None] + _REFUSED, cost)
        return np.asarray(np.where(size == 1, those.alone_cost[:, None], cost))

    def coalitions(self) -> list[tuple[Ints, int]]:
        """Members (k,) of each coalition in which nobody would rather be alone, and its node."""
        rules = ShiftRules(order="largest", history=True)
        found = play_shifts(self, start=all_alone(self), rules=rules).partition
        glad = player_costs(self, found) < self.learners.alone_cost
        groups = [np.flatnonzero(found == site) for site in np.unique(found)]
        kept = [group for group in groups if len(group) > 1 and glad[group].all()]
        return [(group, int(self.learners.price[group].sum(axis=0).argmin())) for group in kept]

    def _expected(self, curves: Floats, pooled: Floats) -> Floats:
        """Mean change (P, S) by samples (P, S, C) under the conditions that nodes expect."""
        change = mixed_change(curves[None], pooled.reshape(-1, 1, pooled.shape[2])).reshape(pooled.shape)
        found: Floats = (change * self.learners.chance[:, None]).sum(axis=2)
        return found


def averaged(members: Ints | int, exponent: Floats | float) -> Floats:
    """What a sample counts where so many nodes average weights; see `Averaging`."""
    return np.asarray(np.asarray(members, float) ** -np.asarray(exponent))


def find_coalitions(plan: AdaptationTables, learners: Learners, able: Bools) -> list[tuple[Ints, int]]:
    """Pairs (k,) of each coalition, and the node where it averages; a node is in one of them at most.

    Args:
        plan: what is known of adapting.
        learners: all pairs (v,).
        able: (v,) whether pictures enter at the node and it may train now.
    """
    found: list[tuple[Ints, int]] = []
    taken: set[int] = set()
    for m in np.unique(plan.pair_model):
        free = able & (plan.pair_model == m) & ~np.isin(plan.pair_node, list(taken))
        pairs = np.flatnonzero(free)
        if len(pairs) < 2:
            continue
        kind = plan.pair_kind[pairs[0]]
        game = LearnersGame(
            curves=plan.known[kind],
            spread=plan.known_spread[kind],
            learners=learners.at(pairs),
            exponent=float(plan.averaging[0]),
        )
        for members, node in game.coalitions():
            found.append((pairs[members], node))
            taken.update(plan.pair_node[pairs[members]].tolist())
    return found
