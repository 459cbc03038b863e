"""Costs of loading over the network, for static placements and for changing ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from experiments.training.play import open_agent
from idn_gym.core.arrays import Bools
from idn_gym.evaluation.rollout import rollout
from idn_gym.policy import Choice, Policy
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

SLOT_LENGTHS = (600.0, 60.0)
"""Lengths of a slot [s] that are compared, at the same rate of requests."""

LOADING_SLOTS = 48

LOADINGS = ("instant", "transfer")

PLACING = {
    "kept": ("static-greedy", LOADING_SLOTS),
    "moved_every_tenth_slot": ("random", 10),
    "moved_every_slot": ("random", 1),
}
"""Policies, and the number of slots for which a placement stays."""

LOADING_HEAD = ("preset", "slot [s]", *(way.replace("_", " ") for way in PLACING))


class LoadingCost(NamedTuple):
    """Mean scalar cost per slot with slots of one length."""

    scenario: str
    slot_seconds: float
    costs: dict[str, tuple[float, float]]
    """of each of `PLACING`, with each of `LOADINGS`"""

    def cells(self) -> list[str]:
        """The line below `LOADING_HEAD`."""
        pairs = [", ".join(f"{cost:.3f}" for cost in pair) for pair in self.costs.values()]
        return [self.scenario, f"{self.slot_seconds:g}", *pairs]

    def plain(self) -> dict[str, object]:
        """The line for programs, each number in a column."""
        line: dict[str, object] = {"scenario": self.scenario, "slot_seconds": self.slot_seconds}
        for way, pair in self.costs.items():
            line |= {f"{way}_{loading}": cost for loading, cost in zip(LOADINGS, pair, strict=True)}
        return line


class Repeating(Policy):
    """Another policy's actions, each for `slots` slots of the episode."""

    def __init__(self, policy: Policy, slots: int) -> None:
        self.policy, self.slots = policy, slots

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        action: Any
        t, action, inner = (0, None, None) if state is None else state
        if t % self.slots == 0:
            action, inner = self.policy.predict(observation, inner, start, deterministic)
        return action, (t + 1, action, inner)


def loading_costs(
    scenario: Scenario, seeds: Sequence[int], preference: str = "balanced"
) -> list[LoadingCost]:
    """Costs of `PLACING` over `LOADING_SLOTS` slots, for each of `SLOT_LENGTHS`.

    Args:
        scenario: with shared capacity.
        seeds: of the test split.
        preference: what the scalar cost weighs.
    """
    found = []
    for seconds in SLOT_LENGTHS:
        changes = {"slot_seconds": seconds, "horizon": LOADING_SLOTS}
        instant, transfer = (
            load_scenario(scenario, {**changes, "serving.loading": loading}) for loading in LOADINGS
        )
        costs = {
            way: (
                _mean_cost(instant, agent, slots, seeds, preference),
                _mean_cost(transfer, agent, slots, seeds, preference),
            )
            for way, (agent, slots) in PLACING.items()
        }
        found.append(LoadingCost(scenario.name, seconds, costs))
    return found


def _mean_cost(world: Scenario, agent: str, slots: int, seeds: Sequence[int], preference: str) -> float:
    env, policy = open_agent(agent, world, seeds, "test", preference)
    try:
        return -float(rollout(Repeating(policy, slots), env, seeds).scalar.mean())
    finally:
        env.close()
