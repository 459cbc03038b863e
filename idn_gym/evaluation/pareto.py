"""Sets of reward vectors compared: non-dominated sets and the usual indicators, everything maximised.

Points are rows of (n, d): one policy or preference each, d objectives as the reward vector has them (cost
enters with a minus). Hypervolume and IGD+ are moocore's; the rest is a line of numpy each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym import objectives
from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import Floats
from idn_gym.core.nominal import nominal_draw
from idn_gym.objective_records import OBJECTIVES, charged
from idn_gym.objectives import known_tariff
from idn_gym.scenarios.compile import Compiled


class Box(NamedTuple):
    """The corners between which a scenario's mean reward vectors lie; see `objective_box`."""

    worst: Floats  # (D,)
    best: Floats  # (D,)

    def place(self, points: Floats) -> Floats:
        """Points (n, D) in units of the box: 0 is the worst corner, 1 the best."""
        placed: Floats = (_points(points) - self.worst) / (self.best - self.worst)
        return placed


def objective_box(compiled: Compiled) -> Box:
    """The fixed reference point of a scenario, and its ideal.

    Worst: every nominal request is dropped, which costs its timeout, the energy of its class's dearest option
    and the traffic of full offload, and the whole memory is loaded in every slot. Best: every request is
    answered correctly for nothing. Per nominal request, as reward vectors are.

    Raises:
        ConfigError: a per-slot objective of another package, for which no worst value is known.
    """
    tables, objectives = compiled.tables, compiled.objectives
    nominal = nominal_draw(tables, known_tariff(compiled.tariff, compiled.scales, objectives))
    names = ["latency", "energy", "traffic", *(objective.name for objective in charged(objectives))]
    dropped = np.stack(
        [
            *(tables.class_timeout, nominal.drop_joules[0], tables.class_drop_bytes),
            *nominal.charge_drop[0, 0].T,
        ]
    )
    worst = dict(
        zip(names, (-(dropped @ tables.class_requests) / tables.nominal_requests).tolist(), strict=True)
    )
    worst |= {"accuracy": 0.0, "update": -1.0}
    for objective in objectives:
        if objective.name not in worst:
            raise ConfigError("objectives", f"{objective.name!r} has no worst value here; it is per slot")
    most = tables.class_requests.sum() / tables.nominal_requests
    best = [most if objective.name == "accuracy" else 0.0 for objective in objectives]
    return Box(np.array([worst[objective.name] for objective in objectives]), np.array(best))


def non_dominated_sorted(points: Floats) -> Floats:
    """The points that no other beats in one objective without losing in another; of equal ones the first.

    Args:
        points: (n, d).
    """
    return objectives.non_dominated(_points(points))


def hypervolume(points: Floats, reference: Floats) -> float:
    """Volume that the points dominate above `reference` (Zitzler and Thiele 1998).

    Args:
        points: (n, d); those that are not above the reference in every objective add nothing.
        reference: (d,), fixed per scenario, or numbers cannot be compared.
    """
    points = _points(points)
    return float(_moocore().hypervolume(points, ref=_reference(reference, points), maximise=True))


def igd_plus(points: Floats, front: Floats) -> float:
    """Mean distance by which the points fall short of the reference front (IGD+, Ishibuchi et al. 2015).

    Args:
        points: (n, d).
        front: (m, d) reference front. Scale objectives to comparable units first.
    """
    points, front = _points(points), _points(front)
    return float(_moocore().igd_plus(points, ref=front, maximise=True))


def expected_utility(points: Floats, weights: Floats) -> float:
    """Mean over preferences of the best weighted sum that the points offer (Zintgraf et al. 2015).

    Args:
        points: (n, d).
        weights: (k, d) preferences.
    """
    return float(_best(points, weights).mean())


def maximum_utility_loss(points: Floats, front: Floats, weights: Floats) -> float:
    """Most that a preference loses by choosing among the points instead of on the front (same source).

    Args:
        points: (n, d).
        front: (m, d) reference front.
        weights: (k, d) preferences.
    """
    return float(np.maximum(0.0, _best(front, weights) - _best(points, weights)).max())


def best_within(
    points: Floats, objective: str, least: Mapping[str, float], objectives: Sequence[str] = OBJECTIVES
) -> int | None:
    """Index of the point that is best in one objective among those that reach bounds in others.

    Args:
        points: (n, D) reward vectors.
        objective: to choose by.
        least: smallest allowed reward per objective, so for costs minus the largest allowed one.
        objectives: names of the columns.

    Returns:
        None where no point reaches all bounds.

    Raises:
        ConfigError: an unknown objective.
    """
    points = _points(points)
    for name in (objective, *least):
        if name not in objectives:
            raise ConfigError("objective", f"{name!r} is unknown; {closest(name, objectives)}")
    reached = np.ones(len(points), np.bool_)
    for name, bound in least.items():
        reached &= points[:, objectives.index(name)] >= bound
    if not reached.any():
        return None
    return int(np.where(reached, points[:, objectives.index(objective)], -np.inf).argmax())


def sparsity(points: Floats) -> float:
    """Mean squared gap between neighbours, objective by objective, of the non-dominated points.

    Low is dense, 0 for one point (Xu et al. 2020). It says nothing about how good the points are, so never
    compare with it alone.
    """
    kept = non_dominated_sorted(points)
    if len(kept) < 2:
        return 0.0
    return float((np.diff(np.sort(kept, axis=0), axis=0) ** 2).sum() / (len(kept) - 1))


def _best(points: Floats, weights: Floats) -> Floats:
    """(k,) best weighted sum for every preference."""
    points, weights = _points(points), np.atleast_2d(np.asarray(weights, float))
    if weights.shape[1] != points.shape[1]:
        raise ConfigError(
            "weights",
            f"{weights.shape[1]} columns are not allowed; the points have {points.shape[1]} objectives",
        )
    best: Floats = (weights @ points.T).max(axis=1)
    return best


def _points(points: Floats) -> Floats:
    found = np.asarray(points, float)
    if found.ndim != 2 or 0 in found.shape or not np.isfinite(found).all():
        raise ConfigError("points", f"shape {found.shape} is not allowed; must be finite and (n, d), none 0")
    return found


def _reference(reference: Floats, points: Floats) -> Floats:
    found = np.asarray(reference, float)
    if found.shape != points.shape[1:] or not np.isfinite(found).all():
        raise ConfigError(
            "reference", f"{reference!r} is not allowed; must be {points.shape[1]} finite numbers"
        )
    return found


def _moocore() -> Any:
    try:
        import moocore
    except ImportError as error:
        raise DependencyNotInstalled(
            'moocore is missing; run `pip install "idn-gym[mo]"` for Pareto fronts'
        ) from error
    return moocore
