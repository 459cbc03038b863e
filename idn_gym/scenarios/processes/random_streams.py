"""Independent random streams out of one generator, by name."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np

SPLITS = ("train", "validation", "test")
"""Seeds of one split never meet those of another: tune on validation, report on test."""


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
        split: of the seeds that it comes from, for what plays files: each split has a stretch of them.
    """

    def __init__(self, rng: np.random.Generator, split: str = SPLITS[0]) -> None:
        self.split = split
        self._rng = rng
        self._state = rng.bit_generator.state

    def __call__(self, name: str) -> np.random.Generator:
        """The stream called `name`, from its beginning; it is valid until the next call."""
        bits: Any = self._rng.bit_generator
        bits.state = self._state
        bits.advance(_offset(name))
        return self._rng


@lru_cache(maxsize=4096)
def _offset(name: str) -> int:
    """Key of a stream: 128 bits of a hash, so that no two streams coincide or correlate."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "little")
