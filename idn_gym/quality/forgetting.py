"""Running means of many streams under one rule of forgetting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Numbers
from idn_gym.quality.counts import check_count, chosen_rows, put_state
from idn_gym.quality.running import Band, Memory, band, confidence_sequence, empty_memory, observe


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """Discounting of the past; by default nothing is forgotten."""

    half_life: float = math.inf
    """[samples] of the same stream after which a sample weighs half"""
    window: int | None = None
    """[slots in which the stream had samples] that are remembered with equal weights"""

    def __post_init__(self) -> None:
        if not self.half_life > 0.0:
            raise ConfigError("half_life", f"{self.half_life!r} is not allowed; must be above 0")
        if self.window is not None:
            check_count("window", self.window)
            if math.isfinite(self.half_life):
                raise ConfigError("window", "is not allowed together with half_life; choose one")

    @property
    def nothing(self) -> bool:
        """Whether nothing is forgotten, so that bands hold at all times simultaneously."""
        return self.window is None and math.isinf(self.half_life)


class StreamMeans:
    """Means of a signal for B rows of R streams.

    A half-life counts samples: a slot of n samples makes all older ones weigh 2^(-n / half-life) of what they
    did, and those of the slot weigh 1.
    """

    def __init__(self, rows: int, streams: int, forgetting: Forgetting) -> None:
        self.forgetting = forgetting
        shape = (check_count("rows", rows), check_count("streams", streams))
        self.memory = empty_memory(*shape)
        self._slots = np.zeros((2, *shape, forgetting.window or 0))  # a ring of totals and counts
        self._place = np.zeros(shape, int)  # of the next slot in the ring

    def add(self, total: Floats, count: Floats) -> None:
        """Take in the sums and the counts of a slot, both (B, R)."""
        if self.forgetting.window is None:
            keep = 0.5 ** (count / self.forgetting.half_life)
            found = observe(self.memory, total, count, np.maximum(keep, np.finfo(float).tiny))
        else:
            b, r = np.nonzero(count > 0.0)
            place = self._place[b, r]
            self._slots[0, b, r, place], self._slots[1, b, r, place] = total[b, r], count[b, r]
            self._place[b, r] = (place + 1) % self.forgetting.window
            sums, counts = self._slots.sum(axis=-1)
            found = Memory(sums, counts, counts)
        for kept, new in zip(self.memory, found, strict=True):
            kept[...] = new

    def band(self, delta: float) -> Band:
        """(B, R) means and bounds: at all times together if nothing is forgotten, else at any one time."""
        return (confidence_sequence if self.forgetting.nothing else band)(self.memory, delta)

    def reset(self, rows: Bools | None = None) -> None:
        """Forget the rows of a mask (B,), or all."""
        chosen = chosen_rows(rows, len(self._place))
        for array in self._arrays().values():
            if array is self._slots:
                array[:, chosen] = 0.0
            else:
                array[chosen] = 0

    def get_state(self) -> dict[str, Numbers]:
        """Copies of all that is remembered."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned.

        Raises:
            ConfigError: it is of other streams or another kind of forgetting.
        """
        put_state(self._arrays(), state)

    def _arrays(self) -> dict[str, Numbers]:
        kept: dict[str, Numbers] = dict(self.memory._asdict())
        if self.forgetting.window is not None:
            kept |= {"slots": self._slots, "place": self._place}
        return kept
