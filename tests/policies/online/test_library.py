"""Choosing from a library: by hand, by what moves nothing, by what is seen, and on presets."""

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import serving_cost
from idn_gym.core.slots import one_slot
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.policies.online.library import ChoiceConfig, training_library
from idn_gym.policies.registry import POLICIES, make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import QUICK_PRESETS

QUICK = {"episodes": 1, "candidates": {"pieces": 1, "slots": 1, "budget": 0.0}}
RULES = ("library", "library-greedy", "mpc", "lru-aware", "lfu-aware", "olag-aware", "ttl")
TURNS = {"workload.popularity": {"kind": "round_robin", "hold": 4}, "horizon": 16}


@pytest.fixture(scope="module")
def turns(cells):
    """Two tasks take turns of four slots; there is room for one model."""
    return cells(tasks=2, hold=1.0, **TURNS, **{"serving.tariff": None, "scales.update": 1e3})


def held_tasks(scenario, placements):
    """Task whose model the edge holds in each slot of row 0, or -1."""
    compiled = compile_scenario(scenario)
    rows = placements[:, 0, compiled.names.nodes.index("edge")] != EMPTY
    return [int(np.argmax(row)) if row.any() else -1 for row in rows]


def asked(scenario):
    """Task that is asked for in each slot of the training episode 0."""
    demand = build_instance(scenario, 0).draw.demand[0]
    return compile_scenario(scenario).tables.class_task[demand.argmax(axis=1)].tolist()


@pytest.mark.parametrize("name", ["library", "mpc"])
def test_it_follows_the_last_slot_and_the_oracle_the_coming_one(name, turns, make_learner, drive):
    instance = build_instance(turns, 0)
    tasks = asked(turns)
    assert tasks[:8] in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)
    learner = make_learner(name, turns, hysteresis=0.0)
    assert len(learner.library) >= 3  # nothing, and either model
    assert held_tasks(turns, drive(learner, instance)[0])[1:] == tasks[:-1]
    told = make_learner(f"clairvoyant-{name}", turns, hysteresis=0.0)
    assert held_tasks(turns, drive(told, instance)[0]) == tasks


def test_what_moving_costs_and_how_long_it_takes_by_hand(turns, make_learner):
    """From 0, which costs 10 a slot, to 1 or 2 of 7 and 6; loads cost 12 and 30, and take 0 and 3 slots."""
    steady = np.array([[10.0, 7.0, 6.0]])
    switch, slots = np.where(np.eye(3), 0.0, 100.0), np.zeros((3, 3))
    switch[0], slots[0] = [0.0, 12.0, 30.0], [0.0, 0.0, 3.0]
    weigh = {stay: make_learner("library", turns, stay=stay).weigh for stay in (3.0, 6.0, 30.0)}
    assert weigh[3.0](steady, switch, slots, 0) == (10.0, 0, 10.0)  # 7 + 12 / 3, 10 + 30 / 3
    assert weigh[6.0](steady, switch, slots, 0) == (10.0, 1, 9.0)  # 7 + 12 / 6, (10 + 6) / 2 + 30 / 6
    assert weigh[30.0](steady, switch, slots, 0) == (10.0, 1, pytest.approx(7.4))  # 6.4 + 1 for 2
    ahead = make_learner("mpc", turns, horizon=6).weigh(np.repeat(steady, 6, axis=0), switch, slots, 0)
    assert ahead == (60.0, 1, pytest.approx(54.0))  # as the library rule with a stay of 6 slots
    wanted = np.array([[10.0, 7.0, 6.0]] + [[10.0, 70.0, 6.0]] * 5)
    staying, best, cost = make_learner("mpc", turns, horizon=6).weigh(wanted, switch, np.zeros((3, 3)), 0)
    assert (staying, best, cost) == (60.0, 0, 60.0)  # one slot of 1 pays no load


@pytest.mark.parametrize("name", ["library", "mpc", "clairvoyant-library"])
@pytest.mark.parametrize("options", [{"hysteresis": 0.999}, {}])
def test_nothing_moves_where_moving_never_pays(name, options, cells, make_learner, drive):
    dear = {} if options else {"scales.update": 1e-9}
    scenario = cells(tasks=2, hold=1.0, **TURNS, **{"serving.tariff": None, **dear})
    placements = drive(make_learner(name, scenario, **options), build_instance(scenario, 0))[0]
    assert set(held_tasks(scenario, placements)) == {-1}


def test_a_slot_costs_the_mean_over_the_errors_of_the_last_forecasts(turns, make_learner, drive, monkeypatch):
    instance = build_instance(turns, 0)
    instance.draw.demand[0] *= np.linspace(1.0, 3.0, 16)[:, None]
    learner, seen = make_learner("library", turns, errors=2), []
    monkeypatch.setattr(learner, "weigh", lambda steady, *rest: (seen.append(steady[0]), (1.0, 0, 1.0))[1])
    drive(learner, instance)
    demand, one = instance.draw.demand[0], one_slot(instance, np.array([0]))
    for t in (0, 1, 7, 15):
        known = [demand[s] - (demand[s - 1] if s else instance.tables.class_requests) for s in range(t)[-2:]]
        last = demand[t - 1] if t else instance.tables.class_requests
        costs = []
        for error in known or [0.0]:
            one.draw.demand[0, 0] = np.maximum(0.0, last + error)
            costs.append([serving_cost(one, 0, placement) for placement in learner.library])
        expected = np.mean(costs, axis=0) / instance.tables.nominal_requests
        np.testing.assert_allclose(seen[t], expected, rtol=1e-9)


