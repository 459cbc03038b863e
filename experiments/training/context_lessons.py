"""Sequences for the graph policy's imitation on a context: found on scenarios of the part train."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.rl.build import build_algorithm
from agents.rl.graph import GraphPolicy, reader_of
from agents.rl.imitation import Imitation
from experiments.training.context_draws import turns_of
from experiments.training.context_search import VALIDATION_SEED, holding_nothing
from experiments.training.index_search import IndexSearch, mean_costs
from experiments.training.lessons import Lesson, Trial
from experiments.training.run_config import RunConfig
from experiments.training.run_folder import RunFolder
from experiments.training.teacher import find_teacher
from idn_gym.config_reader import bounded
from idn_gym.integrations.sb3 import GymVecEnv
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_contexts import Context


@dataclass(frozen=True)
class LessonPlan:
    """Number of scenarios to imitate, and the scenarios that are skipped."""

    scenarios: int = bounded(12, least=1, most=10_000)
    """of the part train; `agent.imitation.episodes` is the number of episodes on each"""
    trials: int = bounded(6, least=1, most=10_000)
    """scenarios of the part validation that say which round is kept"""
    largest: int | None = bounded(None, least=1)
    """nodes of a network that is learnt from at most; null: all sizes"""


class ContextLessons:
    """Lessons and trials of a run, all read with the weights of one policy.

    Attributes:
        policy: that learns.
    """

    def __init__(
        self,
        config: RunConfig,
        context: Context,
        folder: RunFolder,
        plan: LessonPlan,
        guide: Mapping[str, Any],
    ) -> None:
        """Draw the scenarios, and find sequences, or read those that lie in `folder`.

        Arguments are those of `train_on_context`.
        """
        asked = getattr(config.agent, "imitation", None)
        assert isinstance(asked, Imitation)
        turns = list(turns_of(context, config.seed, plan.scenarios, largest=plan.largest))
        self.policy = _untrained(config, turns[0].scenario)
        self.lessons: list[Lesson] = []
        for turn in turns:
            run = dataclasses.replace(config, scenario=turn.scenario)
            file = folder.path / f"teacher-{turn.number}.npz"
            teacher = find_teacher(run, asked, file)
            self.lessons.append(Lesson(run, teacher, self._reader(run), guide))
        self.trials: list[Trial] = []
        for turn in turns_of(context, VALIDATION_SEED, plan.trials, "validation", plan.largest):
            run = dataclasses.replace(config, scenario=turn.scenario)
            self.trials.append(Trial(run, self._reader(run), cost_of_nothing(run)))

    def _reader(self, run: RunConfig) -> GraphPolicy:
        env: VectorEnv[Any, Any, Any] = gym.make_vec("IDN-v0", num_envs=1, **run.env_options())
        reader = reader_of(self.policy, env)
        env.close()
        return reader


def _untrained(config: RunConfig, scenario: Scenario) -> GraphPolicy:
    options: dict[str, Any] = {**config.env_options(), "scenario": scenario, "num_envs": 1}
    env = GymVecEnv(gym.make_vec("IDN-v0", autoreset_mode="SAME_STEP", **options))
    agent: Any = config.agent
    brief: Any = dataclasses.replace(agent, n_steps=2, batch_size=2)  # of buffers, which are not used
    policy: Any = build_algorithm(brief, env, config.seed).policy
    env.close()
    assert isinstance(policy, GraphPolicy)
    return policy


def cost_of_nothing(run: RunConfig) -> float:
    """[per slot] of the repositories alone, on the validation episodes of the run."""
    game = IndexSearch(scenario=run.scenario, overrides={}, preference=run.preference)
    return float(mean_costs(game, holding_nothing(), "validation", range(run.evaluation_episodes))[0])
