"""Lets the graph policy imitate a teacher, round by round, and leaves it where PPO begins.

In the first round the teacher plays, later the policy does; all that is seen is kept, with what the teacher
holds at that time, and learnt from: cross-entropy of whether each pair is held. A guide, if there is one,
plays the first round, and its scores are learnt as well. The critic learns the returns of what the policy
plays. Holding what is only perhaps needed costs nothing where there is room,
so scores are shifted by what is best on validation episodes, which also say which round is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch.nn import functional

from agents.rl.graph import GraphPolicy
from agents.rl.imitation import Imitation
from experiments.training.lessons import (
    SCORE_SHIFTS,
    SEEN_PER_ROUND,
    Lesson,
    Seen,
    Trial,
    mean_scores,
    play_episodes,
    trial_costs,
)
from experiments.training.run_config import RunConfig
from experiments.training.teacher import Teacher
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.tables import write_csv

LOGIT = 8.0
"""Logit of being held per unit of score: scores are clipped at 1, and what is sure must stay in order."""

SEEN_PER_STEP = 32
"""Observations per gradient step; each has all pairs of a network."""

CRITIC = 0.5
"""Weight of the critic's squared error."""

DECAY = 0.01
"""Weight decay: a few episodes are soon learnt by heart."""


def imitate(
    algorithm: BaseAlgorithm,
    config: RunConfig,
    teacher: Teacher,
    log: Path,
    guide: Mapping[str, Any] | None = None,
    start: bool = False,
) -> None:
    """Leave the policy in `algorithm` with the weights of the best round.

    Args:
        algorithm: untrained, with a `GraphPolicy`.
        config: of the run.
        teacher: of training episodes.
        log: CSV file, one row per round: loss, and cost per slot on validation episodes by shift.
        guide: options of the guide.
        start: whether the weights that are there count as a round.

    Raises:
        ConfigError: the policy has become NaN or infinite.
    """
    policy: Any = algorithm.policy
    imitate_all(
        policy, [Lesson(config, teacher, policy, guide or {})], [Trial(config, policy, 1.0)], log, start
    )


def imitate_all(
    policy: GraphPolicy, lessons: Sequence[Lesson], trials: Sequence[Trial], log: Path, start: bool = False
) -> None:
    """Leave a policy with the weights of its best round on several scenarios.

    Args:
        policy: that learns; the readers of lessons and trials have its very weights.
        lessons: all played in every round, and learnt from in random order; of the run of the first are
            seed, rounds and rates.
        trials: what says which round is best, by the mean of their costs.
        log: as in `imitate`, with the mean over trials.
        start: as in `imitate`.

    Raises:
        ConfigError: the policy has become NaN or infinite.
    """
    config = lessons[0].config
    asked = getattr(config.agent, "imitation", None)
    assert isinstance(policy, GraphPolicy) and isinstance(asked, Imitation)
    rng = np.random.default_rng((config.seed, 1))
    optimiser = torch.optim.AdamW(policy.parameters(), asked.learning_rate, weight_decay=DECAY)
    gathered, rows = [_round(lessons, None, rng)], list[dict[str, Any]]()
    best, least = (
        _best_shift(policy, trial_costs(trials)) if start else (copy.deepcopy(policy.state_dict()), np.inf)
    )
    with ProgressBar("rounds of imitation", asked.rounds) as bar:
        for number in range(asked.rounds):
            for group in optimiser.param_groups:
                group["lr"] = asked.learning_rate * (1.0 - 0.9 * number / max(1, asked.rounds - 1))
            # Who looks on learns that what is held stays held: that goes once there are rounds of its own.
            kept = gathered[1:] if len(gathered) > 2 and asked.guide is None else gathered
            seen = [one for of_round in kept for one in of_round]
            try:
                passes = range(asked.passes)
                loss = np.mean([_learn(policy, optimiser, seen, asked.guidance, rng) for _ in passes])
                costs = trial_costs(trials)
            except ConfigError:
                raise
            except ValueError:  # of torch's distributions, whose means are NaN
                wrong = f"{asked.learning_rate} is too high: in round {number} the policy is NaN or infinite"
                raise ConfigError("agent.imitation.learning_rate", f"{wrong}; lower it") from None
            row = {f"cost, shift {shift}": cost for shift, cost in zip(SCORE_SHIFTS, costs, strict=True)}
            rows.append({"round": number, "loss": float(loss), **row})
            if costs.min() < least:
                best, least = _best_shift(policy, costs)
            bar.advance(cost=least, loss=float(loss))
            if number + 1 < asked.rounds:
                gathered.append(_round(lessons, policy, rng))
    policy.load_state_dict(best)
    write_csv(log, rows)


def _best_shift(policy: GraphPolicy, costs: Floats) -> tuple[dict[str, Any], float]:
    """The weights with the shift that costs least, and that cost."""
    found = copy.deepcopy(policy.state_dict())
    found["action_net.scorer.out.bias"] += SCORE_SHIFTS[int(costs.argmin())]
    return found, float(costs.min())


def _round(lessons: Sequence[Lesson], policy: GraphPolicy | None, rng: np.random.Generator) -> list[Seen]:
    """Observe all lessons; `policy` is None before it has learnt anything."""
    most, seen = max(1, SEEN_PER_ROUND // len(lessons)), []
    for one in lessons:
        player = None if policy is None else one.reader
        played = play_episodes(one.config, one.teacher, player, rng, one.guide, most)
        seen.append(replace(played, reader=one.reader))
    return seen


def _learn(
    policy: GraphPolicy,
    optimiser: torch.optim.Optimizer,
    gathered: list[Seen],
    guidance: float,
    rng: np.random.Generator,
) -> float:
    """One pass through all that was gathered; returns the mean loss."""
    losses = []
    for seen, tables, held, guided, returns in _batches(gathered, rng):
        reader = seen.reader or policy
        means = mean_scores(reader, tables)
        loss = functional.binary_cross_entropy_with_logits(LOGIT * means, held)
        if guided is not None:
            loss = loss + guidance * functional.mse_loss(means, guided)
        losses.append(float(loss.detach()))
        played = returns.isfinite()
        if played.any():
            values = reader.predict_values(tables)[:, 0]
            loss = loss + CRITIC * functional.mse_loss(values[played], returns[played])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return float(np.mean(losses))


def _batches(
    gathered: list[Seen], rng: np.random.Generator
) -> Iterator[tuple[Seen, dict[str, torch.Tensor], torch.Tensor, torch.Tensor | None, torch.Tensor]]:
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
        yield seen, tables, held, guided, torch.as_tensor(seen.returns[some].astype(np.float32))
