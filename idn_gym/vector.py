"""The native vector environment: a few compiled calls per step for any number of episodes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.core.validate import check_saved
from idn_gym.env import NO_FRONT, IDNEnv, reward_space, scenario_with
from idn_gym.episode_spec import HasEpisodeSpec
from idn_gym.metrics import METRICS
from idn_gym.observations import Observations, put_rows, row_of
from idn_gym.played_slot import Slot
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.rendering import render_ansi, render_rgb
from idn_gym.seeds import read_row_seeds
from idn_gym.simulation import Simulation
from idn_gym.vector_arguments import read_autoreset_mode, read_num_envs, read_render_mode, read_step_limit


class IDNVectorEnv(HasEpisodeSpec, VectorEnv[Observations, Any, Any]):
    """`num_envs` episodes of one scenario, bitwise equal to the same number of `IDNEnv`.

    Sub-environment i gets the seed s + i. With NEXT_STEP the terminal observation is returned, and the next
    call resets that row without playing its action, which must still be in the space. With SAME_STEP
    observation and infos are the first ones of the next episode, and the terminal ones are in
    ``infos["final_obs"]`` and ``infos["final_info"]``. Infos and their masks are those of Gymnasium's
    `SyncVectorEnv`.

    Attributes:
        horizon: slots of an episode: the scenario's, or `max_episode_steps` where that is less.
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Any = DEFAULT_SCENARIO,
        action: str | None = None,
        observation: str = "flat",
        preference: Any = None,
        overrides: Mapping[str, Any] | None = None,
        split: str = "train",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        objectives: Sequence[str] | None = None,
        reward_scale: str | None = None,
    ) -> None:
        """Set up the environment; arguments without a description here are as in `IDNEnv`.

        Args:
            num_envs: number of episodes side by side.
            scenario: see `IDNEnv`.
            action: see `IDNEnv`.
            observation: see `IDNEnv`.
            preference: see `IDNEnv`.
            overrides: see `IDNEnv`.
            split: see `IDNEnv`.
            render_mode: see `IDNEnv`.
            autoreset_mode: "NextStep" or "SameStep", or the enum's member.
            max_episode_steps: number of slots after which episodes are truncated, as ``gym.make`` takes it;
                None or -1: the scenario's horizon, which is the last slot in any case.
            objectives: see `IDNEnv`.
            reward_scale: see `IDNEnv`.

        Raises:
            ConfigError: an argument is not allowed, for example the DISABLED mode.
        """
        self.num_envs = read_num_envs(num_envs)
        self.render_mode = read_render_mode(render_mode, IDNEnv.metadata["render_modes"])
        self.scenario = scenario_with(scenario, overrides, objectives, action)
        self.simulation = Simulation(
            self.scenario, action, observation, preference, split, self.num_envs, reward_scale
        )
        self.autoreset_mode = read_autoreset_mode(autoreset_mode)
        self.metadata = {**IDNEnv.metadata, "autoreset_mode": self.autoreset_mode}
        self.horizon = int(min(self.scenario.horizon, read_step_limit(max_episode_steps)))
        self.scalar = preference is not None
        if not self.scalar:  # as in `IDNEnv`; both describe one row
            self.reward_space = reward_space(self.simulation.objectives, self.scenario.quality)
            self.reward_dim = len(self.simulation.objectives)
        self.single_observation_space = self.simulation.observer.space
        self.single_action_space = self.simulation.codec.space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._fresh = True
        self._over = np.zeros(self.num_envs, np.bool_)
        self._metrics = np.zeros((self.num_envs, len(METRICS)))
        self._first = np.ones(self.num_envs, np.bool_)
        """rows that have not yet played a slot of their episode"""

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
        self._fresh = False
        self._first[:] = True
        self._over[:] = False
        self.simulation.reset(range(self.num_envs), seeds, options)
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
        slot = self.simulation.step(actions).copy()
        slot = slot._replace(truncated=self.simulation.now.slot >= self.horizon)
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
        infos |= self.simulation.store_figures()
        if self.scalar:
            infos["vector_reward"] = vector.astype(np.float32)
            infos["reward_weights"] = self.simulation.instance.draw.weights.astype(np.float32)
        infos |= self.simulation.truth()
        infos |= self.simulation.book.infos()
        if rows is not None:
            for value in infos.values():
                value[~rows] = 0.0
        mask = np.ones(self.num_envs, np.bool_) if rows is None else rows
        return infos | {f"_{name}": mask.copy() for name in infos}

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """(n, choices) allowed choices of the coming slot."""
        return self.simulation.masks()

    def pareto_front(self, gamma: float) -> list[npt.NDArray[np.float64]]:
        """See `IDNEnv.pareto_front`."""
        if self.scalar:
            raise ConfigError("pareto_front", NO_FRONT)
        return self.simulation.pareto_front(gamma)

    def describe(self) -> dict[str, Any]:
        """Explain the entries of observations, actions and rewards; they are the same in every row."""
        return self.simulation.describe()

    def describe_placement(self, row: int = 0) -> dict[str, list[str]]:
        """Return the resident segments of each node in one row, by name."""
        return self.simulation.describe_placement(row)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call the method `name` of `IDNEnv` and return one result per row, like Gymnasium's `SyncVectorEnv`.

        Raises:
            AttributeError: there is no such method.
            ConfigError: the method would advance a single row.
        """
        if name in ("reset", "step", "close"):
            raise ConfigError(name, "cannot be called per environment; all environments step together")
        if not callable(getattr(IDNEnv, name, None)):
            raise AttributeError(f"IDNEnv has no method {name!r}")
        if name == "describe_placement":
            return tuple(self.describe_placement(row, *args, **kwargs) for row in range(self.num_envs))
        whole = getattr(self, name)(*args, **kwargs)
        if name == "action_masks" or (name == "render" and whole is not None):
            return tuple(whole)
        return tuple(copy.deepcopy(whole) for _ in range(self.num_envs))

    def get_state(self) -> dict[str, Any]:
        """Return everything that changes, as plain data; see `set_state`."""
        return {"simulation": self.simulation.get_state(), "over": self._over.copy()}

    def set_state(self, saved: dict[str, Any]) -> None:
        """Continue bitwise from a result of `get_state`.

        Raises:
            ConfigError: the state belongs to another scenario, or to another number of episodes.
        """
        check_saved(saved, self.get_state())
        self.simulation.set_state(saved["simulation"])
        self._over = saved["over"].copy()
        self._fresh = False

    def render(self) -> Any:
        """Return one picture or text per sub-environment."""
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='ansi' or 'rgb_array' in gym.make_vec()")
            return None
        draw = render_ansi if self.render_mode == "ansi" else render_rgb
        return tuple(
            draw(self.simulation, row, None if self._first[row] else self._metrics[row])
            for row in range(self.num_envs)
        )
