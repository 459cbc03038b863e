"""The shell that all online learners share: rows, chains, gradients, refreshes, rounding.

A learner knows the static tables, and of every slot that is over what `Feedback` reveals of it. Where
capacity is shared the same gain is used, with lambda-hat in the place of lambda: what the other classes
left of nodes and links in the slot just played. It moves with the placement, so no guarantee holds there.

With `splits` fractions are of all segments, and the gain is the value of a routing program with its duals
(`optimum/routed_gain.py`): it sees options that need two placed segments, which the ranked gain cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import SHARED, Bools, Draw, Floats, Instance, Ints, Residents
from idn_gym.core.nominal import nominal_draw
from idn_gym.objectives import known_tariff
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import RankedOptions, allocate_ranking, note_others
from idn_gym.optimum.pieces import join_pieces
from idn_gym.optimum.prefixes import Prefixes, list_prefixes
from idn_gym.optimum.projection import make_polytope
from idn_gym.optimum.rounding import finish_rounding, round_exactly, start_rounding
from idn_gym.optimum.routed_gain import RoutedGain
from idn_gym.policy import Choice, Feedback, Policy
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class OnlineConfig:
    """Times and method of rounding a fractional placement to a whole one."""

    refresh: int = bounded(1, least=1)
    """slots between two placements"""
    stretched: bool = False
    """start with short intervals: the k-th comes after min(k, refresh) slots"""
    rounding: Literal["exact", "best-of-two"] = "exact"
    """exact: exact marginals, at most one model too much, which the environment's repair cuts; best-of-two:
    the better of two candidates on recent demand, within the budget"""
    coupled: bool = False
    """one set of uniforms per episode, so that placements move as little as the fractions; false: new ones
    each time"""
    drift: float = bounded(0.0, least=0)
    """lazy rounding: a node is rounded again once its fractions have moved by this share of its budget, sum
    of size x |change|, since the last rounding; 0: in every period"""
    memory: float = bounded(0.9, least=0, below=1)
    """weight of the past in the recent demand by which leftover memory is filled"""
    seed: int = bounded(0, least=0)
    joint: bool = False
    """all nodes share their uniforms, model by model, so that parts of one on several nodes come together;
    false: nodes are independent"""
    splits: bool = False
    """fractions of all segments and the gain of the best routing, by a linear program per slot and row; not
    with best-of-two; needs the extra `solve`"""

    def __post_init__(self) -> None:
        if self.splits and self.rounding == "best-of-two":
            raise ConfigError("rounding", "'best-of-two' is not allowed with splits; must be exact")


class Clock:
    """Says when a row's placement is due; see `OnlineConfig.refresh` and `stretched`."""

    def __init__(self, rows: int, refresh: int, stretched: bool) -> None:
        self.refresh, self.stretched = refresh, stretched
        self._left = np.zeros(rows, np.int64)
        self._count = np.zeros(rows, np.int64)
        self.reset(np.ones(rows, np.bool_))

    def reset(self, rows: Bools) -> None:
        self._count[rows] = 1
        self._left[rows] = self._interval()[rows]

    def tick(self) -> Bools:
        """Count one slot; return (B,) which rows are due."""
        self._left -= 1
        due: Bools = self._left <= 0
        self._count[due] += 1
        self._left[due] = self._interval()[due]
        return due

    def _interval(self) -> Ints:
        return (
            np.minimum(self._count, self.refresh)
            if self.stretched
            else np.full_like(self._count, self.refresh)
        )


