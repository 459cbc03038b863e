"""The two Markov chains that most processes are made of."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Bools, Floats
from idn_gym.core.kernel import kernel


def two_state(uniforms: Floats, start: float, stop: float, before: Bools | None = None) -> Bools:
    """Two-state Markov chains, one per column, from their stationary distribution or where they were.

    On for start / (start + stop) of the time, in runs of 1 / stop slots on average.

    Args:
        uniforms: (T, C) uniform on [0, 1).
        start: probability per slot of off to on, above 0.
        stop: probability per slot of on to off, above 0.
        before: (C,) whether each chain was on in the slot before; None: unknown.

    Returns:
        (T, C) whether the chain is on.
    """
    on = np.empty(uniforms.shape, np.bool_)
    if before is None:
        thresholds = np.full(uniforms.shape[1], start / (start + stop))
    else:
        thresholds = np.where(before, 1.0 - stop, start)
    _switch(uniforms, start, stop, thresholds, on)
    return on


@kernel
def _switch(
    uniforms: Floats, start: float, stop: float, thresholds: Floats, on: npt.NDArray[np.bool_]
) -> None:
    for c in range(uniforms.shape[1]):
        threshold = thresholds[c]
        for t in range(uniforms.shape[0]):
            on[t, c] = uniforms[t, c] < threshold
            threshold = 1.0 - stop if on[t, c] else start


def ar1(normals: Floats, memory: float, before: Floats | None = None) -> Floats:
    """Autoregressive chains x[t] = memory x[t-1] + sqrt(1 - memory^2) z[t], one per column.

    Each x[t] is standard normal, and the autocorrelation at lag h is memory^h.

    Args:
        normals: (T, C) standard normal z; overwritten.
        memory: autocorrelation from slot to slot, in [0, 1).
        before: (C,) x of the slot before; None: there is none, and x[0] = z[0].

    Returns:
        (T, C) x, the array that held z.
    """
    fresh = math.sqrt(1.0 - memory**2)
    if before is not None:
        normals[0] = memory * before + fresh * normals[0]
    _remember(normals, memory, fresh)
    return normals


@kernel
def _remember(x: Floats, memory: float, fresh: float) -> None:
    for t in range(1, x.shape[0]):
        for c in range(x.shape[1]):
            x[t, c] = memory * x[t - 1, c] + fresh * x[t, c]
