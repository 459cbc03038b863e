"""Bracket of the serving cost of the best static placement in hindsight, printed beside scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import nan
from typing import Any, NamedTuple

import numpy as np

from idn_gym.optimum.bracket import GapShares
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.known_quality import check_known_quality
from idn_gym.optimum.load_prices import price_per_byte
from idn_gym.optimum.static import static_outcome
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance


class Ceiling(NamedTuple):
    """Serving costs per slot, means over episodes; `idn_gym.metrics` calls them ``tariff_cost``."""

    bound: float
    """lower bound on the cost of every static placement, for any routing"""
    reached: float
    """cost of the best placement found, as the environment serves it"""
    alone: float
    """cost with nothing loaded: repositories serve"""
    routed: float = nan
    """cost of the best placement found with the best routing found; nan: unknown"""
    routed_bound: float = nan
    """lower bound on the cost of any routing of that placement; nan: unknown"""
    load_price: float = 0.0
    """price of loading all memory once, in the same unit; all of these costs include loads"""

    @property
    def gap(self) -> float:
        """(cost reached - least cost proven) / cost reached."""
        return (self.reached - self.bound) / self.reached if self.reached > 0.0 else 0.0

    @property
    def shares(self) -> GapShares:
        """Parts of the gap; nan where they are unknown."""
        ends = self.reached, self.routed, self.routed_bound, self.bound
        steps = [(a - b) / self.reached if self.reached > 0.0 else 0.0 for a, b in pairwise(ends)]
        return GapShares(*steps)

    def columns(self) -> dict[str, float]:
        """All values by name, for tables that programs read."""
        shares = {f"gap_{name}": share for name, share in self.shares._asdict().items()}
        return {**self._asdict(), "gap": self.gap, **shares}


def static_ceiling(
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    seconds: float = 5.0,
    load_price: float = 0.0,
) -> Ceiling:
    """Bracket what the best static placement of each episode costs, chosen knowing the episode.

    Args:
        scenario: the scenario.
        seeds: of the episodes.
        split: of the seeds.
        preference: sets the tariff unless the scenario fixes one.
        seconds: of processor time per episode; a bracket that runs out of it stays open.
        load_price: what loading all memory once costs, in serving cost per slot and nominal request.

    Raises:
        ConfigError: quality is hidden.
        DependencyNotInstalled: SciPy is missing.
    """
    compiled = compile_scenario(scenario)
    check_known_quality(compiled)
    instance = build_instance(scenario, seeds, split, preference)
    alone = static_outcome(instance, instance.tables.pinned).tariff_cost.mean()
    byte = price_per_byte(compiled.tables, load_price)
    brackets = [best_static(compiled, instance, b, seconds, load_price=byte) for b in range(len(seeds))]
    slots = scenario.horizon * compiled.tables.nominal_requests
    ends = ("upper", "lower", "routed", "routed_upper")
    saved = [np.mean([_known(getattr(bracket, end)) for bracket in brackets]) for end in ends]
    bound, reached, routed, routed_bound = (float((alone - gain) / slots) for gain in saved)
    return Ceiling(bound, reached, float(alone / slots), routed, routed_bound, load_price)


def _known(gain: float | None) -> float:
    return nan if gain is None else gain
