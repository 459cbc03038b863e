"""Learners without an environment: an instance is played slot by slot, and learners are told of each."""

from types import SimpleNamespace

import numpy as np
import pytest

from agents.registry import CLAIRVOYANT, make_agent
from idn_gym.core.arrays import Action
from idn_gym.core.slots import one_slot
from idn_gym.core.transition import initial_state, step
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance


def _make_learner(name, scenario, rows=1, **options):
    """The registry's agent, for `rows` episodes with the seeds 0, 1, ..."""
    weights = build_instance(scenario, 0).draw.weights[0]  # of those that `_drive` plays by default
    simulation = SimpleNamespace(compiled=compile_scenario(scenario), weights=weights, split="train")
    env = SimpleNamespace(num_envs=rows)
    env.unwrapped = SimpleNamespace(simulation=simulation, num_envs=rows)
    if name in CLAIRVOYANT:
        options = {"seeds": tuple(range(rows)), **options}
    return make_agent(name, env, **options)


def _drive(learner, instance):
    """Play every slot; returns placements (T, B, N, M), gains (T, B) and fractional gains (T, B)."""
    rows, slots = instance.draw.demand.shape[:2]
    now, alone, memory = initial_state(instance), initial_state(instance), None
    nothing = Action(np.repeat(instance.tables.pinned[None], rows, axis=0))
    placements, gains, fractional = [], np.zeros((slots, rows)), np.zeros((slots, rows))
    for t in range(slots):
        revealed = one_slot(instance, now.slot)
        wanted, memory = learner.predict(np.zeros((rows, 1)), memory, np.full(rows, t == 0))
        before, (now, outcome) = now, step(instance, now, Action(wanted))
        alone, without = step(instance, alone, nothing)
        if hasattr(learner, "update"):
            learner.update(Feedback(revealed, before, now, outcome))
        placements.append(wanted)
        gains[t] = without.tariff_cost - outcome.tariff_cost
        fractional[t] = getattr(learner, "fractional_gain", np.nan)
    return np.array(placements), gains, fractional


@pytest.fixture(scope="session")
def make_learner():
    """See `_make_learner`."""
    return _make_learner


@pytest.fixture(scope="session")
def drive():
    """See `_drive`."""
    return _drive


@pytest.fixture(scope="session")
def cells(make_scenario):
    """Scenarios of one edge node with memory for `hold` of `tasks` models of 10 bytes, and a cloud."""

    def make(tasks=6, hold=3.0, horizon=60, sizes=None, **overrides):
        sizes = sizes or [10.0] * tasks
        models = {f"m{k}": {"blocks": [(0.1, size, 0.0)], "task": f"t{k}"} for k, size in enumerate(sizes)}
        return make_scenario(
            nodes={
                "edge": {"memory": 10.0 * hold, "demand": 1.0},
                "cloud": {"pins": ["all"], "servers": float("inf")},
            },
            links=[("edge", "cloud", {})],
            models=models,
            overrides={
                "serving.capacity": "exogenous",
                "serving.loading": "instant",
                "horizon": horizon,
                **overrides,
            },
        )

    return make


@pytest.fixture(scope="session")
def play_learner():
    """Play the agent `name` on a scenario; returns the learner and what `drive` does."""

    def play(name, scenario, rows=1, instance=None, **options):
        instance = build_instance(scenario, range(rows)) if instance is None else instance
        learner = _make_learner(name, scenario, rows, **options)
        return learner, *_drive(learner, instance)

    return play
