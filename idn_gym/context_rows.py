"""Rows of different scenarios: groups, each with a simulation of its own, written into one padded batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from idn_gym.actions import ActionCheck
from idn_gym.config_reader import ConfigError, show
from idn_gym.context_env import next_seed
from idn_gym.core.arrays import Floats, Ints, Numbers
from idn_gym.metrics import METRICS
from idn_gym.objective_records import Objective
from idn_gym.observations import Observations, copy_of
from idn_gym.observations.padded_graph import PaddedGraph
from idn_gym.played_slot import Slot
from idn_gym.scenarios.contexts import ContextSizes
from idn_gym.simulation import Simulation

MOST_CONTEXT_SEED = 2**63 - 1
"""Largest seed of a row; infos have it as a number of 64 bits."""


class ContextRows:
    """B episodes in groups of `each` neighbours; a group plays one scenario, as `Simulation` does.

    Attributes:
        padded: layout of the observations.
        groups: simulation of each group; before the first reset, all are that of seed 0.
        each: rows of a group.
        action_space: space of one row.
        check: makes arrays of B actions, or refuses them.
    """

    def __init__(
        self,
        open_seed: Callable[[int], Simulation],
        sizes: ContextSizes,
        moves: bool,
        split: str,
        rows: int,
        each: int,
    ) -> None:
        """Allocate memory for the batch.

        Args:
            open_seed: returns the simulation, of `each` rows, of the scenario that a seed determines.
            sizes: upper bounds for all scenarios.
            moves: whether the observation has the columns of moves.
            split: split of the seeds.
            rows: number of rows B, a multiple of `each`.
            each: rows of a group.
        """
        self._open_seed, self._split, self.each = open_seed, split, each
        first = open_seed(0)
        self.padded = PaddedGraph(first.compiled, sizes, moves)
        self.groups = [first] * (rows // each)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (sizes.pairs,), np.float32)
        self.check = ActionCheck(self.action_space, rows)
        self._seed, self._episode = [0] * rows, [0] * rows
        self._drawn = np.zeros(rows, np.int64)
        self._observations = self.padded.make_rows(rows)
        self._slot = Slot(
            observation=self._observations,
            vector=np.zeros((rows, len(first.objectives))),
            scalar=np.zeros(rows),
            truncated=np.zeros(rows, np.bool_),
            terminated=np.zeros(rows, np.bool_),
            metrics=np.zeros((rows, len(METRICS))),
        )

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Objectives in force, the same in all scenarios."""
        return self.groups[0].objectives

    @property
    def slots(self) -> Ints:
        """(B,) slots played of each episode."""
        return np.concatenate([group.slots for group in self.groups])

    @property
    def reward_weights(self) -> Floats:
        """(B, D) preferences of the episodes."""
        return np.concatenate([group.reward_weights for group in self.groups])

    def _parts(self) -> Iterator[tuple[slice, Simulation]]:
        for g, group in enumerate(self.groups):
            yield slice(g * self.each, (g + 1) * self.each), group

    def reset(
        self, rows: Sequence[int], seeds: Sequence[int | None], options: Mapping[str, Any] | None = None
    ) -> None:
        """Draw the scenarios of whole groups, and start an episode in each of their rows.

        A row's seed goes on as in `ContextEnv`: with None, to the one after its last. The seed of a group's
        first row determines the scenario, and each row's own seed its episode.

        Args:
            rows: all rows of some groups, in order.
            seeds: one seed per row.
            options: as `Simulation.reset` takes them.

        Raises:
            ConfigError: a seed beyond `MOST_CONTEXT_SEED`, or an option that is not allowed.
        """
        for seed in seeds:
            if seed is not None and seed > MOST_CONTEXT_SEED:
                raise ConfigError("seed", f"{show(seed)} is not allowed; must be at most {MOST_CONTEXT_SEED}")
        given = dict(zip(rows, seeds, strict=True))
        for g in self._groups_of(rows):
            part = slice(g * self.each, (g + 1) * self.each)
            now = [self._follow(row, given[row]) for row in range(part.start, part.stop)]
            drawn = [next_seed(self._split, *at) for at in now]
            group = self._open_seed(drawn[0])
            group.reset(range(self.each), drawn, options)
            self.padded.wire(self._observations, part, group.compiled)
            self.groups[g], self._drawn[part] = group, drawn
            self._seed[part], self._episode[part] = zip(*now, strict=True)

    def _follow(self, row: int, seed: int | None) -> tuple[int, int]:
        """Seed, and number of the episode since it was given, of a row's next episode."""
        return (self._seed[row], self._episode[row] + 1) if seed is None else (seed, 0)

    def _groups_of(self, rows: Sequence[int]) -> list[int]:
        return sorted({row // self.each for row in rows})

    def rewind(self, rows: Sequence[int]) -> None:
        """Return all rows of some groups to slot 0 of their episodes."""
        for g in self._groups_of(rows):
            self.groups[g].rewind(range(self.each))

    def observe(self) -> tuple[Observations, Floats]:
        """Observations and metrics of all rows; see `Simulation.observe`."""
        for part, group in self._parts():
            seen, self._slot.metrics[part] = group.observe()
            self.padded.put(self._observations, part, seen)
        return copy_of(self._observations), self._slot.metrics.copy()

    def step(self, actions: Any) -> Slot:
        """Play one slot in every row; entries of actions beyond the pairs of a scenario are ignored.

        Raises:
            gymnasium.error.InvalidAction: an action outside the action space; the state is unchanged.
        """
        chosen = self.check(actions).astype(np.float32)
        for part, group in self._parts():
            played = group.step(chosen[part, : group.check.shape[1]])
            self.padded.put(self._observations, part, played.observation)
            for whole, values in zip(self._slot[1:], played[1:], strict=True):
                whole[part] = values
        return self._slot

    def figures(self) -> dict[str, Numbers]:
        """Entries of infos beside the metrics, B rows; see `Simulation.figures`.

        Those with several numbers per row, for batteries or classes, are arrays of arrays, since scenarios
        have different numbers of them. `scenario_seed` determines a row's scenario and, in the first row of a
        group, its episode; in larger groups `episode_seed` determines a row's episode.
        """
        told = [group.figures() for group in self.groups]
        found = {name: _joined([figures[name] for figures in told]) for name in told[0]}
        found["scenario_seed"] = np.repeat(self._drawn[:: self.each], self.each)
        if self.each > 1:
            found["episode_seed"] = self._drawn.copy()
        return found


def _joined(parts: Sequence[Numbers]) -> Numbers:
    """Rows of all parts, as arrays of their own where they are wider than one number."""
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    rows = [row for part in parts for row in part]
    found = np.empty(len(rows), object)
    found[:] = rows
    return found