def test_the_library_is_good_on_training_episodes_and_holds_nothing_twice(turns):
    compiled = compile_scenario(turns)
    found = training_library(compiled, ChoiceConfig(candidates=CandidateConfig(pieces=4)), "balanced")
    assert (found[0] == compiled.tables.pinned).all()
    assert len(np.unique(found, axis=0)) == len(found)
    instance = build_instance(turns, 0)
    for t in (0, 4):
        costs = [serving_cost(instance, t, placement) for placement in found]
        assert min(costs) < 0.9 * costs[0]


def test_a_causal_rule_is_refused_the_oracle(turns, make_learner):
    for name in ("library", "mpc"):
        assert not POLICIES[name].informed and POLICIES[f"clairvoyant-{name}"].informed
        with pytest.raises(ConfigError, match="'oracle' reads the future"):
            make_learner(name, turns, forecaster="oracle")
    with pytest.raises(ConfigError, match=r"agent\.stay: 0\.5 is not allowed; must be at least 1"):
        make_learner("library", turns, stay=0.5)
    with pytest.raises(ConfigError, match="horizon"):
        make_learner("library", turns, horizon=3)
    with pytest.raises(
        ConfigError, match=r"^agent\.errors: 501 is not allowed; must be at most 500 with a h"
    ):
        make_learner("mpc", turns, horizon=20, errors=501)


@pytest.mark.parametrize("name", ["library", "mpc"])
def test_greedy_finds_what_the_library_lacks(name, turns, make_learner, drive):
    """A library of the pins alone follows the last slot all the same, and each row by itself."""
    learner = make_learner(name, turns, rows=2, greedy=True)
    learner.library = learner.library[:1]
    learner._switch, learner._slots = np.zeros((2, 1, 1))
    instance = build_instance(turns, range(2))
    placements = drive(learner, instance)[0]
    assert held_tasks(turns, placements)[1:] == asked(turns)[:-1]
    np.testing.assert_array_equal(learner.playing, [1, 1])
    alone = make_learner(name, turns, greedy=True)
    alone.library, alone._switch, alone._slots = learner.library, learner._switch, learner._slots
    np.testing.assert_array_equal(drive(alone, build_instance(turns, 0))[0][:, 0], placements[:, 0])


@pytest.mark.parametrize("name", ["library", "mpc"])
def test_greedy_sees_no_batch_before_its_slot_is_over(name, turns, make_learner, drive):
    here = build_instance(turns, 0)
    there = build_instance(turns, 0)
    there.draw.demand[0, 8:] = there.draw.demand[0, 8:, ::-1]
    played = [drive(make_learner(name, turns, greedy=True), each)[0] for each in (here, there)]
    np.testing.assert_array_equal(played[0][:9], played[1][:9])
    assert (played[0][9:] != played[1][9:]).any()


@pytest.mark.parametrize("hidden", [False, True])
def test_resources_of_the_coming_slot_are_seen_unless_they_are_hidden(hidden):
    changes = {
        "horizon": 6,
        "resources": "hidden" if hidden else "visible",
        "dynamics.background": {"kind": "ar1"},
        "dynamics.memory": {"kind": "two_state", "mean_full": 2.0, "mean_shrunk": 2.0},
    }
    env = gym.make_vec(
        "IDN-v0",
        num_envs=2,
        scenario="edge-small",
        action="segments",
        preference="balanced",
        overrides=changes,
    )
    policy = make_policy("library", env, **QUICK)
    simulation, expected = env.unwrapped.simulation, policy._expected
    seen = []

    def look(feedback):
        """Of row 1, the last one that was filled: what was expected of the slot that is over."""
        seen.append(
            {
                name: getattr(expected.instance.draw, name)[0, 0].copy()
                for name in ("seconds", "memory", "rate")
            }
        )

    rollout(policy, env, (3, 4), on_slot=look)
    draw = simulation.instance.draw
    for t, found in enumerate(seen):
        for name, value in found.items():
            truth = getattr(draw, name)[1]
            if not hidden:
                np.testing.assert_allclose(value, truth[t], rtol=1e-6)
            elif t:
                np.testing.assert_array_equal(value, truth[t - 1])
    assert any((draw.memory[1, t] != draw.memory[1, t - 1]).any() for t in range(1, 6))


MODES = {"shared": {}, "exogenous": {"serving.capacity": "exogenous", "serving.loading": "instant"}}
FIRST = ("tiny", "edge-drift", "solar-field")
"""Presets of three kinds: small, moving, with batteries."""


@pytest.mark.parametrize(
    "preset",
    [pytest.param(name, marks=[] if name in FIRST else [pytest.mark.long]) for name in QUICK_PRESETS],
)
@pytest.mark.parametrize("mode", MODES)
def test_the_rules_play_every_preset(preset, mode):
    if mode == "exogenous" and len(compile_scenario(load_scenario(preset)).tables.store_capacity):
        pytest.skip("batteries and airtime need shared capacity")
    changes = {"serving.capacity": "shared", **MODES[mode], "horizon": 3}
    scenario = load_scenario(preset, changes)
    for name in RULES:
        env = gym.make_vec("IDN-v0", num_envs=2, scenario=scenario, action="segments", preference="balanced")
        policy = make_policy(name, env, **(QUICK if name in ("library", "mpc") else {}))
        first = rollout(policy, env, (0, 1)).scalar
        assert np.isfinite(first).all()
        np.testing.assert_array_equal(rollout(policy, env, (0, 1)).scalar, first)
        env.close()
