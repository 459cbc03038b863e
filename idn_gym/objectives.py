"""What is good: the objectives, their senses and scales, and the preferences that weigh them.

Quantities come from the `Outcome`; only this file turns them into rewards. The reward vector is in
physical units, each component the slot's total over the scenario's nominal requests per slot, so
that rewards add up over slots. The scalar reward is minus the weighted cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import BYTE_HOP, ERROR, JOULE, PRICED, SECOND, Floats, Ints, Outcome, Tables
from idn_gym.core.handover import Programme, fetch, stage
from idn_gym.core.kernel import njit_inline
from idn_gym.objective_records import LOADED, TABLE, Objective, charged, plain_record
from idn_gym.preferences import balanced_preference


class RewardColumns(NamedTuple):
    """Where the objectives in force stand among totals and components of the tariff."""

    source: Ints  # (D,) column of the kernel's totals: components, loaded bytes, then those per slot
    sign: Floats  # (D,)
    request: Ints  # objectives that are part of the tariff
    component: Ints  # of the tariff, for these
    priced: int  # components of the tariff, 4 + F
    measured: tuple[tuple[Objective, int], ...]  # objectives per slot of packages, with their column
    width: int  # columns of the totals


@lru_cache(maxsize=256)
def reward_columns(objectives: tuple[Objective, ...]) -> RewardColumns:
    """Columns of the objectives in force."""
    further = PRICED + len(charged(objectives))
    measured = [objective for objective in objectives if objective.measure is not None]
    source = []
    for objective in objectives:
        if objective.charges is not None:
            source.append(PRICED + charged(objectives).index(objective))
        elif objective.measure is not None:
            source.append(further + 1 + measured.index(objective))
        else:
            assert objective.total is not None
            source.append(further if objective.total == LOADED else objective.total)
    request = [d for d, objective in enumerate(objectives) if objective.per == "request"]
    sign = [1.0 if objective.sense == "maximise" else -1.0 for objective in objectives]
    return RewardColumns(
        source=np.array(source, np.int64),
        sign=np.array(sign, float),
        request=np.array(request, np.int64),
        component=np.array([source[d] for d in request], np.int64),
        priced=further,
        measured=tuple((objective, further + 1 + i) for i, objective in enumerate(measured)),
        width=further + 1 + len(measured),
    )


def scales_of(scenario: Any, objectives: Sequence[Objective] = TABLE) -> Floats:
    """Sizes (D,) that weigh the same in a scenario.

    Args:
        scenario: a `Scenario`.
        objectives: those in force.

    Raises:
        ConfigError: an objective that a package added has none that is finite and above 0.
    """
    scales = []
    for objective in objectives:
        scale = objective.scale
        size = float(getattr(scenario.scales, scale) if isinstance(scale, str) else scale(scenario))
        if not 0.0 < size < np.inf:
            raise ConfigError(
                f"objective.{objective.name}.scale", f"{size!r} is not allowed; must be finite and above 0"
            )
        scales.append(size)
    return np.array(scales)


def tariff_of(weights: Floats, scales: Floats, objectives: Sequence[Objective] = TABLE) -> Floats:
    """Per-request part of a preference: cost per unit of error, second, joule, byte-hop and what follows.

    Args:
        weights: (..., D) preferences.
        scales: (D,) of the scenario.
        objectives: those in force; a component without an objective costs nothing.

    Returns:
        (..., 4 + F).
    """
    found = reward_columns(tuple(objectives))
    tariff = np.zeros((*weights.shape[:-1], found.priced))
    tariff[..., found.component] = weights[..., found.request] / scales[found.request]
    return tariff


def reward_divisor(reward_scale: Any, scales: Floats) -> Floats | None:
    """What reward vectors are divided by (D,); None: nothing.

    Args:
        reward_scale: None, or "scenario": the sizes that weigh the same.
        scales: (D,) of the scenario.

    Raises:
        ConfigError: neither of the two.
    """
    if reward_scale is None:
        return None
    if not isinstance(reward_scale, str) or reward_scale != "scenario":
        raise ConfigError("reward_scale", f'{show(reward_scale)} is not allowed; allowed: None, "scenario"')
    return scales


def weight_of(name: str, weights: Floats, objectives: Sequence[Objective] = TABLE) -> Floats:
    """Weights (...) of the objective of this name in preferences (..., D); 0 where it is not in force."""
    names = [objective.name for objective in objectives]
    found: Floats = weights[..., names.index(name)] if name in names else np.zeros(weights.shape[:-1])
    return found


def describe_reward(
    weights: Floats | None,
    scales: Floats,
    objectives: Sequence[Objective] = TABLE,
    divisor: Floats | None = None,
) -> list[dict[str, Any]]:
    """What each component of the reward vector means, in order, as plain data.

    Args:
        weights: (D,) preference in force, normalised to 1; None where each episode draws its own.
        scales: (D,) of the scenario.
        objectives: those in force.
        divisor: from `reward_divisor`.

    Returns:
        Name, unit, sense and formula, the scale and the weight in the scalar reward (null: drawn). The scale
        is that of the component as it is returned, so 1 where it is divided already.
    """
    shares = [None] * len(objectives) if weights is None else weights.tolist()
    lines = [
        {**plain_record(objective), "scale": scale, "weight": weight}
        for objective, scale, weight in zip(objectives, scales.tolist(), shares, strict=True)
    ]
    if divisor is not None:
        for line, size in zip(lines, divisor.tolist(), strict=True):
            line |= {"unit": f"{line['unit']} / {size:g}", "scale": line["scale"] / size}
            line["formula"] = f"({line['formula']}) / {size:g}"
    return lines


def known_tariff(tariff: Floats | None, scales: Floats, objectives: Sequence[Objective] = TABLE) -> Floats:
    """What is known of costs (4 + F,) before any episode: the scenario's tariff, else the balanced one.

    Args:
        tariff: (4 + F,) of the scenario; None where the preference decides.
        scales: (D,) of the scenario.
        objectives: those in force.
    """
    if tariff is not None:
        return tariff
    return tariff_of(balanced_preference(objectives), scales, objectives)


def compute_rewards(
    tables: Tables,
    outcome: Outcome,
    weights: Floats,
    scales: Floats,
    objectives: tuple[Objective, ...] = TABLE,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Reward vectors and scalar rewards of a slot.

    Args:
        tables: the scenario's tables.
        outcome: the slot, B rows.
        weights: (B, D) preferences, each normalised to 1.
        scales: (D,) sizes of error, latency, energy, traffic and update that weigh the same.
        objectives: those in force.

    Returns:
        (B, D) in physical units, all maximised; (B,) minus the weighted cost, in which accuracy
        enters as error, so that the cost is never negative.

    Raises:
        ConfigError: an objective per slot that a package added comes to less than 0 or is not finite.
    """
    programme = Programme()
    reward = add_rewards(programme, tables, outcome, weights, scales, objectives)
    programme.play()
    return reward.vectors, reward.scalars


