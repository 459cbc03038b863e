"""Share of a score that remains where an axis is held out: a ratio of means, with its interval."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import UNKNOWN, Interval, mean_interval


def generality_ratio(held_out: Floats, reference: Floats, confidence: float = 0.95) -> Interval:
    """Mean of the scores with an axis held out as a multiple of the mean where nothing is.

    Student's t of the linearised ratio r, r + (held out - r reference) / mean of the reference, which pairs
    seeds and trainings; a test simulates its coverage. nan where the mean of the reference is
    not above 0, as shares of what is not positive say nothing.

    Args:
        held_out: (n,) one per seed, or (r, n) of r trainings that all played the same seeds.
        reference: of the same shape.
        confidence: of the interval.

    Raises:
        ConfigError: the two differ in shape, or values are no finite numbers.
    """
    held_out, reference = np.asarray(held_out, float), np.asarray(reference, float)
    if held_out.shape != reference.shape:
        wanted = f"must be {held_out.shape}, that of the scores with the axis held out"
        raise ConfigError("reference", f"shape {reference.shape} is not allowed; {wanted}")
    below = float(mean_interval(reference, confidence).estimate)
    if below <= 0.0:
        return UNKNOWN
    ratio = float(held_out.mean()) / below
    return mean_interval(ratio + (held_out - ratio * reference) / below, confidence)
