"""Preferences: the weights of the objectives in force, by name, as numbers, drawn or spread evenly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats
from idn_gym.objective_records import OBJECTIVE_RECORDS, TABLE, Objective

FAVOURED = 6.0
"""Weight of an objective in the preference named after it, before normalisation; the others keep their
share."""

MOST_PREFERENCES = 10_000
"""Maximum number of rows of a lattice; the ways to divide a weight are enumerated."""


def named_preferences(objectives: Sequence[Objective] = TABLE) -> dict[str, tuple[float, ...]]:
    """Weights before normalisation: balanced, and one preference for each objective per request.

    Where no objective has a share, all objectives count equally.
    """
    shares = {objective.name: objective.share for objective in objectives}
    if not any(shares.values()):
        shares = dict.fromkeys(shares, 1.0)
    found = {"balanced": tuple(shares.values())}
    for objective in objectives:
        if objective.per == "request":
            found[objective.name] = tuple({**shares, objective.name: FAVOURED}.values())
    return found


PREFERENCES = named_preferences()
"""The preferences of the default objectives. All give update a weight, so that changing placements has a
cost."""


def read_preference(preference: Any, objectives: Sequence[Objective] = TABLE) -> Floats | None:
    """Turn a preference into normalised weights (D,); None for "random".

    Args:
        preference: a name of `named_preferences`, "random", a number for each objective, or a mapping from
            objective to number (objectives left out weigh 0).
        objectives: the objectives in force.

    Raises:
        ConfigError: an unknown name, a wrong length, or weights that are negative, not finite or all 0.
    """
    names = [objective.name for objective in objectives]
    if isinstance(preference, str):
        if preference == "random":
            return None
        known = PREFERENCES if objectives is TABLE else named_preferences(objectives)
        if preference not in known:
            nearest = closest(preference, [*known, "random"])
            if preference in OBJECTIVE_RECORDS:
                nearest += f"; {preference} where `objectives` names it"
            raise ConfigError("preference", f"{show(preference)} is not allowed; {nearest}")
        preference = known[preference]
    if isinstance(preference, np.ndarray):
        raise ConfigError(
            "preference",
            f"is an array, which an environment spec cannot store; give a list of {_numbers(len(names))}",
        )
    if isinstance(preference, Mapping):
        for name in preference:
            if name not in names:
                raise ConfigError(f"preference.{name}", f"unknown objective; {closest(name, names)}")
        preference = [preference.get(name, 0.0) for name in names]
    return _normalise(preference, names)


def read_options(
    options: Mapping[str, Any] | None, weights: Floats | None, objectives: Sequence[Objective]
) -> Floats | None:
    """Read the options of a reset: weights (D,) of its episodes, None where they are drawn.

    Args:
        options: ``preference`` for these episodes, if preferences are drawn; nothing else.
        weights: the environment's, None where they are drawn.
        objectives: the objectives in force.

    Raises:
        ConfigError: another option, or a preference where all episodes already share one.
    """
    for name in options or {}:
        if name != "preference":
            raise ConfigError(f"options.{name}", "is not allowed; allowed: preference")
    if not options or options["preference"] == "random":
        return weights
    if weights is not None:
        raise ConfigError("options.preference", 'is allowed only where the environment\'s is "random"')
    return read_preference(options["preference"], objectives)


def _numbers(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
    return f"{words[count] if count < len(words) else count} number{'s' if count > 1 else ''}"


def _normalise(preference: Any, names: list[str]) -> Floats:
    right = isinstance(preference, Sequence) and len(preference) == len(names)
    if not right or not all(isinstance(w, (int, float)) and not isinstance(w, bool) for w in preference):
        raise ConfigError(
            "preference",
            f"{show(preference)} is not allowed; must be a name, {_numbers(len(names))} "
            f"({', '.join(names)}), "
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


def balanced_preference(objectives: Sequence[Objective] = TABLE) -> Floats:
    """Weights (D,) of the balanced preference."""
    weights = read_preference("balanced", objectives)
    assert weights is not None
    return weights


def preference_lattice(divisions: int, objectives: Sequence[Objective] = TABLE) -> Floats:
    """Return preferences spread evenly over all trade-offs between the objectives per request.

    The simplex lattice of Das and Dennis (1998) over these k; the others, such as update, keep their weight
    in the balanced preference, so that changing placements has a cost.

    Args:
        divisions: steps from one corner to another, H >= 1.
        objectives: the objectives in force.

    Returns:
        (K, D) with K = (H + 1) ... (H + k - 1) / (k - 1)!, for the four by default
        (H + 1)(H + 2)(H + 3) / 6; each row is normalised to 1.

    Raises:
        ConfigError: it is not a whole number of at least 1, or gives more than `MOST_PREFERENCES` rows.
    """
    if isinstance(divisions, bool) or not isinstance(divisions, int) or divisions < 1:
        raise ConfigError(
            "divisions", f"{show(divisions)} is not allowed; must be a whole number of at least 1"
        )
    count = sum(objective.per == "request" for objective in objectives)
    if not count:
        return balanced_preference(objectives)[None]
    found = math.comb(divisions + count - 1, count - 1)
    if found > MOST_PREFERENCES:
        raise ConfigError(
            "divisions", f"{divisions} is not allowed; {found:,} preferences, allowed: {MOST_PREFERENCES:,}"
        )
    steps = range(divisions + 1)
    rows = [row for row in itertools.product(steps, repeat=count) if sum(row) == divisions]
    return _trade_offs(np.array(rows[::-1]).reshape(-1, count) / divisions, objectives)


def draw_preference(rng: np.random.Generator, objectives: Sequence[Objective] = TABLE) -> Floats:
    """Draw a random preference: any trade-off between the objectives per request, the others as in balanced.

    Concentrated towards the corners (Dirichlet with parameters 1/2): with a uniform draw, preferences that
    weigh almost only one objective would be rare.

    Args:
        rng: random generator, which advances.
        objectives: the objectives in force.

    Returns:
        (D,) weights, normalised to 1.
    """
    count = sum(objective.per == "request" for objective in objectives)
    drawn = rng.dirichlet(np.full(count, 0.5)) if count else np.zeros(0)
    return _trade_offs(drawn[None], objectives)[0]


def _trade_offs(shares: Floats, objectives: Sequence[Objective]) -> Floats:
    """Weights (K, D) from shares (K, k) of the objectives per request; the rest as in the balanced one."""
    balanced = balanced_preference(objectives)
    of_request = np.array([objective.per == "request" for objective in objectives])
    weights = np.repeat(balanced[None], len(shares), axis=0)
    if of_request.any():
        weights[:, of_request] = shares * (1.0 - balanced[~of_request].sum())
    return weights
