"""The native vector environment: a few compiled calls per step for any number of episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from idn_gym.config_reader import ConfigError
from idn_gym.core.validate import check_saved
from idn_gym.env import NO_FRONT, IDNEnv, scenario_with
from idn_gym.native_vector import NativeVectorEnv
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.simulation import Simulation
from idn_gym.vector_arguments import read_num_envs, read_render_mode, read_step_limit


class IDNVectorEnv(NativeVectorEnv):
    """`num_envs` episodes of one scenario, bitwise equal to the same number of `IDNEnv`.

    See `NativeVectorEnv` for seeds and auto-reset.
    """

    simulation: Simulation

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
        self.horizon = int(min(self.scenario.horizon, read_step_limit(max_episode_steps)))
        spaces = self.simulation.observer.space, self.simulation.codec.space
        self._begin(*spaces, autoreset_mode, preference is not None, self.scenario.quality)

    def _place(self, row: int) -> tuple[Simulation, int]:
        return self.simulation, row

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
