"""What waiting is reckoned to cost at least is never above what it costs; routing is served like the core."""

import numpy as np
import pytest

from idn_gym.core.arrays import QUEUES, SHARED, Instance
from idn_gym.core.costs import serving_cost
from idn_gym.core.flows import option_flows
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.slots import one_row
from idn_gym.core.waiting import mean_wait
from idn_gym.optimum.best_routing import route_best, slot_flows
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.least_waiting import unit_waits
from idn_gym.optimum.routing import CEILINGS
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.shifting import sum_flows
from idn_gym.optimum.solver import solve_relaxed
from idn_gym.optimum.static import static_outcome
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.optimum.test_static import random_fit
from tests.random_worlds import seeded_world

pytest.importorskip("scipy")


@njit_no_alloc
def wait(servers, rate, first, second):
    return mean_wait(servers, rate, first, second)


@njit_no_alloc
def cost_of(flows):
    return sum_flows(flows)


def queueing_world(seed):
    """A world whose requests wait at queues of one worker or several, with memory that keeps still."""
    rng = np.random.default_rng([seed, 7])
    world = seeded_world(seed)
    for node in world["nodes"].values():
        if node.get("servers") != float("inf"):
            node["servers"] = float(rng.choice([0.5, 1.0, 2.0, 3.0, 16.0]))
    low = rng.uniform(0.3, 0.98)
    world["overrides"] |= {
        "serving.capacity": "shared",
        "serving.queueing": "mgc",
        "serving.load_limit": low,
        "serving.last_resort": rng.uniform(low, 0.99),
        "dynamics.memory": None,
        "idle_energy": False,
    }
    return world


@pytest.mark.parametrize("servers", [1, 2, 3, 7, 16, 64])
def test_visits_wait_at_least_as_long_as_if_all_were_served_equally_long(servers):
    """Two kinds of requests: seconds waited of all are tau c rho u(rho) where both are equal, else more."""
    rng = np.random.default_rng(servers)
    for rho in (0.05, 0.4, 0.8, 0.97):
        least = servers * rho * unit_waits(servers, np.array([rho]))[0]
        for spread in (0.0, *rng.uniform(0.1, 5.0, 5)):
            share = rng.uniform(0.05, 0.95)
            kinds = np.array([1.0, 1.0 + spread])
            first, second = ((1 - share) * kinds[0] ** k + share * kinds[1] ** k for k in (1, 2))
            rate = servers * rho / first
            waited = rate * wait(servers, rate, first, second)
            assert waited >= least * (1 - 1e-12)
            if spread == 0.0:
                assert waited == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("servers", [2, 4, 16])
def test_the_usual_approximation_of_erlang_c_would_be_no_bound(servers):
    """Sakasegawa's rho^sqrt(2 (c + 1)) / (1 - rho) is above the queue of M/M/c."""
    rho = np.array([0.6])
    assert rho ** np.sqrt(2.0 * (servers + 1)) / (1 - rho) > 1.05 * 2.0 * servers * rho * unit_waits(
        servers, rho
    )


def check_world(seed, make_scenario):
    """Bounds of one world against costs; returns whether waiting was a part of what was compared."""
    compiled = compile_scenario(make_scenario(**queueing_world(seed)))
    row = one_row(build_instance(compiled.scenario, seed), 0)
    routing, rng, waited = Routing(compiled, row, False), np.random.default_rng(seed), False
    slots, ceiling = len(routing.saving), CEILINGS[seed % len(CEILINGS)]
    programs = [
        routing.program(chunks, ceiling=ceiling)
        for chunks in ([np.arange(slots)], [np.array([t]) for t in range(slots)])
    ]
    loose, tight = (routing.dropped - solve_relaxed(program, 30.0).bound for program in programs)
    close = 1e-6 * (1.0 + abs(tight))
    assert loose <= tight + close
    for _ in range(3):
        placement = random_fit(compiled, rng).astype(np.int32)
        outcome = static_outcome(row, placement)
        found = route_best(routing, placement, 30.0, ceiling)
        assert tight <= found.least + close, seed
        assert found.least <= found.reached + close <= outcome.tariff_cost[0] + 2 * close, seed
        waited |= bool(outcome.wait.sum() > 0.0)
    return waited


def test_bounds_are_below_what_routing_and_serving_cost(make_scenario):
    assert sum(check_world(seed, make_scenario) for seed in range(8)) >= 5


@pytest.mark.long
def test_bounds_are_below_what_routing_and_serving_cost_on_many_worlds(make_scenario):
    assert sum(check_world(seed, make_scenario) for seed in range(100, 500)) >= 320


