"""Measure what online learners cost: ``python -m experiments.bench_learners``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import AGENT_CODECS, AGENTS, CLAIRVOYANT, make_agent
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, closest
from idn_gym.core.slots import one_slot
from idn_gym.policy import Feedback
from idn_gym.vector import IDNVectorEnv

SLOW = {"ftpl", "window-lp", "window-greedy", "clairvoyant-greedy"}
"""Played for a tenth of the slots."""


TICK = 1e-9
"""[s] least time that a step is taken for, where the clock of the system is coarse"""


class Cost(NamedTuple):
    """CPU seconds of one agent."""

    agent: str
    build: float
    slot: float
    """of the learner"""
    environment: float
    """of the environment's step"""


def learners() -> list[str]:
    """Names of all agents that are measured here."""
    return [name for name, target in AGENTS.items() if target.startswith("idn_gym.policies.online.")]


def time_learners(name: str, scenario: str, slots: int) -> Cost:
    """Play one row of one episode.

    Args:
        name: of the agent.
        scenario: a preset's name.
        slots: length of the episode.
    """
    slots = max(4, slots // 10) if name in SLOW else slots
    made = gym.make_vec(
        "IDN-v0",
        num_envs=1,
        scenario=scenario,
        action=AGENT_CODECS[name],
        preference="balanced",
        overrides={"horizon": slots, "serving.capacity": "exogenous", "serving.loading": "instant"},
    )
    env: Any = made.unwrapped
    assert isinstance(env, IDNVectorEnv)
    options = {"seeds": (0,)} if name in CLAIRVOYANT else {}
    build = 0.0
    for _ in range(2):  # the first build may compile
        start = time.process_time()
        agent: Any = make_agent(name, made, **options)
        build = time.process_time() - start
    observation, _ = made.reset(seed=[0])  # type: ignore[arg-type]  # ours takes one per row
    state, spent, played = None, [], []
    simulation = env.simulation
    for t in range(slots):
        before = simulation.state
        revealed = one_slot(simulation.instance, before.slot)
        start = time.process_time()
        action, state = agent.predict(observation, state, np.array([t == 0]))
        chosen = time.process_time()
        observation = made.step(action)[0]
        done = time.process_time()
        if hasattr(agent, "update"):
            agent.update(Feedback(revealed, before, simulation.state, simulation.outcome))
        spent.append(chosen - start + time.process_time() - done)
        played.append(done - chosen)
    return Cost(name, build, median(spent[1:]), median(played[1:]))


_HEAD = ("agent", "build ms", "slot us", "env slot us", "env slots")


def learner_table(costs: Sequence[Cost]) -> list[list[str]]:
    """One line per agent; the last column is the learner's time over the environment's."""
    return [
        [
            cost.agent,
            f"{1e3 * cost.build:.0f}",
            f"{1e6 * cost.slot:.0f}",
            f"{1e6 * cost.environment:.0f}",
            f"{cost.slot / max(cost.environment, TICK):.1f}",
        ]
        for cost in costs
    ]


@dataclass(kw_only=True)
class BenchLearnersCommand:
    """Measure what online learners cost.

    CPU time of one thread per slot, the median over the slots of one episode: what the learner takes to learn
    and plan, beside what the environment takes for the slot itself.
    """

    scenario: str = "isp-hierarchy"
    """preset or YAML file"""
    slots: int = bounded(100, least=4, most=9_999_999)
    """length of the episode; slow learners play a tenth of it"""
    agents: tuple[str, ...] = ()
    """online learners (default: all)"""

    def run(self) -> None:
        """Measure and print."""
        for name in self.agents:
            if name not in learners():
                raise ConfigError("agents", f"{name!r} is not allowed; {closest(name, learners())}")
        costs = [time_learners(name, self.scenario, self.slots) for name in self.agents or learners()]
        print_rows(_HEAD, learner_table(costs))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(BenchLearnersCommand, words, "python -m experiments.bench_learners")


if __name__ == "__main__":
    main()
