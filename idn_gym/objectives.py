"""What is good: the objectives, their senses and scales, and the preferences that weigh them.

Quantities come from the `Outcome`; only this file turns them into rewards. The reward vector is in
physical units, each component the slot's total over the scenario's nominal requests per slot, so
that rewards add up over slots. The scalar reward is minus the weighted cost.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Outcome, Tables
from idn_gym.core.kernel import njit_no_alloc


class Objective(NamedTuple):
    """One component of the reward vector."""

    name: str
    unit: str
    sense: Literal["maximise", "minimise"]
    """of the quantity; what is to be small enters the vector with a minus, so that the vector is maximised"""
    scale: str
    """field of `Scales`: the size that costs as much as those of the other objectives"""
    formula: str
    """of the component in a slot"""


TABLE = (
    Objective(
        "accuracy",
        "correct answers per nominal request",
        "maximise",
        "error",
        "expected correct answers / nominal requests; the scalar reward weighs the error instead: "
        "-(requests - expected correct answers) / nominal requests",
    ),
    Objective(
        "latency",
        "s per nominal request",
        "minimise",
        "latency",
        "-(sum over requests of latency, a drop counting its timeout) / nominal requests",
    ),
    Objective(
        "energy",
        "J per nominal request",
        "minimise",
        "energy",
        "-(sum over requests of joules, a drop counting those of its worst option, + idle energy where it "
        "counts) / nominal requests",
    ),
    Objective(
        "traffic",
        "byte-hops per nominal request",
        "minimise",
        "traffic",
        "-(sum over requests of bytes x hops, a drop counting those of its worst option) / nominal requests",
    ),
    Objective(
        "update",
        "share of the nominal memory",
        "minimise",
        "update",
        "-(bytes newly loaded) / (nominal memory of the nodes that may load)",
    ),
)
"""The objectives in the order of the reward vector; the scalar reward adds up weight x component / scale."""

OBJECTIVES = tuple(objective.name for objective in TABLE)
"""Their names."""

PREFERENCES: dict[str, tuple[float, ...]] = {
    "balanced": (1.0, 1.0, 1.0, 1.0, 0.5),
    "accuracy": (6.0, 1.0, 1.0, 1.0, 0.5),
    "latency": (1.0, 6.0, 1.0, 1.0, 0.5),
    "energy": (1.0, 1.0, 6.0, 1.0, 0.5),
    "traffic": (1.0, 1.0, 1.0, 6.0, 0.5),
}
"""Weights before normalisation. Each gives update a weight, or placements would flap for free."""


def read_preference(preference: Any) -> Floats | None:
    """Turn a preference into normalised weights (5,); None for "random".

    Args:
        preference: a name of `PREFERENCES`, "random", five numbers, or a mapping from objective to
            number (objectives left out weigh 0).

    Raises:
        ConfigError: unknown name, wrong length, or weights that are negative, not finite or all 0.
    """
    if isinstance(preference, str):
        if preference == "random":
            return None
        if preference not in PREFERENCES:
            raise ConfigError(
                "preference", f"{show(preference)}; {closest(preference, [*PREFERENCES, 'random'])}"
            )
        preference = PREFERENCES[preference]
    if isinstance(preference, np.ndarray):
        raise ConfigError("preference", "an array cannot be stored in a spec; give a list of five numbers")
    if isinstance(preference, Mapping):
        for name in preference:
            if name not in OBJECTIVES:
                raise ConfigError(f"preference.{name}", f"unknown objective; {closest(name, OBJECTIVES)}")
        preference = [preference.get(name, 0.0) for name in OBJECTIVES]
    return _normalise(preference)


def _normalise(preference: Any) -> Floats:
    right = isinstance(preference, Sequence) and len(preference) == len(OBJECTIVES)
    if not right or not all(isinstance(w, (int, float)) and not isinstance(w, bool) for w in preference):
        names = ", ".join(OBJECTIVES)
        raise ConfigError(
            "preference",
            f"{show(preference)} is not allowed; must be a name, five numbers ({names}), "
            'a mapping from these to numbers, or "random"',
        )
    try:
        weights = np.array(preference, float)
    except OverflowError:
        weights = np.array([np.inf])
    if not np.isfinite(weights.sum()) or np.any(weights < 0) or weights.sum() <= 0:
        raise ConfigError(
            "preference",
            f"{show(list(preference))} is not allowed; weights must be finite, at least 0, and not all 0",
        )
    return weights / weights.sum()


def preference_lattice(divisions: int) -> Floats:
    """Preferences spread evenly over all trade-offs between accuracy, latency, energy and traffic.

    The simplex lattice of Das and Dennis (1998) over the first four objectives; update keeps the weight that
    it has in the balanced preference, or placements would flap for free.

    Args:
        divisions: steps from one corner to another, H >= 1.

    Returns:
        (K, 5) with K = (H + 1)(H + 2)(H + 3) / 6; each row is normalised to 1.

    Raises:
        ConfigError: not a whole number of at least 1.
    """
    if isinstance(divisions, bool) or not isinstance(divisions, int) or divisions < 1:
        raise ConfigError(
            "divisions", f"{show(divisions)} is not allowed; must be a whole number of at least 1"
        )
    steps = range(divisions + 1)
    rows = [row for row in itertools.product(steps, repeat=len(OBJECTIVES) - 1) if sum(row) == divisions]
    balanced = read_preference("balanced")
    assert balanced is not None
    update = np.full((len(rows), 1), balanced[-1])
    return np.hstack([np.array(rows[::-1]) / divisions * (1.0 - balanced[-1]), update])


def draw_preference(rng: np.random.Generator) -> Floats:
    """A random preference: any trade-off between the first four objectives, update as in the balanced one.

    Concentrated towards the corners (Dirichlet with parameters 1/2), since with a uniform draw a policy
    would hardly ever see that one objective is nearly all that counts.

    Args:
        rng: consumed.

    Returns:
        (5,) weights, normalised to 1.
    """
    balanced = read_preference("balanced")
    assert balanced is not None
    drawn = rng.dirichlet(np.full(len(OBJECTIVES) - 1, 0.5))
    return np.append(drawn * (1.0 - balanced[-1]), balanced[-1])


def tariff_of(weights: Floats, scales: Floats) -> Floats:
    """Per-request part of a preference: cost per unit of error, second, joule and byte-hop (4,)."""
    return weights[:4] / scales[:4]


def describe_reward(weights: Floats | None, scales: Floats) -> list[dict[str, Any]]:
    """What each component of the reward vector means, in order, as plain data.

    Args:
        weights: (5,) preference in force, normalised to 1; None where each episode draws its own.
        scales: (5,) of the scenario.

    Returns:
        Name, unit, sense and formula, the scale and the weight in the scalar reward (null: drawn).
    """
    shares = [None] * len(TABLE) if weights is None else weights.tolist()
    return [
        {**objective._asdict(), "scale": scale, "weight": weight}
        for objective, scale, weight in zip(TABLE, scales.tolist(), shares, strict=True)
    ]


def known_tariff(tariff: Floats | None, scales: Floats) -> Floats:
    """What is known of costs (4,) before any episode: the scenario's tariff, else the balanced one.

    Args:
        tariff: (4,) of the scenario; None where the preference decides.
        scales: (5,) of the scenario.
    """
    if tariff is not None:
        return tariff
    weights = read_preference("balanced")
    assert weights is not None
    return tariff_of(weights, scales)


def compute_rewards(
    tables: Tables, outcome: Outcome, weights: Floats, scales: Floats
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Reward vectors and scalar rewards of a slot.

    Args:
        tables: the scenario's tables.
        outcome: the slot, B rows.
        weights: (B, 5) preferences, each normalised to 1.
        scales: (5,) sizes of error, latency, energy, traffic and update that weigh the same.

    Returns:
        (B, 5) in physical units, all maximised; (B,) minus the weighted cost, in which accuracy
        enters as error, so that the cost is never negative.
    """
    batch = len(outcome.loaded)
    vectors, scalars = np.empty((batch, len(OBJECTIVES))), np.empty(batch)
    _judge(outcome, weights, scales, tables.nominal_requests, tables.nominal_memory, vectors, scalars)
    return vectors, scalars


@njit_no_alloc
def _judge(
    outcome: Outcome,
    weights: Floats,
    scales: Floats,
    nominal_requests: float,
    nominal_memory: float,
    vectors: Floats,
    scalars: Floats,
) -> None:
    for b in range(len(vectors)):
        arrived, correct, latency, energy, traffic = 0.0, 0.0, 0.0, outcome.idle_energy[b], 0.0
        for rho in range(outcome.arrived.shape[1]):
            arrived += outcome.arrived[b, rho]
            correct += outcome.correct[b, rho]
            latency += outcome.latency[b, rho]
            energy += outcome.energy[b, rho]
            traffic += outcome.traffic[b, rho]
        vectors[b, 0] = correct / nominal_requests
        vectors[b, 1] = -latency / nominal_requests
        vectors[b, 2] = -energy / nominal_requests
        vectors[b, 3] = -traffic / nominal_requests
        vectors[b, 4] = -outcome.loaded[b] / nominal_memory
        cost = weights[b, 0] * (arrived - correct) / nominal_requests / scales[0]
        for i in range(1, vectors.shape[1]):
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
