"""Records what policies wished for, slot by slot, so that it can be replayed."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Residents
from idn_gym.core.loading import held_segments
from idn_gym.policy import Feedback


class WishLog:
    """Wishes of episodes side by side, as repair left them; give `note` to `rollout` as its `on_slot`."""

    def __init__(self) -> None:
        self._slots: list[Residents] = []

    def note(self, feedback: Feedback) -> None:
        """Record a slot that is over."""
        self._slots.append(held_segments(feedback.after).copy())

    @property
    def wishes(self) -> Residents:
        """(B, T, N, M) of the slots so far; to play them again costs the same."""
        return np.stack(self._slots, axis=1)
