"""What stands beside a score: the serving cost of the best static placement in hindsight, as a bracket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from idn_gym.evaluation.hindsight import best_static
from idn_gym.optimum.static import static_outcome
from idn_gym.scenarios.build import build_instance
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario


class Ceiling(NamedTuple):
    """Serving costs per slot, means over episodes; `idn_gym.metrics` calls them ``tariff_cost``."""

    bound: float
    """no static placement costs less"""
    reached: float
    """what the best one that was found costs"""
    alone: float
    """what it costs when nothing is loaded and the repositories serve"""


def static_ceiling(
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    seconds: float = 5.0,
) -> Ceiling:
    """Bracket what the best static placement of each episode costs, chosen knowing the episode.

    Args:
        scenario: the scenario.
        seeds: of the episodes.
        split: of the seeds.
        preference: sets the tariff unless the scenario fixes one.
        seconds: time limit per episode; a bracket that runs out of it stays open.

    Raises:
        DependencyNotInstalled: SciPy is missing.
    """
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, seeds, split, preference)
    alone = static_outcome(instance, instance.tables.pinned).tariff_cost.mean()
    brackets = [best_static(compiled, instance, b, seconds) for b in range(len(seeds))]
    slots = scenario.horizon * compiled.tables.nominal_requests
    saved = [np.mean([getattr(bracket, end) for bracket in brackets]) for end in ("upper", "lower")]
    return Ceiling(*(float(cost / slots) for cost in (alone - saved[0], alone - saved[1], alone)))
