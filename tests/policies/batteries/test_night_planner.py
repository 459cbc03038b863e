"""Policies with an eye on batteries: they last where others run empty, and spend what is over."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.optimum.dynamic.played import sequence_costs
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

SLOTS = 6
# 5 requests a slot take 10 J here by the rich model, 2.5 J by the thrifty one, and 10 J to be sent to the
# cloud, whose bytes are dear; idling takes 10 J.
MODELS = {
    "rich": {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.9)]}},
    "thrifty": {"blocks": [(0.25, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.6)]}},
}
BATTERY = {"capacity": 100.0, "cutoff": 0.1, "restart": 0.3}
SCALES = {"error": 0.1, "latency": 1e3, "energy": 1e4, "traffic": 1.0, "update": 1e3}


@pytest.fixture
def field(make_scenario):
    """A node on a battery, and a cloud."""

    def make(battery=BATTERY, **overrides):
        nodes = {
            "a": {"demand": 1.0, "battery": battery},
            "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
        }
        changes = {"serving.tariff": None, "scales": SCALES, "horizon": SLOTS, **overrides}
        return make_scenario(nodes, [("a", "c", {"rate": 1e4})], MODELS, changes, rate=0.5)

    return make


def names_of(scenario, placements):
    """What node a holds in each slot."""
    names = compile_scenario(scenario).names.segments
    return [[names[s] for s in held[0, 0] if s >= 0] for held in placements]


def test_it_saves_as_much_as_the_episode_needs(field, make_learner, drive):
    """Of 90 J, 15 are over if all slots are thrifty, and a rich one takes 7.5 more."""
    scenario = field()
    instance = build_instance(scenario, 0)
    placements, _, _ = drive(make_learner("night-planner", scenario), instance)
    held = names_of(scenario, placements)
    assert held.count(["rich"]) == 2 and held.count(["thrifty"]) == 4
    compiled = compile_scenario(scenario)
    planned = sequence_costs(compiled, instance, placements[:, 0]).sum()
    for name in ("rich", "thrifty"):
        kept = placements[held.index([name])]
        assert planned < sequence_costs(compiled, instance, kept[0]).sum()
    nearsighted, _, _ = drive(make_learner("night-planner", scenario, ahead=1), instance)
    assert names_of(scenario, nearsighted)[:4] == [["rich"]] * 4
    assert planned < sequence_costs(compiled, instance, nearsighted[:, 0]).sum()


def test_nobody_runs_empty_who_need_not(field, make_learner, drive):
    scenario = field()
    instance = build_instance(scenario, 0)
    placements, _, _ = drive(make_learner("night-planner", scenario), instance)
    state = initial_state(instance)
    for held in placements:
        state, outcome = step(instance, state, Action(held))
        assert outcome.served.sum() == pytest.approx(5.0)


def test_what_comes_later_is_not_seen(field, make_learner, drive):
    """Two episodes that differ in what is harvested from slot 3 on are played alike up to slot 3."""
    scenario = field(**{"dynamics.harvest": {"kind": "solar", "watts": 4.0, "period": 6.0}})
    found = []
    for more in (0.0, 30.0):
        instance = build_instance(scenario, 0, "test")
        instance.draw.refill[:, 3:] += more
        placements, _, _ = drive(make_learner("night-planner", scenario), instance)
        found.append(placements)
    np.testing.assert_array_equal(found[0][:4], found[1][:4])


def test_rows_do_not_know_of_each_other(field, make_learner, drive):
    scenario = field(**{"dynamics.harvest": {"kind": "solar", "watts": 4.0, "period": 6.0}})
    both, _, _ = drive(
        make_learner("night-planner", scenario, rows=2), build_instance(scenario, [0, 1], "test")
    )
    for b in range(2):
        alone, _, _ = drive(make_learner("night-planner", scenario), build_instance(scenario, b, "test"))
        np.testing.assert_array_equal(both[:, b], alone[:, 0])


def test_the_rule_goes_by_the_charge_alone(field, make_learner, drive):
    """100, 80, 60, 40 J before slots: the third one is not above 0.6 any more."""
    scenario = field()
    learner = make_learner("charge-rule", scenario, share=0.6)
    placements, _, _ = drive(learner, build_instance(scenario, 0))
    assert names_of(scenario, placements) == [["rich"]] * 2 + [["thrifty"]] * 4


@pytest.mark.parametrize("name", ["night-planner", "charge-rule"])
def test_who_has_no_battery_needs_none_of_it(name, field, make_learner):
    with pytest.raises(ConfigError, match=rf"agent {name}: no node at which requests enter has a battery"):
        make_learner(name, field(battery=None))


def test_a_horizon_that_is_too_long_is_refused(field, make_learner):
    with pytest.raises(ConfigError, match="horizon: 2001 is not allowed; must be at most 2,000"):
        make_learner("night-planner", field(horizon=2001), episodes=1)
