"""Reference fronts that ship with the package: what static placements that know the episodes reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Floats, Ints, Residents
from idn_gym.files import read_arrays
from idn_gym.objective_records import OBJECTIVES
from idn_gym.objectives import non_dominated
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS

FRONTS = Path(__file__).parent / "data" / "fronts"
"""One file per preset that has a front; written by `python -m experiments.make_fronts`."""


class ReferenceFront(NamedTuple):
    """For each of K preferences the best static placement of each of S episodes, and what they earn.

    Placements are chosen with the demand of the whole episode at hand, and each preference is served under
    its own tariff. Policies that change placements within an episode may pass the front.
    """

    weights: Floats  # (K, 5) preferences over `OBJECTIVES`
    seeds: Ints  # (S,) of the episodes, all of one split
    placements: Residents  # (K, S, N, M)
    means: Floats  # (K, T, 5) reward vector of each slot, mean over the episodes


def read_front(scenario: Scenario) -> ReferenceFront:
    """The front of a preset, for any of the default objectives.

    Raises:
        ConfigError: none ships for the scenario, the scenario is a preset that was changed, or an objective
            in force is one that a package added.
    """
    shipped = sorted(path.stem for path in FRONTS.glob("*.npz"))
    for name in scenario.objectives:
        if name not in OBJECTIVES:
            raise ConfigError("pareto_front", f"no front ships for {name!r}, which is not among {OBJECTIVES}")
    whole = replace(scenario, objectives=OBJECTIVES)
    if scenario.name not in shipped or whole != PRESETS[scenario.name]:
        raise ConfigError(
            "pareto_front",
            f"no front ships for this scenario, {scenario.name!r}; these have one if unchanged: "
            f"{', '.join(shipped)}",
        )
    file = read_arrays(FRONTS / f"{scenario.name}.npz")
    return ReferenceFront(*(file[name] for name in ReferenceFront._fields))


def discounted_front(
    front: ReferenceFront, gamma: float, objectives: tuple[str, ...] = OBJECTIVES
) -> list[npt.NDArray[np.float64]]:
    """Discounted returns of the front, the non-dominated ones alone.

    Args:
        front: from `read_front`.
        gamma: discount per slot, from 0 to 1.
        objectives: which, in which order.

    Returns:
        Vectors of these objectives; the return of slot t counts gamma**t.

    Raises:
        ConfigError: gamma is no number from 0 to 1.
    """
    number = isinstance(gamma, (int, float)) and not isinstance(gamma, bool)
    if not number or not 0.0 <= gamma <= 1.0:
        raise ConfigError("gamma", f"{show(gamma)} is not allowed; must be from 0 to 1")
    discount = float(gamma) ** np.arange(front.means.shape[1])
    returns = np.einsum("t,kti->ki", discount, front.means)
    returns = returns[:, [OBJECTIVES.index(name) for name in objectives]]
    return list(non_dominated(returns))
