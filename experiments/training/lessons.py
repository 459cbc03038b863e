"""Scenarios that an imitation plays: what is seen on them, and what says how good a round is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import torch

from agents.rl.graph import GraphPolicy
from experiments.training.guide import Guide
from experiments.training.run_config import RunConfig
from experiments.training.teacher import Teacher
from idn_gym.core.arrays import Bools, Floats
from idn_gym.policies.registry import simulation_of

SCORE_SHIFTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
"""Shifts of the scores that are tried, so that segments that the teacher seldom holds can still be held."""

SEEN_PER_ROUND = 600
"""Observations that a round keeps, drawn from those that it saw."""


@dataclass(frozen=True)
class Seen:
    """Observations with what the teacher held, and the returns where the policy played."""

    tables: Mapping[str, Floats]
    """of the observation, n rows each"""
    held: Bools
    """(n, C)"""
    guided: Floats | None
    """(n, C) scores of the guide; None without one"""
    returns: Floats
    """(n,) discounted, with what the critic expects after the episode; NaN in the first round"""
    reader: GraphPolicy | None = None
    """the learning policy, wired for the observed network; None: without rewiring"""


class Lesson(NamedTuple):
    """A scenario that is played and learnt from."""

    config: RunConfig
    teacher: Teacher
    reader: GraphPolicy
    """with the very weights of the policy that learns, wired for this scenario"""
    guide: Mapping[str, Any]
    """options of the guide"""


class Trial(NamedTuple):
    """A scenario whose validation episodes say which round and shift are kept."""

    config: RunConfig
    reader: GraphPolicy
    """as in `Lesson`"""
    unit: float
    """[cost per slot] that costs are divided by"""


def play_episodes(
    config: RunConfig,
    teacher: Teacher,
    policy: GraphPolicy | None,
    rng: np.random.Generator,
    options: Mapping[str, Any] | None = None,
    most: int = SEEN_PER_ROUND,
) -> Seen:
    """Play the teacher's episodes and keep some of what was seen.

    The policy plays; before it has learnt anything (None) its guide does, or else the teacher's sequences.
    """
    env = gym.make_vec("IDN-v0", num_envs=len(teacher.seeds), split="train", **config.env_options())
    observation, _ = env.reset(seed=[int(seed) for seed in teacher.seeds])  # type: ignore[arg-type]
    compiled = simulation_of(env).compiled
    node, segment = compiled.pairs
    model = compiled.tables.segment_model[segment]
    asked = getattr(config.agent, "imitation", None)
    guide = None if asked is None or asked.guide is None else Guide(asked.guide, env, options)
    seen, held, guided, rewards = [], [], list[Floats](), []
    for t in range(config.scenario.horizon):
        seen.append({name: table.copy() for name, table in observation.items()})
        held.append(teacher.holds(t, node, model, segment))
        scores = np.where(held[-1], 1.0, -1.0)
        if guide is not None:
            guided.append(guide.scores(observation))
            scores = guided[-1]
        if policy is not None:
            scores = _scores(policy, observation).numpy()
        observation, reward, *_ = env.step(scores.clip(-1.0, 1.0).astype(np.float32))
        rewards.append(np.asarray(reward))
    env.close()
    returns = np.stack(rewards)
    if policy is not None:  # as PPO: an episode is cut off at its horizon, and does not end there
        with torch.no_grad():
            expected = policy.predict_values(policy.obs_to_tensor(observation)[0])[:, 0]
        returns[-1] += config.agent.gamma * expected.numpy()
    for t in reversed(range(len(returns) - 1)):
        returns[t] += config.agent.gamma * returns[t + 1]
    if policy is None:
        returns[:] = np.nan
    kept = np.sort(rng.permutation(returns.size)[:most])
    return Seen(
        tables={name: np.concatenate([one[name] for one in seen])[kept] for name in seen[0]},
        held=np.concatenate(held)[kept],
        guided=np.concatenate(guided)[kept] if guided else None,
        returns=returns.reshape(-1)[kept],
    )


def _scores(policy: GraphPolicy, observation: Any) -> torch.Tensor:
    """Mean scores of all pairs (B, C), without gradients."""
    with torch.no_grad():
        return mean_scores(policy, policy.obs_to_tensor(observation)[0])


def mean_scores(policy: GraphPolicy, observation: Any) -> torch.Tensor:
    distribution: Any = policy.get_distribution(observation).distribution
    means: torch.Tensor = distribution.mean
    return means


def trial_costs(trials: Sequence[Trial]) -> Floats:
    """Mean cost per slot of each shift, over trials and their validation episodes."""
    costs: Floats = np.mean([_judge(one.config, one.reader) / one.unit for one in trials], axis=0)
    return costs


def _judge(config: RunConfig, policy: GraphPolicy) -> Floats:
    """Mean cost per slot of each shift on the validation episodes of the run."""
    episodes = config.evaluation_episodes
    env = gym.make_vec(
        "IDN-v0", num_envs=episodes * len(SCORE_SHIFTS), split="validation", **config.env_options()
    )
    observation, _ = env.reset(seed=[*range(episodes)] * len(SCORE_SHIFTS))  # type: ignore[arg-type]
    shift = np.repeat(SCORE_SHIFTS, episodes)[:, None]
    total, slots = np.zeros(len(shift)), config.scenario.horizon
    for _ in range(slots):
        scores = _scores(policy, observation).numpy() + shift
        observation, reward, *_ = env.step(scores.clip(-1.0, 1.0).astype(np.float32))
        total += np.asarray(reward)
    env.close()
    costs: Floats = -total.reshape(len(SCORE_SHIFTS), episodes).mean(axis=1) / slots
    return costs
