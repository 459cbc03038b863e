"""Train the graph policy on the scenarios of a context, one after the other."""

from __future__ import annotations

import copy
import csv
import dataclasses
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.rl.build import build_algorithm
from agents.rl.on_policy_config import GraphPPOConfig
from experiments.training.run_config import RunConfig
from experiments.training.run_folder import RunFolder
from idn_gym.config_reader import ConfigError, show
from idn_gym.context_env import next_seed
from idn_gym.files import atomically
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_contexts import Context
from idn_gym.scenarios.contexts import draw_scenario

TURN_FILE = "turns.csv"
"""What every turn was played on and came to."""


class ScenarioTurn(NamedTuple):
    """Of a training: an episode in every environment, all on one scenario."""

    number: int
    scenario_seed: int
    scenario: Scenario


def turns_of(context: Context, seed: int, count: int) -> Iterator[ScenarioTurn]:
    """The scenarios of a training: the episodes that follow `seed` in the split `train`."""
    for number in range(count):
        drawn = next_seed("train", seed, number)
        yield ScenarioTurn(number, drawn, draw_scenario(context, "train", drawn))


def count_turns(config: RunConfig) -> int:
    """Turns that a training has: an episode of every environment each."""
    return math.ceil(config.steps / (config.envs * config.scenario.horizon))


def train_on_context(config: RunConfig, context: Context, folder: RunFolder) -> None:
    """Train, and leave a policy that plays as any other graph policy.

    In every turn all environments play one scenario natively, in episodes of their own, and the policy goes
    on with weights and moments of the optimiser from the turn before: no size of a network is in them. The
    rate of learning falls from turn to turn where its schedule is linear.

    Args:
        config: the run; its scenario is the context's before any draw.
        context: what scenarios are drawn from.
        folder: where the policy goes.

    Raises:
        ConfigError: an agent that does not fit networks of any size, or that imitates first.
    """
    agent = config.agent
    if not isinstance(agent, GraphPPOConfig) or agent.imitation is not None:
        wanted = "must be ppo-graph without imitation, whose weights fit every network"
        raise ConfigError("agent", f"{show(agent.kind)} is not allowed; {wanted}")
    use_one_thread()
    folder.begin(config)
    count, state = count_turns(config), None
    trained: Any = None
    with (folder.path / TURN_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("turn", "scenario_seed", "nodes", "pairs", "reward"))
        for turn in turns_of(context, config.seed, count):
            trained = _play_turn(config, turn, count, state)
            state = _state_of(trained)
            sizes = trained.policy.observation_space
            reward = _mean_reward(trained, turn.scenario.horizon)
            writer.writerow(
                (turn.number, turn.scenario_seed, sizes["nodes"].shape[0], sizes["pairs"].shape[0], reward)
            )
            file.flush()
            trained.get_env().close()
    atomically(folder.policy, trained.save)


def _play_turn(config: RunConfig, turn: ScenarioTurn, count: int, state: dict[str, Any] | None) -> PPO:
    """The algorithm after one turn; `state` is that of the turn before."""
    agent: Any = config.agent
    left = 1.0 - turn.number / count if agent.schedule == "linear" else 1.0
    agent = dataclasses.replace(agent, schedule="constant", learning_rate=agent.learning_rate * left)
    options = {**config.env_options(), "scenario": turn.scenario, "num_envs": config.envs}
    env = VecMonitor(GymVecEnv(gym.make_vec("IDN-v0", autoreset_mode="SAME_STEP", **options)))
    algorithm: Any = build_algorithm(agent, env, turn.scenario_seed % 2**20)
    if state is not None:
        algorithm.policy.load_state_dict(state["weights"])
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
