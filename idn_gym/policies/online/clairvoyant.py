"""Informed policies: they know the evaluation episodes, without a bound on the distance to the optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats, Instance
from idn_gym.core.pricing import PRICE_FIELDS
from idn_gym.core.slots import one_slot
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.greedy import Greedy
from idn_gym.policies.online.learner import OnlineConfig, OnlineLearner, PlacementPolicy
from idn_gym.policies.online.mirror_state import MirrorState, Update
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class StaticConfig:
    """Resolution at which an episode is read."""

    groups: int = bounded(20, least=1)
    """slots that an episode is merged into; exact where costs are constant and no capacity binds"""


class StaticGreedy(PlacementPolicy):
    """SG: the greedy placement for the whole episode, by saving or by saving per byte, never changed."""

    def __init__(
        self, compiled: Compiled, rows: int, config: StaticConfig, episodes: Instance, per_byte: bool
    ) -> None:
        super().__init__(compiled, rows)
        items = list_prefixes(compiled)
        greedy = Greedy(self.tables, items, per_byte)
        placed = []
        for b in range(rows):
            merged = merge_slots(episodes, b, config.groups)
            placed.append(greedy.place(merged, allocate_ranking(self.tables, items)))
        self._placed = np.stack(placed)

    def begin(self, rows: Bools) -> None:
        self.wanted[rows] = self._placed[rows]


@dataclass(frozen=True)
class ClairvoyantConfig:
    """Greedy on the coming slot."""

    per_byte: bool = True
    """by saving per byte; false: by saving"""
    refresh: int = bounded(1, least=1)
    """slots between two placements"""


class ClairvoyantGreedy(PlacementPolicy):
    """Greedy on the slot that is about to be played."""

    def __init__(self, compiled: Compiled, rows: int, config: ClairvoyantConfig, episodes: Instance) -> None:
        super().__init__(compiled, rows)
        self._episodes, self._refresh = episodes, config.refresh
        items = list_prefixes(compiled)
        self._greedy = Greedy(self.tables, items, config.per_byte)
        self._layers = [allocate_ranking(self.tables, items) for _ in range(rows)]

    def plan(self) -> None:
        last = self._episodes.draw.demand.shape[1]
        coming = one_slot(self._episodes, np.minimum(self.slot, last - 1))
        for b in self.due(self._refresh, last):
            self.wanted[b] = self._greedy.place(merge_slots(coming, b, 1), self._layers[b])


@dataclass(frozen=True)
class OfflineConfig(OnlineConfig):
    """Mirror ascent on a known episode; one placement for all of it, so the better of two."""

    rounding: Literal["exact", "best-of-two"] = "best-of-two"
    iterations: int = bounded(200, least=1)
    groups: int = bounded(20, least=1)
    """slots that an episode is merged into; exact where costs are constant and no capacity binds"""
    scale: float = bounded(10.0, above=0)
    """factor on the adaptive step"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.splits:
            raise ConfigError(
                "splits", "true is not allowed; only learners that learn slot by slot support it"
            )


