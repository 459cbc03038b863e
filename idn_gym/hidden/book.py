"""Hidden quality: answers are drawn, rewards use the truth, accuracies in force are estimated.

All of it happens between slots, on what serving has booked per stream of answers. Nothing but rewards and
what stands under ``truth/`` in infos reads the truth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from idn_gym.actions import ActionCodec, AdaptCodec
from idn_gym.adapting.book import AdaptationBook
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
from idn_gym.core.pricing import compute_option_costs, price_answers
from idn_gym.core.workspace import Scratch
from idn_gym.hidden.answers import AnswerBook
from idn_gym.hidden.beliefs import make_belief
from idn_gym.hidden.copies import charge_copies
from idn_gym.hidden.exits import ExitBook
from idn_gym.hidden.points import PointBook
from idn_gym.quality.counts import put_state
from idn_gym.quality.in_force import ConditionBelief, Heard
from idn_gym.rewards import Reward, charge_reward
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.config_quality import LISTED, HiddenQuality

SERVED_BY = ("accuracy", "points", "exit_shares")
"""Keys of `quality` that states depend on."""


class Truth(NamedTuple):
    """True results of the last slot, B rows, under the condition in force."""

    accuracy: Floats  # (B,) mean per request, drops counting as wrong
    tariff_cost: Floats  # (B,) serving cost and labels, over the nominal requests
    condition: Ints  # (B, R) of each class, place in `quality.conditions.names`; -1 before slot 0


class QualityBook:
    """Has answers drawn, keeps an estimate, and writes it where serving reads it.

    Attributes:
        truth: of the last slot; zeros before the first one.
        heard: what the last slot told, if any slot was played.
        adapting: what models have become, where they adapt; else None.
        points: operating points chosen for serving, where it may not choose among all; else None.
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
        self._shape = rows, len(self._answers.stream_class)
        self._belief = make_belief(self._quality, self._answers, compiled.class_ingress, rows)
        self._true = self._answers.truth()
        copies = self._answers.copies
        self._copied = None if copies is None else np.where(copies.spared, 0.0, self._quality.probes.share)
        self._drawn = AnswerBook(self._answers, self._quality.probes.delay, rows)
        self._lists = np.zeros(rows, np.int64)
        classes = len(compiled.tables.class_task)
        self.truth = Truth(np.zeros(rows), np.zeros(rows), np.zeros((rows, classes), np.int64))
        self.heard: Heard | None = None
        self.adapting = AdaptationBook(compiled, rows, draw) if compiled.adaptations else None
        self.points = None if self._quality.points == LISTED else PointBook(compiled, rows)
        self._exits = None if self._quality.exit_shares == "nominal" else ExitBook(compiled, rows, draw)
        self._site = compiled.class_ingress

    def start(self, row: int, root: np.random.SeedSequence) -> None:
        """A new episode in a row."""
        self._drawn.start(row, root)
        if self.points is not None:
            self.points.start(row, root)

    def rewind(self, rows: Ints) -> None:
        """Return some rows to slot 0, with no answers observed."""
        chosen = np.zeros(len(self._lists), np.bool_)
        chosen[rows] = True
        self._drawn.pending[chosen] = 0.0
        if self._belief is not None:
            self._belief.reset(chosen)
        if self.adapting is not None:
            self.adapting.reset(chosen)
        if self.points is not None:
            self.points.rewind(chosen)
        if self._exits is not None:
            self._exits.spent[rows] = 0.0
        for field in self.truth:
            field[rows] = 0
        self.truth.condition[rows] = -1
        self._put_in_force(chosen, np.zeros(len(chosen), np.int64))

    def judge(
        self,
        slot: Ints,
        after: State,
        outcome: Outcome,
        reward: Reward,
        scratch: Scratch,
        asked: Ints | None = None,
    ) -> None:
        """After a slot is served: draw its answers, correct rewards by the truth, and learn.

        Args:
            slot: (B,) that was played.
            after: state that it came to.
            outcome: of it; what is heard is written there, and what adapting costs.
            reward: of it, written to.
            scratch: that it was served with.
            asked: (B, v) what pairs of a node and a model are to do, by rule `asked`; None: nothing.
        """
        condition = self._draw.condition[np.arange(len(slot)), place_of(slot, self._draw.condition.shape[1])]
        true = self._truth(condition)
        version = None if self.adapting is None else true
        heard, probes = self._drawn.draw(slot, outcome, condition, self._share(), version, self._copied)
        self.heard = heard
        self._correct(outcome, condition, true, probes, reward)
        if self._copied is not None:
            paid = charge_copies(self._answers, self._tables, self._draw, heard.row_compared, outcome, reward)
            self.truth.tariff_cost[:] += paid
        if self._belief is not None:
            self._belief.note(heard)
        if self.adapting is not None:
            belief = self._chances(condition)
            self.adapting.hear(slot, outcome, probes, condition, belief)
            self.adapting.advance(slot, after, outcome, belief, self._believed(condition), asked)
            cost = self.adapting.cost
            charge_reward(reward, JOULE, cost.adaptation_energy)
            charge_reward(reward, BYTE_HOP, cost.adaptation_traffic)
        extra = np.zeros_like(outcome.arrived)
        if self._exits is not None:
            self.truth.tariff_cost[:] += self._exits.judge(condition, outcome, reward, scratch)
            extra = self._exits.listen(heard, outcome, scratch)
        every = np.ones(len(slot), np.bool_)
        if self.points is not None:
            self.points.learn(self._draw, outcome, heard, extra)
            self.points.choose(every, slot + 1)
        self._put_in_force(every, slot + 1)

    def narrow(self, codec: ActionCodec, masks: Bools) -> Bools:
        """Masks (B, choices) of a codec, less what comes to nothing by the versions that there are."""
        if isinstance(codec, AdaptCodec) and self.adapting is not None:
            codec.leave_out(masks, self.adapting.versions.adapted())
        return masks

    def _truth(self, condition: Ints) -> Floats:
        """True accuracy of each stream (B, a), by the conditions of classes (B, R)."""
        under = condition[:, self._answers.stream_class]
        true: Floats = self._true[self._answers.stream_kind, under]
        if self.adapting is not None:
            change = np.take_along_axis(self.adapting.change(), under[..., None], axis=2)[..., 0]
            true = np.clip(true + change, 0.0, 1.0)
        return true

    def _chances(self, condition: Ints) -> Floats:
        """Belief about conditions, (B, sites, C); the truth (B, R) is used by the oracle only."""
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

    def _share(self) -> Floats:
        """Share of the answers of each stream whose label is bought, (B, a)."""
        share = np.full(self._shape, self._quality.probes.share if self._copied is None else 0.0)
        probed = None if self._belief is None else self._belief.probed()
        if probed is not None:
            share *= probed
        if self.adapting is not None:
            share = np.maximum(share, self.adapting.labels)
        return share

    def _correct(
        self, outcome: Outcome, condition: Ints, true: Floats, asked: Floats, reward: Reward
    ) -> None:
        """Correct rewards by the truth and by the cost of labels."""
        right = (outcome.answered * true).sum(axis=1)
        paid = self._quality.probes.cost * asked.sum(axis=1)
        arrived = outcome.arrived.sum(axis=1)
        better = right - paid - outcome.correct.sum(axis=1)
        self.truth.accuracy[:] = right / np.maximum(arrived, np.finfo(float).tiny)
        cost = outcome.tariff_cost - self._draw.tariff[:, ERROR] * better
        self.truth.tariff_cost[:] = cost / reward.nominal_requests
        self.truth.condition[:] = condition
        charge_reward(reward, ERROR, better)

    def _put_in_force(self, rows: Bools, slot: Ints) -> None:
        """Write the accuracies and operating points that the coming slot (B,) is served by, in some rows."""
        if self._quality.accuracy == "nominal" and self.points is None:
            return
        chosen = np.flatnonzero(rows)
        if self._quality.accuracy != "nominal":
            t = place_of(np.minimum(slot, self._horizon - 1), self._draw.condition.shape[1])
            accuracy = self._believed(self._draw.condition[np.arange(len(slot)), t])
            self._draw.error_in_force[chosen] = 1.0 - accuracy[chosen][:, self._tables.option_stream]
        self._lists[chosen] += 1
        self._draw.price_list[chosen] = 1.0 + chosen + len(slot) * self._lists[chosen]
        if self.points is None:
            price_answers(self._tables, self._draw, chosen)
            return
        for b in chosen.tolist():  # times too, which were left out of the slot before
            compute_option_costs(self._tables, self._draw, b)
        self.points.close(self._draw, chosen)

    def infos(self) -> dict[str, Numbers]:
        """Entries of infos: the truth under names of its own, and the costs of adapting, B rows."""
        told: dict[str, Numbers] = {f"truth/{name}": row.copy() for name, row in self.truth._asdict().items()}
        if self._exits is not None:
            told |= self._exits.infos()
        if self.points is not None:
            told |= self.points.infos()
        if self.adapting is not None:
            told |= {name: row.copy() for name, row in self.adapting.cost._asdict().items()}
        return told

    def get_state(self) -> dict[str, Any]:
        """Return everything that changes, as plain data."""
        kept: dict[str, Any] = {"pending": self._drawn.pending.copy(), "key": self._drawn.key.copy()}
        kept |= {name: getattr(self._quality, name) for name in SERVED_BY}
        kept |= {f"truth {name}": field.copy() for name, field in self.truth._asdict().items()}
        if self._belief is not None:
            kept |= {f"belief {name}": array for name, array in self._belief.get_state().items()}
        return kept | {name: array.copy() for name, array in self._parts().items()}

    def _parts(self) -> dict[str, Numbers]:
        """What moves of models that adapt, of exits and of operating points, where there are such."""
        found: dict[str, Numbers] = {}
        if self.adapting is not None:
            found |= {f"adapting {name}": array for name, array in self.adapting.arrays().items()}
        if self._exits is not None:
            found["spent"] = self._exits.spent
        if self.points is not None:
            found |= {f"points {name}": array for name, array in self.points.arrays().items()}
        return found

    def set_state(self, saved: dict[str, Any], slot: Ints) -> None:
        """Go on from what `get_state` returned.

        Args:
            saved: the state.
            slot: (B,) about to be played.

        Raises:
            ConfigError: it is the state of another accuracy in force, or of other operating points.
        """
        for name in SERVED_BY:
            own_way, other = getattr(self._quality, name), saved.get(name)
            if other != own_way:
                allowed = f"must be {own_way!r}, by which this environment serves"
                raise ConfigError(f"state.quality.{name}", f"{show(other)} is not allowed; {allowed}")
        own: dict[str, Numbers] = {"pending": self._drawn.pending, "key": self._drawn.key}
        own |= {f"truth {name}": field for name, field in self.truth._asdict().items()}
        own |= self._parts()
        put_state(own, {name: saved[name] for name in own if name in saved})
        if self._belief is not None:
            begins = "belief "
            self._belief.set_state(
                {name.removeprefix(begins): array for name, array in saved.items() if name.startswith(begins)}
            )
        self._put_in_force(np.ones(len(slot), np.bool_), slot)
