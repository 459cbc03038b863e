"""Destinations of users who move between ingress nodes: any node, or a near one."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.core.kernel import kernel

TIE = 1e-9
"""Relative difference below which two delays are the same: sums depend on the order of their terms."""


def upto_destinations(nearest: int | None, weights: Floats, delays: Floats | None) -> Floats:
    """Cumulated probabilities of where a user of each node goes, (G, G), or (1, G) where all do the same.

    Users of all nodes go to any node by its weight; or they look at one of the nodes near theirs, each as
    likely, and go there with probability min(1, w' n / (w n')), w and n being the weight of a node and how
    many are near it (Metropolis-Hastings). Both leave users spread by the nodes' weights. Two nodes are near
    each other if one of them is among the nearest of the other, of which ties count as one.

    Args:
        nearest: how many are near, or None.
        weights: (G,) of the nodes, above 0.
        delays: (G, G) between them [s], infinite where there is no way; not used without `nearest`.

    Returns:
        Cumulated up to 1, or in the second case to the sum of weights.
    """
    if nearest is None or delays is None or len(weights) == 1:
        return np.cumsum(weights)[None]
    others = np.where(np.eye(len(weights), dtype=bool), np.inf, delays)
    rank = min(nearest, len(weights) - 1) - 1
    farthest = np.partition(others, rank, axis=1)[:, rank : rank + 1]
    near = np.isfinite(others) & (others <= farthest * (1.0 + TIE))
    near |= near.T
    count = np.maximum(near.sum(axis=1), 1)
    odds = np.minimum(1.0, (weights / count)[None, :] / (weights / count)[:, None])
    goes = near * odds / count[:, None]
    np.fill_diagonal(goes, np.maximum(1.0 - goes.sum(axis=1), 0.0))
    return np.cumsum(goes, axis=1)


@kernel
def first_above(upto: Floats, number: float) -> int:
    """The first place whose cumulated share is above a number, or the last one."""
    place = 0
    while place < upto.size - 1 and number >= upto[place]:
        place += 1
    return place
