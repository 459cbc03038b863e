"""Rules that wait until a load is paid: by hand on one edge node, and against the rules that do not wait."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import gain
from idn_gym.optimum.load_prices import byte_prices
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

PLAIN = {"lru-aware": "lru", "lfu-aware": "lfu", "olag-aware": "olag"}
AWARE = [*PLAIN, "ttl"]


def held_at_edge(scenario, placements):
    """Names of the models on the edge node in each slot, of row 0."""
    names = compile_scenario(scenario).names
    rows = placements[:, 0, names.nodes.index("edge")]
    return ["".join(names.models[m] for m in np.flatnonzero(row != EMPTY)) for row in rows]


def one_model(cells, update):
    """One model that saves the same in every slot, at a price that `update` scales."""
    return cells(tasks=1, hold=1.0, horizon=8, **{"serving.tariff": None, "scales.update": update})


@pytest.mark.parametrize("name", AWARE)
@pytest.mark.parametrize("patience", [1.0, 2.0])
def test_a_model_is_loaded_once_it_would_have_saved_its_load(name, patience, cells, make_learner, drive):
    """A load costs what the model saves in 1.75 slots: it comes after 2; with twice the patience, after 4."""

    def paid(update):
        scenario = one_model(cells, update)
        compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
        v = compiled.names.nodes.index("edge")
        placed = compiled.tables.pinned.copy()
        (placed[v, 0],) = np.flatnonzero(compiled.placeable[v])
        saving = gain(instance, 0, placed) / compiled.tables.nominal_requests
        return 10.0 * byte_prices(compiled, instance.draw.weights[0])[v, 0] / saving

    scenario = one_model(cells, paid(1.0) / 1.75)
    assert paid(paid(1.0) / 1.75) == pytest.approx(1.75)
    placements = drive(make_learner(name, scenario, patience=patience), build_instance(scenario, 0))[0]
    slots = {1.0: 2, 2.0: 4}[patience]
    assert held_at_edge(scenario, placements) == [""] * slots + ["m0"] * (8 - slots)


@pytest.mark.parametrize("name", AWARE)
def test_what_costs_too_much_is_never_loaded(name, cells, make_learner, drive):
    scenario = cells(tasks=3, hold=2.0, horizon=12, **{"scales.update": 1e-9})
    placements = drive(make_learner(name, scenario), build_instance(scenario, 0))[0]
    assert held_at_edge(scenario, placements) == [""] * 12


@pytest.mark.parametrize(("name", "plain"), PLAIN.items())
@pytest.mark.parametrize("capacity", ["exogenous", "shared"])
def test_without_patience_the_rules_are_the_plain_ones(name, plain, capacity, make_learner, drive):
    changes = {"serving.capacity": capacity, "serving.loading": "instant"}
    scenario = load_scenario("tiny", {"horizon": 8, **changes})
    instance = build_instance(scenario, (0, 1))
    waiting = drive(make_learner(name, scenario, 2, patience=0.0), instance)[0]
    np.testing.assert_array_equal(waiting, drive(make_learner(plain, scenario, 2), instance)[0])
    assert len(np.unique(waiting, axis=0)) > 1


@pytest.mark.parametrize("preference", ["balanced", {"latency": 1.0}])
@pytest.mark.parametrize(("patience", "slots"), [(1.0, 3), (2.0, 6)])
def test_a_load_that_takes_time_waits_for_as_long(
    preference, patience, slots, make_scenario, make_learner, drive
):
    """2.5 slots of 10 s to load, at hardly any price or at none; what is on its way stays wished for."""
    nodes = {"edge": {"memory": 400.0, "demand": 1.0}}
    nodes["cloud"] = {"device": "fast", "pins": ["all"], "servers": float("inf")}
    links = [("edge", "cloud", {"rate": 16.0, "down_rate": 16.0})]
    cheap = {f"scales.{name}": 1e15 for name in ("update", "traffic", "energy")}
    scenario = make_scenario(
        nodes,
        links,
        {"m": {"blocks": [(0.1, 400.0, 0.0)]}},
        {"serving.loading": "transfer", "horizon": 10, **cheap},
    )
    instance = build_instance(scenario, 0, preference=preference)
    placements = drive(make_learner("lru-aware", scenario, patience=patience), instance)[0]
    assert held_at_edge(scenario, placements) == [""] * slots + ["m"] * (10 - slots)


@pytest.mark.parametrize(
    ("lifetime", "expected"),
    [
        # memory for two; what was not in demand goes, and what lives is not replaced
        (2, ["", "m0", "m0m1", "m1m2", "m2", "m0m2", "m0m3"]),
        (3, ["", "m0", "m0m1", "m0m1", "m1m2", "m0m2", "m0m2"]),
    ],
)
def test_time_to_live_on_a_trace_worked_out_by_hand(lifetime, expected, cells, make_learner, drive):
    scenario = cells(tasks=4, hold=2.0, horizon=7)
    instance = build_instance(scenario, 0)
    instance.draw.demand[0] = 0.0
    for t, task in enumerate((0, 1, 2, 2, 0, 3, 1)):
        instance.draw.demand[0, t, task] = 5.0
    learner = make_learner("ttl", scenario, lifetime=lifetime, patience=0.0)
    assert held_at_edge(scenario, drive(learner, instance)[0]) == expected


def test_a_tariff_of_the_scenario_changes_no_price_of_a_load(cells, make_learner, drive):
    """Savings are weighed by the preference: a tariff ten times as large does not open the gate sooner."""
    saved = []
    for latency in (1.0, 10.0):
        scenario = cells(tasks=2, hold=1.0, horizon=3, **{"serving.tariff": {"latency": latency}})
        learner = make_learner("lru-aware", scenario, patience=1e9)
        drive(learner, build_instance(scenario, 0))
        saved.append(learner._gate.saved.copy())
    assert saved[0].any()
    np.testing.assert_allclose(saved[0], saved[1], rtol=1e-9)


def test_credit_is_used_up_by_a_stay(cells, make_learner, drive):
    scenario = one_model(cells, 1e3)
    learner = make_learner("lru-aware", scenario)
    assert held_at_edge(scenario, drive(learner, build_instance(scenario, 0))[0])[-1] == "m0"
    assert not learner._gate.saved.any()
