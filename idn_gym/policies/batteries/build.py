"""Builders of the policies that look after batteries, as the registry calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.core.arrays import Instance
from idn_gym.policies.batteries.charge_rule import ChargeRule, ChargeRuleConfig
from idn_gym.policies.batteries.night_planner import MOST_SLOTS, NightPlanner, NightPlannerConfig
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import build_instance

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]


def night_planner(env: Env, **options: Any) -> NightPlanner:
    """A program over charge and time of day."""
    config = from_plain(NightPlannerConfig, options, "agent")
    compiled, training = _training(env, config.episodes)
    if compiled.scenario.horizon > MOST_SLOTS:
        allowed = f"must be at most {MOST_SLOTS:,} for night-planner, which plans whole episodes"
        raise ConfigError("horizon", f"{compiled.scenario.horizon} is not allowed; {allowed}")
    return NightPlanner(compiled, env.num_envs, config, training)


def charge_rule(env: Env, **options: Any) -> ChargeRule:
    """One of two modes, by the charge alone."""
    config = from_plain(ChargeRuleConfig, options, "agent")
    compiled, training = _training(env, config.episodes)
    return ChargeRule(compiled, env.num_envs, config, training)


def _training(env: Env, episodes: int) -> tuple[Compiled, Instance]:
    """Training episodes; where preferences are drawn they have the balanced one."""
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    compiled, weights = simulation.compiled, simulation.weights
    chosen = (balanced_preference(compiled.objectives) if weights is None else weights).tolist()
    return compiled, build_instance(compiled.scenario, range(episodes), "train", chosen, key="agent.episodes")
