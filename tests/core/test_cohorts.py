"""A cohort of n devices is what n equal devices are, listed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Action
from idn_gym.core.flows import option_flows
from idn_gym.core.transition import initial_state, step
from idn_gym.evaluation.events import simulate_slot
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.conftest import place_by_name

MODEL = {"m": {"blocks": [(0.2, 40.0, 4.0), (0.3, 20.0, 0.0)], "input": 8.0}}
REST = {
    "e": {"memory": 100.0, "servers": 2.0},
    "c": {"pins": ["all"], "device": "fast", "servers": float("inf")},
}
QUEUES = {"serving.queueing": "mgc", "serving.load_limit": 0.9, "serving.last_resort": 0.95}
TRANSFER = {"serving.loading": "transfer"}
OF_CLASSES = ("arrived", "served", "latency", "wait", "energy", "traffic", "late", "split", "penalty")
OF_ALL = ("idle_energy", "load_traffic", "load_energy", "tariff_cost")


STORES = {"battery": {"capacity": 90.0, "start": 0.9, "restart": 0.5}, "duty_cycle": 0.02}


def world(make_scenario, n, listed, rate=4.0, uplink=900.0, overrides=None, battery=None, duty_cycle=None):
    """n devices with a link to the gateway each, listed or as one cohort."""
    names = [f"d{i}" for i in range(n)] if listed else ["d"]
    device = {"demand": 1.0, "memory": 100.0, "servers": 1.0, "count": 1 if listed else n, "battery": battery}
    up = {"rate": 40.0, "duty_cycle": duty_cycle}
    links = [*((name, "e", up) for name in names), ("e", "c", {"rate": uplink})]
    nodes = {name: device for name in names} | REST
    return make_scenario(nodes, links, MODEL, overrides, rate=rate), names


def play(scenario, names, wishes):
    """The outcome of every slot; all devices wish the same."""
    instance = build_instance(scenario, 0)
    state, outcomes = initial_state(instance), []
    for device, gateway in wishes:
        wanted = place_by_name(scenario, {name: device for name in names} | {"e": gateway})
        state, outcome = step(instance, state, Action(wanted))
        outcomes.append(outcome)
    return outcomes


def totals(outcome):
    found = {name: getattr(outcome, name).sum(axis=(0, 1)) for name in OF_CLASSES}
    found |= {name: getattr(outcome, name).sum() for name in OF_ALL}
    found |= {name: getattr(outcome, name).sum() for name in ("drawn", "drained", "spilled")}
    return found | {"loaded": outcome.loaded.sum(), "uplink": outcome.carried[0, -1]}


@pytest.mark.parametrize("n", [1, 3, 8])
@pytest.mark.parametrize("extra", [{}, QUEUES, TRANSFER, {**QUEUES, **TRANSFER}, {"idle_energy": True}])
def test_a_cohort_is_what_its_devices_are(make_scenario, n, extra):
    wishes = [([], []), (["m[0:1]"], ["m"]), (["m[0:1]"], []), (["m"], [])]
    found = []
    for listed in (True, False):
        scenario, names = world(make_scenario, n, listed, rate=1.2 * n, uplink=20.0 * n, overrides=extra)
        found.append([totals(outcome) for outcome in play(scenario, names, wishes)])
    for one, other in zip(*found, strict=True):
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    assert found[0][3]["loaded"] > 0.0 and found[0][3]["served"] > 0.0
    if "serving.queueing" in extra:
        assert found[0][1]["wait"] > 0.0


@pytest.mark.parametrize("n", [2, 5])
def test_a_cohort_draws_on_its_stores_as_its_devices_do(make_scenario, n):
    wishes, found = [([], []), (["m[0:1]"], ["m"]), (["m[0:1]"], []), (["m"], [])], []
    for listed in (True, False):
        scenario, names = world(make_scenario, n, listed, 1.2 * n, 20.0 * n, {**QUEUES, **TRANSFER}, **STORES)
        found.append([totals(outcome) for outcome in play(scenario, names, wishes)])
    for one, other in zip(*found, strict=True):
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, rtol=1e-9, atol=1e-9, err_msg=name)
    assert found[0][0]["drawn"] > 0.0 and sum(one["drained"] for one in found[0]) > 0.0


@settings(deadline=None, max_examples=20)
@given(n=st.integers(2, 1000), rate=st.floats(0.1, 3.0), held=st.sampled_from([[], ["m[0:1]"], ["m"]]))
def test_devices_do_not_feel_how_many_they_are(make_scenario, n, rate, held):
    """Where nothing that they share is ever busy."""
    latencies = []
    for count in (1, n):
        scenario, names = world(make_scenario, count, False, rate * count, 1e12, QUEUES)
        outcome = play(scenario, names, [(held, [])])[0]
        latencies.append(outcome.latency.sum() / outcome.served.sum())
    assert latencies[1] == pytest.approx(latencies[0], rel=1e-6)


def test_a_shared_medium_is_one_for_all_devices(make_scenario):
    nodes = {"d": {"demand": 1.0, "memory": 100.0, "count": 4}} | REST
    found = {}
    for medium in ("own", "shared"):
        links = [("d", "e", {"rate": 40.0, "down_rate": 8.0, "medium": medium}), ("e", "c", {"rate": 900.0})]
        found[medium] = compile_scenario(make_scenario(nodes, links, MODEL)).tables
    assert found["own"].link_rate.tolist() == [160.0, 900.0]
    assert found["own"].link_count.tolist() == [4.0, 1.0]
    assert found["own"].link_down_rate[0] == 32.0
    assert found["shared"].link_rate.tolist() == [40.0, 900.0]
    assert found["shared"].link_count.tolist() == [1.0, 1.0]
    assert found["shared"].link_down_rate[0] == 8.0


def test_weights_of_ingress_nodes_are_those_of_each_device(make_scenario):
    nodes = {"a": {"demand": 1.0, "count": 30}, "b": {"demand": 2.0, "count": 10}} | REST
    links = [("a", "e", {}), ("b", "e", {}), ("e", "c", {})]
    tables = compile_scenario(make_scenario(nodes, links, MODEL, rate=5.0)).tables
    assert tables.class_requests.tolist() == pytest.approx([30.0, 20.0])


@pytest.mark.parametrize("count", [0, -1, 1.5, 2_000_000_000, "many"])
def test_counts_that_are_none_are_refused(make_scenario, count):
    with pytest.raises(ConfigError, match=r"count"):
        make_scenario({"d": {"demand": 1.0, "count": count}} | REST, [("d", "e", {}), ("e", "c", {})], MODEL)


def test_the_fluid_of_a_cohort_agrees_with_events(make_scenario):
    """A queue for each of 20 devices and its link, one for the gateway."""
    extra = {**QUEUES, "serving.tariff": {"latency": 1.0, "error": 0.0}}
    scenario = world(make_scenario, 20, False, rate=28.0, uplink=400.0, overrides=extra)[0]
    instance = build_instance(scenario, 0)
    wanted = place_by_name(scenario, {"d": ["m[0:1]"], "e": ["m"]})
    flows, dropped = option_flows(instance, 0, wanted[0])
    fluid = step(instance, initial_state(instance), Action(wanted))[1]
    events = simulate_slot(instance, 0, flows, dropped, requests=40_000)
    assert fluid.wait.sum() > 0.1 * fluid.latency.sum()
    assert fluid.latency.sum() / fluid.served.sum() == pytest.approx(events.overall.latency, rel=0.06)
    np.testing.assert_allclose(events.node_load[:2], fluid.node_utilisation[0, :2], rtol=0.05)
    np.testing.assert_allclose(events.link_load, fluid.link_utilisation[0], rtol=0.05)
