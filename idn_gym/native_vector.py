"""What native vector environments share: auto-reset, infos and pictures of rows that step together."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from idn_gym.actions import ActionCheck
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints, Numbers
from idn_gym.env import IDNEnv, reward_space
from idn_gym.episode_spec import HasEpisodeSpec
from idn_gym.metrics import METRICS
from idn_gym.objective_records import Objective
from idn_gym.observations import Observations, put_rows, row_of
from idn_gym.played_slot import Slot
from idn_gym.rendering import render_ansi, render_rgb
from idn_gym.scenarios.config_quality import HiddenQuality
from idn_gym.seeds import read_row_seeds
from idn_gym.simulation import Simulation
from idn_gym.vector_arguments import read_autoreset_mode


class RowSimulation(Protocol):
    """What is played, B rows; each part is described in `Simulation`."""

    check: ActionCheck

    @property
    def objectives(self) -> tuple[Objective, ...]: ...

    @property
    def slots(self) -> Ints: ...

    @property
    def reward_weights(self) -> Floats: ...

    def reset(
        self, rows: Sequence[int], seeds: Sequence[int | None], options: Mapping[str, Any] | None = None
    ) -> None: ...

    def rewind(self, rows: Sequence[int]) -> None: ...

    def observe(self) -> tuple[Observations, Floats]: ...

    def step(self, actions: Any) -> Slot: ...

    def figures(self) -> dict[str, Numbers]: ...


class NativeVectorEnv(HasEpisodeSpec, VectorEnv[Observations, Any, Any]):
    """`num_envs` episodes, bitwise equal to the same number of environments `single`.

    Sub-environment i gets the seed s + i. With NEXT_STEP the terminal observation is returned, and the next
    call resets that row without playing its action, which must still be in the space. With SAME_STEP
    observation and infos are the first ones of the next episode, and the terminal ones are in
    ``infos["final_obs"]`` and ``infos["final_info"]``. Infos and their masks are those of Gymnasium's
    `SyncVectorEnv`.

    Attributes:
        horizon: slots of an episode: the scenario's, or `max_episode_steps` where that is less.
        single: the environment of one row.
        by_row: methods whose first argument is the row.
        caption: words beside the slot in pictures, such as who plays.
        below: a node: ``rgb_array`` shows it, what is below it and its ways to repositories. None: all nodes.
    """

    simulation: RowSimulation
    single: ClassVar[type[gym.Env[Any, Any]]] = IDNEnv
    by_row: ClassVar[tuple[str, ...]] = ("describe_placement",)
    caption: str = ""
    below: str | None = None

    def _begin(
        self,
        observation: gym.spaces.Space[Any],
        action: gym.spaces.Space[Any],
        autoreset_mode: str | AutoresetMode,
        scalar: bool,
        quality: HiddenQuality | None,
    ) -> None:
        """Set up spaces and rows, once `num_envs`, `simulation` and `render_mode` are there.

        Args:
            observation: space of one row.
            action: space of one row.
            autoreset_mode: "NextStep" or "SameStep", or the enum's member.
            scalar: whether rewards are numbers.
            quality: as `reward_space` takes it.

        Raises:
            ConfigError: another mode.
        """
        self.autoreset_mode = read_autoreset_mode(autoreset_mode)
        self.metadata = {**IDNEnv.metadata, "autoreset_mode": self.autoreset_mode}
        self.scalar = scalar
        if not scalar:  # as in the single environment; both describe one row
            self.reward_space = reward_space(self.simulation.objectives, quality)
            self.reward_dim = len(self.simulation.objectives)
        self.single_observation_space, self.single_action_space = observation, action
        self.observation_space = batch_space(observation, self.num_envs)
        self.action_space = batch_space(action, self.num_envs)
        self._fresh = True
        self._over = np.zeros(self.num_envs, np.bool_)
        self._metrics = np.zeros((self.num_envs, len(METRICS)))
        self._first = np.ones(self.num_envs, np.bool_)
        """rows that have not yet played a slot of their episode"""

    def _place(self, row: int) -> tuple[Simulation, int]:
        """Return the simulation that plays a row, and the row's place there."""
        raise NotImplementedError

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start all episodes.

        Args:
            seed: an integer s gives sub-environment i the seed s + i; a list gives one seed to each; None
                continues.
            options: ``{"preference": ...}`` for these episodes, if the environment's preference is "random".

        Raises:
            ConfigError: a seed is not a whole number of at least 0, there is not one per row, or another
                option is given.
        """
        seeds = read_row_seeds(seed, self.num_envs)
        super().reset(seed=int(seed) if isinstance(seed, (int, np.integer)) else None)
        if self._fresh:  # no earlier episode to continue from
            seeds = [int(self.np_random.integers(2**31)) if s is None else s for s in seeds]
        self.simulation.reset(range(self.num_envs), seeds, options)
        self._fresh = False
        self._first[:] = True
        self._over[:] = False
        observation, metrics = self.simulation.observe()
        return observation, self._infos(metrics, np.zeros((self.num_envs, len(self.simulation.objectives))))

    def step(
        self, actions: Any
    ) -> tuple[Observations, Any, npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """Play one slot in every row; rewards are (n,) float64, or (n, D) float32 without preference.

        Raises:
            gymnasium.error.InvalidAction: an action of some row is outside its space; the state is unchanged.
        """
        if self._fresh:
            raise gym.error.ResetNeeded("call reset() before step()")
        resets = np.flatnonzero(self._over)
        if len(resets):
            self.simulation.check(actions)  # first, so that an invalid action leaves the state unchanged
            self.simulation.reset(resets.tolist(), [None] * len(resets))
        if len(resets) == self.num_envs:  # as at the horizon: there is no slot to play
            slot = self._first_slots()
        else:
            slot = self.simulation.step(actions).copy()
            slot = slot._replace(truncated=self.simulation.slots >= self.horizon)
            if len(resets):
                slot = self._undo(slot, resets)
        self._metrics, self._over = slot.metrics, slot.truncated | slot.terminated
        self._first[:] = False
        self._first[resets] = True
        reward = slot.scalar if self.scalar else slot.vector.astype(np.float32)
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._over.any():
            observation, infos = self._reset_now(slot)
        else:
            observation, infos = slot.observation, self._infos(slot.metrics, slot.vector)
        return observation, reward, slot.terminated.copy(), slot.truncated.copy(), infos

    def _first_slots(self) -> Slot:
        """Rows that have just been reset: their first observations, and nothing gained."""
        observation, metrics = self.simulation.observe()
        rows, objectives = self.num_envs, len(self.simulation.objectives)
        ends = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        return Slot(observation, np.zeros((rows, objectives)), np.zeros(rows), *ends, metrics)

    def _undo(self, slot: Slot, rows: npt.NDArray[np.int64]) -> Slot:
        """Ignore the actions of rows that have just been reset: return them to their first observation."""
        self.simulation.rewind(rows.tolist())
        observation, metrics = self.simulation.observe()
        put_rows(slot.observation, rows, observation)
        for field in (slot.vector, slot.scalar, slot.truncated, slot.terminated):
            field[rows] = 0
        slot.metrics[rows] = metrics[rows]
        return slot

    def _reset_now(self, slot: Slot) -> tuple[Observations, dict[str, Any]]:
        """SAME_STEP: start the next episodes; the infos keep the end of the last ones."""
        ended = self._over
        over = np.flatnonzero(ended)
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in over:
            final_obs[row] = row_of(slot.observation, int(row))
        self._first[over] = True
        final_info = self._infos(slot.metrics, slot.vector, ended)
        self.simulation.reset(over.tolist(), [None] * len(over))
        self._over = np.zeros(self.num_envs, np.bool_)
        observation, fresh = self.simulation.observe()
        metrics, vector = slot.metrics.copy(), slot.vector.copy()
        metrics[over], vector[over] = fresh[over], 0.0
        infos = self._infos(metrics, vector)
        for name, value in (("final_obs", final_obs), ("final_info", final_info)):
            infos[name], infos[f"_{name}"] = value, ended.copy()
        return observation, infos

    def _infos(
        self, metrics: Floats, vector: Floats, rows: npt.NDArray[np.bool_] | None = None
    ) -> dict[str, Any]:
        """Infos of some rows (None: all rows) with their masks; the entries of other rows are 0."""
        infos: dict[str, Any] = {name: metrics[:, i].copy() for i, name in enumerate(METRICS)}
        if self.scalar:
            infos["vector_reward"] = vector.astype(np.float32)
            infos["reward_weights"] = self.simulation.reward_weights.astype(np.float32)
        infos |= self.simulation.figures()
        if rows is not None:
            for value in infos.values():
                value[~rows] = 0.0
        mask = np.ones(self.num_envs, np.bool_) if rows is None else rows
        return infos | {f"_{name}": mask.copy() for name in infos}

    def describe_placement(self, row: int = 0) -> dict[str, list[str]]:
        """Return the resident segments of each node in one row, by name."""
        simulation, place = self._place(row)
        return simulation.describe_placement(place)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call the method `name` of `single` and return one result per row, like Gymnasium's `SyncVectorEnv`.

        Raises:
            AttributeError: there is no such method.
            ConfigError: the method would advance a single row.
        """
        if name in ("reset", "step", "close"):
            raise ConfigError(name, "cannot be called per environment; all environments step together")
        if not callable(getattr(self.single, name, None)):
            raise AttributeError(f"{self.single.__name__} has no method {name!r}")
        if name in self.by_row:
            return tuple(getattr(self, name)(row, *args, **kwargs) for row in range(self.num_envs))
        whole = getattr(self, name)(*args, **kwargs)
        if name == "action_masks" or (name == "render" and whole is not None):
            return tuple(whole)
        return tuple(copy.deepcopy(whole) for _ in range(self.num_envs))

    def render(self) -> Any:
        """Return one picture or text per sub-environment."""
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='ansi' or 'rgb_array' in gym.make_vec()")
            return None
        picture = partial(render_rgb, caption=self.caption, below=self.below)
        draw = render_ansi if self.render_mode == "ansi" else picture
        return tuple(
            draw(*self._place(row), None if self._first[row] else self._metrics[row])
            for row in range(self.num_envs)
        )
