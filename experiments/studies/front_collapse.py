"""Detection of collapsed policies: nearly the same placement under all preferences, or no good one."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Floats, Residents
from idn_gym.evaluation.pareto import hypervolume

LEAST_APART = 0.1
"""Share of the reference's distance between placements below which a policy ignores its preference."""

LEAST_VOLUME = 0.5
"""Share of the reference's hypervolume below which a policy has unlearnt what it knew."""


class FrontShape(NamedTuple):
    """Statistics that show whether a policy has collapsed; K preferences, D objectives."""

    placed: Floats  # (K, D) points in units of the box
    apart: float  # `placements_apart`, mean over episodes


def placements_apart(held: Residents) -> float:
    """Share of the requested segments that differ between two preferences, as a mean over all pairs.

    Args:
        held: (K, ...) segment, or EMPTY, of one episode under each preference.
    """
    shares = []
    for one, other in itertools.combinations(held, 2):
        either = (one != EMPTY) | (other != EMPTY)
        shares.append(float((one != other).sum() / max(1, either.sum())))
    return float(np.mean(shares)) if shares else 0.0


def has_collapsed(found: FrontShape, reference: FrontShape) -> bool:
    """Return whether a policy's front shows that it has collapsed, by one of three signs.

    Its placements are hardly apart (`LEAST_APART`); its points dominate no more than the best one of them
    alone; or they dominate much less than those of the reference (`LEAST_VOLUME`). How far points are apart
    is no sign: requests are served by what the preference costs, so points of one placement differ as well.

    Args:
        found: of the policy.
        reference: of a rule that plans for each preference, on the same episodes.
    """
    corner = np.zeros(found.placed.shape[1])
    volume = hypervolume(found.placed, corner)
    alone = np.clip(found.placed, 0.0, None).prod(axis=1).max()
    return bool(
        found.apart < LEAST_APART * reference.apart
        or volume <= alone * (1.0 + 1e-9)
        or volume < LEAST_VOLUME * hypervolume(reference.placed, corner)
    )
