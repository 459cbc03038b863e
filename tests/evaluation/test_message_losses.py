"""Messages that events lose on the air, beside what the fluid loses."""

from dataclasses import replace

import numpy as np
import pytest

from idn_gym.core.costs import serve
from idn_gym.core.flows import option_flows
from idn_gym.evaluation.events import simulate_slot
from idn_gym.evaluation.fluid_check import check_loads
from idn_gym.scenarios.config import RadioCells
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import place_by_name
from tests.core.test_cells import cell

FACTORS = [(7, -100.0), (7, -105.0), (8, -110.0), (9, -120.0)]


def both(scenario, requests=30_000, seed=0):
    """Shares that are lost and dropped, and cost per request: of the fluid, and of events."""
    instance = build_instance(scenario, 0)
    placement = place_by_name(scenario, {})[0]
    fluid = serve(instance, 0, placement)
    arrived = fluid.arrived.sum()
    flows, dropped = option_flows(instance, 0, placement)
    events = simulate_slot(instance, 0, flows, dropped, requests=requests, seed=seed)
    share = fluid.lost.sum() / arrived
    shares = share, share + dropped.sum() / arrived, fluid.tariff_cost[0] / arrived
    return shares, (events.lost, events.overall.dropped, events.overall.cost)


@pytest.mark.parametrize(("channels", "demodulators", "count"), [(1, 0, 200), (3, 8, 400), (3, 2, 400)])
def test_events_lose_what_the_fluid_loses(make_scenario, channels, demodulators, count):
    """Four cohorts of a hundred devices and more, each with a gateway's channels and demodulators."""
    scenario = cell(make_scenario, FACTORS, 1.5, count=count, channels=channels, demodulators=demodulators)
    (lost, dropped, cost), found = both(scenario)
    assert 0.02 < lost < 0.5
    assert found[:2] == pytest.approx((lost, dropped), abs=0.015)
    assert found[2] == pytest.approx(cost, rel=0.05)


def test_no_message_of_a_lonely_device_is_lost(make_scenario):
    found = both(cell(make_scenario, [(7, -100.0)], 0.5, channels=1, demodulators=0), 2_000)[1]
    assert found[0] == 0.0


def test_the_strong_one_is_heard_and_the_weak_one_is_not(make_scenario):
    """Both send at nearly all times; 6 dB are enough."""
    scenario = cell(make_scenario, [(7, -100.0), (7, -110.0)], 20.0, count=50, channels=1, demodulators=0)
    instance = build_instance(scenario, 0)
    flows, dropped = option_flows(instance, 0, place_by_name(scenario, {})[0])
    one, other = simulate_slot(instance, 0, flows, dropped, requests=8_000).classes
    assert one.dropped < other.dropped


def test_repetitions_save_messages(make_scenario):
    scenario = cell(make_scenario, FACTORS, 1.5, count=200, channels=1, demodulators=0)
    instance = build_instance(scenario, 0)
    flows, dropped = option_flows(instance, 0, place_by_name(scenario, {})[0])
    once = simulate_slot(instance, 0, flows, dropped, requests=20_000).lost
    repeated = np.full(len(FACTORS), 2.0)
    twice = instance._replace(tables=instance.tables._replace(radio_transmissions=repeated))
    fluid = serve(twice, 0, place_by_name(scenario, {})[0])
    found = simulate_slot(twice, 0, flows, dropped, requests=20_000).lost
    assert found < once
    assert found == pytest.approx(fluid.lost.sum() / fluid.arrived.sum(), abs=0.025)


def test_checks_count_the_lost_among_the_dropped_at_nominal_demand(make_scenario):
    scenario = cell(make_scenario, FACTORS, 1.5, count=200, channels=1, demodulators=0)
    instance, placement = build_instance(scenario, 0), place_by_name(scenario, {})[0]
    fluid, events = check_loads(
        instance, placement, [1.0], requests=20_000, dispatches=("proportions",), nominal=True
    )
    assert fluid.rate == pytest.approx(1.5) and fluid.dropped == pytest.approx(fluid.lost)
    assert fluid.lost > 0.02
    assert events.lost == pytest.approx(fluid.lost, abs=0.015)
    assert events.latency == pytest.approx(fluid.latency, rel=0.05)


def small_village():
    """One edge box of the preset with six sensors at each radio; those in the fields send often.

    Everybody waits for a minute, so that messages of several frames are sent, too.
    """
    whole = load_scenario("tinyml-village", {"horizon": 2})
    sensors = {f"sensor-{gateway:02}-{place:02}" for gateway in range(3) for place in range(6)}
    names = sensors | {"gateway-00", "gateway-01", "gateway-02", "edge-0", "cloud"}
    nodes = tuple(
        replace(node, demand=6.0) if node.tier == "field" else node
        for node in whole.topology.nodes
        if node.name in names
    )
    links = tuple(link for link in whole.topology.links if link.source in names)
    topology = replace(whole.topology, nodes=nodes, links=links, radio=RadioCells(channels=1))
    tasks = tuple(replace(task, timeout=60.0) for task in whole.tasks)
    return replace(whole, topology=topology, tasks=tasks, workload=replace(whole.workload, rate=18 / 10))


def sensible(scenario):
    """Words and what persons or machines need first at sensors; the rest of these at gateways."""
    held = {}
    for node in scenario.topology.nodes:
        fields = node.name.startswith(("sensor-02", "gateway-02"))
        first, rest = ("vww_mobilenetv1[0:5]", "vww_mobilenetv1[5:7]")
        if fields:
            first, rest = "machine_autoencoder[0:2]", "machine_autoencoder[2:3]"
        if node.name.startswith("sensor"):
            held[node.name] = ["kws_dscnn", first]
        elif node.name.startswith("gateway"):
            held[node.name] = [rest]
    return place_by_name(scenario, held)[0]


def test_events_of_a_small_village_with_its_radios_agree():
    scenario = small_village()
    instance, placement = build_instance(scenario, 0), sensible(scenario)
    fluid, events = check_loads(
        instance, placement, [1.0], requests=40_000, dispatches=("proportions",), nominal=True
    )
    assert fluid.lost > 0.005
    assert events.lost == pytest.approx(fluid.lost, abs=0.01)
    assert events.dropped == pytest.approx(fluid.dropped, abs=0.02)
    assert events.latency == pytest.approx(fluid.latency, rel=0.05)
    assert events.cost == pytest.approx(fluid.cost, rel=0.05)
