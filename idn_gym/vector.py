"""The native vector environment: a handful of compiled calls per step for any number of episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from idn_gym.env import IDNEnv, reward_space
from idn_gym.metrics import METRICS
from idn_gym.objectives import OBJECTIVES
from idn_gym.observations import Observations, put_rows, row_of
from idn_gym.rendering import render_ansi, render_rgb
from idn_gym.scenarios.fronts import discounted_front, read_front
from idn_gym.scenarios.presets import resolve
from idn_gym.simulation import Simulation, Slot
from idn_gym.strict import ConfigError, closest, show


class IDNVectorEnv(VectorEnv[Observations, Any, Any]):
    """`num_envs` episodes of one scenario, bitwise equal to as many `IDNEnv`.

    Sub-environment i gets the seed s + i. With NEXT_STEP the terminal observation is returned and
    the next call resets that row, ignoring its action; with SAME_STEP the observation is the next
    episode's first, and the terminal one is in ``infos["final_obs"]``.
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Any = "edge-small",
        action: str | None = None,
        observation: str = "flat",
        preference: Any = None,
        overrides: Mapping[str, Any] | None = None,
        split: str = "train",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        """Set up the environment; what is not explained here is as in `IDNEnv`.

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

        Raises:
            ConfigError: anything that is not allowed, the DISABLED mode among it.
        """
        if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ConfigError(
                "num_envs", f"{show(num_envs)} is not allowed; must be a whole number of at least 1"
            )
        modes: list[str] = IDNEnv.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ConfigError(
                "render_mode", f"{show(render_mode)} is not allowed; {closest(render_mode, modes)}"
            )
        self.scenario = resolve(scenario, overrides)
        self.simulation = Simulation(
            self.scenario, action, observation, preference, split, batch=int(num_envs)
        )
        self.num_envs = int(num_envs)
        self.render_mode = render_mode
        self.metadata = {**IDNEnv.metadata, "autoreset_mode": _read_mode(autoreset_mode)}
        self.scalar = preference is not None
        self.reward_space = reward_space()
        self.reward_dim = len(OBJECTIVES)
        self.single_observation_space = self.simulation.observer.space
        self.single_action_space = self.simulation.codec.space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._fresh = True
        self._over = np.zeros(self.num_envs, np.bool_)
        self._slot: Slot | None = None

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start all episodes.

        Args:
            seed: s gives sub-environment i the seed s + i; a list gives one each; None goes on.
            options: ``{"preference": ...}`` for these episodes, where the environment's is "random".
        """
        super().reset(seed=int(seed) if isinstance(seed, (int, np.integer)) else None)
        seeds = self._spread(seed)
        self._fresh = False
        self._slot = None
        self._over[:] = False
        self.simulation.reset(range(self.num_envs), seeds, options)
        observation, clipped = self.simulation.observe()
        return observation, self._with_mask({"clipped": clipped.astype(np.float64), **self._preference()})

    def _spread(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        """One seed per row; None where the row goes on with its next episode."""
        if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
            return [int(seed) + i for i in range(self.num_envs)]
        if seed is not None and (isinstance(seed, (str, bool)) or not hasattr(seed, "__iter__")):
            raise ConfigError(
                "seed", f"{show(seed)} is not allowed; must be a whole number, one per row or None"
            )
        seeds: list[int | None] = [None] * self.num_envs if seed is None else list(seed)
        if len(seeds) != self.num_envs:
            raise ConfigError("seed", f"{len(seeds)} seeds are not allowed; must be {self.num_envs}")
        if self._fresh:  # there is nothing to go on from
            seeds = [int(self.np_random.integers(2**31)) if s is None else s for s in seeds]
        return seeds

    def step(
        self, actions: Any
    ) -> tuple[Observations, Any, npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """Play one slot in every row; rewards are (n,) float64, or (n, 5) float32 without preference."""
        if self._fresh:
            raise gym.error.ResetNeeded("call reset() before step()")
        resets = np.flatnonzero(self._over)
        if len(resets):
            self.simulation.reset(resets.tolist(), [None] * len(resets))
        slot = self.simulation.step(np.asarray(actions))
        if len(resets):
            slot = self._undo(slot, resets)
        self._slot = slot
        infos = self._infos(slot, resets)
        observation = slot.observation
        self._over = slot.truncated
        if self.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP and slot.truncated.any():
            observation = self._reset_now(slot, infos)
        reward = slot.scalar if self.scalar else slot.vector.astype(np.float32)
        return observation, reward, np.zeros(self.num_envs, np.bool_), slot.truncated.copy(), infos

    def _undo(self, slot: Slot, rows: npt.NDArray[np.int64]) -> Slot:
        """Rows that have just been reset ignore the action: back to their first observation."""
        self.simulation.rewind(rows.tolist())
        observation, clipped = self.simulation.observe()
        put_rows(slot.observation, rows, observation)
        for field in (slot.vector, slot.scalar, slot.truncated, slot.figures):
            field[rows] = 0
        slot.figures[rows, METRICS.index("clipped")] = clipped[rows]
        return slot

    def _reset_now(self, slot: Slot, infos: dict[str, Any]) -> Observations:
        """SAME_STEP: start the next episodes and hand out the last observations in `infos`."""
        over = np.flatnonzero(slot.truncated)
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in over:
            final_obs[row] = row_of(slot.observation, int(row))
        final_info = {key: value.copy() for key, value in infos.items()}
        infos["final_obs"], infos["_final_obs"] = final_obs, slot.truncated.copy()
        infos["final_info"], infos["_final_info"] = final_info, slot.truncated.copy()
        self.simulation.reset(over.tolist(), [None] * len(over))
        self._over = np.zeros(self.num_envs, np.bool_)
        infos.update(self._preference())
        observation, _ = self.simulation.observe()
        return observation

    def _infos(self, slot: Slot, resets: npt.NDArray[np.int64]) -> dict[str, Any]:
        infos: dict[str, Any] = {name: slot.figures[:, i].copy() for i, name in enumerate(METRICS)}
        if self.scalar:
            infos["vector_reward"] = slot.vector.astype(np.float32)
            infos.update(self._preference())
        played = np.ones(self.num_envs, np.bool_)
        played[resets] = False
        masks = {f"_{name}": played.copy() for name in infos}
        return {**infos, **masks}

    def _with_mask(self, infos: dict[str, Any]) -> dict[str, Any]:
        return {**infos, **{f"_{name}": np.ones(self.num_envs, np.bool_) for name in infos}}

    def _preference(self) -> dict[str, Any]:
        return (
            {"reward_weights": self.simulation.instance.draw.weights.astype(np.float32)}
            if self.scalar
            else {}
        )

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """(n, choices) allowed choices of the coming slot."""
        return self.simulation.masks()

    def pareto_front(self, gamma: float) -> list[npt.NDArray[np.float64]]:
        """See `IDNEnv.pareto_front`."""
        return discounted_front(read_front(self.scenario), gamma)

    def describe(self) -> dict[str, Any]:
        """What the entries of observations, actions and rewards mean; the same in every row."""
        return self.simulation.describe()

    def describe_placement(self, row: int = 0) -> dict[str, list[str]]:
        """What is where in one row: the resident segments of each node, by name."""
        return self.simulation.describe_placement(row)

    def get_state(self) -> dict[str, Any]:
        """All that moves, as plain data; see `set_state`."""
        return {"simulation": self.simulation.get_state(), "over": self._over.copy()}

    def set_state(self, saved: dict[str, Any]) -> None:
        """Go on bitwise from what `get_state` returned."""
        self.simulation.set_state(saved["simulation"])
        self._over = saved["over"].copy()
        self._fresh = False

    def render(self) -> Any:
        """One picture or text per sub-environment."""
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='ansi' or 'rgb_array' in gym.make_vec()")
            return None
        draw = render_ansi if self.render_mode == "ansi" else render_rgb
        figures = None if self._slot is None else self._slot.figures
        return tuple(
            draw(self.simulation, row, None if figures is None else figures[row])
            for row in range(self.num_envs)
        )


def _read_mode(mode: str | AutoresetMode) -> AutoresetMode:
    allowed = {m.value: m for m in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)}
    names = {m.name: m for m in allowed.values()}
    if isinstance(mode, AutoresetMode) and mode in allowed.values():
        return mode
    if isinstance(mode, str) and mode in {**allowed, **names}:
        return {**allowed, **names}[mode]
    raise ConfigError(
        "autoreset_mode", f"{show(mode)} is not allowed; allowed: {', '.join([*names, *allowed])}"
    )
