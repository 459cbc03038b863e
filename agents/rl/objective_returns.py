"""Rewards, returns and advantages per objective, and their weighted sums.

Dimension letters: T slots of a rollout, B environments, D objectives in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer

from idn_gym.core.arrays import ERROR, Floats
from idn_gym.objectives import reward_columns


class RewardParts(NamedTuple):
    """Decomposition of the scalar reward: ``reward = sum over d of weight_d * part_d``."""

    scales: Floats  # (D,) divisors of the components of the reward vector
    errors: Floats  # (D,) 1 where correct answers are rewarded, so that the scalar weighs errors; else 0
    nominal_requests: float  # [requests] per slot

    def split(self, infos: Mapping[str, Any]) -> Floats:
        """The parts (B, D) of the slots in infos, in the order of the reward vector."""
        arrived = np.asarray(infos["requests"])[:, None] / self.nominal_requests
        parts: Floats = (infos["vector_reward"] - arrived * self.errors) / self.scales
        return parts


def reward_parts(native: Any) -> RewardParts:
    """Return the parts for the scenario of a native vector environment."""
    compiled = native.simulation.compiled
    errors = reward_columns(compiled.objectives).source == ERROR
    return RewardParts(compiled.scales, errors.astype(float), float(compiled.tables.nominal_requests))


def lambda_advantages(
    rewards: Floats,
    values: Floats,
    starts: Floats,
    last_values: Floats,
    dones: Floats,
    gamma: float,
    gae_lambda: float,
) -> Floats:
    """Generalised advantage estimates (Schulman et al. 2016) of every objective separately.

    They are linear in rewards and values, so weighted sums of them are the estimates of the weighted sums.

    Args:
        rewards: (T, B, D), with the expected return after a truncated episode added.
        values: (T, B, D) expected returns.
        starts: (T, B) whether the slot is the first of its episode.
        last_values: (B, D) expected returns after the rollout.
        dones: (B,) whether the episode ended with the rollout.
        gamma: discount per slot.
        gae_lambda: weight of longer sums of rewards.

    Returns:
        (T, B, D).
    """
    advantages = np.zeros_like(rewards)
    later, following, goes_on = np.zeros_like(last_values), last_values, 1.0 - np.asarray(dones, float)
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * following * goes_on[:, None] - values[t]
        later = delta + gamma * gae_lambda * goes_on[:, None] * later
        advantages[t] = later
        following, goes_on = values[t], 1.0 - starts[t]
    return advantages


def weigh_advantages(advantages: Floats, weights: Floats) -> Floats:
    """Scalar advantages (T, B), in units of their standard deviation under the preference of each transition.

    The mean of every objective is subtracted first. With C the covariance (D, D) of the objectives'
    advantages in the rollout, the result is ``w . A / sqrt(w C w)``: C is estimated from all transitions, as
    each preference has few. Transitions of one preference share one positive factor, so their order and
    ratios do not change.

    Args:
        advantages: (T, B, D) in units of the scalar reward.
        weights: (T, B, D) preferences.
    """
    centred = advantages - advantages.mean(axis=(0, 1))
    rows = centred.reshape(-1, centred.shape[2])
    covariance = rows.T @ rows / len(rows)
    spread = np.sqrt(np.maximum(0.0, np.einsum("tbi,ij,tbj->tb", weights, covariance, weights)))
    weighed: Floats = (weights * centred).sum(axis=2) / (spread + 1e-8)
    return weighed


class _ByObjective(RolloutBuffer):
    """Stores parts of rewards and expected returns beside their weighted sums; mixin for SB3's buffers."""

    def __init__(self, *args: Any, objectives: int, **options: Any) -> None:
        self.objectives = objectives
        super().__init__(*args, **options)

    def reset(self) -> None:
        super().reset()
        shape = self.buffer_size, self.n_envs, self.objectives
        self.parts, self.expected, self.weights = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def put(
        self, seen: Any, actions: Any, starts: Any, log_prob: torch.Tensor, slot: tuple[Floats, ...]
    ) -> None:
        """Store a slot of all environments; `slot` has parts of rewards, expected returns, weights (B, D)."""
        parts, expected, weights = slot
        self.parts[self.pos], self.expected[self.pos], self.weights[self.pos] = slot
        value = torch.as_tensor((weights * expected).sum(axis=1))
        self.add(seen, actions, (weights * parts).sum(axis=1), starts, value, log_prob)

    def close(self, last_values: Floats, dones: Any) -> Floats:
        """Weigh the advantages of a full buffer; return (T, B, D) returns."""
        advantages = lambda_advantages(
            *(self.parts, self.expected, self.episode_starts, last_values, dones),
            *(self.gamma, self.gae_lambda),
        )
        self.advantages = weigh_advantages(advantages, self.weights).astype(np.float32)
        return advantages + self.expected

    def judge(self, returns: Floats, values: Floats) -> None:
        """Store the targets and outputs of the heads, (T, B, D), where samples read them."""
        self.returns, self.values = returns.astype(np.float32), values.astype(np.float32)


class ObjectiveRollouts(_ByObjective):
    """Buffer for observations that are one array."""


class ObjectiveDictRollouts(_ByObjective, DictRolloutBuffer):
    """Buffer for observations that are several tables."""
