"""Searches find what brute force finds, step out of greedy's trap, and stay within memory."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY
from idn_gym.optimum.search.greedy import greedy_placement
from idn_gym.optimum.search.local import best_placement, improve_locally
from idn_gym.optimum.search.moves import Search, SearchConfig
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

EVERYTHING = SearchConfig(slots=1000)


def bytes_of(compiled, placement):
    free = (placement == EMPTY) | (compiled.tables.pinned != EMPTY)
    return np.where(free, 0.0, compiled.tables.segment_bytes[placement]).sum(axis=1)


def whole_models(sizes, gains, memory):
    """One node before a slow cloud; model i has that many bytes and saves about that much."""

    def make(make_scenario, **overrides):
        nodes = {"board": {"memory": memory, "demand": 1.0}}
        nodes["cloud"] = {"pins": ["all"], "servers": float("inf")}
        models = {f"m{i}": {"blocks": [(0.01, size, 0.0)], "task": f"t{i}"} for i, size in enumerate(sizes)}
        tasks = [
            {"name": f"t{i}", "models": [f"m{i}"], "share": gain, "timeout": 100.0}
            for i, gain in enumerate(gains)
        ]
        scenario = make_scenario(nodes, [("board", "cloud", {"rate": 1.0})], models, overrides, tasks)
        return compile_scenario(scenario)

    return make


def held(compiled, placement):
    return {compiled.names.segments[s] for s in placement[0] if s != EMPTY}


def test_greedy_goes_by_saving_per_byte_and_falls_into_the_trap(make_scenario):
    compiled = whole_models([1, 10], [11, 100], memory=10)(make_scenario)
    instance = build_instance(compiled.scenario, range(2))
    assert held(compiled, greedy_placement(compiled, instance, EVERYTHING)) == {"m0"}


def test_a_swap_gets_out_of_it(make_scenario):
    compiled = whole_models([1, 10], [11, 100], memory=10)(make_scenario)
    instance = build_instance(compiled.scenario, range(2))
    assert held(compiled, best_placement(compiled, instance, EVERYTHING)) == {"m1"}


@pytest.mark.parametrize("search", [greedy_placement, best_placement])
@pytest.mark.parametrize(("horizon", "loaded"), [(4, set()), (100, {"m0"})])
def test_what_comes_too_late_is_not_loaded(search, horizon, loaded, make_scenario):
    """Of 5 bytes a slot that loads may take of the link, four slots bring 20, and requests lack them."""
    overrides = {"serving.loading": "transfer", "horizon": horizon}
    compiled = whole_models([100], [1], memory=100)(make_scenario, **overrides)
    instance = build_instance(compiled.scenario, range(2))
    assert held(compiled, search(compiled, instance, EVERYTHING)) == loaded


def test_several_small_ones_make_way_for_a_large_one(make_scenario):
    compiled = whole_models([4, 4, 9], [11, 12, 26], memory=9)(make_scenario)
    search = Search(compiled, build_instance(compiled.scenario, range(2)), 4)
    start = compiled.tables.pinned.copy()
    start[0, :2] = [compiled.names.segments.index(name) for name in ("m0", "m1")]
    search.start(start)
    improve_locally(search, np.random.default_rng(0), 1e6)
    assert held(compiled, search.placement) == {"m2"}


def test_what_costs_more_to_load_than_it_saves_stays_out(make_scenario):
    compiled = whole_models([5], [1], memory=10)(make_scenario, **{"scales.update": 1e-6})
    instance = build_instance(compiled.scenario, range(2))
    assert held(compiled, best_placement(compiled, instance, EVERYTHING)) == set()
    search = Search(compiled, instance, 4)
    loaded = compiled.tables.pinned.copy()
    loaded[0, 0] = 0
    search.start(loaded)
    improve_locally(search, np.random.default_rng(0), 1e6)
    assert held(compiled, search.placement) == set()


def brute_force(compiled, search):
    """Least cost of all placements that fit."""
    tables = compiled.tables
    places = sorted({(v, tables.segment_model[s]) for v, s in search.items})
    lists = [
        [EMPTY, *(s for u, s in search.items if u == v and tables.segment_model[s] == m)] for v, m in places
    ]
    best = np.inf
    for choice in itertools.product(*lists):
        placement = tables.pinned.copy()
        for (v, m), s in zip(places, choice, strict=True):
            placement[v, m] = s
        if (bytes_of(compiled, placement) <= tables.node_memory).all():
            search.start(placement)
            best = min(best, search.cost)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_local_search_finds_the_optimum_of_small_worlds(seed, make_scenario):
    rng = np.random.default_rng(seed)
    nodes = {
        "board": {"memory": rng.uniform(20, 60), "demand": 1.0},
        "edge": {"memory": rng.uniform(30, 90), "device": "fast"},
        "cloud": {"pins": ["all"], "servers": float("inf"), "device": "fast"},
    }
    links = [("board", "edge", {"rate": 6.0}), ("edge", "cloud", {"rate": 12.0, "delay": 2.0})]
    models = {
        name: {
            "blocks": [(rng.uniform(0.2, 2.0), rng.uniform(10, 40), out) for out in (rng.uniform(1, 6), 0.0)],
            "points": {"all": [(2, 1.0, rng.uniform(0.4, 0.9))]},
            "task": task,
        }
        for name, task in (("a", "x"), ("b", "x"), ("c", "y"))
    }
    tariff = {"serving.tariff": {"latency": 0.1, "error": 1.0}}
    compiled = compile_scenario(make_scenario(nodes, links, models, tariff, rate=0.6))
    instance = build_instance(compiled.scenario, range(3))
    search = Search(compiled, instance, 4)
    found = best_placement(compiled, instance, EVERYTHING)
    search.start(found)
    least, cost = brute_force(compiled, Search(compiled, instance, 4)), search.cost
    assert least <= cost <= least * (1.0 + 1e-6)


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16), one_per_task=st.booleans())
def test_placements_fit_and_only_get_better(data, seed, one_per_task, worlds, make_scenario):
    compiled = compile_scenario(make_scenario(**data.draw(worlds)))
    tables = compiled.tables
    instance = build_instance(compiled.scenario, [seed, seed + 1])
    config = SearchConfig(restarts=2, budget=2000, slots=2, one_per_task=one_per_task)
    search = Search(compiled, instance, 2)
    costs = [search.cost]
    for find in (greedy_placement, best_placement):
        placement = find(compiled, instance, config)
        assert (bytes_of(compiled, placement) <= tables.node_memory).all()
        np.testing.assert_array_equal(
            placement[tables.pinned != EMPTY], tables.pinned[tables.pinned != EMPTY]
        )
        search.start(placement)
        costs.append(search.cost)
        if one_per_task:
            for row, pins in zip(placement, tables.pinned, strict=True):
                tasks = tables.model_task[np.flatnonzero((row != EMPTY) & (pins == EMPTY))]
                assert len(tasks) == len(set(tasks))
    assert costs == sorted(costs, reverse=True)


def test_the_costs_that_a_search_keeps_are_those_of_its_placement(make_scenario):
    compiled = whole_models([4, 4, 9, 2], [11, 12, 26, 3], memory=12)(make_scenario)
    instance = build_instance(compiled.scenario, range(2))
    search = Search(compiled, instance, 4)
    improve_locally(search, np.random.default_rng(1), 1e5)
    kept = search.cost
    search.start(search.placement.copy())
    assert kept == pytest.approx(search.cost, rel=1e-12)


def test_the_same_seed_finds_the_same(make_scenario):
    compiled = whole_models([3, 4, 5, 6], [3, 4, 5, 6], memory=9)(make_scenario)
    instance = build_instance(compiled.scenario, range(2))
    first, second = (best_placement(compiled, instance, EVERYTHING) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("classes", "episodes"), [(1, 32), (100, 7), (100_000, 4)])
def test_where_there_are_many_classes_fewer_episodes_do(classes, episodes):
    assert SearchConfig().seeds(classes) == range(episodes)
