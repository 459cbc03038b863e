"""Random streams by name, and the two chains that most processes are made of."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats
from idn_gym.core.kernel import kernel


class Streams:
    """Independent random streams out of one generator, by name.

    A stream depends on the generator's state at construction and on the name, on nothing else: that one
    process is switched on, or draws more, changes no other (common random numbers). Streams start at
    far-apart points of the one long sequence of the bit generator, which costs a few microseconds;
    spawning seed sequences costs ten times that. Streams of a stream (`Streams(streams("link"))`)
    work as well.

    Args:
        rng: the generator to divide; its bit generator must be able to `advance`, as PCG64, numpy's
            default, is. It belongs to the streams from then on.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._bits: Any = rng.bit_generator
        self._state = self._bits.state

    def __call__(self, name: str) -> np.random.Generator:
        """The stream called `name`, from its beginning; it is valid until the next call."""
        self._bits.state = self._state
        self._bits.advance(_offset(name))
        return self._rng


@cache
def _offset(name: str) -> int:
    """Where a stream starts: 128 bits of a hash, so that no two streams meet or run in step."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "little")


@kernel
def two_state(uniforms: Floats, start: float, stop: float) -> npt.NDArray[np.bool_]:
    """Two-state Markov chains, one per column, each from its stationary distribution.

    On for start / (start + stop) of the time, in runs of 1 / stop slots on average.

    Args:
        uniforms: (T, C) uniform on [0, 1).
        start: probability per slot of off to on, above 0.
        stop: probability per slot of on to off, above 0.

    Returns:
        (T, C) whether the chain is on.
    """
    horizon, chains = uniforms.shape
    on = np.empty((horizon, chains), np.bool_)
    for c in range(chains):
        threshold = start / (start + stop)
        for t in range(horizon):
            on[t, c] = uniforms[t, c] < threshold
            threshold = 1.0 - stop if on[t, c] else start
    return on


@kernel
def ar1(normals: Floats, memory: float, fresh: float) -> Floats:
    """Autoregressive chains x[t] = memory x[t-1] + fresh z[t], one per column, from x[0] = z[0].

    With fresh = sqrt(1 - memory^2) each x[t] is standard normal, and the autocorrelation at lag h is
    memory^h.

    Args:
        normals: (T, C) standard normal z.
        memory: autocorrelation from slot to slot, in [0, 1).
        fresh: weight of the innovation.

    Returns:
        (T, C) the chains.
    """
    horizon, chains = normals.shape
    x = np.empty((horizon, chains))
    for c in range(chains):
        x[0, c] = normals[0, c]
        for t in range(1, horizon):
            x[t, c] = memory * x[t - 1, c] + fresh * normals[t, c]
    return x
