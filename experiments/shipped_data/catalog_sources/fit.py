"""Fits fixed + rates x work to timings, with the error on points left out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

TimedPoint = tuple[float, ...]
"""(work of each kind, seconds): (MACs, seconds), or (layers, MACs, seconds)"""


def fit_law(points: Sequence[TimedPoint]) -> tuple[float, ...]:
    """Fixed seconds and seconds per unit of each kind of work, all >= 0.

    With t = f + sum_k s_k w_k, minimises the sum of squared relative errors, sum ((f + s w_i) / t_i - 1)^2.
    """
    seconds = np.array([point[-1] for point in points])
    work = np.array([(1.0, *point[:-1]) for point in points]) / seconds[:, None]
    # Columns of one length, so that the solver's tolerance means the same for MACs as for the fixed cost.
    length = np.linalg.norm(work, axis=0)
    solution, _ = nnls(work / length, np.ones(len(points)))
    return tuple(float(value) for value in solution / length)


def left_out_error(points: Sequence[TimedPoint]) -> float:
    """Median relative error over the points, each predicted by a fit to the others."""
    errors = []
    for i, (*work, seconds) in enumerate(points):
        fixed, *rates = fit_law([*points[:i], *points[i + 1 :]])
        predicted = fixed + sum(rate * amount for rate, amount in zip(rates, work, strict=True))
        errors.append(abs(predicted - seconds) / seconds)
    return statistics.median(errors)
