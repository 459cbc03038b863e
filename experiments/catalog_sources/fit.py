"""Fits fixed + MACs / rate to timings, with the error on points left out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

Point = tuple[float, float]
"""(MACs, seconds)"""


def fit(points: Sequence[Point]) -> tuple[float, float]:
    """Fixed seconds and seconds per MAC >= 0 that minimise the sum of squared relative errors.

    With t = f + s m, minimises sum ((f + s m_i) / t_i - 1)^2 by its normal equations; f is set to 0
    where it would be negative.
    """
    ones = [1 / t for _, t in points]
    macs = [m / t for m, t in points]
    oo, om, mm = _dot(ones, ones), _dot(ones, macs), _dot(macs, macs)
    o, m = math.fsum(ones), math.fsum(macs)
    determinant = oo * mm - om * om
    fixed = (o * mm - m * om) / determinant
    if fixed < 0:
        return 0.0, m / mm
    return fixed, (m * oo - o * om) / determinant


def left_out_error(points: Sequence[Point]) -> float:
    """Median relative error over the points, each predicted by a fit to the others."""
    errors = []
    for i, (macs, seconds) in enumerate(points):
        fixed, per_mac = fit([*points[:i], *points[i + 1 :]])
        errors.append(abs(fixed + per_mac * macs - seconds) / seconds)
    return statistics.median(errors)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))
