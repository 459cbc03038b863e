"""Many episodes of a context side by side: the vector environment of `IDN-Context-v0`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import gymnasium as gym
from gymnasium.vector import AutoresetMode

from idn_gym.config_reader import ConfigError, show
from idn_gym.context_env import DEFAULT_CONTEXT, MOVES, ContextEnv, check_observed, describe_context
from idn_gym.context_rows import ContextRows
from idn_gym.env import IDNEnv, refuse_twice, scenario_with
from idn_gym.native_vector import NativeVectorEnv
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.contexts import base_scenario, context_sizes, draw_scenario, load_context
from idn_gym.simulation import Simulation
from idn_gym.vector_arguments import read_group_size, read_num_envs, read_render_mode, read_step_limit


class ContextVectorEnv(NativeVectorEnv):
    """`num_envs` episodes of a context in one padded batch; by default bitwise equal to as many `ContextEnv`.

    Each row plays a scenario of its own. With `rows_per_scenario` above 1, so many neighbouring rows play one
    scenario, natively, with an episode each: the seed of the first of them determines the scenario, as in
    `ContextEnv`, and each row's own seed its episode; their next episodes have another scenario. See
    `NativeVectorEnv` for seeds and auto-reset, `ContextEnv` for observations, actions and rewards.

    Infos are those of `ContextEnv`; figures with several numbers per row, such as charges of batteries, are
    arrays of arrays. With `rows_per_scenario` above 1, ``infos["scenario_seed"]`` determines the scenario and
    ``infos["episode_seed"]`` the row's episode of it.

    Attributes:
        horizon: slots of an episode: that of all scenarios, or `max_episode_steps` where that is less.
        rows_per_scenario: rows that play the same scenario.
    """

    simulation: ContextRows
    single: ClassVar[type[gym.Env[Any, Any]]] = ContextEnv
    by_row: ClassVar[tuple[str, ...]] = ("describe", "describe_placement")

    def __init__(
        self,
        num_envs: int = 1,
        context: Any = DEFAULT_CONTEXT,
        held_out: str = "all",
        preference: Any = "balanced",
        overrides: Mapping[str, Any] | None = None,
        split: str = "train",
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        objectives: Sequence[str] | None = None,
        reward_scale: str | None = None,
        observation: str = "graph",
        rows_per_scenario: int = 1,
    ) -> None:
        """Set up the environment; arguments without a description here are as in `ContextEnv`.

        Args:
            num_envs: number of episodes side by side.
            context: see `ContextEnv`.
            held_out: see `ContextEnv`.
            preference: see `ContextEnv`.
            overrides: see `ContextEnv`.
            split: see `ContextEnv`.
            render_mode: see `ContextEnv`.
            autoreset_mode: see `IDNVectorEnv`.
            max_episode_steps: see `IDNVectorEnv`.
            objectives: see `ContextEnv`.
            reward_scale: see `ContextEnv`.
            observation: see `ContextEnv`.
            rows_per_scenario: rows that play the same scenario; it divides `num_envs`, and is 1 where
                budgets end episodes, since these rows end together.

        Raises:
            ConfigError: an argument is not allowed, for example the DISABLED mode.
            DependencyNotInstalled: a real network does not ship, and TopoHub is not installed.
        """
        refuse_twice(overrides, objectives=objectives)
        check_observed(observation)
        self.num_envs = read_num_envs(num_envs)
        self.rows_per_scenario = each = read_group_size(rows_per_scenario, self.num_envs, "rows_per_scenario")
        self.render_mode = read_render_mode(render_mode, IDNEnv.metadata["render_modes"])
        self.context, self.held_out, self.split = load_context(context, overrides), held_out, split
        base = base_scenario(self.context)
        if each > 1 and base.budgets.ends:
            why = "must be 1 where budgets.ends is true: rows of one scenario end together"
            raise ConfigError("rows_per_scenario", f"{show(each)} is not allowed; {why}")

        scenario = partial(draw_scenario, self.context, split, held_out=held_out)
        keywords = {"preference": preference, "split": split, "batch": each, "reward_scale": reward_scale}
        opened = partial(_open_seed, scenario, objectives, observation, keywords)
        sizes = context_sizes(self.context)
        self.simulation = ContextRows(opened, sizes, observation == MOVES, split, self.num_envs, each)
        self.horizon = int(min(base.horizon, read_step_limit(max_episode_steps)))
        spaces = self.simulation.padded.space, self.simulation.action_space
        self._begin(*spaces, autoreset_mode, preference is not None, base.quality)

    @property
    def full_horizon(self) -> int:
        """Slots of an episode that no limit cuts; the same in all scenarios."""
        return base_scenario(self.context).horizon

    @property
    def scenarios(self) -> list[Scenario]:
        """Scenario of each row; before the first `reset`, that of seed 0."""
        return [self._place(row)[0].compiled.scenario for row in range(self.num_envs)]

    def _place(self, row: int) -> tuple[Simulation, int]:
        group, place = divmod(row, self.rows_per_scenario)
        return self.simulation.groups[group], place

    def describe(self, row: int = 0) -> dict[str, Any]:
        """Explain observations and actions, the context, and the scenario of one row; see `ContextEnv`."""
        return describe_context(self.simulation.padded, self.context, self.held_out, self._place(row)[0])


def _open_seed(
    draw: Callable[[int], Scenario],
    objectives: Sequence[str] | None,
    observation: str,
    keywords: Mapping[str, Any],
    seed: int,
) -> Simulation:
    """Return the simulation of the scenario that a seed determines."""
    scenario = scenario_with(draw(seed), None, objectives)
    return Simulation(scenario, "scores", observation, **keywords)