class OfflineInfida(OnlineLearner):
    """INFIDA on the mean gain of a known episode: the mean of its iterates, rounded once."""

    def __init__(self, compiled: Compiled, rows: int, config: OfflineConfig, episodes: Instance) -> None:
        self.config, self.episodes = config, episodes
        self._best: Floats | None = None
        super().__init__(compiled, rows, config)

    def start(self, rows: Bools) -> None:
        if self._best is None:
            self._best = self._ascend()
            self.total = self.episodes.draw.demand.mean(axis=1)
        self.fractional[rows] = self._best[rows]
        self.recent[rows] = self.total[rows]

    def learn(self, feedback: Feedback) -> None:
        """Nothing: it knows all there is to know."""

    def update(self, feedback: Feedback) -> None:
        """Keep the placement; only the fractional gain of the slot is measured."""
        for b in range(self.rows):
            self.fractional_gain[b] = gain_and_gradient(
                self.tables,
                feedback.revealed.draw,
                b,
                0,
                self.items,
                self.fractional[b],
                self.gradient[b],
                self.layers[b],
            )

    def _ascend(self) -> Floats:
        iterate = MirrorState(self.polytope, self.rows, Update(True, False), self.config.scale)
        merged = [merge_slots(self.episodes, b, self.config.groups) for b in range(self.rows)]
        one = np.zeros(len(self.items.node))
        mean, gradient = np.zeros_like(iterate.z), np.zeros_like(iterate.z)
        for _ in range(self.config.iterations):
            mean += iterate.z / self.config.iterations
            gradient[:] = 0.0
            for b, instance in enumerate(merged):
                for t in range(instance.draw.demand.shape[1]):
                    gain_and_gradient(
                        self.tables, instance.draw, 0, t, self.items, iterate.z[b], one, self.layers[b]
                    )
                    gradient[b] += one
            iterate.move(gradient)
        return mean


def check_seeds(seeds: Sequence[int], rows: int) -> None:
    """One seed per row.

    Raises:
        ConfigError: there are more or fewer.
    """
    if len(seeds) != rows:
        raise ConfigError("seeds", f"{len(seeds)} seeds are not allowed; must be {rows}, one per environment")


def merge_slots(instance: Instance, b: int, groups: int) -> Instance:
    """One row with at most `groups` slots, each the sum of consecutive ones.

    Batches, compute seconds and what comes into stores are added up, link rates averaged as seconds per byte
    while links are up; links are open, and stores drained, for as long as the mean group; the rest is that of
    the first slot. What would be spilled in between is kept. The gain of the sum is that of its slots where
    costs are the same in all of them and no capacity binds, and at least that where costs are the same.
    """
    draw = instance.draw
    slots = draw.demand.shape[1]
    starts = np.unique(np.linspace(0, slots, min(groups, slots) + 1)[:-1].astype(np.int64))
    sizes = np.diff(np.append(starts, slots))
    row = slice(b, b + 1)
    priced = row if len(draw.option_cost) > 1 else slice(0, 1)
    rate = draw.rate[row]
    pace = np.divide(1.0, rate, out=np.zeros_like(rate), where=rate > 0.0)
    up = np.add.reduceat(rate > 0.0, starts, axis=1, dtype=np.int64)
    pace = np.add.reduceat(pace, starts, axis=1) / np.maximum(1, up)
    prices: dict[str, Any] = {name: getattr(draw, name)[priced].copy() for name in PRICE_FIELDS}
    believed = row if len(draw.error_in_force) > 1 else slice(0, 1)
    charges: dict[str, Any] = {
        name: np.add.reduceat(getattr(draw, name)[row], starts, axis=1) / sizes[None, :, None, None]
        for name in ("charge_second", "charge_byte", "charge_drop")
    }
    merged = draw._replace(
        demand=np.add.reduceat(draw.demand[row], starts, axis=1),
        seconds=np.add.reduceat(draw.seconds[row], starts, axis=1),
        rate=np.divide(1.0, pace, out=np.zeros_like(pace), where=pace > 0.0),
        refill=np.add.reduceat(draw.refill[row], starts, axis=1),
        **charges,
        charge_slot=np.add.reduceat(draw.charge_slot[row], starts, axis=1),
        memory=draw.memory[row][:, starts],
        uniforms=draw.uniforms[row][:, starts],
        condition=draw.condition[row][:, starts],
        slowdown=draw.slowdown[row].copy(),
        error_in_force=draw.error_in_force[believed].copy(),
        price_list=draw.price_list[row].copy(),
        tariff=draw.tariff[row].copy(),
        weights=draw.weights[row].copy(),
        **prices,
    )
    tables, size = instance.tables, float(sizes.mean())
    longer = tables._replace(slot_seconds=tables.slot_seconds * size, store_drain=tables.store_drain * size)
    return Instance(longer, merged)
