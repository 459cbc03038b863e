"""Lets the graph policy imitate a teacher, round by round, and leaves it where PPO begins.

In the first round the teacher plays, later the policy does; all that is seen is kept, with what the teacher
holds at that time, and learnt from: cross-entropy of whether each pair is held. A guide, if there is one,
plays the first round, and its scores are learnt as well. The critic learns the returns of what causal
policies play. Holding what is only perhaps needed costs nothing where there is room,
so scores are shifted by what is best on validation episodes, which also say which round is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch.nn import functional
from tqdm import tqdm

from agents.rl.graph import GraphPolicy
from agents.rl.imitation import Imitation
from experiments.training.guide import Guide
from experiments.training.run_config import RunConfig
from experiments.training.teacher import Teacher
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats
from idn_gym.evaluation.tables import write_csv
from idn_gym.policies.registry import simulation_of

LOGIT = 8.0
"""Logit of being held per unit of score: scores are clipped at 1, and what is sure must stay in order."""

SCORE_SHIFTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
"""That are tried: of scores, so that what the teacher holds rather not may be held."""

SEEN_PER_ROUND = 600
"""Observations that a round keeps, drawn from those that it saw."""

SEEN_PER_STEP = 32
"""Observations per gradient step; each has all pairs of a network."""

CRITIC = 0.5
"""Weight of the critic's squared error."""

DECAY = 0.01
"""Weight decay: a few episodes are soon learnt by heart."""


@dataclass(frozen=True)
class Seen:
    """Observations with what the teacher held, and the returns where a causal policy played."""

    tables: Mapping[str, Floats]
    """of the observation, n rows each"""
    held: Bools
    """(n, C)"""
    guided: Floats | None
    """(n, C) scores of the guide; None without one"""
    returns: Floats
    """(n,) discounted, with what the critic expects after the episode; NaN where the teacher played"""


def imitate(algorithm: BaseAlgorithm, config: RunConfig, teacher: Teacher, log: Path) -> None:
    """Leave the policy in `algorithm` with the weights of the best round.

    Args:
        algorithm: untrained, with a `GraphPolicy`.
        config: of the run.
        teacher: of training episodes.
        log: CSV file, one row per round: loss, and cost per slot on validation episodes by shift.

    Raises:
        ConfigError: the policy has become NaN or infinite.
    """
    policy, asked = algorithm.policy, getattr(config.agent, "imitation", None)
    assert isinstance(policy, GraphPolicy) and isinstance(asked, Imitation)
    rng = np.random.default_rng((config.seed, 1))
    optimiser = torch.optim.AdamW(policy.parameters(), asked.learning_rate, weight_decay=DECAY)
    gathered, rows = [_play(config, teacher, None, rng)], list[dict[str, Any]]()
    best, least = copy.deepcopy(policy.state_dict()), np.inf
    with tqdm(total=asked.rounds, unit=" rounds", disable=None) as bar:
        for number in range(asked.rounds):
            for group in optimiser.param_groups:
                group["lr"] = asked.learning_rate * (1.0 - 0.9 * number / max(1, asked.rounds - 1))
            # Who looks on learns that what is held stays held: that goes once there are rounds of its own.
            lessons = gathered[1:] if len(gathered) > 2 and asked.guide is None else gathered
            try:
                passes = range(asked.passes)
                loss = np.mean([_learn(policy, optimiser, lessons, asked.guided, rng) for _ in passes])
                costs = _judge(config, policy)
            except ConfigError:
                raise
            except ValueError:  # of torch's distributions, whose means are NaN
                wrong = f"{asked.learning_rate} is too high: in round {number} the policy is NaN or infinite"
                raise ConfigError("agent.imitation.learning_rate", f"{wrong}; lower it") from None
            row = {f"cost, shift {shift}": cost for shift, cost in zip(SCORE_SHIFTS, costs, strict=True)}
            rows.append({"round": number, "loss": float(loss), **row})
            if costs.min() < least:
                least, best = costs.min(), copy.deepcopy(policy.state_dict())
                best["action_net.scorer.out.bias"] += SCORE_SHIFTS[int(costs.argmin())]
            bar.update()
            bar.set_postfix(cost=f"{least:.4f}", loss=f"{loss:.4f}")
            if number + 1 < asked.rounds:
                gathered.append(_play(config, teacher, policy, rng))
    policy.load_state_dict(best)
    write_csv(log, rows)


def _play(config: RunConfig, teacher: Teacher, policy: GraphPolicy | None, rng: np.random.Generator) -> Seen:
    """Play the teacher's episodes and keep some of what was seen.

    The policy plays; before it has learnt anything (None) its guide does, or else the teacher's sequences.
    """
    env = gym.make_vec("IDN-v0", num_envs=len(teacher.seeds), split="train", **config.env_options())
    observation, _ = env.reset(seed=[int(seed) for seed in teacher.seeds])  # type: ignore[arg-type]
    compiled = simulation_of(env).compiled
    node, segment = compiled.pairs
    model = compiled.tables.segment_model[segment]
    asked = getattr(config.agent, "imitation", None)
    guide = None if asked is None or asked.guide is None else Guide(asked.guide, env)
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
    if policy is None and guide is None:
        returns[:] = np.nan
    kept = np.sort(rng.permutation(returns.size)[:SEEN_PER_ROUND])
    return Seen(
        tables={name: np.concatenate([one[name] for one in seen])[kept] for name in seen[0]},
        held=np.concatenate(held)[kept],
        guided=np.concatenate(guided)[kept] if guided else None,
        returns=returns.reshape(-1)[kept],
    )


def _scores(policy: GraphPolicy, observation: Any) -> torch.Tensor:
    """Mean scores of all pairs (B, C), without gradients."""
    with torch.no_grad():
        return _means(policy, policy.obs_to_tensor(observation)[0])


def _means(policy: GraphPolicy, observation: Any) -> torch.Tensor:
    distribution: Any = policy.get_distribution(observation).distribution
    means: torch.Tensor = distribution.mean
    return means


def _learn(
    policy: GraphPolicy,
    optimiser: torch.optim.Optimizer,
    gathered: list[Seen],
    guidance: float,
    rng: np.random.Generator,
) -> float:
    """One pass through all that was gathered; returns the mean loss."""
    losses = []
    for tables, held, guided, returns in _batches(gathered, rng):
        means = _means(policy, tables)
        loss = functional.binary_cross_entropy_with_logits(LOGIT * means, held)
        if guided is not None:
            loss = loss + guidance * functional.mse_loss(means, guided)
        losses.append(float(loss.detach()))
        played = returns.isfinite()
        if played.any():
            values = policy.predict_values(tables)[:, 0]
            loss = loss + CRITIC * functional.mse_loss(values[played], returns[played])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(np.mean(losses))


def _batches(
    gathered: list[Seen], rng: np.random.Generator
) -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor | None, torch.Tensor]]:
    """All that was gathered in random order, batch by batch of one round each."""
    places = [
        (seen, some)
        for seen in gathered
        for some in np.array_split(rng.permutation(len(seen.held)), max(1, len(seen.held) // SEEN_PER_STEP))
    ]
    for i in rng.permutation(len(places)):
        seen, some = places[i]
        tables = {name: torch.as_tensor(table[some]) for name, table in seen.tables.items()}
        held = torch.as_tensor(seen.held[some].astype(np.float32))
        guided = None if seen.guided is None else torch.as_tensor(seen.guided[some].astype(np.float32))
        yield tables, held, guided, torch.as_tensor(seen.returns[some].astype(np.float32))


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
