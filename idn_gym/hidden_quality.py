"""Hidden quality: answers are drawn, rewards use the truth, accuracies in force are estimated.

All of it happens between slots, on what serving has booked per stream of answers. Nothing but rewards and
what stands under ``truth/`` in infos reads the truth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import ERROR, Bools, Draw, Floats, Ints, Numbers, Outcome
from idn_gym.core.places import place_of
from idn_gym.core.pricing import price_answers
from idn_gym.quality.counts import put_state
from idn_gym.quality.in_force import (
    AlarmBelief,
    Belief,
    ConditionBelief,
    ConfidenceBelief,
    FadingMeans,
    Heard,
    LabelBelief,
)
from idn_gym.rewards import Reward
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.answers import AnswerTables
from idn_gym.scenarios.config_quality import HiddenQuality

ANSWERS = 0x616E73
"""Names the stream of answers among the children of an episode's seed."""


class Truth(NamedTuple):
    """True results of the last slot, B rows, under the condition in force."""

    accuracy: Floats  # (B,) mean per request, drops counting as wrong
    tariff_cost: Floats  # (B,) serving cost and labels, over the nominal requests
    condition: Ints  # (B, R) of each class, place in `quality.conditions.names`; -1 before slot 0


class QualityBook:
    """Draws answers, keeps an estimate, and writes it where serving reads it.

    Attributes:
        truth: of the last slot; zeros before the first one.
        heard: what the last slot told, if any slot was played.
    """

    def __init__(self, compiled: Compiled, rows: int, draw: Draw) -> None:
        """Set up.

        Args:
            compiled: of a scenario with hidden quality.
            rows: B.
            draw: whose prices are written.
        """
        assert compiled.answers is not None and compiled.scenario.quality is not None
        self._tables, self._draw, self._answers = compiled.tables, draw, compiled.answers
        self._quality: HiddenQuality = compiled.scenario.quality
        self._horizon = compiled.scenario.horizon
        streams = len(self._answers.stream_class)
        self._belief = make_belief(self._quality, self._answers, compiled.class_ingress, rows)
        self._true = self._answers.truth()
        samples = self._answers.playing.sum(axis=3)
        self._chance = samples / samples.sum(axis=2, keepdims=True)
        self._right = self._answers.playing[..., 1] / np.maximum(1.0, samples)
        self._pending = np.zeros((rows, self._quality.probes.delay + 1, 2, streams))
        self._key = np.zeros((rows, 2, 2), np.uint64)
        self._lists = np.zeros(rows, np.int64)
        classes = len(compiled.tables.class_task)
        self.truth = Truth(np.zeros(rows), np.zeros(rows), np.zeros((rows, classes), np.int64))
        self.heard: Heard | None = None

    def start(self, row: int, root: np.random.SeedSequence) -> None:
        """Start an episode in a row; answers and their truth are drawn from separate streams.

        The truth therefore does not change any bit of the observed answers.
        """
        child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, ANSWERS))
        self._key[row] = child.generate_state(4, np.uint64).reshape(2, 2)

    def rewind(self, rows: Ints) -> None:
        """Return some rows to slot 0, with no answers observed."""
        chosen = np.zeros(len(self._lists), np.bool_)
        chosen[rows] = True
        self._pending[chosen] = 0.0
        if self._belief is not None:
            self._belief.reset(chosen)
        for field in self.truth:
            field[rows] = 0
        self.truth.condition[rows] = -1
        self._put_in_force(chosen, np.zeros(len(chosen), np.int64))

    def judge(self, slot: Ints, outcome: Outcome, reward: Reward) -> None:
        """After a slot is served: draw its answers, correct rewards by the truth, and learn.

        Args:
            slot: (B,) that was played.
            outcome: of it; what is heard is written there.
            reward: of it, written to.
        """
        rows = np.arange(len(slot))
        condition = self._draw.condition[rows, place_of(slot, self._draw.condition.shape[1])]
        heard, asked = self._listen(slot, outcome, condition)
        self.heard = heard
        self._correct(outcome, condition, asked, reward)
        if self._belief is not None:
            self._belief.note(heard)
        self._put_in_force(np.ones(len(slot), np.bool_), slot + 1)

    def _listen(self, slot: Ints, outcome: Outcome, condition: Ints) -> tuple[Heard, Floats]:
        """Answers of a slot, as counts, and (B, a) labels that are bought."""
        answers, row, stream, cells = self._answers, [], [], []
        asked = np.zeros_like(outcome.answered)
        probed = None if self._belief is None else self._belief.probed()
        place = slot % self._pending.shape[1]
        for b in range(len(slot)):
            found = np.flatnonzero(outcome.answered[b] > 0.0)
            rng, labeller = (_generator(key, int(slot[b])) for key in self._key[b])
            amount = outcome.answered[b, found]
            count = np.floor(amount + rng.random(len(found))).astype(np.int64)  # as many on average
            under = answers.stream_kind[found], condition[b, answers.stream_class[found]]
            told = rng.multinomial(count, self._chance[under])
            mean = (told * answers.middle).sum(axis=1) / np.maximum(1, count)
            outcome.confidence[b, found] = amount * mean
            share = np.full(len(found), self._quality.probes.share)
            if probed is not None:
                share *= probed[b, found]
            labelled = rng.binomial(count, share)
            right = labelled
            if labelled.any():
                right = labeller.binomial(told, self._right[under]).sum(axis=1)
                right = labeller.hypergeometric(right, count - right, labelled)
            asked[b, found] = labelled
            self._pending[b, place[b]] = 0.0
            self._pending[b, place[b], :, found] = np.stack([labelled, right], axis=1)
            due = (slot[b] - self._quality.probes.delay) % self._pending.shape[1]
            if slot[b] >= self._quality.probes.delay:
                outcome.labelled[b], outcome.right[b] = self._pending[b, due]
            row.append(np.full(len(found), b))
            stream.append(found)
            cells.append(told.astype(float))
        parts = np.concatenate(row), np.concatenate(stream), np.concatenate(cells)
        return Heard(*parts, outcome.labelled, outcome.right), asked

    def _correct(self, outcome: Outcome, condition: Ints, asked: Floats, reward: Reward) -> None:
        """Correct rewards by the truth and by the cost of labels."""
        answers = self._answers
        under = condition[:, answers.stream_class]
        right = (outcome.answered * self._true[answers.stream_kind, under]).sum(axis=1)
        paid = self._quality.probes.cost * asked.sum(axis=1)
        arrived = outcome.arrived.sum(axis=1)
        better = right - paid - outcome.correct.sum(axis=1)
        self.truth.accuracy[:] = right / np.maximum(arrived, np.finfo(float).tiny)
        cost = outcome.tariff_cost - self._draw.tariff[:, ERROR] * better
        self.truth.tariff_cost[:] = cost / reward.nominal_requests
        self.truth.condition[:] = condition
        for i in np.flatnonzero(reward.source == ERROR):
            share = better / reward.nominal_requests
            reward.vectors[:, i] += share
            reward.scalars[:] += reward.weights[:, i] * share / reward.scales[i]

    def _put_in_force(self, rows: Bools, slot: Ints) -> None:
        """Write the accuracies that the coming slot (B,) is served by, in some rows."""
        if self._quality.accuracy == "nominal":
            return
        if self._belief is None:
            all_rows = np.arange(len(slot))
            t = place_of(np.minimum(slot, self._horizon - 1), self._draw.condition.shape[1])
            condition = self._draw.condition[all_rows, t]
            answers = self._answers
            accuracy = self._true[answers.stream_kind, condition[:, answers.stream_class]]
        else:
            accuracy = self._belief.accuracy()
        for b in np.flatnonzero(rows):
            self._draw.error_in_force[b] = 1.0 - accuracy[b, self._tables.option_stream]
            self._lists[b] += 1
            self._draw.price_list[b] = 1.0 + b + len(slot) * self._lists[b]
            price_answers(self._tables, self._draw, int(b))

    def infos(self) -> dict[str, Numbers]:
        """Entries of infos: the truth under names of its own, B rows."""
        return {f"truth/{name}": field.copy() for name, field in self.truth._asdict().items()}

    def get_state(self) -> dict[str, Any]:
        """Return everything that changes, as plain data."""
        kept: dict[str, Any] = {"pending": self._pending.copy(), "key": self._key.copy()}
        kept["accuracy"] = self._quality.accuracy
        kept |= {f"truth {name}": field.copy() for name, field in self.truth._asdict().items()}
        if self._belief is not None:
            kept |= {f"belief {name}": array for name, array in self._belief.get_state().items()}
        return kept

    def set_state(self, saved: dict[str, Any], slot: Ints) -> None:
        """Go on from what `get_state` returned.

        Args:
            saved: the state.
            slot: (B,) about to be played.

        Raises:
            ConfigError: it is the state of another accuracy in force.
        """
        if saved.get("accuracy") != self._quality.accuracy:
            allowed = f"must be {self._quality.accuracy!r}, by which this environment serves"
            raise ConfigError(
                "state.quality.accuracy", f"{show(saved.get('accuracy'))} is not allowed; {allowed}"
            )
        own: dict[str, Numbers] = {"pending": self._pending, "key": self._key}
        own |= {f"truth {name}": field for name, field in self.truth._asdict().items()}
        put_state(own, {name: saved[name] for name in own if name in saved})
        if self._belief is not None:
            begins = "belief "
            self._belief.set_state(
                {name.removeprefix(begins): array for name, array in saved.items() if name.startswith(begins)}
            )
        self._put_in_force(np.ones(len(slot), np.bool_), slot)


