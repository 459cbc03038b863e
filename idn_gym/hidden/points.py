"""Operating points chosen online, where quality is hidden: one per request class and model in every slot.

Serving leaves the options of all other points out, as it leaves out those whose link is down: they take
forever (`Draw.option_latency`).
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import (
    BYTE_HOP,
    EMPTY,
    ERROR,
    JOULE,
    SECOND,
    Bools,
    Draw,
    Floats,
    Ints,
    Numbers,
    Outcome,
)
from idn_gym.core.row_starts import owners
from idn_gym.quality.exit_thresholds import ThresholdBandit, exit_loss
from idn_gym.quality.in_force import Heard
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.config_quality import BANDIT

CHOICES = 0x706F696E
"""Names the stream of choices among the children of an episode's seed."""

LEAST_PRICE = 1e-9
"""Of an error, over the largest cost of a request: where errors cost nothing, losses are costs alone."""


class PointBook:
    """Which operating point each class is served by at each model that has several; v pairs of them.

    By the bandit, every pair has an EXP3 of its own, whose loss is what the class's requests cost in the
    slot, by what is heard: see `losses`. It counts in every slot in which the class has requests, which does
    not depend on any choice, so the guarantee of `ThresholdBandit` holds for each pair.

    Attributes:
        pair_class: (v,)
        pair_model: (v,)
        choice: (B, v) operating point of the coming slot; EMPTY: all of them.
        lost: (B, R) losses of classes, summed over the slots in which they had requests.
        slots: (B, R) number of these.
    """

    def __init__(self, compiled: Compiled, rows: int) -> None:
        """Set up.

        Args:
            compiled: of a scenario with hidden quality.
            rows: B.
        """
        quality, answers, tables = compiled.scenario.quality, compiled.answers, compiled.tables
        assert quality is not None and answers is not None
        self._tables, self._answers = tables, answers
        self._labels = quality.probes.delay == 0
        several = np.array([len(names) > 1 for names in compiled.names.points])
        option_class = owners(tables.option_start)
        found, pair = np.unique(
            np.stack([option_class, tables.option_model], axis=1)[several[tables.option_model]],
            axis=0,
            return_inverse=True,
        )
        self.pair_class, self.pair_model = found.T.astype(np.int64)
        self._option = np.flatnonzero(several[tables.option_model])
        self._option_pair, self._option_point = pair.reshape(-1), tables.option_point[self._option]
        size = np.array([len(compiled.names.points[m]) for m in self.pair_model], np.int64)
        self._bandits: list[tuple[ThresholdBandit, Ints]] = []  # of pairs with equally many points
        for count in np.unique(size) if quality.points == BANDIT else ():
            group = np.flatnonzero(size == count)
            self._bandits.append((ThresholdBandit(rows, len(group), np.arange(float(count))), group))
        names = [compiled.names.points[m] for m in self.pair_model]
        fixed = [names_.index(quality.points) if quality.points in names_ else EMPTY for names_ in names]
        self.choice: Ints = np.tile(np.array(fixed, np.int64), (rows, 1))
        self.lost = np.zeros((rows, len(tables.class_task)))
        self.slots = np.zeros((rows, len(tables.class_task)), np.int64)
        self._told = np.zeros(rows)
        self._key = np.zeros((rows, 2), np.uint64)
        samples = answers.calibrating.sum(axis=2)
        self._worth = (answers.calibrating[..., 1] + answers.middle) / (samples + 1.0)

    def start(self, row: int, root: np.random.SeedSequence) -> None:
        """A new episode in a row; choices are drawn from a stream of their own."""
        child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, CHOICES))
        self._key[row] = child.generate_state(2, np.uint64)

    def rewind(self, chosen: Bools) -> None:
        """Return the rows of a mask (B,) to slot 0, with nothing learnt, and choose for it."""
        for bandit, _ in self._bandits:
            bandit.reset(chosen)
        for array in (self.lost, self.slots, self._told):
            array[chosen] = 0
        self.choose(chosen, np.zeros(len(chosen), np.int64))

    def choose(self, rows: Bools, slot: Ints) -> None:
        """Choose operating points for the coming slot (B,), in the rows of a mask (B,)."""
        if not self._bandits:
            return
        uniforms = np.zeros(self.choice.shape)
        for b in np.flatnonzero(rows):
            generator = np.random.Philox(key=self._key[b], counter=[0, 0, 0, int(slot[b])])
            uniforms[b] = np.random.Generator(generator).random(len(self.pair_class))
        for bandit, group in self._bandits:
            self.choice[:, group] = bandit.choose(uniforms[:, group], rows)

    def close(self, draw: Draw, rows: Ints) -> None:
        """Have serving leave out what was not chosen, in some rows whose prices have just been written."""
        choice = self.choice[rows][:, self._option_pair]
        row, place = np.nonzero((choice != EMPTY) & (choice != self._option_point))
        draw.option_latency[rows[row], self._option[place]] = np.inf

    def learn(self, draw: Draw, outcome: Outcome, heard: Heard, extra: Floats) -> None:
        """Take in a slot; `extra` (B, R) is what requests cost beyond what is booked, at the tariff."""
        losses, active = self.losses(draw, outcome, heard, extra), outcome.arrived > 0.0
        self.lost += np.where(active, losses, 0.0)
        self.slots += active
        self._told[:] = np.where(active, losses, 0.0).sum(axis=1) / np.maximum(1, active.sum(axis=1))
        for bandit, group in self._bandits:
            classes = self.pair_class[group]
            bandit.note(losses[:, classes], active[:, classes])

    def losses(self, draw: Draw, outcome: Outcome, heard: Heard, extra: Floats) -> Floats:
        """(B, R) what a request of the class costs at the tariff, over what a drop does; from 0 to 1.

        Errors are those of the slot's labels; in streams of which no label came in the slot itself, 1 - the
        mean calibrated confidence. A drop is an error, and in all else the worst that a class knows.
        """
        error_price, further = draw.tariff[:, ERROR, None], slice(SECOND, BYTE_HOP + 1)
        arrived = np.maximum(outcome.arrived, np.finfo(float).tiny)
        error = (self._wrong(outcome, heard) + outcome.penalty[..., ERROR]) / arrived
        spent = np.stack([outcome.latency, outcome.energy, outcome.traffic], axis=2)
        spent += outcome.penalty[..., further]
        cost = ((spent * draw.tariff[:, None, further]).sum(axis=2) + extra) / arrived
        worst = np.stack(np.broadcast_arrays(self._tables.class_timeout, draw.drop_joules), axis=2)
        dearest = (worst * draw.tariff[:, None, [SECOND, JOULE]]).sum(axis=2)
        dearest += draw.tariff[:, BYTE_HOP, None] * self._tables.class_drop_bytes
        least = np.maximum(LEAST_PRICE * dearest, np.finfo(float).tiny)
        weight = 1.0 / np.maximum(error_price, least)
        return exit_loss(np.clip(error, 0.0, 1.0), np.clip(cost, 0.0, dearest), weight, dearest)

    def _wrong(self, outcome: Outcome, heard: Heard) -> Floats:
        """(B, R) wrong answers of each class, as far as they are heard of."""
        classes, kinds = self._answers.stream_class, self._answers.stream_kind
        right = np.broadcast_to(self._answers.nominal[kinds], outcome.answered.shape).copy()
        count = heard.cells.sum(axis=1)
        some = count > 0.0
        worth = (heard.cells * self._worth[kinds[heard.stream]]).sum(axis=1)
        right[heard.row[some], heard.stream[some]] = worth[some] / count[some]
        if self._labels:
            came = heard.row_labelled > 0.0
            right[came] = heard.row_right[came] / heard.row_labelled[came]
        wrong = np.zeros(outcome.arrived.shape)
        for b, row in enumerate(outcome.answered * (1.0 - right)):
            np.add.at(wrong[b], classes, row)
        return wrong

    def bound(self) -> Floats:
        """(B, v) what the guarantee allows each pair so far, summed over slots; 0 without a bandit."""
        found = np.zeros(self.choice.shape)
        for bandit, group in self._bandits:
            found[:, group] = bandit.bound()
        return found

    def infos(self) -> dict[str, Numbers]:
        """Entries of infos, (B,) each: the slot's loss, and what is proven of the mean one so far."""
        told: dict[str, Numbers] = {"points_loss": self._told.copy()}
        if self._bandits:
            told["points_bound"] = (self.bound() / np.maximum(1, self.slots[:, self.pair_class])).mean(axis=1)
        return told

    def arrays(self) -> dict[str, Numbers]:
        """All that moves, (B, ...) each."""
        own: dict[str, Numbers] = {"choice": self.choice, "lost": self.lost, "slots": self.slots}
        own |= {"told": self._told, "key": self._key}
        for i, (bandit, _) in enumerate(self._bandits):
            own |= {f"{name} {i}": array for name, array in bandit.arrays().items()}
        return own
