"""Placements requested by a policy slot by slot, stored as changes."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Ints, Residents
from idn_gym.core.loading import held_segments
from idn_gym.policy import Feedback


class WishLog:
    """Records the requested placements of a rollout, after repair, while it is played."""

    def __init__(self) -> None:
        self._last: Residents | None = None
        self._slots = 0
        self._changes: list[Ints] = []

    def note(self, feedback: Feedback) -> None:
        """Record a slot that has been played."""
        wish = held_segments(feedback.after).copy()
        changed = np.ones_like(wish, np.bool_) if self._last is None else wish != self._last
        row, node, model = np.nonzero(changed)
        slot = np.full(len(row), self._slots)
        found = np.stack([row, slot, node, model, wish[row, node, model]], axis=1)
        self._changes.append(found.astype(np.int32))
        self._last, self._slots = wish, self._slots + 1

    def changes(self) -> tuple[Ints, ...]:
        """Per row (n, 4): slot, node, model, and the segment from then on; slot 0 contains all entries."""
        if self._last is None:
            return ()
        noted = np.concatenate(self._changes)
        return tuple(noted[noted[:, 0] == b, 1:] for b in range(len(self._last)))


def wishes(changes: Ints, slots: int, shape: tuple[int, ...]) -> Residents:
    """Return the requested placements (slots, N, M) that a log of changes encodes.

    Args:
        changes: of one row, as `WishLog.changes` gives them.
        slots: T.
        shape: N, M.
    """
    found = np.full((slots, *shape), EMPTY, np.int32)
    starts = np.searchsorted(changes[:, 0], np.arange(slots + 1))
    for t in range(slots):
        if t:
            found[t] = found[t - 1]
        _, node, model, segment = changes[starts[t] : starts[t + 1]].T
        found[t, node, model] = segment
    return found
