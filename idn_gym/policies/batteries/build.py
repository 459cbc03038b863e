"""Builders of the policies that look after batteries, as the registry calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.policies.batteries.night_planner import MOST_SLOTS, NightPlanner, NightPlannerConfig
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.episodes import build_instance

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]


def night_planner(env: Env, **options: Any) -> NightPlanner:
    """A programme over charge and time of day; where preferences are drawn it weighs by the balanced one."""
    config = from_plain(NightPlannerConfig, options, "agent")
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    compiled, weights = simulation.compiled, simulation.weights
    if compiled.scenario.horizon > MOST_SLOTS:
        allowed = f"must be at most {MOST_SLOTS:,} for night-planner, which plans whole episodes"
        raise ConfigError("horizon", f"{compiled.scenario.horizon} is not allowed; {allowed}")
    if weights is None:
        weights = balanced_preference(compiled.objectives)
    seeds = range(config.episodes)
    training = build_instance(compiled.scenario, seeds, "train", weights.tolist(), key="agent.episodes")
    return NightPlanner(compiled, env.num_envs, config, training, weights)
