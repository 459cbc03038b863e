"""What answers say and which of them are right, drawn slot by slot, and labels on their way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Ints, Outcome
from idn_gym.quality.in_force import Heard
from idn_gym.scenarios.compile.answers import AnswerTables

ANSWERS = 0x616E73
"""Names the stream of answers among the children of an episode's seed."""


class AnswerBook:
    """Draws the answers of B episodes from outcome tables, and keeps labels until they come.

    Attributes:
        pending: (B, delay + 1, 2, a) labels asked for in each of the last slots, and right ones among them.
        key: (B, 2, 2) of the random numbers for what answers say, and for what is right.
    """

    def __init__(self, answers: AnswerTables, delay: int, rows: int) -> None:
        """Set up.

        Args:
            answers: tables that are drawn from.
            delay: [slots] until a label comes.
            rows: B.
        """
        self._answers, self._delay, self._true = answers, delay, answers.truth()
        samples = answers.playing.sum(axis=3)
        self._chance = samples / samples.sum(axis=2, keepdims=True)
        self._right = answers.playing[..., 1] / np.maximum(1.0, samples)
        self.pending = np.zeros((rows, delay + 1, 2, len(answers.stream_class)))
        self.key = np.zeros((rows, 2, 2), np.uint64)
        self._generator = np.random.Generator(np.random.Philox(key=0))
        self._start: dict[str, Any] = dict(self._generator.bit_generator.state)

    def start(self, row: int, root: np.random.SeedSequence) -> None:
        """A new episode in a row; what answers say and what is right are drawn from streams of their own.

        So what is right does not move a bit of what is said.
        """
        child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, ANSWERS))
        self.key[row] = child.generate_state(4, np.uint64).reshape(2, 2)

    def draw(
        self,
        slot: Ints,
        outcome: Outcome,
        condition: Ints,
        share: Floats,
        true: Floats | None,
        copied: Floats | None = None,
    ) -> tuple[Heard, Floats]:
        """Answers of a slot.

        Args:
            slot: (B,) that was played.
            outcome: of it; what is heard is written there.
            condition: (B, R) that was in force.
            share: (B, a) of answers whose label is asked for.
            true: (B, a) accuracies where models have adapted; None: those of the tables.
            copied: (a,) share of requests that a model upstream answers, too; None: none.

        Returns:
            What is heard, as counts, and labels asked for (B, a).
        """
        row, stream = np.nonzero(outcome.answered > 0.0)
        kind, under = self._answers.stream_kind[stream], condition[row, self._answers.stream_class[stream]]
        amount, chance, probed = outcome.answered[row, stream], self._chance[kind, under], share[row, stream]
        told = np.zeros(chance.shape, np.int64)
        labelled, right, compared, agreed = np.zeros((4, len(row)), np.int64)
        ends = np.searchsorted(row, np.arange(len(slot) + 1)).tolist()
        for b, (first, end) in enumerate(pairwise(ends)):
            part, rng = slice(first, end), self._seek(self.key[b, 0], slot[b])
            count = np.floor(amount[part] + rng.random(end - first)).astype(np.int64)  # as many on average
            told[part] = rng.multinomial(count, chance[part])
            labelled[part] = rng.binomial(count, probed[part])
            if copied is not None:
                compared[part] = rng.binomial(count, copied[stream[part]])
                assert self._answers.copies is not None
                agreeing = self._answers.copies.agreeing[stream[part], under[part]]
                alike = rng.binomial(told[part], agreeing).sum(axis=1)
                agreed[part] = rng.hypergeometric(alike, count - alike, compared[part])
            if not labelled[part].any():
                continue
            rng, cells = self._seek(self.key[b, 1], slot[b]), (kind[part], under[part])
            found = rng.binomial(told[part], self._right[cells]).sum(axis=1)
            if true is not None:
                found = _adapted(rng, count, found, self._true[cells], true[b, stream[part]])
            right[part] = rng.hypergeometric(found, count - found, labelled[part])
        count, middle = np.maximum(1, told.sum(axis=1)), self._answers.middle
        outcome.confidence[row, stream] = amount * ((told * middle).sum(axis=1) / count)
        outcome.squares[row, stream] = amount * ((told * middle**2).sum(axis=1) / count)
        asked = np.zeros_like(outcome.answered)
        asked[row, stream] = labelled
        heard = Heard(row, stream, told.astype(float), outcome.labelled, outcome.right)
        if copied is not None:
            heard = heard._replace(row_compared=np.zeros_like(asked), row_agreed=np.zeros_like(asked))
            heard.row_compared[row, stream], heard.row_agreed[row, stream] = compared, agreed
        self._post(slot, outcome, row, stream, np.stack([labelled, right], axis=1))
        return heard, asked

    def _post(self, slot: Ints, outcome: Outcome, row: Ints, stream: Ints, labels: Ints) -> None:
        """Send for labels (n, 2) of streams in rows, (n,) each, and hand over those that are due."""
        wait = self._delay + 1
        self.pending[np.arange(len(slot)), slot % wait] = 0.0
        self.pending[row, (slot % wait)[row], :, stream] = labels
        due = np.flatnonzero(slot >= self._delay)
        came = self.pending[due, (slot[due] - self._delay) % wait]
        outcome.labelled[due], outcome.right[due] = came[:, 0], came[:, 1]

    def _seek(self, key: npt.NDArray[np.uint64], slot: int) -> np.random.Generator:
        """The generator at the start of a slot's numbers, whatever was drawn in others.

        It gives what a new one of this key (2,) does, which takes several times as long to make.
        """
        self._start["state"] = {"counter": np.array([0, 0, 0, slot], np.uint64), "key": key}
        self._generator.bit_generator.state = self._start
        return self._generator


def _adapted(rng: np.random.Generator, count: Ints, right: Ints, before: Floats, after: Floats) -> Ints:
    """Right answers (n,) of a version, of `count`, where `right` were right before accuracies moved."""
    up = np.maximum(after - before, 0.0) / np.maximum(1.0 - before, 1e-12)
    down = np.maximum(before - after, 0.0) / np.maximum(before, 1e-12)
    won, lost = rng.binomial(count - right, np.minimum(up, 1.0)), rng.binomial(right, np.minimum(down, 1.0))
    found: Ints = right + won - lost
    return found
