"""Labelled pictures of nodes that adapt their models, and those whose labels are on their way."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.compile.adaptations import AdaptationTables


class SamplePool:
    """Samples of every pair of a node and a model that may adapt, B rows.

    Attributes:
        samples: (B, v, C, C) by the condition that is true and the believed one.
        coming: (B, delay + 1, v, C, C) whose labels are on their way.
    """

    def __init__(
        self,
        plan: AdaptationTables,
        stream_class: Ints,
        site: Ints,
        shape: tuple[int, int, int],
        half_life: float | None,
    ) -> None:
        """No samples.

        Args:
            plan: of all pairs.
            stream_class: (a,) of each stream of answers.
            site: (a,) node where its pictures enter.
            shape: rows B, conditions C, and slots until a label comes.
            half_life: [slots] after which a sample counts half; None: it does not fade.
        """
        rows, conditions, delay = shape
        self._seer, self._seen = np.nonzero(plan.pair_sees)
        self._site, self._class = site[self._seen], stream_class[self._seen]
        self._most = plan.known.shape[3] - 1
        self._keep = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
        each = len(plan.pair_node), conditions, conditions
        self.samples = np.zeros((rows, *each))
        self.coming = np.zeros((rows, delay + 1, *each))

    def count(self) -> Floats:
        """(B, v) samples."""
        return _count(self.samples)

    def hear(self, slot: Ints, asked: Floats, condition: Ints, belief: Floats) -> None:
        """Take in a slot's answers whose label is asked for; they are samples once it comes.

        Args:
            slot: (B,).
            asked: (B, a) answers.
            condition: (B, R) that is true.
            belief: (B, sites, C) chances of the conditions.
        """
        coming, samples = self.coming, self.samples
        rows, place = np.arange(len(slot)), slot % self.coming.shape[1]
        coming[rows, place] = 0.0
        true = condition[:, self._class]
        for b in rows:
            weighed = asked[b, self._seen, None] * belief[b, self._site]
            np.add.at(coming[b, place[b]], (self._seer, true[b]), weighed)
        came = coming[rows, (slot + 1) % coming.shape[1]]
        came[slot < coming.shape[1] - 1] = 0.0
        came *= np.minimum(1.0, self._most / np.maximum(_count(came), 1e-12))[..., None, None]
        samples *= self._keep
        # New ones take the place of old ones, of whatever condition these are.
        room = self._most - _count(came)
        samples *= np.minimum(1.0, room / np.maximum(_count(samples), 1e-12))[..., None, None]
        samples += came

    def draft(self, chance: Floats | None) -> tuple[Floats, Floats]:
        """Samples that would be adapted to, by true and by believed condition, (B, v, C) each.

        Args:
            chance: (B, v, C) of conditions at each pair: those are taken that are believed to have the
                likeliest one; None: all.
        """
        if chance is None:
            return self.samples.sum(axis=3), self.samples.sum(axis=2)
        likely = chance.argmax(axis=2)
        true = np.take_along_axis(self.samples, likely[..., None, None], axis=3)[..., 0]
        known = np.zeros(true.shape)
        np.put_along_axis(known, likely[..., None], true.sum(axis=2, keepdims=True), axis=2)
        return true, known


def _count(samples: Floats) -> Floats:
    """Of (..., C, C)."""
    total: Floats = samples.sum(axis=(-2, -1))
    return total
