"""Many episodes side by side; `env.py` and `vector.py` are thin shells over this module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.actions import ActionCheck, make_codec
from idn_gym.budgets import BudgetBook
from idn_gym.core.arrays import EMPTY, Floats, Instance, Ints, Numbers, Outcome, State
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.slots import copied, put_fields
from idn_gym.core.transition import initial_state
from idn_gym.core.validate import check_residents, check_saved
from idn_gym.core.workspace import make_scratch, start_levels, start_uplinks
from idn_gym.hidden.book import QualityBook
from idn_gym.objective_records import Objective
from idn_gym.objectives import describe_reward, reward_divisor
from idn_gym.observations import Observations, copy_of, make_observer
from idn_gym.played_slot import Slot
from idn_gym.preferences import read_options, read_preference
from idn_gym.readouts import figures_of_stores, tell_placement
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.full_repositories import warn_of_full_repositories
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import episode_seed, episode_streams
from idn_gym.scenarios.reference_fronts import discounted_front, read_front
from idn_gym.scenarios.span_ring import SpanRing
from idn_gym.slot_programme import SlotProgramme


class Simulation:
    """B episodes of one scenario.

    Attributes:
        compiled: the scenario's tables and names.
        divisor: (D,) divisor of reward vectors, or None.
        codec: action codec.
        action: the action codec's name.
        check: makes arrays of B actions, or refuses them.
        observer: observation codec.
        observation: the observation codec's name.
        book: accounts of the scenario's budgets.
        quality: quality of answers, where it is hidden; otherwise None.
        instance: tables and the current draws; of long episodes no more than two spans (`scenarios.spans`).
        last: outcome of the last slot, overwritten in every slot.
    """

    def __init__(
        self,
        scenario: Scenario,
        action: str | None,
        observation: str,
        preference: Any,
        split: str,
        batch: int,
        reward_scale: str | None = None,
    ) -> None:
        """Compile the scenario and allocate memory for `batch` episodes.

        Args:
            scenario: the scenario.
            action: name of the action codec; None: the scenario's codec.
            observation: name of the observation codec.
            preference: as `read_preference` takes it; None means the balanced one.
            split: one of train, validation, test.
            batch: number of episodes B.
            reward_scale: as `reward_divisor` takes it.
        """
        self.compiled = compile_scenario(scenario)
        warn_of_full_repositories(self.compiled)
        preference = "balanced" if preference is None else preference
        self.weights = read_preference(preference, self.objectives)
        self.divisor = reward_divisor(reward_scale, self.compiled.scales)
        self.action = scenario.action if action is None else action
        self.codec = make_codec(self.action, self.compiled)
        self.observation = observation
        self.observer = make_observer(observation, self.compiled, preference=self.weights is None)
        episode_seed(split, 0)  # refuses an unknown split here rather than at the first reset
        self.split, self._horizon = split, scenario.horizon
        self._ring = SpanRing(self.compiled, batch, self.weights, self.codec.uniforms, "num_envs")
        self.book = BudgetBook(scenario.budgets, self.objectives, batch)
        self.quality = QualityBook(self.compiled, batch, self._ring.draw) if scenario.quality else None
        self.check = ActionCheck(self.codec.space, batch, planned=self.codec.form == "placement")
        self.seed, self.episode = [0] * batch, [0] * batch
        self._actions = np.zeros((batch, *self.check.shape[1:]), self.check.type)
        self._attach()
        self._states = initial_state(self.instance), initial_state(self.instance)
        self._now = 0
        """index of the state before the coming slot; the other state comes after it"""
        self.last = empty_outcome(self.compiled.tables, batch)
        self._scratch = make_scratch(self.compiled.tables, batch)

    @property
    def state(self) -> State:
        """State before the coming slot; a copy of `now`."""
        return copied(self.now)

    @property
    def outcome(self) -> Outcome:
        """Outcome of the last slot; a copy of `last`."""
        return copied(self.last)

    @property
    def now(self) -> State:
        """The current state itself, overwritten in every slot."""
        return self._states[self._now]

    @property
    def slots(self) -> Ints:
        """(B,) slots played of each episode."""
        return self.now.slot

    @property
    def reward_weights(self) -> Floats:
        """(B, D) preferences of the episodes."""
        return self.instance.draw.weights

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Objectives in force, in the order of the reward vector."""
        return self.compiled.objectives

    def reset(
        self, rows: Sequence[int], seeds: Sequence[int | None], options: Mapping[str, Any] | None = None
    ) -> None:
        """Start new episodes; with the seed None a row continues with its next episode.

        Args:
            rows: the rows to reset.
            seeds: one seed per row.
            options: ``preference`` for these episodes, if preferences are drawn; nothing else.

        Raises:
            ConfigError: another option, or a preference where all episodes already share one.
        """
        weights = read_options(options, self.weights, self.objectives)
        for row, seed in zip(rows, seeds, strict=True):
            now, episode = (self.seed[row], self.episode[row] + 1) if seed is None else (seed, 0)
            root = episode_seed(self.split, now, episode)
            self.seed[row], self.episode[row] = int(now), episode
            self._ring.start(row, episode_streams(root), weights)
            if self.quality is not None:
                self.quality.start(row, root)
        self.rewind(rows)

    def rewind(self, rows: Sequence[int]) -> None:
        """Return rows to slot 0 of their episodes."""
        index = np.array(rows, np.int64)  # once for all arrays
        self._ring.rewind(rows)
        self.book.clear(index)
        state = self.now
        state.slot[index] = 0
        state.resident[index] = self.compiled.tables.pinned
        state.recent[index] = self.compiled.tables.class_requests
        state.wish[index] = EMPTY
        state.bytes_to_come[index] = 0.0
        state.seconds_to_come[index] = 0.0
        state.uplink[index] = start_uplinks(self.compiled.tables)
        state.level[index], state.off[index] = start_levels(self.compiled.tables)
        state.lasted[index] = 0
        for cells in (self.last.cells, self.last.in_flight, self.last.refused):
            cells[index] = 0
        if self.quality is not None:
            self.quality.rewind(index)

    def observe(self) -> tuple[Observations, Floats]:
        """Observations of the coming slot, B rows, and metrics of the last slot, (B, len(METRICS)).

        Before the first slot all metrics except `clipped` are 0.
        """
        programme = self._programmes[1 - self._now]
        programme.look()
        return copy_of(programme.observations), programme.metrics.copy()

    def step(self, actions: Any) -> Slot:
        """Play one slot in every row; rows must be below the horizon.

        Raises:
            gymnasium.error.InvalidAction: an action outside the action space; the state is unchanged.
        """
        self._ring.draw_ahead(self.now.slot)
        self._actions[:] = self.check(actions)
        programme = self._programmes[self._now]
        programme.play()
        self.book.enter(self.last)
        self._now = 1 - self._now
        vector = programme.vector if self.divisor is None else programme.vector / self.divisor
        truncated = self.now.slot >= self._horizon
        ended = truncated, self.book.terminated
        return Slot(programme.observations, vector, programme.scalar, *ended, programme.metrics)

    def masks(self) -> npt.NDArray[np.bool_]:
        """(B, choices) allowed in the coming slot or the last one; by nominal memory if that is hidden."""
        state = self.now._replace(slot=np.minimum(self.now.slot, self._horizon - 1))
        masks = self.codec.masks(self._known, state)
        return masks if self.quality is None else self.quality.narrow(self.codec, masks)

    def describe(self) -> dict[str, Any]:
        """Explain the entries of observations, actions and rewards."""
        return {
            "observation": self.observer.describe(),
            "action": self.codec.describe(),
            "reward": describe_reward(self.weights, self.compiled.scales, self.objectives, self.divisor),
            "budgets": self.book.describe(),
        }

    def pareto_front(self, gamma: float) -> list[Floats]:
        """Discounted returns of the shipped front, in the order and units of the reward vector.

        Raises:
            ConfigError: no front ships, or gamma is not a discount.
        """
        names = tuple(objective.name for objective in self.objectives)
        front = discounted_front(read_front(self.compiled.scenario), gamma, names)
        return front if self.divisor is None else [returns / self.divisor for returns in front]

    def describe_placement(self, row: int) -> dict[str, list[str]]:
        """Describe one episode's placement: segments of each node by name, loads in flight, batteries."""
        return tell_placement(self.compiled, self.now, row)

    def figures(self) -> dict[str, Numbers]:
        """Entries of infos beside the metrics, B rows: batteries, budgets, the truth about hidden quality.

        What the scenario lacks is left out. Policies must not read the truth.
        """
        stores = figures_of_stores(self.compiled.tables, self.now, self.last)
        truth = {} if self.quality is None else self.quality.infos()
        return {**stores, **truth, **self.book.infos()}

    def sum_demand(self, row: int) -> Floats:
        """(slots played,) [requests] summed over classes, for each slot of one episode so far."""
        return self._ring.sum_demand(row, int(self.now.slot[row]))

    def _attach(self) -> None:
        """Combine draw and tables; with hidden resources, masks use the nominal memory only."""
        tables, draw = self.compiled.tables, self._ring.draw
        self.instance = self._known = Instance(tables, draw)
        if self.compiled.scenario.resources == "hidden":  # one slot, read for every slot
            nominal = np.repeat(tables.node_memory[None, None], len(draw.memory), axis=0)
            self._known = Instance(tables, draw._replace(memory=nominal))
        self._built: list[SlotProgramme] = []

    @property
    def _programmes(self) -> list[SlotProgramme]:
        """Slot programs from each state into the other; built when they are first played."""
        if not self._built:
            parts = self.instance, self.codec, self.observer, self.compiled.scales, self.objectives
            ways, rest = (self._states, self._states[::-1]), (self.last, self._scratch)
            self._built = [SlotProgramme(*parts, self._actions, *way, *rest, self.quality) for way in ways]
        return self._built

    def __getstate__(self) -> dict[str, Any]:
        """State for copies and pickles, without the tables, which belong to the compiled scenario."""
        gone = dict.fromkeys(("instance", "_known", "_built", "_scratch"))
        return {**self.__dict__, **gone, "last": list(self.last)}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self._attach()
        self.last = empty_outcome(self.compiled.tables, len(self.seed))
        self._scratch = make_scratch(self.compiled.tables, len(self.seed))
        put_fields(self.last, saved["last"])

    def get_state(self) -> dict[str, Any]:
        """Return everything that changes, as plain data: sufficient to continue bitwise with `set_state`."""
        return {
            "seed": list(self.seed),
            "episode": list(self.episode),
            "weights": self.instance.draw.weights.copy(),
            "chains": self._ring.chains(),
            "state": list(self.state),
            "outcome": list(self.outcome),
            "spent": self.book.spent.copy(),
            "quality": {} if self.quality is None else self.quality.get_state(),
        }

    def set_state(self, saved: dict[str, Any]) -> None:
        """Continue from a result of `get_state`; the draws of the current spans are made again.

        Raises:
            ConfigError: the state belongs to another scenario, or to another number of episodes.
        """
        check_saved(saved, self.get_state())
        state = State(*saved["state"])
        check_residents(self.compiled.tables, state)
        for row, (seed, episode) in enumerate(zip(saved["seed"], saved["episode"], strict=True)):
            self.seed[row], self.episode[row] = seed, episode
            root = episode_seed(self.split, seed, episode)
            self._ring.restore(row, episode_streams(root), saved["weights"][row], saved["chains"][row])
        put_fields(self.now, state)
        put_fields(self.last, saved["outcome"])
        self.book.spent[:] = saved["spent"]
        if self.quality is not None:
            self.quality.set_state(saved["quality"], self.now.slot)
