"""Model of a node's future harvest, learnt from other episodes of the scenario: a chain of a few skies.

The maximum harvest of training episodes in a slot defines a clear sky. The harvest of a slot as a share of
that is its *sky*, one of a few classes of equal weight. In slots with a positive maximum, skies follow each
other as a Markov chain, whose probabilities are estimated from the training episodes; the chain continues
unobserved in the dark. Of the current episode, only the harvest so far is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints

LIT_SHARE = 0.02
"""Share of the most that any slot brings below which a slot counts as dark."""

LEAST_COUNT = 1e-9
"""Weight of a sky's being followed by itself beside what was counted."""


@dataclass(frozen=True)
class Weather:
    """Transitions between skies at one node; G skies, T slots."""

    clear: Floats
    """(T,) [J] under a clear sky"""
    lit: Bools
    """(T,) whether there is anything to harvest"""
    edges: Floats
    """(G-1,) shares between two skies"""
    share: Floats
    """(G,) mean share of `clear` under each sky"""
    first: Floats
    """(G,) probability of each sky before any is seen"""
    follows: Floats
    """(G, G) probability of each sky after each, slot by slot"""

    def sky(self, t: int, harvest: float, before: int) -> int:
        """The sky of slot `t`, in which so much was harvested [J]; where it is dark that seen before."""
        if not self.lit[t]:
            return before
        return int(np.searchsorted(self.edges, harvest / self.clear[t], side="right"))

    def chances(self, t: int) -> Floats:
        """(G, G) probabilities of the sky of slot `t` by the last one seen; in the dark that stays."""
        if not self.lit[t]:
            return np.eye(len(self.share))
        seen = np.flatnonzero(self.lit[:t])
        chances: Floats = np.linalg.matrix_power(self.follows, t - int(seen[-1]) if len(seen) else 1)
        return chances

    def harvest(self, t: int) -> Floats:
        """(G,) [J] in slot `t` under each sky."""
        return self.clear[t] * self.share


def learn_weather(harvest: Floats, skies: int) -> Weather:
    """The weather of a node.

    Args:
        harvest: (E, T) [J] in the slots of training episodes.
        skies: maximum number of classes; fewer where all shares are equal.
    """
    clear = harvest.max(axis=0)
    lit = clear > LIT_SHARE * clear.max(initial=0.0)
    share = harvest[:, lit] / clear[lit]  # (E, lit slots)
    inner = np.quantile(share, np.arange(1, skies) / skies) if share.size else np.zeros(0)
    edges = np.unique(inner)
    edges = edges[edges > share.min()] if share.size else edges
    sky = np.searchsorted(edges, share, side="right")
    count = len(edges) + 1
    weight = np.bincount(sky.ravel(), minlength=count).astype(float)
    total = np.bincount(sky.ravel(), share.ravel(), count)
    place = np.flatnonzero(lit)
    adjacent = np.diff(place) == 1
    return Weather(
        clear=clear,
        lit=lit,
        edges=edges,
        share=np.divide(total, weight, out=np.ones(count), where=weight > 0.0),
        first=(weight + 1.0) / (weight + 1.0).sum(),
        follows=_count(sky[:, :-1][:, adjacent], sky[:, 1:][:, adjacent], count),
    )


def _count(before: Ints, after: Ints, count: int) -> Floats:
    """(G, G) probabilities of what follows what; a sky that nothing followed is followed by itself."""
    seen = LEAST_COUNT * np.eye(count)
    np.add.at(seen, (before, after), 1.0)
    chances: Floats = seen / seen.sum(axis=1, keepdims=True)
    return chances