class PlacementPolicy(Policy):
    """Base of all policies here: keeps one wished placement per row and starts rows over.

    Attributes:
        wanted: (B, N, M) the requested placements, codec "segments".
        rng: one generator per row, seeded by (seed, row, episodes begun).
        slot: (B,) which one of its episode is coming for each row.
    """

    def __init__(self, compiled: Compiled, rows: int, seed: int = 0) -> None:
        self.compiled, self.tables, self.rows, self.seed = compiled, compiled.tables, rows, seed
        self.wanted: Residents = np.repeat(self.tables.pinned[None], rows, axis=0)
        self.rng: list[np.random.Generator] = []
        self.slot: Ints = np.zeros(rows, np.int64)
        self._episode = np.zeros(rows, np.int64)
        self._start_over()

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        """Ask for the placements; rows that start an episode have forgotten everything."""
        if state is None:
            self._start_over()
            self.slot[:] = 0
            self.begin(np.ones(self.rows, np.bool_))
        elif start is not None and start.any():
            for row in np.flatnonzero(start):
                self._episode[row] += 1
                self.rng[row] = np.random.default_rng((self.seed, int(row), int(self._episode[row])))
            self.slot[np.asarray(start, np.bool_)] = 0
            self.begin(np.asarray(start, np.bool_))
        self.plan()
        self.slot += 1
        return self.wanted.copy(), True

    def _start_over(self) -> None:
        self._episode[:] = 0
        self.rng = [np.random.default_rng((self.seed, row, 0)) for row in range(self.rows)]

    def begin(self, rows: Bools) -> None:
        """Forget what the marked rows have learnt."""
        self.wanted[rows] = self.tables.pinned

    def plan(self) -> None:
        """Change `wanted` before it is requested; informed policies that see the coming slot do it here."""

    def due(self, refresh: int, last: int) -> list[int]:
        """Rows whose coming slot is before `last` and begins another `refresh` slots."""
        return np.flatnonzero((self.slot % refresh == 0) & (self.slot < last)).tolist()