def test_flows_cost_what_the_core_says(make_scenario):
    """Requests where serving sends them cost what serving costs, in every slot."""
    seen = 0
    for seed in range(5):
        compiled = compile_scenario(make_scenario(**queueing_world(seed)))
        row = one_row(build_instance(compiled.scenario, seed), 0)
        routing = Routing(compiled, row, False)
        placement = random_fit(compiled, np.random.default_rng(seed)).astype(np.int32)
        usable = routing.usable(placement)
        for t in range(len(routing.saving)):
            flows, _ = option_flows(row, t, placement)
            cost = cost_of(slot_flows(routing, t, usable, flows))
            assert cost == pytest.approx(serving_cost(row, t, placement), rel=1e-9)
            seen += int(flows.sum() > 0.0)
    assert seen >= 10


def test_selfish_requests_wait_longer_than_those_that_are_routed_well(make_scenario):
    """Two equal ways to the same answer: all take the one that is a little cheaper, up to the limit."""
    nodes = {"in": {"demand": 1.0, "memory": 5.0}, "hub": {"memory": 5.0}}
    nodes["cloud"] = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
    links = [("in", "hub", {"rate": 1e6}), ("hub", "cloud", {"delay": 50.0})]
    models = {"m": {"blocks": [(1.0, 5.0, 0.0)]}}
    overrides = {"serving.queueing": "mgc", "serving.tariff": {"latency": 1.0}}
    overrides |= {"serving.load_limit": 0.9, "serving.last_resort": 0.95, "tasks.0.timeout": 100.0}
    compiled = compile_scenario(make_scenario(nodes, links, models, overrides, rate=0.85))
    row = one_row(build_instance(compiled.scenario, 0), 0)
    routing = Routing(compiled, row, False)
    placement = compiled.tables.pinned.copy()
    placement[:2] = np.where(placement[:2] < 0, 0, placement[:2])
    served, found = static_outcome(row, placement).tariff_cost[0], route_best(routing, placement, 10.0)
    assert found.least <= found.reached < 0.8 * served
    bracket = best_static(compiled, Instance(*row), seconds=10.0, gap=0.0)
    assert bracket.least <= bracket.routed_cost <= bracket.played
    assert bracket.gap == pytest.approx(sum(bracket.shares), abs=1e-9)
    assert bracket.shares.serving > 0.1 and min(bracket.shares) >= 0.0
    assert compiled.tables.capacity == SHARED and compiled.tables.queueing == QUEUES


def test_whoever_gives_up_waits_less(make_scenario):
    """A queue at 85 % whose requests give up after a second: mean waits of 2.8 s would be no bound."""
    nodes = {"in": {"demand": 1.0, "memory": 5.0}}
    nodes["cloud"] = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
    models = {"m": {"blocks": [(1.0, 5.0, 0.0)]}}
    overrides = {"serving.queueing": "mgc", "serving.tariff": {"latency": 1.0}, "tasks.0.timeout": 2.0}
    overrides |= {"serving.load_limit": 0.9, "serving.last_resort": 0.95}
    links = [("in", "cloud", {"delay": 50.0})]
    compiled = compile_scenario(make_scenario(nodes, links, models, overrides, rate=0.85))
    row = one_row(build_instance(compiled.scenario, 0), 0)
    placement = np.zeros_like(compiled.tables.pinned)
    served = static_outcome(row, placement)
    cost = served.tariff_cost[0]
    assert served.wait.sum() > 0.4 * served.served.sum() > 0.0
    for ceiling in (0.95, *CEILINGS):
        found = route_best(Routing(compiled, row, False), placement, 10.0, ceiling)
        assert 0.9 * cost <= found.least <= found.reached <= cost * (1 + 1e-6)


@pytest.mark.parametrize("option", [0, 3, 11])
def test_options_that_just_keep_the_timeout_leave_the_bracket_one(option):
    """Whether a latency is below a timeout depends on the order in which it is summed up."""
    start = {"horizon": 2, "tasks.1.share": 1e-6, "workload.rate": 15.0}
    compiled = compile_scenario(load_scenario("tiny", start))
    routing = Routing(compiled, one_row(build_instance(compiled.scenario, 0), 0), False)
    task = compiled.tables.class_task[routing.option_class[option]]
    timeout = compiled.tables.class_timeout[routing.option_class[option]] - routing.patience[0, option]
    for _ in range(2):
        timeout = np.nextafter(timeout, 0.0)
    for _ in range(5):
        changed = start | {f"tasks.{task}.{limit}": float(timeout) for limit in ("timeout", "deadline")}
        world = compile_scenario(load_scenario("tiny", changed))
        found = best_static(world, build_instance(world.scenario, 0), seconds=5.0, gap=0.01)
        assert 0.0 <= found.least <= found.played * (1 + 1e-9) < np.inf
        timeout = np.nextafter(timeout, np.inf)
