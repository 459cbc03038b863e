"""Whether a policy has collapsed: it does much the same whatever its preference, or nothing that is good."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.evaluation.pareto import hypervolume

LEAST_EXTENT = 0.1
"""Share of the reference's extent below which a front is one point."""

LEAST_VOLUME = 0.5
"""Share of the reference's hypervolume below which a policy has unlearnt what it knew."""


def extent(placed: Floats) -> float:
    """Root of the mean squared distance of a front's points (K, D), in units of the box, from their mean."""
    return float(np.sqrt(((placed - placed.mean(axis=0)) ** 2).sum(axis=1).mean()))


def has_collapsed(placed: Floats, reference: Floats) -> bool:
    """Whether a policy's front shows that it has collapsed, by one of three signs.

    Its points are hardly apart (`LEAST_EXTENT`); together they dominate no more than the best one of them
    alone; or they dominate much less than those of the reference (`LEAST_VOLUME`). Points of one placement
    differ as well, where requests are served by what the preference costs.

    Args:
        placed: (K, D) one point per preference, in units of the box.
        reference: (K, D) those of a rule that plans for each preference, on the same episodes.
    """
    corner = np.zeros(placed.shape[1])
    volume = hypervolume(placed, corner)
    alone = np.clip(placed, 0.0, None).prod(axis=1).max()
    return bool(
        extent(placed) < LEAST_EXTENT * extent(reference)
        or volume <= alone * (1.0 + 1e-9)
        or volume < LEAST_VOLUME * hypervolume(reference, corner)
    )
