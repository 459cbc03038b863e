"""Policies that choose among precomputed placements, by their expected costs in the coming slots.

The library is found by local search on training episodes: on pieces of some, and one placement for many of
them together. The cost of a slot with each placement is that of the core's own serving of the expected slot,
waiting included; a move costs the price of its bytes, and under `transfer` also time: until its loads end,
the old placement serves (`optimum/dynamic`). Queues make costs convex in demand, so the cheapest placement
for the expected batches may be expensive for the actual ones: with `errors`, the cost of a slot is the mean
over the expected batches plus each of the last forecasts' errors. Where every episode has a different demand,
placements of other episodes do not fit: with `greedy` the library has one more placement per slot, found by
greedy for the expected slots as they are served (`shared.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Floats, Residents
from idn_gym.optimum.dynamic.candidates import (
    CandidateConfig,
    cut_slots,
    distinct_placements,
    find_candidates,
)
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.optimum.dynamic.sequences import switch_costs
from idn_gym.optimum.dynamic.transfers import load_slots
from idn_gym.optimum.search.local import best_placement
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.optimum.search.slot_search import SlotSearch
from idn_gym.policies.forecasts.interface import Forecaster
from idn_gym.policies.online.expected_slots import ExpectedSlots
from idn_gym.policies.online.learner import PlacementPolicy
from idn_gym.policies.online.shared import slot_to_set_up
from idn_gym.policy import Choice, Feedback
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance


@dataclass(frozen=True)
class ChoiceConfig:
    """Source of the placements, and the forecast."""

    forecaster: Any = "last"
    """a name of `FORECASTERS`, or a mapping with `kind` and the forecaster's options"""
    errors: int = bounded(0, least=0, most=1000)
    """last errors of the forecast that expected batches are spread by; 0: they are taken to be certain"""
    hysteresis: float = bounded(0.02, least=0, below=1)
    """share of the cost of staying that a move must save"""
    greedy: bool = False
    """whether greedy looks for one more placement in every slot"""
    episodes: int = bounded(3, least=1, most=1000)
    """training episodes that the library is found on"""
    candidates: CandidateConfig = field(default_factory=lambda: CandidateConfig(pieces=8, budget=2e5))
    """how to search them"""


@dataclass(frozen=True)
class LibraryConfig(ChoiceConfig):
    """Expected time for which a placement is kept."""

    stay: float = bounded(6.0, least=1)
    """[slots] that a load is spread over"""


def training_library(compiled: Compiled, config: ChoiceConfig, preference: Any) -> Residents:
    """Placements (K, N, M) found on training episodes, the pins alone first; kept for the process.

    Args:
        compiled: the scenario.
        config: which episodes, and how to search them.
        preference: of the episodes, as `build_instance` takes it, lists as tuples.
    """
    if compiled.scenario.catalog:  # user catalogues may change
        return _search_training(compiled, config.episodes, config.candidates, preference)
    return _kept_library(compiled.scenario, config.episodes, config.candidates, preference).copy()


@lru_cache(maxsize=16)
def _kept_library(
    scenario: Scenario, episodes: int, candidates: CandidateConfig, preference: Any
) -> Residents:
    return _search_training(compile_scenario(scenario), episodes, candidates, preference)


def _search_training(
    compiled: Compiled, episodes: int, candidates: CandidateConfig, preference: Any
) -> Residents:
    weights = list(preference) if isinstance(preference, tuple) else preference
    pieces = build_instance(compiled.scenario, range(episodes), "train", weights, key="agent.episodes")
    found = find_candidates(compiled, pieces, candidates)
    search = SearchConfig(budget=candidates.budget, noise=candidates.noise, seed=candidates.seed)
    seeds = search.seeds(len(compiled.tables.class_task))
    kept = best_placement(compiled, build_instance(compiled.scenario, seeds, "train", weights), search)
    return distinct_placements([*found, kept])


