"""Train the graph policy on the scenarios of a context, one after the other."""

from __future__ import annotations

import copy
import csv
import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.rl.build import build_algorithm
from agents.rl.on_policy_config import GraphPPOConfig
from experiments.training.context_draws import ScenarioTurn, turns_of
from experiments.training.context_lessons import ContextLessons, LessonPlan
from experiments.training.imitation import imitate_all
from experiments.training.lessons import trial_costs
from experiments.training.run_config import RunConfig
from experiments.training.run_folder import RunFolder
from idn_gym.config_reader import ConfigError, show
from idn_gym.files import atomically
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread
from idn_gym.scenarios.config_contexts import Context

TURN_FILE = "turns.csv"
"""Scenario and results of every turn."""


def count_turns(config: RunConfig) -> int:
    """Turns that a training has: an episode of every environment each."""
    return math.ceil(config.steps / (config.envs * config.scenario.horizon))


def train_on_context(
    config: RunConfig, context: Context, folder: RunFolder, plan: LessonPlan, guide: Mapping[str, Any]
) -> None:
    """Train, and leave a policy that plays as any other graph policy.

    Where the agent imitates, it first imitates sequences found on some scenarios of the part train, and the
    trials of the part validation say which of its rounds, or what PPO makes of the best one, is kept.
    In every turn of PPO all environments play one scenario natively, in episodes of their own, and the policy
    goes on with weights and moments of the optimiser from the turn before: no size of a network is in them.
    The rate of learning and the coefficient of entropy fall from turn to turn where their schedules are
    linear.

    Args:
        config: the run; its scenario is the context's before any draw.
        context: what scenarios are drawn from.
        folder: where the policy goes. Sequences that are there are used as they are.
        plan: how many scenarios are imitated, and which are passed over.
        guide: options of the guide of the imitation.

    Raises:
        ConfigError: an agent that does not fit networks of any size, or no steps.
    """
    agent = config.agent
    if not isinstance(agent, GraphPPOConfig):
        wanted = "must be ppo-graph, whose weights fit every network"
        raise ConfigError("agent", f"{show(agent.kind)} is not allowed; {wanted}")
    if config.steps == 0:
        raise ConfigError("steps", "0 is not allowed on a context; must be at least 1")
    use_one_thread()
    folder.begin(config)
    lessons, begun = None, None
    if agent.imitation is not None:
        lessons = ContextLessons(config, context, folder, plan, guide)
        imitate_all(lessons.policy, lessons.lessons, lessons.trials, folder.imitated)
        begun = {"weights": copy.deepcopy(lessons.policy.state_dict())}
    trained = _play_turns(config, context, folder, plan, begun)
    if lessons is not None and begun is not None:
        before = trial_costs(lessons.trials)[0]
        lessons.policy.load_state_dict(trained.policy.state_dict())
        if before <= trial_costs(lessons.trials)[0]:
            trained.policy.load_state_dict(begun["weights"])
    atomically(folder.policy, trained.save)


def _play_turns(
    config: RunConfig,
    context: Context,
    folder: RunFolder,
    plan: LessonPlan,
    state: dict[str, Any] | None,
) -> PPO:
    """The algorithm after all turns, whose course is written down."""
    count = count_turns(config)
    trained: Any = None
    with (folder.path / TURN_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("turn", "scenario_seed", "nodes", "pairs", "reward"))
        for turn in turns_of(context, config.seed, count, largest=plan.largest):
            trained = _play_turn(config, turn, count, state)
            state = _state_of(trained)
            sizes = trained.policy.observation_space
            reward = _mean_reward(trained, turn.scenario.horizon)
            writer.writerow(
                (turn.number, turn.scenario_seed, sizes["nodes"].shape[0], sizes["pairs"].shape[0], reward)
            )
            file.flush()
            trained.get_env().close()
    played: PPO = trained
    return played


def _play_turn(config: RunConfig, turn: ScenarioTurn, count: int, state: dict[str, Any] | None) -> PPO:
    """The algorithm after one turn; `state` is that of the turn before."""
    agent: Any = config.agent
    left = {"constant": 1.0, "linear": 1.0 - turn.number / count}
    agent = dataclasses.replace(
        agent,
        learning_rate=agent.learning_rate * left[agent.schedule],
        ent_coef=agent.ent_coef * left[agent.entropy_schedule],
        schedule="constant",
        entropy_schedule="constant",
    )
    options = {**config.env_options(), "scenario": turn.scenario, "num_envs": config.envs}
    env = VecMonitor(GymVecEnv(gym.make_vec("IDN-v0", autoreset_mode="SAME_STEP", **options)))
    algorithm: Any = build_algorithm(agent, env, turn.scenario_seed % 2**20)
    if state is not None:
        algorithm.policy.load_state_dict(state["weights"])
    if state is not None and "optimiser" in state:
        moments = copy.deepcopy(state["optimiser"])
        for group in moments["param_groups"]:
            group["lr"] = agent.learning_rate
        algorithm.policy.optimizer.load_state_dict(moments)
    played: PPO = algorithm.learn(config.envs * turn.scenario.horizon)
    return played


def _state_of(algorithm: Any) -> dict[str, Any]:
    policy = algorithm.policy
    return {"weights": policy.state_dict(), "optimiser": policy.optimizer.state_dict()}


def _mean_reward(algorithm: Any, horizon: int) -> float:
    """Per slot, over the episodes of the turn; nan where none ended."""
    ended = [episode["r"] / horizon for episode in algorithm.ep_info_buffer]
    return sum(ended) / len(ended) if ended else math.nan
