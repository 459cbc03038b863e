"""Models that go on learning where they are: samples, work and versions.

All of it happens between slots. A version is what a model at a node has become: the catalogue's weights,
adapted once to the samples that its node has. Decisions go by what is heard and what is known beforehand.
What comes true goes by the conditions that the samples really had, and only rewards and labels are told.
"""

from __future__ import annotations

import numpy as np

from idn_gym.adapting.rules import (
    ADAPT,
    KEEP,
    PULL,
    REVERT,
    Outlook,
    best_elsewhere,
    choose_changes,
    expected,
    mixed_change,
)
from idn_gym.adapting.samples import SamplePool
from idn_gym.adapting.together import Learners, find_coalitions
from idn_gym.adapting.work import VersionWork
from idn_gym.core.arrays import (
    BYTE_HOP,
    EMPTY,
    ERROR,
    JOULE,
    Bools,
    Draw,
    Floats,
    Ints,
    Numbers,
    Outcome,
    State,
    Tables,
)
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.adaptations import AdaptationTables


class AdaptationBook:
    """Samples, work and versions of every pair of a node and a model that may adapt.

    Attributes:
        labels: (a,) share of the answers of each stream whose label is bought from users.
        versions: that there are and that are worked on.
        cost: of the last slot.
    """

    def __init__(self, compiled: Compiled, rows: int, draw: Draw) -> None:
        """Set up.

        Args:
            compiled: of a scenario whose models adapt.
            rows: B.
            draw: resources of its slots.
        """
        quality = compiled.scenario.quality
        assert compiled.adaptations is not None and compiled.answers is not None
        assert quality is not None and quality.adaptation is not None
        self._plan: AdaptationTables = compiled.adaptations
        self._tables: Tables = compiled.tables
        self._draw, self._answers, self._rules = draw, compiled.answers, quality.adaptation
        self._by_condition = self._rules.takes_likeliest(quality.accuracy)
        self._most = self._plan.known.shape[3] - 1
        self._fade = 0.5 ** (1.0 / quality.half_life)
        site = compiled.class_ingress[self._answers.stream_class]
        self._stream = np.flatnonzero(self._plan.stream_pair != EMPTY)
        self._pair = self._plan.stream_pair[self._stream]
        self._kind = self._answers.stream_kind[self._stream]
        self._seer, self._seen = np.nonzero(self._plan.pair_sees)
        self._site = site[self._seen]
        pairs, conditions = len(self._plan.pair_node), len(quality.conditions.names)
        shape = rows, conditions, quality.probes.delay
        self._pool = SamplePool(self._plan, self._answers.stream_class, site, shape, self._rules.half_life)
        self._samples = self._pool.samples
        self.versions = VersionWork(self._plan, self._tables, draw, rows)
        self.cost = self.versions.cost
        self._true, self._known, self._work = self.versions.true, self.versions.known, self.versions.work
        self._low = np.zeros((rows, pairs), np.bool_)
        self._enters = np.isin(self._plan.pair_node, site)
        self._lasts = quality.stay
        self._asked = np.zeros((rows, pairs, int(site.max()) + 1))  # pictures of late, by ingress node
        share = 0.0 if self._rules.rule == "never" else self._rules.labels
        asked = np.where(self._plan.pair_sees.any(axis=0), share, 0.0)
        taught = self._rules.teacher is not None
        self.labels, self._taught = asked * (not taught), asked * taught

    def arrays(self) -> dict[str, Numbers]:
        """All that moves, (B, ...) each."""
        own = {"low": self._low, "asked": self._asked}
        return {"samples": self._samples, "coming": self._pool.coming} | own | self.versions.arrays()

    def reset(self, rows: Bools) -> None:
        """No samples and no versions in the rows of a mask (B,)."""
        for array in self.arrays().values():
            array[rows] = 0
        self.versions.since[rows] = self._rules.patience

    def change(self) -> Floats:
        """By how much versions change accuracies under each condition, (B, a, C): what comes true."""
        return self._by_stream(self._plan.played, self._true)

    def known_change(self) -> Floats:
        """The same as it is expected, by what is known beforehand and believed of the samples."""
        return self._by_stream(self._plan.known, self._known)

    def _by_stream(self, curves: Floats, versions: Floats) -> Floats:
        found = np.zeros((len(versions), len(self.labels), versions.shape[2]))
        found[:, self._stream] = mixed_change(curves[self._kind], versions[:, self._pair])
        return found

    def hear(self, slot: Ints, outcome: Outcome, asked: Floats, condition: Ints, belief: Floats) -> None:
        """Take in a slot's answers whose label is asked for, from users or from the teacher.

        Args:
            slot: (B,).
            outcome: of it.
            asked: (B, a) answers whose label is bought from users.
            condition: (B, R) that is true.
            belief: (B, sites, C) chances of the conditions.
        """
        for cost in self.cost:
            cost[:] = 0.0
        if self._rules.teacher is not None:
            asked = self._taught * outcome.answered
            self.cost.adaptation_energy[:] += asked @ self._plan.teach_joules
            self.cost.adaptation_traffic[:] += asked @ self._plan.teach_traffic
        self._pool.hear(slot, asked, condition, belief)

    def advance(
        self,
        slot: Ints,
        after: State,
        outcome: Outcome,
        belief: Floats,
        accuracy: Floats,
        asked: Ints | None,
    ) -> None:
        """After a slot: lose what was unloaded, work, and decide what is begun.

        Args:
            slot: (B,) that was played.
            after: state that it came to.
            outcome: of it; what adapting costs is added to what loads do.
            belief: (B, sites, C) chances of the conditions.
            accuracy: (B, a) that is believed of the streams.
            asked: (B, v) what each pair is to do by rule asked, as `choose_changes` says; None: nothing.
        """
        plan = self._plan
        held = after.resident[:, plan.pair_node, plan.pair_model] == plan.pair_whole
        self.versions.lose(held)
        room = self.versions.room(slot, after)
        self.versions.compute(slot, room, outcome)
        self._note(outcome, accuracy)
        if self._rules.rule != "never":
            self._decide(held, room, belief, np.zeros(held.shape, np.int64) if asked is None else asked)
        outcome.load_energy[:] += self.cost.adaptation_energy
        outcome.load_traffic[:] += self.cost.adaptation_traffic
        self._show(outcome)

    def _show(self, outcome: Outcome) -> None:
        """Tell of each stream the samples of its pair, and those of the version in force, over the most."""
        counts = self._pool.count(), self._known.sum(axis=2)
        for told, samples in zip((outcome.samples, outcome.adapted), counts, strict=True):
            told[:, self._stream] = np.minimum(samples / self._most, 1.0)[:, self._pair]

    def _note(self, outcome: Outcome, accuracy: Floats) -> None:
        """Which pictures nodes saw of late, and whether models are believed to do badly."""
        short = self._answers.nominal[self._kind] - accuracy[:, self._stream]
        mean = np.zeros(self._work.shape)
        self._asked *= self._fade
        for b in range(len(mean)):
            np.add.at(self._asked[b], (self._seer, self._site), outcome.answered[b, self._seen])
            np.add.at(mean[b], self._pair, short[b])
        mean /= np.bincount(self._pair, minlength=mean.shape[1])
        self._low |= mean >= self._rules.threshold
        self._low &= mean >= self._rules.threshold / 2.0

    def _decide(self, held: Bools, room: Floats, belief: Floats, wanted: Ints) -> None:
        """Begin what the rule says, at most one adaptation at a time at each node."""
        plan, kind = self._plan, self._plan.pair_kind
        self.versions.since += 1
        asked = self._asked.sum(axis=2)
        chance = (self._asked[..., None] * belief[:, None]).sum(axis=2)
        chance /= np.maximum(asked, 1e-12)[..., None]
        true, known = self._pool.draft(chance if self._by_condition else None)
        size = np.rint(true.sum(axis=2)).astype(np.int64)
        free = held & (asked > 1e-6) & (self._work <= 0.0) & (self.versions.group == 0)
        free &= self.versions.since >= self._rules.patience
        fits = plan.memory[np.arange(len(kind)), size] <= room
        elsewhere = held if self._rules.share == "pull" else np.zeros_like(held)
        found = best_elsewhere(plan, self._known, chance, elsewhere)
        outlook = Outlook(
            able=free & fits & (size >= self._rules.least),
            free=free,
            low=self._low,
            adapted=self.versions.adapted(),
            now=expected(plan.known[kind], self._known, chance),
            then=expected(plan.known[kind], known, chance),
            spread=expected(plan.known_spread[kind], known, chance),
            pulled=found[0],
            pulled_spread=found[1],
            source=found[2],
        )
        chosen = choose_changes(self._rules, outlook, wanted)
        chosen[(chosen == REVERT) & (plan.home == EMPTY)] = KEEP
        if self._rules.rule == "federated":
            self._join(outlook, chosen, asked, chance, (true, known))
        before = self._true.copy(), self._known.copy()
        for b, v in zip(*np.nonzero(chosen), strict=True):
            if chosen[b, v] == ADAPT:
                self.versions.begin(b, v, true[b, v], known[b, v], int(size[b, v]))
            elif chosen[b, v] == PULL:
                u = outlook.source[b, v]
                self.versions.take(b, v, plan.pair_node[u], before[0][b, u], before[1][b, u])
            elif chosen[b, v] == REVERT:
                self.versions.take(b, v, plan.home[v], 0.0, 0.0)

    def _join(
        self,
        outlook: Outlook,
        chosen: Ints,
        asked: Floats,
        chance: Floats,
        draft: tuple[Floats, Floats],
    ) -> None:
        """Have nodes train together that expect to win by it; `chosen` is what they do otherwise."""
        plan, (true, known) = self._plan, draft
        count = self._tables.node_count[plan.pair_node]
        value = np.choose(chosen, [outlook.now, outlook.then, outlook.pulled, 0.0])
        source = np.choose(
            chosen, [plan.pair_node, plan.pair_node, plan.pair_node[outlook.source], plan.home]
        )
        at_it = (self._work > 0.0) | (self.versions.group > 0)
        busy = (at_it[:, None] & (plan.pair_node[:, None] == plan.pair_node)).any(axis=2)
        able = self._enters & outlook.able & ~busy
        for b in range(len(chosen)):
            tariff = self._draw.tariff[b]
            ways = tariff[BYTE_HOP] * plan.hops + tariff[JOULE] * plan.joules
            once = (plan.changed * count)[:, None] * ways[plan.pair_node]
            worth = tariff[ERROR] * asked[b] * (1.0 - self._fade) * self._lasts
            learners = Learners(
                samples=known[b],
                chance=chance[b],
                worth=worth,
                alone_cost=once[np.arange(len(once)), source[b]] - worth * value[b],
                least=outlook.now[b] + self._rules.threshold,
                sure=outlook.now[b] if self._rules.guard else np.full(len(once), -np.inf),
                price=2.0 * plan.rounds * once,
            )
            for members, node in find_coalitions(plan, learners, able[b]):
                self.versions.begin_together(b, members, node, true[b], known[b])
                chosen[b, members] = KEEP
