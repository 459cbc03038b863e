"""Possible gain of moving models: the best static placement, the best sequence found, and a bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from experiments.training.play import open_agent
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.dynamic_ceiling import optimum_share
from idn_gym.evaluation.intervals import Interval, mean_interval, paired_difference, relative_difference
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.evaluation.tables import interval_text
from idn_gym.evaluation.wishes import wishes
from idn_gym.optimum.dynamic.bracket import DynamicBracket, dynamic_bracket
from idn_gym.policies.batteries.hosting import planned_nodes
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance

FIELD = ("cloud-only", "static-greedy", "lru", "lfu", "olag", "infida", "library", "library-greedy", "mpc")
"""Policies that are compared; their recorded sequences are candidates, too."""

LIBRARIES = ("library", "library-greedy", "mpc")
"""Policies among them that search whole placements before they play."""

MOST_SITES = 100
"""Nodes to place models on up to which they are asked; with 192 their searches alone take half an hour."""

BATTERY_FIELD = (*FIELD, "charge-rule", "night-planner")
"""The same where the nodes at which requests enter live on batteries."""

HEADROOM_HEAD = (
    *("preset", "best static", "best of field", "reached", "least"),
    *("headroom, at least", "headroom, at most", "gap"),
)


FIELD_HEAD = (
    *("preset", "policy", "cost per slot", "over best static"),
    *("of the dynamic optimum, at least", "at most", "not distinguished from"),
)


def field_of(scenario: Scenario) -> tuple[str, ...]:
    """The policies that are compared on a scenario."""
    compiled = compile_scenario(scenario)
    field = BATTERY_FIELD if len(planned_nodes(compiled)) else FIELD
    large = len(np.unique(compiled.pairs[0])) > MOST_SITES
    return tuple(name for name in field if not large or name not in LIBRARIES)


class FieldLine(NamedTuple):
    """Cost of one policy on one scenario, beside the best static placement and the best sequence."""

    scenario: str
    policy: str
    cost: Interval
    """per slot"""
    over_static: Interval
    """cost added to that of the best static placement of each episode, as a share of it"""
    optimum: tuple[float, float]
    """cost saved against the repositories alone over what the best sequence saves: at least, at most"""
    alike: tuple[str, ...]
    """policies whose paired difference has an interval with 0 in it"""

    def cells(self) -> list[str]:
        """The line below `FIELD_HEAD`."""
        shares = [f"{share:.0%}" for share in self.optimum]
        alike = ", ".join(self.alike) or "-"
        return [self.scenario, self.policy, f"{self.cost:.4f}", f"{self.over_static:+.1%}", *shares, alike]

    def plain(self) -> dict[str, object]:
        """The line for programs."""
        line: dict[str, object] = {"scenario": self.scenario, "policy": self.policy}
        line |= interval_text("cost", self.cost) | interval_text("over_static", self.over_static)
        line |= dict(zip(("of_dynamic_lower", "of_dynamic_upper"), self.optimum, strict=True))
        return line | {"alike": " ".join(self.alike)}


class Headroom(NamedTuple):
    """Brackets of one scenario, over episodes; costs per slot."""

    scenario: str
    seeds: tuple[int, ...]
    field: dict[str, Floats]
    """costs of each policy of `field_of` (episodes,)"""
    brackets: list[DynamicBracket]
    horizon: int

    def intervals(self) -> dict[str, Interval]:
        """Means over episodes, by column; headroom and gap are shares."""
        slots = self.horizon
        return {
            "static": mean_interval(np.array([one.static for one in self.brackets]) / slots),
            "reached": mean_interval(np.array([one.reached for one in self.brackets]) / slots),
            "least": mean_interval(np.array([one.least for one in self.brackets]) / slots),
            "headroom_lower": mean_interval(np.array([one.headroom[0] for one in self.brackets])),
            "headroom_upper": mean_interval(np.array([one.headroom[1] for one in self.brackets])),
            "gap": mean_interval(np.array([one.gap for one in self.brackets])),
        }

    @property
    def best_of_field(self) -> tuple[str, float]:
        """Policy with the lowest cost, and its mean cost."""
        name = min(self.field, key=lambda policy: float(self.field[policy].mean()))
        return name, float(self.field[name].mean())

    def field_lines(self) -> list[FieldLine]:
        """One line per policy, the cheapest first."""
        static, reached, least = (
            np.array([getattr(one, end) for one in self.brackets]) / self.horizon
            for end in ("static", "reached", "least")
        )
        alone = float(self.field["cloud-only"].mean())
        ends = float(least.mean()), float(reached.mean())
        lines = []
        for name, costs in sorted(self.field.items(), key=lambda item: float(item[1].mean())):
            alike = [other for other, theirs in self.field.items() if other != name and _alike(costs, theirs)]
            lines.append(
                FieldLine(
                    self.scenario,
                    name,
                    mean_interval(costs),
                    relative_difference(costs, static),
                    optimum_share(float(costs.mean()), alone, *ends),
                    tuple(alike),
                )
            )
        return lines

    def cells(self) -> list[str]:
        """The line below `HEADROOM_HEAD`."""
        found, (name, cost) = self.intervals(), self.best_of_field
        costs = [f"{found[key]:.4f}" for key in ("static", "reached", "least")]
        costs.insert(1, f"{cost:.4f} {name}")
        shares = [f"{found[key]:.1%}" for key in ("headroom_lower", "headroom_upper", "gap")]
        return [self.scenario, *costs, *shares]

    def plain(self) -> dict[str, object]:
        """The line for programs."""
        line: dict[str, object] = {"scenario": self.scenario, "episodes": len(self.seeds)}
        for key, interval in self.intervals().items():
            line |= interval_text(key, interval)
        line |= {f"cost_{name}": float(costs.mean()) for name, costs in self.field.items()}
        line["stopped_by_time"] = sum(one.status == "time" for one in self.brackets)
        return line | {"cpu_seconds": sum(one.seconds for one in self.brackets)}


def _alike(one: Floats, other: Floats) -> bool:
    found = paired_difference(one, other)
    return not (found.low > 0.0 or found.high < 0.0)


def measure_headroom(
    scenario: Scenario,
    seeds: Sequence[int],
    preference: str = "balanced",
    seconds: float = 60.0,
    done: Callable[[], None] = lambda: None,
) -> Headroom:
    """Bracket every episode; what the policies of `field_of` wished for are candidates.

    Args:
        scenario: what to play, loading as it says.
        seeds: of the test split.
        preference: what the scalar cost weighs.
        seconds: time limit per episode, as of `dynamic_bracket`.
        done: is called after every policy and every episode.
    """
    compiled, played = compile_scenario(scenario), {}
    for name in field_of(scenario):
        played[name] = _play(name, scenario, seeds, preference)
        done()
    instance, brackets = build_instance(scenario, list(seeds), "test", preference), []
    shape = scenario.horizon, compiled.tables.pinned.shape
    for b in range(len(seeds)):
        asked = [wishes(episodes.wishes[b], *shape) for episodes in played.values()]
        brackets.append(dynamic_bracket(compiled, instance, b, seconds, asked))
        done()
    field = {name: -episodes.scalar.mean(axis=1) for name, episodes in played.items()}
    return Headroom(scenario.name, tuple(seeds), field, brackets, scenario.horizon)


def _play(name: str, scenario: Scenario, seeds: Sequence[int], preference: str) -> Episodes:
    env, policy = open_agent(name, scenario, seeds, "test", preference)
    try:
        return rollout(policy, env, seeds, wishes=True)
    finally:
        env.close()
