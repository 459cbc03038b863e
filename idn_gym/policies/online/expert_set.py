"""Mirrors that all learn from one supergradient: that at the point which is played, their weighted mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.policies.online.mirror_state import MirrorState


class ExpertSet:
    """K mirrors of one polytope; who weighs them, node by node, decides what is played.

    Attributes:
        mirrors: the experts.
    """

    def __init__(self, mirrors: Sequence[MirrorState]) -> None:
        self.mirrors = tuple(mirrors)
        self._polytope = mirrors[0].polytope
        start = self._polytope.node_start
        self._node = np.repeat(np.arange(len(start) - 1), np.diff(start))
        # nodes without items would break `reduceat`
        self._filled = np.flatnonzero(start[1:] > start[:-1])
        self._before = np.stack([mirror.z for mirror in mirrors])

    def begin(self, rows: Bools) -> None:
        """Put the marked rows of all mirrors back to their starts."""
        for mirror, before in zip(self.mirrors, self._before, strict=True):
            mirror.begin(rows)
            before[rows] = mirror.z[rows]

    def earn(self, gradient: Floats, moving: Floats) -> Floats:
        """Linearised gains (B, N, K) [cost] of a slot, less the price of how the experts came to it.

        Args:
            gradient: (B, I) supergradients of the slot.
            moving: (B, I) [cost] price of a move by 1.
        """
        polytope = self._polytope
        gains = np.zeros((len(gradient), len(polytope.budget), len(self.mirrors)))
        starts = polytope.node_start[self._filled]
        for k, mirror in enumerate(self.mirrors):
            worth = gradient * mirror.z - moving * np.abs(mirror.z - self._before[k])
            if len(starts):
                gains[:, self._filled, k] = np.add.reduceat(worth, starts, axis=1)
            self._before[k] = mirror.z
        return gains

    def move(self, gradient: Floats) -> None:
        """Let every mirror take a step along the supergradients (B, I)."""
        for mirror in self.mirrors:
            mirror.move(gradient)

    def mix(self, weights: Floats, mean: Floats) -> None:
        """Write the mean of the experts into `mean` (B, I), by weights (B, N, K)."""
        own = weights[:, self._node]
        mean[:] = 0.0
        for k, mirror in enumerate(self.mirrors):
            mean += own[:, :, k] * mirror.z
        np.clip(mean, 0.0, 1.0, out=mean)
