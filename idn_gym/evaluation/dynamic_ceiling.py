"""Bracket of the cost of the best sequence of placements, printed beside the costs of policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.wishes import wishes
from idn_gym.optimum.dynamic.bracket import dynamic_bracket, sequence_headroom
from idn_gym.optimum.dynamic.played import sequence_costs
from idn_gym.optimum.search.moves import LEAST_SHARE
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance


class DynamicCeiling(NamedTuple):
    """Scalar costs per slot, means over episodes, loading paid."""

    bound: float
    """no sequence of placements costs less"""
    reached: float
    """what the best sequence that was found costs when it is played"""
    static: float
    """what the best static placement that was found costs when it is played"""
    alone: float
    """what it costs when nothing is loaded and the repositories serve"""

    @property
    def headroom(self) -> tuple[float, float]:
        """Share of the static cost that the best sequence saves, at least and at most."""
        return sequence_headroom(self.static, self.reached, self.bound)

    def columns(self) -> dict[str, float]:
        """All of it under plain names, for tables that programs read."""
        least, most = self.headroom
        return {**self._asdict(), "headroom": least, "headroom_most": most}

    def share(self, cost: float) -> tuple[float, float]:
        """Share of the dynamic optimum that a cost reaches: `optimum_share`."""
        return optimum_share(cost, self.alone, self.bound, self.reached)


def optimum_share(cost: float, alone: float, bound: float, reached: float) -> tuple[float, float]:
    """Cost saved against the repositories alone over what the best sequence saves, at least and at most.

    Args:
        cost: of a policy.
        alone: of the repositories.
        bound: no sequence costs less.
        reached: of the best sequence that was found.

    Returns:
        nan, twice, where no sequence was found that saves anything.
    """
    if alone - reached <= LEAST_SHARE * alone:
        return np.nan, np.nan
    least, most = ((alone - cost) / (alone - end) for end in (bound, reached))
    return min(least, most), max(least, most)  # where nothing is saved, the wider end is the lower one


def dynamic_ceiling(
    scenario: Scenario,
    played: Sequence[Episodes],
    split: str = "test",
    preference: Any = "balanced",
    seconds: float = 60.0,
) -> DynamicCeiling:
    """Bracket what the best sequence of placements of each episode costs.

    Args:
        scenario: the scenario.
        played: what policies did in the same episodes, with `Episodes.wishes`: candidates for the sequence.
        split: of the seeds.
        preference: what the cost weighs.
        seconds: of processor time per episode; a bracket that runs out of it stays open.

    Raises:
        DependencyNotInstalled: SciPy is missing.
    """
    seeds = played[0].seeds
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, seeds, split, preference)
    pinned, slots = instance.tables.pinned, scenario.horizon
    ends = []
    for b in range(len(seeds)):
        asked = [wishes(episodes.wishes[b], slots, pinned.shape) for episodes in played]
        bracket = dynamic_bracket(compiled, instance, b, seconds, asked)
        alone = sequence_costs(compiled, instance, pinned, b).sum()
        ends.append((bracket.least, bracket.reached, bracket.static, alone))
    return DynamicCeiling(*(np.mean(ends, axis=0) / slots).tolist())
