"""Accuracies in force, slot by slot: estimates that fade back to prior knowledge.

A slot is told as `Heard`: the streams that answered, and how. Streams are those of `AnswerTables`. Estimates
are (B, a), of B rows and a streams.
"""

from __future__ import annotations

import abc
from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints, Numbers
from idn_gym.quality.alarms import FallAlarm
from idn_gym.quality.counts import SlotCounts, put_state

HARM = 0.05
"""Loss of accuracy that the alarm leaves alone."""


NONE: Floats = np.zeros((0, 0))
"""Counts of what was not asked for."""


class Heard(NamedTuple):
    """The streams that answered in a slot, n of them in all rows together."""

    row: Ints  # (n,)
    stream: Ints  # (n,)
    cells: Floats  # (n, d) answers by exit and bin of raw confidence
    row_labelled: Floats  # (B, a) labels that came, of this slot or an earlier one
    row_right: Floats  # (B, a) of them, right answers
    row_compared: Floats = NONE  # (B, a) answers that a model upstream answered, too; (0, 0): no copies sent
    row_agreed: Floats = NONE  # (B, a) of them, those with the same answer


class Belief(abc.ABC):
    """An estimate of the accuracy of every stream."""

    def reset(self, rows: Bools) -> None:
        """Forget the rows of a mask (B,)."""
        for array in self.arrays().values():
            array[rows] = 0

    @abc.abstractmethod
    def note(self, heard: Heard) -> None:
        """Take in a slot."""

    @abc.abstractmethod
    def accuracy(self) -> Floats:
        """(B, a), between 0 and 1."""

    def probed(self) -> Bools | None:
        """(B, a) streams whose answers are to be probed; None: all."""
        return None

    @abc.abstractmethod
    def arrays(self) -> dict[str, Numbers]:
        """State by name, (B, ...) each; written to when a state is restored."""

    def get_state(self) -> dict[str, Numbers]:
        """Copies of all that is remembered."""
        return {name: array.copy() for name, array in self.arrays().items()}

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned."""
        put_state(self.arrays(), state)


class FadingMeans:
    """Means of signals, beside which a prior counts as so many samples; all samples fade with the slots.

    A mean is (prior x usual + sum of signals) / (prior + samples), where both sums halve every half-life.
    Usual is nominal, moved by what all streams of the ingress node together are off by: a shift that harms
    one model harms others, too, so that those of which nothing is heard do not look better by that alone.
    What nothing is heard of goes back to nominal, and is tried again.
    """

    def __init__(self, rows: int, nominal: Floats, site: Ints, half_life: float, prior: float) -> None:
        """Set up.

        Args:
            rows: B.
            nominal: (a,) accuracy without any sample.
            site: (a,) ingress node of each stream.
            half_life: [slots].
            prior: [samples].
        """
        self.nominal, self._prior, self._keep = nominal, prior, 0.5 ** (1.0 / half_life)
        self._site = np.unique(site, return_inverse=True)[1].reshape(-1)
        self._order = np.argsort(self._site, kind="stable")
        self._first = np.searchsorted(self._site[self._order], np.arange(int(self._site.max()) + 1))
        self.total, self.count = np.zeros((2, rows, len(nominal)))

    def fade(self) -> None:
        """Let a slot pass."""
        self.total *= self._keep
        self.count *= self._keep

    def means(self) -> Floats:
        """(B, a), between 0 and 1."""
        off = self._by_site(self.total - self.count * self.nominal)
        moved = off / (self._prior + self._by_site(self.count))
        usual = np.clip(self.nominal + moved[:, self._site], 0.0, 1.0)
        found: Floats = (self._prior * usual + self.total) / (self._prior + self.count)
        return np.clip(found, 0.0, 1.0)

    def _by_site(self, values: Floats) -> Floats:
        """(B, sites) sums over the streams of each ingress node."""
        sums: Floats = np.add.reduceat(values[:, self._order], self._first, axis=1)
        return sums


class MeanBelief(Belief):
    """Means of a signal; subclasses say of which."""

    def __init__(self, means: FadingMeans, shift: Floats | float = 0.0) -> None:
        """Set up.

        Args:
            means: to be kept.
            shift: (a,) added to every value: by it, means agree with `nominal` where they did on the source.
        """
        self._means, self._shift = means, np.broadcast_to(np.asarray(shift, float), means.nominal.shape)

    def accuracy(self) -> Floats:
        """Means so far."""
        return self._means.means()

    def arrays(self) -> dict[str, Numbers]:
        """Sums and counts."""
        return {"total": self._means.total, "count": self._means.count}


class ConfidenceBelief(MeanBelief):
    """The mean of a value per cell: the confidence itself, or what it was worth on labelled samples."""

    def __init__(self, means: FadingMeans, values: Floats, shift: Floats | float = 0.0) -> None:
        """Set up as `MeanBelief`, with what an answer in each cell is worth (a, d)."""
        super().__init__(means, shift)
        self._values = values

    def note(self, heard: Heard) -> None:
        """Take in the confidences of a slot."""
        self._means.fade()
        count = heard.cells.sum(axis=1)
        worth = (heard.cells * self._values[heard.stream]).sum(axis=1) + count * self._shift[heard.stream]
        self._means.total[heard.row, heard.stream] += worth
        self._means.count[heard.row, heard.stream] += count


class LabelBelief(MeanBelief):
    """The share of right answers among those whose label came."""

    def note(self, heard: Heard) -> None:
        """Take in the labels of a slot."""
        self._means.fade()
        self._means.total += heard.row_right
        self._means.count += heard.row_labelled


class AgreementBelief(MeanBelief):
    """The share of answers that a model upstream agrees with, moved by a shift."""

    def note(self, heard: Heard) -> None:
        """Take in what was compared in a slot."""
        self._means.fade()
        self._means.total += heard.row_agreed + heard.row_compared * self._shift
        self._means.count += heard.row_compared


class AlarmBelief(Belief):
    """The catalogue's accuracy until an alarm on confidences fires; then labels, for so many slots.

    The alarm is `FallAlarm`: no more than alpha of the streams whose mean value is at most `HARM` below the
    source's ever raise it, whatever the source's samples leave open. Afterwards it restarts.
    """

    def __init__(self, means: FadingMeans, values: Floats, source: Floats, alpha: float, hold: int) -> None:
        """Set up.

        Args:
            means: of labels, to be kept.
            values: (a, d) what an answer in each cell is worth.
            source: (a, d) samples without a shift, other ones than values were fitted to.
            alpha: of the alarm.
            hold: [slots] of probing.
        """
        rows, size = len(means.total), source.sum(axis=1)
        self._alarm = FallAlarm(
            rows, values, source / size[:, None], tolerance=HARM, alpha=alpha, samples=size
        )
        self._labels, self._hold = LabelBelief(means), hold
        self._left = np.zeros(means.total.shape, np.int64)

    def note(self, heard: Heard) -> None:
        """Take in a slot; alarms that fire begin to be probed with the next one."""
        self._labels.note(heard)
        served = np.zeros((*self._left.shape, heard.cells.shape[1]))
        served[heard.row, heard.stream] = heard.cells
        served[self._left > 0] = 0.0
        self._alarm.note(SlotCounts(served))
        self._left -= self._left > 0
        fired = self._alarm.fired
        self._left[fired] = self._hold
        self._alarm.wagers.reset(fired)

    def accuracy(self) -> Floats:
        """Shares of right answers so far; nothing but the prior where nothing was probed of late."""
        return self._labels.accuracy()

    def probed(self) -> Bools:
        """Streams whose alarm fired."""
        chosen: Bools = self._left > 0
        return chosen

    def reset(self, rows: Bools) -> None:
        """Forget rows."""
        self._labels.reset(rows)
        self._alarm.reset(rows)
        self._left[rows] = 0

    def arrays(self) -> dict[str, Numbers]:
        """Labels, slots of probing that are left, and the alarm's wealth."""
        return {**self._labels.arrays(), "left": self._left, **self._alarm.wagers.arrays()}


