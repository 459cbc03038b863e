"""No sequence of wishes costs less than the dynamic bound: all of them on tiny worlds, many on others."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, EXOGENOUS, INSTANT, TRANSFER, Action
from idn_gym.core.slots import one_row
from idn_gym.core.transition import initial_state, step
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.optimum.schedule import all_placements, best_schedule, slot_gains
from idn_gym.rewards import compute_rewards
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.random_worlds import seeded_world, world_of_loads

pytest.importorskip("scipy")

CLOSE = 1e-6
"""Relative accuracy of sums."""


def play(compiled, instance, wishes):
    """Scalar cost (T,) of wishes (T, N, M), from the pins on, by the core."""
    state, costs = initial_state(instance), []
    for wish in wishes:
        state, outcome = step(instance, state, Action(wish[None].astype(np.int32)))
        reward = compute_rewards(
            compiled.tables, outcome, instance.draw.weights, compiled.scales, compiled.objectives
        )
        costs.append(-reward[1][0])
    return np.array(costs)


def random_wishes(compiled, rng):
    """Wishes (T, N, M) of segments that may be placed; most are kept for a while."""
    tables, stay = compiled.tables, rng.uniform(0.0, 1.0)
    wish, wishes = tables.pinned.copy(), []
    for _ in range(compiled.scenario.horizon):
        for v, m in zip(*np.nonzero(tables.pinned == EMPTY), strict=True):
            mine = np.flatnonzero(compiled.placeable[v] & (tables.segment_model == m))
            if rng.uniform() > stay:
                wish[v, m] = rng.choice(np.append(mine, EMPTY))
        wishes.append(wish.copy())
    return np.array(wishes)


def build(make_scenario, world, seed, **overrides):
    world["overrides"] |= overrides
    compiled = compile_scenario(make_scenario(**world))
    rng = np.random.default_rng([5, seed])
    weights = rng.uniform(0.0, 1.0, len(compiled.objectives)) * (rng.uniform(size=len(compiled.objectives)) < 0.8)
    weights[rng.integers(len(weights))] = 1.0
    return compiled, build_instance(compiled.scenario, seed, "train", (weights / weights.sum()).tolist())


def check_played(compiled, instance, seed, times):
    """Random sequences, and what each of them reaches above the bound, as shares of its cost."""
    found = dynamic_bound(compiled, instance, seconds=20.0)
    assert found.status == "closed" and found.window == compiled.scenario.horizon
    assert found.free <= found.least + CLOSE * abs(found.least)
    assert found.slots.sum() == pytest.approx(found.free)
    rng, gaps = np.random.default_rng(seed), []
    for _ in range(times):
        cost = play(compiled, instance, random_wishes(compiled, rng)).sum()
        assert cost >= found.least * (1.0 - CLOSE) - CLOSE, (seed, cost, found)
        gaps.append(1.0 - found.least / cost if cost > 0 else 0.0)
    return gaps


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 1000), marks=pytest.mark.long)])
def test_no_random_sequence_costs_less_where_models_take_time_to_come(make_scenario, seeds):
    for seed in seeds:
        world = world_of_loads(seed)
        compiled, instance = build(make_scenario, world, seed, horizon=6)
        check_played(compiled, instance, seed, 30)


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 600), marks=pytest.mark.long)])
def test_no_random_sequence_costs_less_where_models_are_there_at_once(make_scenario, seeds):
    for seed in seeds:
        compiled, instance = build(make_scenario, seeded_world(seed), seed)
        check_played(compiled, instance, seed, 30)