def _generator(key: npt.NDArray[np.uint64], slot: int) -> np.random.Generator:
    """Of one slot, whatever was drawn in others."""
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, slot]))


def make_belief(
    quality: HiddenQuality, answers: AnswerTables, class_ingress: Ints, rows: int
) -> Belief | None:
    """Return the estimator of a scenario; None where it uses the catalogue's accuracy or the truth.

    Args:
        quality: the scenario's.
        answers: of its models.
        class_ingress: (R,) ingress node of each class.
        rows: B.
    """
    kind, nominal = answers.stream_kind, answers.nominal[answers.stream_kind]
    site = class_ingress[answers.stream_class]
    means = FadingMeans(rows, nominal, site, quality.half_life, quality.prior)
    samples = answers.calibrating.sum(axis=2)
    # An empty cell is worth its middle, which counts as one answer in the others.
    worth = (answers.calibrating[..., 1] + answers.middle) / (samples + 1.0)
    raw = np.broadcast_to(answers.middle, samples.shape)
    match quality.accuracy:
        case "confidence":
            return ConfidenceBelief(means, raw[kind])
        case "calibrated":
            return ConfidenceBelief(means, worth[kind])
        case "difference":
            source = (raw * samples).sum(axis=1) / samples.sum(axis=1)
            return ConfidenceBelief(means, raw[kind], shift=nominal - source[kind])
        case "labels":
            return LabelBelief(means)
        case "alarm":
            source = (worth * samples).sum(axis=1) / samples.sum(axis=1)
            bets = quality.alpha, quality.hold
            return AlarmBelief(means, worth[kind], source[kind], *bets)
        case "conditions":
            return ConditionBelief(rows, site, kind, answers.known, quality.stay)
        case _:
            return None
