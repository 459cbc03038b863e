"""Sets of reward vectors compared: non-dominated sets and the usual indicators, everything maximised.

Points are rows of (n, d): one policy or preference each, d objectives as the reward vector has them (cost
enters with a minus). Hypervolume and IGD+ are moocore's; the rest is a line of numpy each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.core.arrays import Floats
from idn_gym.strict import ConfigError


def non_dominated(points: Floats) -> Floats:
    """The points that no other beats in one objective without losing in another; of equal ones the first.

    Args:
        points: (n, d).
    """
    points = _points(points)
    kept: Floats = points[_moocore().is_nondominated(points, maximise=True)]
    return kept


def hypervolume(points: Floats, reference: Floats) -> float:
    """Volume that the points dominate above `reference` (Zitzler and Thiele 1998).

    Args:
        points: (n, d); those that are not above the reference in every objective add nothing.
        reference: (d,), fixed per scenario, or numbers cannot be compared.
    """
    points = _points(points)
    return float(_moocore().hypervolume(points, ref=_reference(reference, points), maximise=True))


def igd_plus(points: Floats, front: Floats) -> float:
    """Mean distance by which the points fall short of the reference front (IGD+, Ishibuchi et al. 2015).

    Args:
        points: (n, d).
        front: (m, d) reference front. Scale objectives to comparable units first.
    """
    points, front = _points(points), _points(front)
    return float(_moocore().igd_plus(points, ref=front, maximise=True))


def expected_utility(points: Floats, weights: Floats) -> float:
    """Mean over preferences of the best weighted sum that the points offer (Zintgraf et al. 2015).

    Args:
        points: (n, d).
        weights: (k, d) preferences.
    """
    return float(_best(points, weights).mean())


def maximum_utility_loss(points: Floats, front: Floats, weights: Floats) -> float:
    """Most that a preference loses by choosing among the points instead of on the front (same source).

    Args:
        points: (n, d).
        front: (m, d) reference front.
        weights: (k, d) preferences.
    """
    return float(np.maximum(0.0, _best(front, weights) - _best(points, weights)).max())


def sparsity(points: Floats) -> float:
    """Mean squared gap between neighbours, objective by objective, of the non-dominated points.

    Low is dense, 0 for one point (Xu et al. 2020). It says nothing about how good the points are, so never
    compare with it alone.
    """
    kept = non_dominated(points)
    if len(kept) < 2:
        return 0.0
    return float((np.diff(np.sort(kept, axis=0), axis=0) ** 2).sum() / (len(kept) - 1))


def _best(points: Floats, weights: Floats) -> Floats:
    """(k,) best weighted sum for every preference."""
    points, weights = _points(points), np.atleast_2d(np.asarray(weights, float))
    if weights.shape[1] != points.shape[1]:
        raise ConfigError(
            "weights",
            f"{weights.shape[1]} columns are not allowed; the points have {points.shape[1]} objectives",
        )
    best: Floats = (weights @ points.T).max(axis=1)
    return best


def _points(points: Floats) -> Floats:
    found = np.asarray(points, float)
    if found.ndim != 2 or 0 in found.shape or not np.isfinite(found).all():
        raise ConfigError("points", f"shape {found.shape} is not allowed; must be finite and (n, d), none 0")
    return found


def _reference(reference: Floats, points: Floats) -> Floats:
    found = np.asarray(reference, float)
    if found.shape != points.shape[1:] or not np.isfinite(found).all():
        raise ConfigError(
            "reference", f"{reference!r} is not allowed; must be {points.shape[1]} finite numbers"
        )
    return found


def _moocore() -> Any:
    try:
        import moocore
    except ImportError as error:
        raise DependencyNotInstalled(
            'moocore is missing; run `pip install "idn-gym[mo]"` for Pareto fronts'
        ) from error
    return moocore
