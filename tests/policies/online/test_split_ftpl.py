"""FTPL over all options: its oracle against all placements, and a split that needs two placed segments."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.core.slots import MOVING
from idn_gym.objectives import known_tariff
from idn_gym.optimum.prefixes import UNUSABLE, list_prefixes
from idn_gym.optimum.routing_oracle import RoutedPlacement, RoutingOracle
from idn_gym.optimum.schedule import all_placements, slot_gains
from idn_gym.optimum.solver import SolverError, solve_integers
from idn_gym.optimum.static import static_outcome
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

pytest.importorskip("scipy")


def two_halves(make_scenario, horizon=40, **overrides):
    """Inputs are dear to send; the edge holds heads, the middle tails, and wholes fit only far away."""
    models = {
        f"m{k}": {"blocks": [(0.1, 10.0, 1.0), (0.1, 20.0, 0.0)], "task": f"t{k}", "input": 40.0}
        for k in range(2)
    }
    return make_scenario(
        nodes={
            "edge": {"memory": 12.0, "demand": 1.0},
            "middle": {"memory": 22.0},
            "cloud": {"pins": ["all"], "servers": float("inf")},
        },
        links=[("edge", "middle", {"delay": 0.1}), ("middle", "cloud", {"delay": 20.0})],
        models=models,
        overrides={
            "serving.capacity": "exogenous",
            "serving.loading": "instant",
            "serving.max_parts": 2,
            "serving.tariff": {"latency": 1.0, "error": 1.0},
            "horizon": horizon,
            **overrides,
        },
    )


def best_kept(scenario, instance):
    """Gain of the best placement of all that fit, and whether it holds anything at the middle."""
    compiled = compile_scenario(scenario)
    placements = all_placements(compiled, 5000)
    gains = slot_gains(instance, placements, 0).sum(axis=0)
    return float(gains.max()), bool((placements[gains.argmax()][1] != EMPTY).any())


def test_it_finds_the_halves_that_others_cannot(make_scenario, play_learner):
    scenario = two_halves(make_scenario)
    items = list_prefixes(compile_scenario(scenario))
    assert (items.option_item == UNUSABLE).any()
    instance = build_instance(scenario, 0)
    best, halves = best_kept(scenario, instance)
    assert halves
    learner, placements, gains, _ = play_learner("ftpl-splits", scenario, instance=instance, scale=0.1)
    assert learner.gap < 1e-6 and learner.notes == {"oracle_gap": learner.gap}
    assert (
        (placements[5:, 0, :2, :] != EMPTY).any(axis=2).all()
    )  # a head at the edge and its tail at the middle
    prefixes = play_learner("ftpl", scenario, instance=instance, scale=0.1)[2].sum()
    assert gains.sum() > 0.9 * best > 1.2 * prefixes


def test_what_the_oracle_does_not_know_does_not_end_the_waiting(make_scenario, play_learner, monkeypatch):
    """The nominal slot is solved, what all slots were worth never is."""
    calls = []

    def every_other(*arguments):
        calls.append(arguments)
        if len(calls) % 2 == 0:
            raise SolverError("out of time")
        return solve_integers(*arguments)

    monkeypatch.setattr("idn_gym.optimum.routing_oracle.solve_integers", every_other)
    scenario = two_halves(make_scenario, horizon=6)
    learner, placements, _, _ = play_learner("ftpl-splits", scenario, wait=0.5)
    assert len(calls) == 12 and learner.gap == 1.0
    assert learner.waiting.all()
    assert (placements[:, 0, :2] == EMPTY).all()


def test_its_regret_falls_behind_time_where_tasks_take_turns(make_scenario, play_learner):
    """Who follows the last slot is always wrong; regret per slot against the best placement of all falls."""
    regrets = []
    for horizon in (25, 100):
        turns = {"workload.popularity": {"kind": "alternating"}}
        scenario = two_halves(make_scenario, horizon, **turns)
        instance = build_instance(scenario, 0)
        best, _ = best_kept(scenario, instance)
        runs = [play_learner("ftpl-splits", scenario, instance=instance, seed=k)[2].sum() for k in range(4)]
        regrets.append((best - np.mean(runs)) / horizon)
        usual = best / horizon
    assert regrets[1] < 0.75 * regrets[0] or regrets[1] < 0.02 * usual
    assert regrets[1] < 0.5 * usual


@settings(max_examples=20)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_oracle_brackets_the_best_of_all_placements(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    world["overrides"] |= {
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "serving.max_parts": 2,
        "dynamics.memory": None,
        "horizon": 1,
    }
    scenario = make_scenario(**world)
    compiled = compile_scenario(scenario)
    try:
        placements = all_placements(compiled, 2000)
    except ConfigError:  # too many to list
        assume(False)
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    oracle = RoutingOracle(compiled, tariff)
    demand = compiled.tables.class_requests * np.random.default_rng(seed).exponential(1.0)
    found = oracle(demand, 1.0)
    instance = oracle.merged(demand, 1.0)
    gains = slot_gains(instance, placements, 0)[0]
    slack = 1e-6 * max(1.0, abs(found.bound))
    assert found.gained <= gains.max() + slack and gains.max() <= found.bound + slack
    own = (placements == found.placement).all(axis=(1, 2))
    assert gains[own] == pytest.approx(found.gained, abs=slack)


STORES = {
    "battery": {
        "topology.nodes.0.battery": {"capacity": 1000.0, "start": 0.01, "cutoff": 0.0, "restart": 0.0}
    },
    "duty cycle": {"topology.links.0.duty_cycle": 1e-3},
}
"""At the edge: joules, of which every slot harvests some and drains some, or airtime of its one link."""


@pytest.mark.parametrize("kind", STORES)
def test_a_long_slot_has_the_refills_and_drains_of_all_its_slots(kind, make_scenario):
    """The core plays nominal slots one by one, which leaves as much unserved as the one long slot."""
    slots, served = 6, []
    scenario = make_scenario(
        nodes={"edge": {"demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}},
        links=[("edge", "cloud", {})],
        models={"m": {"blocks": [(1.0, 10.0, 0.0)]}},
        overrides={
            "serving.capacity": "shared",
            "dynamics.harvest": {"kind": "constant", "watts": 1.5},
            **STORES[kind],
        },
        rate=0.4,
    )
    compiled = compile_scenario(scenario)
    tables = compiled.tables
    assert tables.store_refill[0] > 0.0
    oracle = RoutingOracle(compiled, known_tariff(compiled.tariff, compiled.scales, compiled.objectives))
    once = oracle.merged(tables.class_requests, 1.0)
    repeated = {name: np.repeat(getattr(once.draw, name), slots, axis=1) for name in MOVING}
    played = once._replace(draw=once.draw._replace(**repeated))
    for instance in (played, oracle.merged(slots * tables.class_requests, slots)):
        served.append(float(static_outcome(instance, tables.pinned).served[0].sum()))
    assert served[1] == pytest.approx(served[0])
    assert 0.0 < served[0] < 0.95 * slots * tables.class_requests.sum()


def test_gaps():
    nothing = np.zeros((1, 1), np.int32)
    assert RoutedPlacement(nothing, 3.0, 4.0).gap == 0.25
    assert RoutedPlacement(nothing, 0.0, 0.0).gap == 0.0
    assert RoutedPlacement(nothing, 0.0, np.inf).gap == 1.0