class OnlineLearner(PlacementPolicy):
    """Keeps a fractional placement per row and rounds it.

    Attributes:
        fractional: (B, I) what is played on average, columns of `items`.
        fractional_gain: (B,) [cost] gain of the fractional placement in the last slot.
        gradient: (B, I) supergradient of that gain.
        fractional_loaded: (B,) [bytes] that the played fractions have loaded so far, the first ones included;
            the metric `loaded` is that of placements.
    """

    def __init__(self, compiled: Compiled, rows: int, config: OnlineConfig) -> None:
        super().__init__(compiled, rows, config.seed)
        self.options = config
        self._routed = RoutedGain(compiled) if config.splits else None
        self.items = list_prefixes(compiled) if self._routed is None else self._routed.items
        self.polytope = make_polytope(
            self.items.node_start, self.items.parent, self.items.size, self.items.budget
        )
        self.layers: list[RankedOptions] = [
            allocate_ranking(self.tables, self.items) for _ in range(rows + 1)
        ]
        count = len(self.items.node)
        self.clock = Clock(rows, config.refresh, config.stretched)
        self.fractional = np.zeros((rows, count))
        self.fractional_gain = np.zeros(rows)
        self.gradient = np.zeros((rows, count))
        self.recent = np.repeat(self.tables.class_requests[None], rows, axis=0)
        self.fractional_loaded = np.zeros(rows)
        self._played = np.zeros((rows, count))  # fractions of the slot before
        self._rounded = np.zeros((rows, count))  # of each node when it was last rounded
        self._uniforms = np.zeros((rows, 2, count))
        self._x, self._other, self._alone, self._added = np.zeros((4, count))
        self._work = np.zeros((3, max(count, len(self.items.budget))), np.int64)
        self._task = self.tables.model_task[self.items.model].astype(np.int64)
        self._alike = _columns_alike(self.items)
        self.nominal = nominal_draw(
            self.tables, known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
        )
        self.begin(np.ones(rows, np.bool_))

    # what subclasses fill in

    def start(self, rows: Bools) -> None:
        """Set the marked rows of `fractional` to the placement before anything is known."""
        raise NotImplementedError

    def learn(self, feedback: Feedback) -> None:
        """Move `fractional`; `gradient` and `fractional_gain` are those of the slot just played."""
        raise NotImplementedError

    # what the shell does

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.clock.reset(rows)
        self.recent[rows] = self.tables.class_requests
        self.fractional_gain[rows], self.fractional_loaded[rows], self._played[rows] = 0.0, 0.0, 0.0
        self.start(rows)
        for b in np.flatnonzero(rows):
            self._draw_uniforms(int(b))
            usual = self.nominal._replace(demand=self.recent[b : b + 1, None].copy())
            self._rounded[b] = np.inf  # every node is to be rounded
            self._round(int(b), usual, 0, self.layers[self.rows])

    def update(self, feedback: Feedback) -> None:
        """Learn from the slot just played, and round where that is due."""
        draw = feedback.revealed.draw
        rise = np.maximum(0.0, self.fractional - self._played)
        self.fractional_loaded += rise @ (self.items.size * self.tables.node_count[self.items.node])
        self._played[:] = self.fractional
        for b in range(self.rows):
            if self.tables.capacity == SHARED:
                note_others(self.tables, feedback.outcome, b, self.layers[b])
            self.fractional_gain[b] = self.measure(feedback.revealed, b, self.fractional[b], self.gradient[b])
        memory = self.options.memory
        self.recent *= memory
        self.recent += (1.0 - memory) * draw.demand[:, 0]
        self.learn(feedback)
        self.settle(draw)

    def settle(self, draw: Draw) -> None:
        """Round the rows that are due, once they have learnt from the slot of `draw`."""
        due = np.flatnonzero(self.clock.tick())
        if len(due):
            usual = draw._replace(demand=self.recent[:, None].copy())
            for b in due.tolist():
                if not self.options.coupled:
                    self._draw_uniforms(b)
                self._round(int(b), usual, int(b), self.layers[b])

    def measure(self, revealed: Instance, b: int, z: Floats, gradient: Floats) -> float:
        """The gain [cost] of fractions z (I,) in row b of a slot; `gradient` (I,) becomes a supergradient."""
        if self._routed is not None:
            return self._routed(revealed, b, z, gradient)
        ranked = revealed.draw, b, 0, self.items, z, gradient, self.layers[b]
        return float(gain_and_gradient(self.tables, *ranked))

    def _draw_uniforms(self, b: int) -> None:
        uniforms = self._uniforms[b]
        self.rng[b].random(out=uniforms)
        if self.options.joint:
            uniforms[:] = np.take_along_axis(uniforms, self._alike, axis=1)

    def _round(self, b: int, draw: Draw, row: int, layers: RankedOptions) -> None:
        """Round row b where it has drifted; `draw` holds the recent demand in its row `row`."""
        stays = self._stays(b)
        if stays.all():
            return
        z, x, uniforms = self.fractional[b], self._x, self._uniforms[b]
        if self.options.rounding == "exact":
            round_exactly(self.polytope, z, uniforms, x, self._work)
        else:
            start_rounding(self.polytope, z, uniforms, x, self._work)
            arguments = (self.tables, draw, row, 0, self.items)
            self._other[:] = 0.0
            gain_and_gradient(*arguments, self._other, self._alone, layers)
            gain_and_gradient(*arguments, x, self._added, layers)
            finish_rounding(self.polytope, self._task, self._alone, self._added, x, self._other, self._work)
        before = self.wanted[b].copy()
        self.hold(b, np.flatnonzero(x > 0.5))
        self.wanted[b, stays] = before[stays]
        moved = ~stays[self.items.node]
        self._rounded[b, moved] = z[moved]

    def _stays(self, b: int) -> Bools:
        """Nodes (N,) whose fractions have moved too little in row b to be rounded again."""
        if self.options.drift == 0.0:
            return np.zeros(len(self.items.budget), np.bool_)
        items, change = self.items, np.abs(self.fractional[b] - self._rounded[b])
        moved = np.bincount(items.node, self.polytope.size * change, len(items.budget))
        stays: Bools = moved <= self.options.drift * self.polytope.budget
        return stays

    def hold(self, b: int, held: Ints) -> None:
        """Ask in row b for the items `held`, in rising order: of a chain the longest one counts."""
        items = self.items
        if self._routed is not None:
            self.wanted[b] = join_pieces(self.compiled, items, held)
            return
        self.wanted[b] = self.tables.pinned
        self.wanted[b, items.node[held], items.model[held]] = items.segment[held]


def _columns_alike(items: Prefixes) -> Ints:
    """(2, I) the first column of the same place in its model on its node, and of the same model on any.

    A trade on a node needs a uniform that no other one there has; chains of one model may share theirs.
    """
    places = np.arange(len(items.node))
    starts = np.ones(len(places), bool)
    starts[1:] = (items.node[1:] != items.node[:-1]) | (items.model[1:] != items.model[:-1])
    rank = places - np.maximum.accumulate(np.where(starts, places, 0))
    found = []
    for key in (items.model * (len(places) + 1) + rank, items.model):
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        found.append(first[number])
    return np.array(found)
