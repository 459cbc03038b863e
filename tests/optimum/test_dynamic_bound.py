"""No sequence of wishes costs less than the dynamic bound: all of them on tiny worlds, many on others."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EXOGENOUS, INSTANT
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.optimum.schedule import all_placements, best_schedule
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.played_wishes import board_and_cloud, play_wishes, random_wishes
from tests.random_worlds import seeded_world, world_of_loads

pytest.importorskip("scipy")

CLOSE = 1e-6
"""Relative accuracy of sums."""


def play(compiled, instance, wishes):
    """Scalar cost (T,) of wishes (T, N, M)."""
    return play_wishes(compiled, instance, wishes)[1]


def build(make_scenario, world, seed, **overrides):
    world["overrides"] |= overrides
    compiled = compile_scenario(make_scenario(**world))
    rng = np.random.default_rng([5, seed])
    weights = rng.uniform(0.0, 1.0, len(compiled.objectives)) * (
        rng.uniform(size=len(compiled.objectives)) < 0.8
    )
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


@pytest.fixture
def lone_board(make_scenario):
    """A board that loads one model of `size` bytes over a medium of its own, 10 bytes a slot of 10 s."""

    def make(size, start):
        nodes = board_and_cloud(size)
        models = {"m": {"blocks": [(0.01, size, 0.0)], "input": 8.0, "start_seconds": start}}
        overrides = {"serving.capacity": "shared", "serving.loading": "transfer", "serving.queueing": "none"}
        overrides |= {"serving.max_parts": 1, "horizon": 4, "workload.bursts": None}
        link = ("board", "cloud", {"delay": 1.0, "down_rate": 1.0})
        compiled = compile_scenario(make_scenario(nodes, [link], models, overrides))
        return compiled, build_instance(compiled.scenario, 0)

    return make


@pytest.mark.parametrize(("size", "start"), [(5.0, 0.0), (5.0, 4.0), (25.0, 0.0), (25.0, 4.0), (2.0, 28.0)])
def test_the_bound_on_one_load_is_what_it_costs(lone_board, size, start):
    """Half a slot, or some of them: for whole slots nothing is usable, then for the rest of one."""
    compiled, instance = lone_board(size, start)
    board, whole = compiled.names.nodes.index("board"), compiled.pairs[1][0]
    wish = compiled.tables.pinned.copy()
    wish[board, 0] = whole
    costs = play(compiled, instance, [wish] * 4)
    alone = play(compiled, instance, [compiled.tables.pinned] * 4)
    assert costs.sum() < alone.sum()
    found = dynamic_bound(compiled, instance)
    assert found.least == pytest.approx(costs.sum(), rel=1e-6)
    assert found.slots[3] == pytest.approx(costs[3], rel=1e-6) and found.free <= found.least


def test_private_capacity_is_served_by_the_tariff_whatever_the_score_says(make_scenario):
    """The cloud has a fast model and one that is right; the tariff sees latency alone, the score errors."""
    nodes = {"board": {"demand": 1.0, "memory": 1.0}}
    nodes["cloud"] = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
    models = {
        name: {"blocks": [(work, 5.0, 0.0)], "points": {"p": [(1, 1.0, right)]}}
        for name, work, right in (("fast", 0.1, 0.4), ("right", 10.0, 0.9))
    }
    tariff = {"latency": 1.0, "error": 0.0, "energy": 0.0, "traffic": 0.0}
    overrides = {"serving.capacity": "exogenous", "serving.tariff": tariff, "workload.bursts": None}
    compiled = compile_scenario(make_scenario(nodes, [("board", "cloud", {})], models, overrides))
    instance = build_instance(compiled.scenario, 0, "train", [1.0, 0.0, 0.0, 0.0, 0.0])
    costs = play(compiled, instance, [compiled.tables.pinned] * compiled.scenario.horizon)
    assert dynamic_bound(compiled, instance).least == pytest.approx(costs.sum(), rel=1e-6)


@pytest.mark.parametrize("seeds", [[*range(8), 123], pytest.param(range(8, 1000), marks=pytest.mark.long)])
def test_no_random_sequence_costs_less_where_models_take_time_to_come(make_scenario, seeds):
    for seed in seeds:
        world = world_of_loads(seed)
        compiled, instance = build(make_scenario, world, seed, horizon=6)
        check_played(compiled, instance, seed, 30)


@pytest.mark.parametrize("seeds", [range(8), pytest.param(range(8, 500), marks=pytest.mark.long)])
def test_no_random_sequence_costs_less_where_models_are_there_at_once(make_scenario, seeds):
    for seed in seeds:
        compiled, instance = build(make_scenario, seeded_world(seed), seed)
        check_played(compiled, instance, seed, 30)


def brute_force(compiled, instance, most):
    """Least scalar cost of all sequences of placements if loads are instant; None: there are too many."""
    tables, draw = instance
    try:
        placements = all_placements(compiled, most)
    except ConfigError:
        return None
    update = [objective.name for objective in compiled.objectives].index("update")
    byte = draw.weights[0, update] / compiled.scales[update] / tables.nominal_memory
    found = best_schedule(instance, placements, byte * tables.nominal_requests)
    alone = play(compiled, instance, [tables.pinned] * compiled.scenario.horizon).sum()
    return alone - found.gain / tables.nominal_requests


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 1000), marks=pytest.mark.long)])
def test_the_best_of_all_sequences_costs_no_less_and_hardly_more_where_capacity_is_private(
    make_scenario, seeds
):
    """The tariff is that of the preference, so that serving and score agree."""
    gaps = []
    for seed in seeds:
        world = seeded_world(seed)
        compiled, instance = build(make_scenario, world, seed, **{"serving.tariff": None, "horizon": 5})
        assert compiled.tables.loading == INSTANT
        least = brute_force(compiled, instance, 150)
        if least is not None:
            found = dynamic_bound(compiled, instance, seconds=20.0)
            assert found.least <= least * (1.0 + CLOSE) + CLOSE, seed
            if compiled.tables.capacity == EXOGENOUS:
                gaps.append(1.0 - found.least / least if least > 0.0 else 0.0)
    assert len(gaps) > len(seeds) / 5 and np.median(gaps) < 0.01
