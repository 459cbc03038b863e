"""Objectives in force: their senses and scales, and the preferences that weigh them.

Quantities come from the `Outcome`; only this module turns them into rewards. The reward vector is in physical
units, each component the slot's total over the scenario's nominal requests per slot, so that rewards add
up over slots. The scalar reward is minus the weighted cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import PRICED, Floats, Ints
from idn_gym.objective_records import LOADED, TABLE, Objective, charged, plain_record
from idn_gym.preferences import balanced_preference


class RewardColumns(NamedTuple):
    """Positions of the objectives in force among the totals and the components of the tariff."""

    source: Ints  # (D,) column of the kernel's totals: components, loaded bytes, then those per slot
    sign: Floats  # (D,) +1 or -1
    request: Ints  # objectives that are part of the tariff
    component: Ints  # component of the tariff, for these
    priced: int  # number of the tariff's components, 4 + F
    measured: tuple[tuple[Objective, int], ...]  # per-slot objectives of other packages, with their column
    width: int  # number of columns of the totals


@lru_cache(maxsize=256)
def reward_columns(objectives: tuple[Objective, ...]) -> RewardColumns:
    """Return the columns of the objectives in force."""
    further = PRICED + len(charged(objectives))
    measured = [objective for objective in objectives if objective.measure is not None]
    source = []
    for objective in objectives:
        if objective in charged(objectives):
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
    """Return the sizes (D,) that weigh equally in a scenario.

    Args:
        scenario: a `Scenario`.
        objectives: the objectives in force.

    Raises:
        ConfigError: the scale of an objective from another package is not finite and above 0.
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
    """Return the per-request part of a preference: cost per unit of error, second, joule, byte-hop etc.

    Args:
        weights: (..., D) preferences.
        scales: (D,) sizes of the scenario.
        objectives: the objectives in force; a component without an objective costs nothing.

    Returns:
        (..., 4 + F).
    """
    found = reward_columns(tuple(objectives))
    tariff = np.zeros((*weights.shape[:-1], found.priced))
    tariff[..., found.component] = weights[..., found.request] / scales[found.request]
    return tariff


def reward_divisor(reward_scale: Any, scales: Floats) -> Floats | None:
    """Return the divisor (D,) of reward vectors, or None if they are not divided.

    Args:
        reward_scale: None, or "scenario" for the sizes that weigh equally.
        scales: (D,) sizes of the scenario.

    Raises:
        ConfigError: the value is neither of the two.
    """
    if reward_scale is None:
        return None
    if not isinstance(reward_scale, str) or reward_scale != "scenario":
        raise ConfigError("reward_scale", f'{show(reward_scale)} is not allowed; allowed: None, "scenario"')
    return scales


def weight_of(name: str, weights: Floats, objectives: Sequence[Objective] = TABLE) -> Floats:
    """Return the weights (...) of the named objective in preferences (..., D); 0 where it is not in force."""
    names = [objective.name for objective in objectives]
    found: Floats = weights[..., names.index(name)] if name in names else np.zeros(weights.shape[:-1])
    return found


def describe_reward(
    weights: Floats | None,
    scales: Floats,
    objectives: Sequence[Objective] = TABLE,
    divisor: Floats | None = None,
) -> list[dict[str, Any]]:
    """Describe each component of the reward vector, in order, as plain data.

    Args:
        weights: (D,) preference in force, normalised to 1; None where each episode draws its own.
        scales: (D,) sizes of the scenario.
        objectives: the objectives in force.
        divisor: result of `reward_divisor`.

    Returns:
        Name, unit, sense, formula, scale and weight in the scalar reward (null: drawn). The scale refers to
        the component as it is returned, so it is 1 where the component is already divided.
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
    """Return the costs (4 + F,) known before any episode: the scenario's tariff, or else the balanced one.

    Args:
        tariff: (4 + F,) tariff of the scenario; None where the preference decides.
        scales: (D,) sizes of the scenario.
        objectives: the objectives in force.
    """
    if tariff is not None:
        return tariff
    return tariff_of(balanced_preference(objectives), scales, objectives)


def non_dominated(points: Floats) -> Floats:
    """Return the points that no other point dominates; of equal points, only the first.

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
