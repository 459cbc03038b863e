"""Where quality is hidden: answers are drawn, rewards hear the truth, accuracies in force are estimated.

All of it happens between slots, on what serving has booked per stream of answers. Nothing but rewards and
what stands under ``truth/`` in infos reads the truth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.adapting import AdaptationBook
from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import (
    BYTE_HOP,
    ERROR,
    JOULE,
    Bools,
    Draw,
    Floats,
    Ints,
    Numbers,
    Outcome,
    State,
)
from idn_gym.core.places import place_of
from idn_gym.core.pricing import price_answers
from idn_gym.hidden_beliefs import make_belief
from idn_gym.quality.counts import put_state
from idn_gym.quality.in_force import ConditionBelief, Heard
from idn_gym.rewards import Reward
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.config_quality import HiddenQuality

ANSWERS = 0x616E73
"""Names the stream of answers among the children of an episode's seed."""


class Truth(NamedTuple):
    """Of the last slot, B rows; judged by the condition that was in force."""

    accuracy: Floats  # (B,) mean per request, drops counting as wrong
    tariff_cost: Floats  # (B,) serving cost and labels, over the nominal requests
    condition: Ints  # (B, R) of each class, place in `quality.conditions.names`; -1 before slot 0


class QualityBook:
    """Draws answers, keeps an estimate, and writes it where serving reads it.

    Attributes:
        truth: of the last slot; zeros before the first one.
        heard: what the last slot told, if any slot was played.
        adapting: what models have become, where they adapt; else None.
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
        self.adapting = AdaptationBook(compiled, rows, draw) if compiled.adaptations else None
        self._site = compiled.class_ingress

    def start(self, row: int, root: np.random.SeedSequence) -> None:
        """A new episode in a row; what answers say and what is right are drawn from streams of their own.

        So what is right does not move a bit of what is said.
        """
        child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, ANSWERS))
        self._key[row] = child.generate_state(4, np.uint64).reshape(2, 2)

    def rewind(self, rows: Ints) -> None:
        """Back to slot 0 in some rows: nothing has been heard."""
        chosen = np.zeros(len(self._lists), np.bool_)
        chosen[rows] = True
        self._pending[chosen] = 0.0
        if self._belief is not None:
            self._belief.reset(chosen)
        if self.adapting is not None:
            self.adapting.reset(chosen)
        for field in self.truth:
            field[rows] = 0
        self.truth.condition[rows] = -1
        self._put_in_force(chosen, np.zeros(len(chosen), np.int64))

    def judge(self, slot: Ints, after: State, outcome: Outcome, reward: Reward) -> None:
        """After a slot is served: draw its answers, correct rewards by the truth, and learn.

        Args:
            slot: (B,) that was played.
            after: state that it came to.
            outcome: of it; what is heard is written there, and what adapting costs.
            reward: of it, written to.
        """
        rows = np.arange(len(slot))
        condition = self._draw.condition[rows, place_of(slot, self._draw.condition.shape[1])]
        true = self._truth(condition)
        heard, asked = self._listen(slot, outcome, condition, true)
        self.heard = heard
        self._correct(outcome, condition, true, asked, reward)
        if self._belief is not None:
            self._belief.note(heard)
        if self.adapting is not None:
            belief = self._chances(condition)
            self.adapting.hear(slot, asked, condition, belief)
            self.adapting.advance(slot, after, outcome, belief, self._believed(condition))
            self._charge(reward)
        self._put_in_force(np.ones(len(slot), np.bool_), slot + 1)

    def _truth(self, condition: Ints) -> Floats:
        """True accuracy of each stream (B, a), by the conditions of classes (B, R)."""
        under = condition[:, self._answers.stream_class]
        true: Floats = self._true[self._answers.stream_kind, under]
        if self.adapting is not None:
            change = np.take_along_axis(self.adapting.change(), under[..., None], axis=2)[..., 0]
            true = np.clip(true + change, 0.0, 1.0)
        return true

    def _chances(self, condition: Ints) -> Floats:
        """What is believed of conditions, (B, sites, C); the truth (B, R) for the oracle alone."""
        if isinstance(self._belief, ConditionBelief):
            return self._belief.weight
        names, sites = len(self._quality.conditions.names), int(self._site.max()) + 1
        if self._quality.accuracy != "oracle":
            return np.full((len(condition), sites, names), 1.0 / names)
        found = np.zeros((len(condition), sites, names))
        found[:, self._site] = condition[..., None] == np.arange(names)
        return found

    def _believed(self, condition: Ints) -> Floats:
        """Accuracy in force of each stream, (B, a), estimated or the truth."""
        if self._belief is None:
            nominal = self._answers.nominal[self._answers.stream_kind]
            known = np.broadcast_to(nominal, (len(condition), len(nominal)))
            return known if self._quality.accuracy == "nominal" else self._truth(condition)
        found = self._belief.accuracy()
        if self.adapting is not None and isinstance(self._belief, ConditionBelief):
            chance = self._belief.weight[:, self._site[self._answers.stream_class]]
            found = np.clip(found + (chance * self.adapting.known_change()).sum(axis=2), 0.0, 1.0)
        return found

    def _listen(self, slot: Ints, outcome: Outcome, condition: Ints, true: Floats) -> tuple[Heard, Floats]:
        """Answers of a slot, as counts, and labels (B, a) asked for; `true` is the accuracy (B, a)."""
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
            if self.adapting is not None:
                share = np.maximum(share, self.adapting.labels[found])
            labelled = rng.binomial(count, share)
            right: Ints = labelled
            if labelled.any():
                right = labeller.binomial(told, self._right[under]).sum(axis=1)
                if self.adapting is not None:
                    right = _adapted(labeller, count, right, self._true[under], true[b, found])
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

    def _correct(
        self, outcome: Outcome, condition: Ints, true: Floats, asked: Floats, reward: Reward
    ) -> None:
        """Put the truth into rewards, and what labels cost."""
        right = (outcome.answered * true).sum(axis=1)
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

    def _charge(self, reward: Reward) -> None:
        """Put what adapting cost into rewards."""
        assert self.adapting is not None
        cost = self.adapting.cost
        for source, amount in ((JOULE, cost.adaptation_energy), (BYTE_HOP, cost.adaptation_traffic)):
            for i in np.flatnonzero(reward.source == source):
                share = reward.sign[i] * amount / reward.nominal_requests
                reward.vectors[:, i] += share
                reward.scalars[:] += reward.weights[:, i] * share / reward.scales[i]

    def _put_in_force(self, rows: Bools, slot: Ints) -> None:
        """Write the accuracies that the coming slot (B,) is served by, in some rows."""
        if self._quality.accuracy == "nominal":
            return
        t = place_of(np.minimum(slot, self._horizon - 1), self._draw.condition.shape[1])
        accuracy = self._believed(self._draw.condition[np.arange(len(slot)), t])
        for b in np.flatnonzero(rows):
            self._draw.error_in_force[b] = 1.0 - accuracy[b, self._tables.option_stream]
            self._lists[b] += 1
            self._draw.price_list[b] = 1.0 + b + len(slot) * self._lists[b]
            price_answers(self._tables, self._draw, int(b))

    def infos(self) -> dict[str, Numbers]:
        """What infos say: the truth under names of its own, and what adapting cost, B rows."""
        told: dict[str, Numbers] = {f"truth/{name}": row.copy() for name, row in self.truth._asdict().items()}
        if self.adapting is not None:
            told |= {name: row.copy() for name, row in self.adapting.cost._asdict().items()}
        return told

    def get_state(self) -> dict[str, Any]:
        """Everything that moves, as plain data."""
        kept: dict[str, Any] = {"pending": self._pending.copy(), "key": self._key.copy()}
        kept["accuracy"] = self._quality.accuracy
        kept |= {f"truth {name}": field.copy() for name, field in self.truth._asdict().items()}
        if self._belief is not None:
            kept |= {f"belief {name}": array for name, array in self._belief.get_state().items()}
        if self.adapting is not None:
            kept |= {f"adapting {name}": array.copy() for name, array in self.adapting.arrays().items()}
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
        if self.adapting is not None:
            own |= {f"adapting {name}": array for name, array in self.adapting.arrays().items()}
        put_state(own, {name: saved[name] for name in own if name in saved})
        if self._belief is not None:
            begins = "belief "
            self._belief.set_state(
                {name.removeprefix(begins): array for name, array in saved.items() if name.startswith(begins)}
            )
        self._put_in_force(np.ones(len(slot), np.bool_), slot)


def _adapted(rng: np.random.Generator, count: Ints, right: Ints, before: Floats, after: Floats) -> Ints:
    """Right answers (n,) of a version, of `count`, where `right` were right before accuracies moved."""
    up = np.maximum(after - before, 0.0) / np.maximum(1.0 - before, 1e-12)
    down = np.maximum(before - after, 0.0) / np.maximum(before, 1e-12)
    won, lost = rng.binomial(count - right, np.minimum(up, 1.0)), rng.binomial(right, np.minimum(down, 1.0))
    found: Ints = right + won - lost
    return found


def _generator(key: npt.NDArray[np.uint64], slot: int) -> np.random.Generator:
    """Of one slot, whatever was drawn in others."""
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, slot]))
