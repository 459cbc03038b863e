"""Costs of policies on the scenarios of a context, as shares of the references' costs on each scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.evaluation.comparison import HAS_INTERVALS
from idn_gym.evaluation.intervals import UNKNOWN, Interval, alone, mean_interval
from idn_gym.evaluation.rollout import Episodes
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_contexts import Context
from idn_gym.scenarios.contexts import draw_scenario

PlayScenario = Callable[[Scenario, int], Episodes]
"""Plays the episode of one seed of a scenario."""


@dataclass(frozen=True)
class ShareRow:
    """One policy with one choice of what is held out."""

    held_out: str
    agent: str
    cost: Interval
    """mean scalar cost per slot"""
    shares: dict[str, Interval]
    """by reference: mean of the cost over the reference's on the same scenario and episode"""
    ahead: dict[str, float]
    """by reference: share of the scenarios on which the policy costs less"""


def draw_episodes(
    context: Context, seeds: Sequence[int], split: str, held_out: str
) -> list[tuple[Scenario, int]]:
    """The scenario of every seed, each of which is played for one episode; see `draw_scenario`."""
    return [(draw_scenario(context, split, seed, held_out), seed) for seed in seeds]


def episode_costs(play: PlayScenario, episodes: Sequence[tuple[Scenario, int]]) -> Floats:
    """(n,) mean cost per slot of every scenario."""
    return np.array([-float(play(scenario, seed).scalar.mean()) for scenario, seed in episodes])


def context_rows(
    held_out: str, costs: Mapping[str, Floats], references: Mapping[str, Floats]
) -> list[ShareRow]:
    """One row per policy, in their order.

    Shares are means over scenarios of ratios, so every scenario has the same weight, whatever its costs.
    Where SciPy is missing, they are without intervals. A scenario on which a reference costs nothing, or
    less, has no share, and then neither has the mean.

    Args:
        held_out: which axis draws from the part of the split.
        costs: (n,) of each policy.
        references: (n,) of each reference, on the same scenarios.
    """
    rows = []
    for agent, cost in costs.items():
        shares, ahead = {}, {}
        for name, reference in references.items():
            positive = bool((reference > 0.0).all())
            shares[name] = _mean(cost / reference) if positive else UNKNOWN
            ahead[name] = float((cost < reference).mean())
        rows.append(ShareRow(held_out, agent, _mean(cost), shares, ahead))
    return rows


def _mean(values: Floats) -> Interval:
    return mean_interval(values) if HAS_INTERVALS else alone(float(values.mean()))