class LibraryPolicy(PlacementPolicy):
    """Base: keeps to one placement of the library, and thinks in every slot about moving to another one.

    Attributes:
        library: (K, N, M), the pins alone first.
        playing: (B,) which of them each row wishes for; K: one that greedy found.
    """

    ahead = 1
    """H, slots that it looks ahead"""
    stay = 1.0
    """[slots] over which greedy spreads a load"""

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        library: Residents,
        forecaster: Forecaster,
        expected: ExpectedSlots,
        config: ChoiceConfig,
    ) -> None:
        super().__init__(compiled, rows)
        self.library, self.playing = library, np.zeros(rows, np.int64)
        self._forecaster, self._expected, self._config = forecaster, expected, config
        self._player = SequencePlayer(compiled, expected.instance)
        self._search = SlotSearch(compiled, slot_to_set_up(compiled)) if config.greedy else None
        self._slots = load_slots(self.tables, library)
        self._weights = np.full(len(compiled.objectives), np.nan)
        self._switch = np.zeros_like(self._slots)
        self._observation: Any = None
        self._next = np.zeros((rows, len(self.tables.class_task)))  # what was expected of the slot under way
        self._error = np.zeros((rows, max(1, config.errors), len(self.tables.class_task)))
        self._seen = np.zeros(rows, np.int64)

    def begin(self, rows: Bools) -> None:
        super().begin(rows)
        self.playing[rows], self._seen[rows], self._error[rows] = 0, 0, 0.0
        self._forecaster.begin(rows)
        self._expected.begin(rows)

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        self._observation = observation
        return super().act(observation, state, start, deterministic)

    def update(self, feedback: Feedback) -> None:
        """Take note of the slot just played."""
        demand = feedback.revealed.draw.demand[:, 0]
        if self._config.errors:
            place = self._seen % self._config.errors
            self._error[np.arange(self.rows), place] = demand - self._next
        self._seen += 1
        self._forecaster.see(demand)
        self._expected.note(feedback)

    def plan(self) -> None:
        demand = self._forecaster.ahead(self.ahead)
        self._next = demand[:, 0]
        for b in range(self.rows):
            known = max(1, min(int(self._seen[b]), self._config.errors))
            spread = np.maximum(0.0, self._error[b, :known, None] + demand[b])  # (known, H, R)
            self._expected.fill(b, spread.reshape(known * self.ahead, -1), self._observation[b])
            self._price_moves(self._expected.instance.draw.weights[0])
            placements, switch, slots = self._choices(b, known * self.ahead)
            looked_at = np.arange(known * self.ahead)
            costs = np.stack([self._player.steady_costs(held, looked_at) for held in placements], axis=1)
            steady = costs.reshape(known, self.ahead, -1).mean(axis=0)
            stay, best, cost = self.weigh(steady, switch, slots, int(self.playing[b]))
            if cost < (1.0 - self._config.hysteresis) * stay:
                self.playing[b] = min(best, len(self.library))
                self.wanted[b] = placements[best]

    def _choices(self, b: int, slots: int) -> tuple[Residents, Floats, Floats]:
        """Placements that row b may move to, what moving costs, and the slots that it takes.

        With greedy the library is followed by what the row wishes for and by what greedy finds for the first
        so many expected slots.
        """
        if self._search is None:
            return self.library, self._switch, self._slots
        search, wish = self._search, self.wanted[b]
        search.look_at(cut_slots(self._expected.instance, 0, slots), wish, self.stay)
        search.replan(self.tables.pinned, search.everything)
        placements = np.stack([*self.library, wish, search.placement])
        switch = switch_costs(self.compiled, placements, self._weights)
        return placements, switch, load_slots(self.tables, placements)

    def weigh(self, steady: Floats, switch: Floats, slots: Floats, now: int) -> tuple[float, int, float]:
        """Cost of staying, the best placement to move to, and its cost.

        Args:
            steady: (H, K) cost of each expected slot with each placement resident.
            switch: (K, K) price of moving from one to another.
            slots: (K, K) that moving takes.
            now: where the row is.
        """
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without the player, which reads arrays by address."""
        return {**self.__dict__, "_player": None}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self._player = SequencePlayer(self.compiled, self._expected.instance)

    def _price_moves(self, weights: Floats) -> None:
        if not np.array_equal(self._weights, weights):
            self._weights = weights.copy()
            self._switch = switch_costs(self.compiled, self.library, self._weights)


class Library(LibraryPolicy):
    """The placement that is best for the next slot, its load spread over the slots that it should stay."""

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        library: Residents,
        forecaster: Forecaster,
        expected: ExpectedSlots,
        config: LibraryConfig,
    ) -> None:
        super().__init__(compiled, rows, library, forecaster, expected, config)
        self.stay = config.stay

    def weigh(self, steady: Floats, switch: Floats, slots: Floats, now: int) -> tuple[float, int, float]:
        late = np.minimum(1.0, slots[now] / self.stay)  # share of the stay in which the old one still serves
        costs = switch[now] / self.stay + late * steady[0, now] + (1.0 - late) * steady[0]
        best = int(np.argmin(costs))
        return float(costs[now]), best, float(costs[best])
