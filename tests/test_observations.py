import numpy as np
import pytest

from idn_gym.metrics import COLUMN
from idn_gym.observations import DEMAND_BOUND, RATE_BOUND
from idn_gym.scenarios.presets import load_scenario
from idn_gym.simulation import Simulation

# An ingress of 30 bytes in front of a repository; 10 requests a slot at nominal demand.
NODES = {
    "a": {"demand": 1.0, "memory": 30.0},
    "c": {"device": "fast", "pins": ["all"], "servers": float("inf")},
}
MODELS = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)]}}


@pytest.fixture
def simulation(make_scenario):
    def make(overrides=None, preference="balanced"):
        scenario = make_scenario(NODES, [("a", "c", {})], MODELS, overrides)
        simulation = Simulation(scenario, "placement", "flat", preference, "train", batch=1)
        simulation.reset([0], [0])
        return simulation

    return make


def see(simulation):
    """The observation by name."""
    names = [line["name"] for line in simulation.observer.describe()]
    values, metrics = simulation.observe()
    return dict(zip(names, values[0].tolist(), strict=True)), metrics[0, COLUMN.clipped]


def test_the_first_observation_knows_nominal_values_only(simulation):
    seen, clipped = see(simulation())
    assert seen == {
        "batch t@a": 0.0,
        "recent t@a": 1.0,
        "dropped t@a": 0.0,
        "busy a": 0.0,
        "compute a": 1.0,
        "memory a": 1.0,
        "load a->c": 0.0,
        "rate a->c": 1.0,
        "end m at a": 0.0,
        "begin m at a": 0.0,
        "slot": 0.0,
    }
    assert clipped == 0


def test_outcomes_of_the_last_slot_and_resources_of_the_coming_one(simulation):
    """Of 35 requests the 10 s of a slot run five heads; then inputs of 8 bytes fill the link."""
    sim = simulation({"serving.tariff": {"traffic": 1.0}})
    draw = sim.instance.draw
    draw.demand[0, 0], draw.seconds[0, 1, 0], draw.memory[0, 1, 0], draw.rate[0, 1] = 35.0, 2.5, 12.0, 24.0
    sim.step(np.array([[1]]))
    seen, _ = see(sim)
    assert seen["batch t@a"] == pytest.approx(3.5)
    assert seen["recent t@a"] == pytest.approx(1 + 0.3 * 2.5)
    # 5 heads of 4 bytes, then (160 - 20) / 8 whole inputs
    assert seen["dropped t@a"] == pytest.approx((35 - 5 - 17.5) / 35)
    assert seen["busy a"] == 1.0 and seen["load a->c"] == 1.0
    assert (seen["compute a"], seen["memory a"], seen["rate a->c"]) == pytest.approx((0.25, 0.4, 1.5))
    assert (seen["begin m at a"], seen["end m at a"]) == (0.0, 0.5)
    assert seen["slot"] == 0.25


def test_less_than_a_request_and_less_than_all_of_a_node(simulation):
    """Half a request arrives and takes 2 of the 10 seconds of what a may still compute."""
    sim = simulation({"serving.tariff": {"traffic": 1.0}})
    sim.instance.draw.demand[0, 0], sim.instance.draw.seconds[0, 0, 0] = 0.5, 1.0
    sim.instance.draw.rate[0, 0] = 0.05
    sim.step(np.array([[1]]))
    seen, _ = see(sim)
    # the link takes 0.5 bytes, an eighth of a tensor of 4
    assert seen["batch t@a"] == pytest.approx(0.05)
    assert seen["dropped t@a"] == pytest.approx(1 - 0.125 / 0.5)
    assert seen["busy a"] == pytest.approx(0.125 * 2 / 10)


def test_elastic_compute_and_nodes_without_memory(make_scenario):
    """An elastic node is never busy and always has all its compute; no memory is none of it."""
    nodes = {
        "a": {**NODES["a"], "memory": 0.0},
        "e": {"device": "fast", "servers": float("inf")},
        "c": NODES["c"],
    }
    scenario = make_scenario(nodes, [("a", "e", {}), ("e", "c", {})], MODELS)
    sim = Simulation(scenario, "placement", "flat", "balanced", "train", batch=1)
    sim.reset([0], [0])
    sim.step(np.array([[2]]))
    assert sim.outcome.busy[0, 1] > 0
    seen, _ = see(sim)
    assert seen["memory a"] == 0.0 and seen["compute a"] == 1.0
    assert seen["busy e"] == 0.0 and seen["compute e"] == 1.0 and seen["memory e"] == 1.0
    assert "busy c" not in seen


def test_a_tail_has_a_beginning(simulation):
    sim = simulation()
    line = sim.codec.describe()[0]
    assert line == "a, t: 0 nothing, 1 m[0:1], 2 m, 3 m[1:2]"
    sim.step(np.array([[3]]))
    seen, _ = see(sim)
    assert (seen["begin m at a"], seen["end m at a"]) == (0.5, 1.0)


def test_what_is_beyond_the_bounds_is_cut_and_counted(simulation):
    sim = simulation()
    draw = sim.instance.draw
    draw.demand[0, 0], draw.rate[0, 1] = 1000.0, 1600.0
    sim.step(np.array([[0]]))
    seen, clipped = see(sim)
    assert seen["batch t@a"] == seen["recent t@a"] == DEMAND_BOUND
    assert seen["rate a->c"] == RATE_BOUND
    assert clipped == 3


def test_hidden_resources_have_no_features(simulation):
    seen, _ = see(simulation({"resources": "hidden"}))
    assert not {"compute a", "memory a", "rate a->c"} & set(seen)
    assert {"busy a", "load a->c"} <= set(seen)


def test_at_the_horizon_the_resources_of_the_last_slot_are_seen(simulation):
    sim = simulation()
    sim.instance.draw.rate[0, -1] = 8.0
    for _ in range(4):
        sim.step(np.array([[0]]))
    seen, _ = see(sim)
    assert seen["rate a->c"] == 0.5 and seen["slot"] == 1.0
    assert sim.masks().shape == (1, 4)


@pytest.mark.parametrize("resources", ["visible", "hidden"])
@pytest.mark.parametrize("preference", ["balanced", "random"])
def test_every_declared_feature_is_written(monkeypatch, resources, preference):
    sim = Simulation(
        load_scenario("edge-small", {"resources": resources}), None, "flat", preference, "train", batch=2
    )
    sim.reset([0, 1], [0, 1])
    with monkeypatch.context() as patched:
        patched.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, np.nan, dtype))
        observation, _ = sim.observe()
    assert np.isfinite(observation).all()
    assert observation.shape[1] == len(sim.describe()["observation"])