class Reward(NamedTuple):
    """What outcomes are judged by, and what they come to, B rows."""

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
    """Let a programme judge outcomes next; arguments as of `compute_rewards`, kept and read as it is played.

    Returns:
        Where rewards will be.
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
    """Judge the outcome of every row."""
    _judge(fetch(block, 0, Outcome), fetch(block, 1, Reward))


@njit_inline
def _judge(outcome: Outcome, reward: Reward) -> None:
    source, sign, weights, scales, requests, memory, totals, vectors, scalars = reward
    update = PRICED + outcome.charged.shape[2]
    for b in range(len(vectors)):
        arrived, correct, latency, loaded = 0.0, 0.0, 0.0, 0.0
        energy, traffic = outcome.idle_energy[b] + outcome.load_energy[b], outcome.load_traffic[b]
        for f in range(outcome.charged.shape[2]):
            totals[b, PRICED + f] = (outcome.idle_charged[b, f] + outcome.load_charged[b, f]) / requests
        for rho in range(outcome.arrived.shape[1]):
            arrived += outcome.arrived[b, rho]
            correct += outcome.correct[b, rho]
            # What happened, and what drops add to it.
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
        totals[b, update] = loaded / memory
        cost = 0.0
        for i in range(vectors.shape[1]):
            vectors[b, i] = sign[i] * totals[b, source[i]]
            if source[i] == ERROR:
                cost += weights[b, i] * (arrived - correct) / requests / scales[i]
            else:
                cost += weights[b, i] * -vectors[b, i] / scales[i]
        scalars[b] = -cost


def non_dominated(points: Floats) -> Floats:
    """The points that no other beats in one objective without losing in another; of equal ones the first.

    Args:
        points: (n, d) finite, everything maximised.
    """
    order = np.arange(len(points))
    kept = [
        not ((points >= point).all(axis=1) & ((points > point).any(axis=1) | (order < i))).any()
        for i, point in enumerate(points)
    ]
    chosen: Floats = points[np.array(kept, np.bool_)]
    return chosen
