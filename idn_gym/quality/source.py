"""Statistics of labelled data that estimators learn before they see a stream."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.quality.counts import pair_counted, per_stream
from idn_gym.quality.signals import bin_middles


class StreamSource(NamedTuple):
    """Statistics of R streams on labelled source data, with confidences in K bins."""

    accuracy: Floats  # (R,)
    confidence: Floats  # (R,) mean value of the bins
    threshold: Floats  # (R,) raw confidence that as large a share lies above as is right
    bin_accuracy: Floats  # (R, K) a histogram map; the bin's middle where no sample fell
    shares: Floats  # (R, K) of the samples that fell into each bin
    samples: Floats  # (R,) how many there were


def fit_streams(served: Floats, right: Floats, values: Floats) -> StreamSource:
    """Learn from counts of labelled samples.

    Args:
        served: (R, K) samples by bin of raw confidence.
        right: (R, K) of them, those that were right.
        values: (K,) or (R, K) what a confidence in each bin is worth.

    Raises:
        ConfigError: shapes differ, counts contradict themselves, or a stream has no sample.
    """
    if np.ndim(served) != 2:
        raise ConfigError("served", f"shape {np.shape(served)} is not allowed; must be (streams, bins)")
    right, served = pair_counted(("right", "served"), right, served, np.shape(served))
    streams, bins = served.shape
    size = served.sum(axis=1)
    if not np.all(size > 0.0):
        raise ConfigError("served", f"stream {int(np.argmin(size))} has no sample; each needs one")
    accuracy, shares = right.sum(axis=1) / size, served / size[:, None]
    edges = np.arange(bins + 1) / bins
    below = np.concatenate([np.zeros((streams, 1)), np.cumsum(shares, axis=1)], axis=1)
    # An empty bin or two would leave a choice of thresholds: the lowest of them is taken.
    threshold = [
        np.interp(1.0 - share, *_rising(row, edges)) for share, row in zip(accuracy, below, strict=True)
    ]
    known = np.divide(right, served, where=served > 0.0, out=np.tile(bin_middles(bins), (streams, 1)))
    confidence = (shares * per_stream("values", values, streams, bins)).sum(axis=1)
    return StreamSource(accuracy, confidence, np.array(threshold), known, shares, size)


def _rising(below: Floats, edges: Floats) -> tuple[Floats, Floats]:
    first = np.concatenate([[True], np.diff(below) > 0.0])
    return below[first], edges[first]
