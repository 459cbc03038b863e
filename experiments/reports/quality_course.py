"""What hidden quality does in an episode, slot by slot: accuracies, samples and versions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.evaluation.rollout import Episodes
from idn_gym.metrics import COLUMN
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


class QualityCourse(NamedTuple):
    """Of an episode of T slots, with v pairs of a node and a model that may adapt; 0 where none do."""

    in_force: Floats
    """(T,) accuracy that is believed of the slot's answers, nan without requests"""
    true: Floats
    """(T,) the same under the conditions that were in force"""
    samples: Floats
    """(T, v) that there are to adapt to when the slot begins"""
    adapted: Floats
    """(T, v) those of the version that the slot is served by; 0: the catalogue's"""

    def began(self, pair: int) -> Ints:
        """Slots from which on a version of a pair is in force."""
        return np.flatnonzero(self._moved(pair) & (self.adapted[:, pair] > 0.0))

    def ended(self, pair: int) -> Ints:
        """Slots from which on a pair has the catalogue's weights again, or none."""
        return np.flatnonzero(self._moved(pair) & (self.adapted[:, pair] == 0.0))

    def _moved(self, pair: int) -> Bools:
        moved: Bools = np.diff(self.adapted[:, pair], prepend=0.0) != 0.0
        return moved


class QualityLog:
    """Notes slots as they are played."""

    def __init__(self, compiled: Compiled) -> None:
        """Start with no slots of a scenario that hides quality."""
        plan = compiled.adaptations
        self._stream, self._most = np.zeros(0, np.int64), 0
        if plan is not None:
            # Outcomes tell samples by stream, the same of all streams of a pair, over the most that are kept.
            pairs = np.arange(len(plan.pair_node))
            self._stream = (plan.stream_pair == pairs[:, None]).argmax(axis=1)
            self._most = plan.known.shape[3] - 1
        self._accuracy: list[float] = []
        self._samples, self._adapted = [np.zeros(len(self._stream))], [np.zeros(len(self._stream))]

    def note(self, feedback: Feedback) -> None:
        """Take in the slot just played."""
        outcome = feedback.outcome
        arrived = float(outcome.arrived[0].sum())
        self._accuracy.append(float(outcome.correct[0].sum()) / arrived if arrived else np.nan)
        self._samples.append(outcome.samples[0, self._stream] * self._most)
        self._adapted.append(outcome.adapted[0, self._stream] * self._most)

    def course(self, played: Episodes) -> QualityCourse:
        """All slots, with the truth that the rollout recorded."""
        accuracy = np.array(self._accuracy)
        true = np.where(np.isnan(accuracy), np.nan, played.metrics[0, :, COLUMN.accuracy])
        # What a slot ends with is what the next one begins with.
        return QualityCourse(accuracy, true, np.array(self._samples)[:-1], np.array(self._adapted)[:-1])
