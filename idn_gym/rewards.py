"""Rewards from outcomes: the vector of objectives, and the scalar, minus the weighted cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import BYTE_HOP, ERROR, JOULE, PRICED, SECOND, Floats, Ints, Outcome, Tables
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_spliced
from idn_gym.objective_records import TABLE, Objective
from idn_gym.objectives import reward_columns


def compute_rewards(
    tables: Tables,
    outcome: Outcome,
    weights: Floats,
    scales: Floats,
    objectives: tuple[Objective, ...] = TABLE,
) -> tuple[Floats, Floats]:
    """Reward vectors and scalar rewards of a slot.

    Args:
        tables: the scenario's tables.
        outcome: the slot, B rows.
        weights: (B, D) preferences, each normalised to 1.
        scales: (D,) sizes of error, latency, energy, traffic and update that weigh equally.
        objectives: the objectives in force.

    Returns:
        (B, D) in physical units, all maximised; (B,) minus the weighted cost, in which accuracy
        enters as error, so that the cost is never negative.

    Raises:
        ConfigError: a per-slot objective of another package is below 0 or not finite.
    """
    programme = Programme()
    reward = add_rewards(programme, tables, outcome, weights, scales, objectives)
    programme.play()
    return reward.vectors, reward.scalars


class Reward(NamedTuple):
    """Inputs and results of the reward kernel, B rows."""

    source: Ints  # (D,) column of `totals`
    sign: Floats  # (D,)
    weights: Floats  # (B, D)
    scales: Floats  # (D,)
    nominal_requests: float  # [requests]
    nominal_memory: float  # [bytes]
    totals: Floats  # (B, columns) of the slot
    vectors: Floats  # (B, D)
    scalars: Floats  # (B,)


def add_rewards(
    programme: Programme,
    tables: Tables,
    outcome: Outcome,
    weights: Floats,
    scales: Floats,
    objectives: Sequence[Objective] = TABLE,
) -> Reward:
    """Add the computation of rewards to a slot program; arguments as in `compute_rewards`.

    The arguments are read each time the program runs.

    Returns:
        The record in which the rewards are written.
    """
    batch, found = len(outcome.refused), reward_columns(objectives)
    reward = Reward(
        source=found.source,
        sign=found.sign,
        weights=np.ascontiguousarray(weights),
        scales=np.ascontiguousarray(scales),
        nominal_requests=tables.nominal_requests,
        nominal_memory=tables.nominal_memory,
        totals=np.empty((batch, found.width)),
        vectors=np.empty((batch, len(objectives))),
        scalars=np.empty(batch),
    )
    if found.measured:

        def measure() -> None:
            for objective, column in found.measured:
                reward.totals[:, column] = _measured(objective, tables, outcome)

        programme.add_call(measure)
    programme.add(judge, outcome, reward)
    return reward


def charge_reward(reward: Reward, source: int, amount: Floats) -> None:
    """Put a further amount (B,) of a component into rewards that are computed: of `JOULE`, joules, say."""
    for i in np.flatnonzero(reward.source == source):
        share = reward.sign[i] * amount / reward.nominal_requests
        reward.vectors[:, i] += share
        reward.scalars[:] += reward.weights[:, i] * share / reward.scales[i]


def _measured(objective: Objective, tables: Tables, outcome: Outcome) -> Floats:
    assert objective.measure is not None
    value = np.asarray(objective.measure(tables, outcome), float)
    if value.shape != outcome.refused.shape or not np.all(np.isfinite(value) & (value >= 0.0)):
        raise ConfigError(
            f"objective.{objective.name}.measure",
            f"{show(value.tolist())} is not allowed; must be a finite number of at least 0 per episode",
        )
    return value


@stage
def judge(block: int) -> None:
    """Compute the rewards of every row."""
    _judge(fetch(block, 0, Outcome), fetch(block, 1, Reward))


@njit_spliced
def _judge(outcome: Outcome, reward: Reward) -> None:
    requests, totals, vectors = reward.nominal_requests, reward.totals, reward.vectors
    update = PRICED + outcome.charged.shape[2]
    for b in range(len(vectors)):
        arrived, correct, latency, loaded = 0.0, 0.0, 0.0, 0.0
        energy, traffic = outcome.idle_energy[b] + outcome.load_energy[b], outcome.load_traffic[b]
        for f in range(outcome.charged.shape[2]):
            totals[b, PRICED + f] = (outcome.idle_charged[b, f] + outcome.load_charged[b, f]) / requests
        for rho in range(outcome.arrived.shape[1]):
            arrived += outcome.arrived[b, rho]
            correct += outcome.correct[b, rho]
            # The outcome itself, and the penalties of drops.
            latency += outcome.latency[b, rho] + outcome.penalty[b, rho, SECOND]
            energy += outcome.energy[b, rho] + outcome.penalty[b, rho, JOULE]
            traffic += outcome.traffic[b, rho] + outcome.penalty[b, rho, BYTE_HOP]
            for f in range(outcome.charged.shape[2]):
                further = outcome.charged[b, rho, f] + outcome.penalty[b, rho, PRICED + f]
                totals[b, PRICED + f] += further / requests
        totals[b, ERROR] = correct / requests
        totals[b, SECOND] = latency / requests
        totals[b, JOULE] = energy / requests
        totals[b, BYTE_HOP] = traffic / requests
        for v in range(outcome.loaded.shape[1]):
            loaded += outcome.loaded[b, v]
        totals[b, update] = loaded / reward.nominal_memory
        cost = 0.0
        for i in range(vectors.shape[1]):
            source, weight, scale = reward.source[i], reward.weights[b, i], reward.scales[i]
            vectors[b, i] = reward.sign[i] * totals[b, source]
            if source == ERROR:
                cost += weight * (arrived - correct) / requests / scale
            else:
                cost += weight * -vectors[b, i] / scale
        reward.scalars[b] = -cost
