"""Harmful shifts told from benign ones, by alarms side by side."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Ints
from idn_gym.quality.alarms import HarmAlarm, MoveAlarm, SafetyProof
from idn_gym.quality.counts import SlotCounts

QUIET, MOVED, BENIGN, HARMFUL = range(4)
"""Verdicts: nothing is proven; confidences moved and nothing is proven of the accuracy; they moved, and since
then the labels prove an accuracy above the floor; the accuracy fell below it."""


class ShiftMonitor:
    """Tells harmful shifts from benign ones: three alarms side by side.

    `safe` begins when `moved` fires, so that it speaks of the accuracy since then. All alarms keep their own
    alpha: where `harm` and `safe` are by labels, `HARMFUL` is wrong on at most alpha of the streams that are
    not harmed, even if labels are bought only where the verdict is `MOVED`, that is, after a suspicion.

    Raises:
        ConfigError: the alarms are of different shapes.
    """

    def __init__(self, harm: HarmAlarm, moved: MoveAlarm, safe: SafetyProof) -> None:
        if not harm.shape == moved.shape == safe.shape:
            raise ConfigError("moved", f"shapes {harm.shape}, {moved.shape}, {safe.shape} must be the same")
        self.harm, self.moved, self.safe = harm, moved, safe

    def note(self, counts: SlotCounts) -> None:
        """Take in a slot."""
        before = self.moved.fired
        for alarm in (self.harm, self.moved, self.safe):
            alarm.note(counts)
        self.safe.wagers.reset(~before)

    def verdict(self) -> Ints:
        """(B, R) `QUIET`, `MOVED`, `BENIGN` or `HARMFUL`."""
        moved = np.where(self.safe.fired, BENIGN, MOVED)
        found: Ints = np.where(self.harm.fired, HARMFUL, np.where(self.moved.fired, moved, QUIET))
        return found

    def reset(self, rows: Bools | None = None) -> None:
        """Restart the rows of a mask (B,), or all."""
        for alarm in (self.harm, self.moved, self.safe):
            alarm.reset(rows)
