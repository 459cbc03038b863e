"""What loading over the network costs who keeps a placement and who moves it; see `measure_presets`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.training.play import open_agent
from idn_gym.core.arrays import Bools
from idn_gym.evaluation.rollout import rollout
from idn_gym.policy import Choice, Policy
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

SLOT_LENGTHS = (600.0, 60.0)
"""Lengths of a slot [s] that are compared, at the same rate of requests."""

LOADING_SLOTS = 48

PLACING = {
    "kept": ("static-greedy", LOADING_SLOTS),
    "moved every tenth slot": ("random", 10),
    "moved every slot": ("random", 1),
}
"""Who places, and for how many slots a placement stays."""

LOADING_HEAD = (
    "preset",
    "slot [s]",
    *(f"{way}, {loading}" for way in PLACING for loading in ("instant", "transfer")),
)


class Repeating(Policy):
    """Another policy's actions, each for `slots` slots of the episode."""

    def __init__(self, policy: Policy, slots: int) -> None:
        self.policy, self.slots = policy, slots

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        t, action, inner = (0, None, None) if state is None else state
        if t % self.slots == 0:
            action, inner = self.policy.predict(observation, inner, start, deterministic)
        return action, (t + 1, action, inner)


def loading_costs(scenario: Scenario, seeds: Sequence[int], preference: str = "balanced") -> list[list[Any]]:
    """Rows of the table, one per length of a slot: mean scalar cost per slot, as `LOADING_HEAD` names it.

    Args:
        scenario: what to play, for `LOADING_SLOTS` slots.
        seeds: of the test split.
        preference: what the scalar cost weighs.
    """
    rows: list[list[Any]] = []
    for seconds in SLOT_LENGTHS:
        worlds = [
            load_scenario(
                scenario, {"slot_seconds": seconds, "horizon": LOADING_SLOTS, "serving.loading": loading}
            )
            for loading in ("instant", "transfer")
        ]
        costs = [
            _mean_cost(world, agent, slots, seeds, preference)
            for agent, slots in PLACING.values()
            for world in worlds
        ]
        rows.append([scenario.name, f"{seconds:g}", *(f"{cost:.3f}" for cost in costs)])
    return rows


def _mean_cost(world: Scenario, agent: str, slots: int, seeds: Sequence[int], preference: str) -> float:
    env, policy = open_agent(agent, world, seeds, "test", preference)
    try:
        return -float(rollout(Repeating(policy, slots), env, seeds).scalar.mean())
    finally:
        env.close()
