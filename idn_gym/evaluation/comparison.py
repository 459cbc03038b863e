"""Policies that played the same episodes, compared seed by seed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from idn_gym.core.arrays import PRICED, Floats
from idn_gym.evaluation.intervals import (
    ITSELF,
    UNKNOWN,
    Interval,
    alone,
    mean_interval,
    paired_difference,
    relative_difference,
)
from idn_gym.evaluation.rollout import Episodes
from idn_gym.objective_records import PRICES, find_objectives
from idn_gym.objectives import scales_of, tariff_of
from idn_gym.preferences import read_preference
from idn_gym.scenarios.config import Scenario


@dataclass(frozen=True)
class ComparisonRow:
    """One agent on one scenario."""

    scenario: str
    agent: str
    reference: str
    cost: Interval
    """mean scalar cost per slot"""
    difference: Interval
    """cost minus the reference's, seed by seed"""
    metrics: dict[str, float]
    """means over the seeds of the columns of `Episodes.records`"""
    served_by: str = ""
    """the scenario's own tariff, where the cost weighs other things; see `own_tariff`"""
    relative: Interval = UNKNOWN
    """difference as a share of the reference's cost"""
    informed: bool = False
    """whether it received the episodes beforehand"""


def own_tariff(scenario: Scenario, preference: Any) -> str:
    """Return the tariff by which requests are served if it differs from the preference; otherwise "".

    A multiple of the preference is no other tariff: it orders the options in the same way.
    """
    tariff = scenario.serving.tariff
    if tariff is None:
        return ""
    objectives = find_objectives(scenario.objectives)
    fixed = np.array([getattr(tariff, name) for name in PRICES])
    weights = read_preference(preference, objectives)
    if weights is not None:
        weighed = tariff_of(weights, scales_of(scenario, objectives), objectives)
        whole = np.append(fixed, np.zeros(len(weighed) - PRICED))  # it prices nothing further
        alike = np.allclose(whole * weighed.sum(), weighed * whole.sum(), rtol=1e-9, atol=0.0)
        if weighed.any() and alike:
            return ""
    return ", ".join(f"{name} {value:g}" for name, value in zip(PRICES, fixed, strict=True) if value)


def summarise(
    scenario: Scenario,
    played: Mapping[str, Episodes],
    reference: str,
    preference: Any = "balanced",
    informed: Collection[str] = (),
) -> list[ComparisonRow]:
    """One row per agent, best first.

    Where SciPy is missing, estimates are without intervals.

    Args:
        scenario: that all of them played.
        played: the episodes of each, on the same seeds.
        reference: one of them; the others are compared with it, seed by seed.
        preference: what the scalar cost weighs.
        informed: agents that were told the episodes beforehand.
    """
    served_by = own_tariff(scenario, preference)
    costs = {agent: -episodes.scalar.mean(axis=1) for agent, episodes in played.items()}
    rows = []
    for agent, episodes in played.items():
        records = episodes.records()
        means = {
            name: float(np.mean([row[name] for row in records])) for name in records[0] if name != "seed"
        }
        difference, relative = (
            ITSELF if agent == reference else compared(costs[agent], costs[reference])
            for compared in _comparisons()
        )
        cost = mean_interval(costs[agent]) if HAS_INTERVALS else alone(float(costs[agent].mean()))
        rows.append(
            ComparisonRow(
                scenario.name,
                agent,
                reference,
                cost,
                difference,
                means,
                served_by,
                relative,
                agent in informed,
            )
        )
    return sorted(rows, key=lambda row: row.cost.estimate)


HAS_INTERVALS = importlib.util.find_spec("scipy") is not None
"""Whether intervals can be computed: they need the extra `solve`."""


def _comparisons() -> tuple[Callable[[Floats, Floats], Interval], ...]:
    """Difference and relative difference."""
    if HAS_INTERVALS:
        return paired_difference, relative_difference
    return (
        lambda values, baseline: alone(float(values.mean() - baseline.mean())),
        lambda values, baseline: (
            alone(float(values.mean() / baseline.mean() - 1)) if baseline.any() else UNKNOWN
        ),
    )