class ConditionBelief(Belief):
    """Probabilities of the known conditions at each ingress node, by Bayes' rule.

    A hidden Markov model: a condition stays with probability 1 - 1/stay, and answers fall into cells as
    samples of the condition did. One model's answers say what to expect of all others, but only of conditions
    that are known. As these are known by a few samples, the answers of a stay count as no more than so many.
    """

    def __init__(
        self,
        rows: int,
        site: Ints,
        kind: Ints,
        known: Floats,
        stay: float,
    ) -> None:
        """Set up.

        Args:
            rows: B.
            site: (a,) ingress node of each stream.
            kind: (a,) see `AnswerTables`.
            known: (k, C, d, 2) samples of each condition; wrong, right.
            stay: [slots].
        """
        samples = known.sum(axis=3)
        usual = samples.sum(axis=1, keepdims=True) + 1.0
        # As if two samples more had been seen, which fell where those of all conditions do.
        shares = samples + 2.0 * usual / usual.sum(axis=2, keepdims=True)
        self._log = np.log(shares / shares.sum(axis=2, keepdims=True))
        self._accuracy = known[..., 1].sum(axis=2) / samples.sum(axis=2)
        conditions = known.shape[1]
        self._samples, self._stay = samples.sum(axis=2).min(axis=1), stay
        self._site, self._kind = site, kind
        self._switch = 0.0 if conditions == 1 else 1.0 / stay
        self.weight = np.full((rows, int(site.max()) + 1, conditions), 1.0 / conditions)

    def reset(self, rows: Bools) -> None:
        """All conditions are equally likely."""
        self.weight[rows] = 1.0 / self.weight.shape[2]

    def note(self, heard: Heard) -> None:
        """Take in the confidences of a slot."""
        evidence = np.zeros_like(self.weight)
        kind, site = self._kind[heard.stream], self._site[heard.stream]
        answers = heard.cells.sum(axis=1)
        weight = self._samples[kind] / (self._samples[kind] + answers * self._stay)
        said = weight[:, None] * (self._log[kind] * heard.cells[:, None, :]).sum(axis=2)
        np.add.at(evidence, (heard.row, site), said)
        score = np.log(self.weight) + evidence
        found = np.exp(score - score.max(axis=2, keepdims=True))
        found /= found.sum(axis=2, keepdims=True)
        others = max(1, found.shape[2] - 1)
        self.weight[:] = (1.0 - self._switch) * found + self._switch * (1.0 - found) / others
        np.maximum(self.weight, 1e-12, out=self.weight)

    def accuracy(self) -> Floats:
        """Accuracies of the conditions, by their probabilities."""
        found: Floats = (self.weight[:, self._site] * self._accuracy[self._kind]).sum(axis=2)
        return found

    def arrays(self) -> dict[str, Numbers]:
        """Probabilities."""
        return {"weight": self.weight}
