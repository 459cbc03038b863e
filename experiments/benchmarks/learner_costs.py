"""Computing time of online learners, beside that of the environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import AGENT_CODECS, CLAIRVOYANT, make_agent
from experiments.benchmarks.bench import TICK, Bench
from experiments.benchmarks.measured import LIMITS, MEASURED, BenchNumber
from experiments.benchmarks.rows import BenchRow
from idn_gym.core.slots import one_slot
from idn_gym.policy import Feedback
from idn_gym.vector import IDNVectorEnv

FTPL_TARGET = 15.0
"""slots of the environment that a slot of ftpl may take"""

FTPL_SLOTS = 400
"""played at one second of CPU time a play"""

SLOW = {"window-greedy", "clairvoyant-greedy"}
"""Played for a tenth of the slots."""


class Cost(NamedTuple):
    """CPU seconds of one agent."""

    agent: str
    build: float
    slot: float
    """of the learner"""
    environment: float
    """of the environment's step"""

    @property
    def environment_slots(self) -> float:
        """Slots of the environment that take as long as one of the learner."""
        return self.slot / max(self.environment, TICK)


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


def _ftpl(bench: Bench) -> list[BenchNumber]:
    cost = time_learners("ftpl", "isp-hierarchy", round(FTPL_SLOTS * min(1.0, bench.seconds)))
    return [BenchNumber(MEASURED, cost.environment_slots, "lower", FTPL_TARGET)]


def learner_rows() -> Iterator[BenchRow]:
    """The slowest learner."""
    yield BenchRow(LIMITS, "ftpl, slots of the environment, isp-hierarchy", _ftpl)
