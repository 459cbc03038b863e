"""Messages of several frames: between them are receive windows, and whoever sent the message waits."""

import numpy as np
import pytest

from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.evaluation.event_network import EventNetwork
from idn_gym.radio.lorawan import answer_seconds, message_frames
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

NODES = {
    "d": {"demand": 1.0, "servers": 1.0},
    "g": {},
    "c": {"pins": ["all"], "device": "fast", "servers": float("inf")},
}
TIMEOUT = {"tasks.0.timeout": 1e5, "tasks.0.deadline": 100.0, "serving.queueing": "none"}


@pytest.fixture
def send(make_scenario):
    """The scenario in which messages of so many bytes cross a link, and what became of one of them."""

    def make(size, overrides=None, **link):
        links = [("d", "g", link), ("g", "c", {"rate": 1e12, "delay": 0.0})]
        model = {"m": {"blocks": [(1e-9, 40.0, 0.0)], "input": size}}
        slots = {"topology.radio.demodulators": 0, "slot_seconds": 3600.0}
        scenario = make_scenario(NODES, links, model, TIMEOUT | slots | (overrides or {}), rate=1e-9)
        instance = build_instance(scenario, 0)
        wish = Action(compile_scenario(scenario).tables.pinned[None])
        return scenario, step(instance, initial_state(instance), wish)[1]

    return make


@pytest.mark.parametrize(("kind", "factor", "payload"), [("sf7", 7, 222), ("sf10", 10, 51), ("sf12", 12, 51)])
@pytest.mark.parametrize("size", [10.0, 300.0, 2000.0])
def test_latency_is_that_of_all_frames_and_the_windows_between_them(size, kind, factor, payload, send):
    _, outcome = send(size, link=f"lora_{kind}_eu868")
    seconds = outcome.latency[0, 0] / outcome.served[0, 0]
    frames, airtime = message_frames(size, factor, payload)
    windows = 2.0 + 8 * 2**12 / 125e3  # the second one opens after 2 s and is open for eight symbols of SF12
    expected = float(airtime) + (float(frames) - 1.0) * windows + float(answer_seconds(10, factor))
    assert seconds == pytest.approx(expected, rel=0.02)


def test_events_wait_as_long(send):
    scenario, outcome = send(2000.0, link="lora_sf7_eu868")
    instance = build_instance(scenario, 0)
    network = EventNetwork(instance, 0, 0)
    options = range(len(instance.tables.option_model))
    away = max(network.visits(o, network.branches(o)[0])[0].rest for o in options)
    assert away == pytest.approx(outcome.latency[0, 0] / outcome.served[0, 0], rel=1e-9)


def test_deadlines_count_it(send):
    assert send(2000.0, link="lora_sf7_eu868")[1].late.sum() == 0.0
    late = send(2000.0, link="lora_sf10_eu868")[1]
    assert late.late[0, 0] == pytest.approx(late.arrived[0, 0])


def test_other_links_have_no_pauses(send):
    scenario, _ = send(2000.0, rate=100.0)
    np.testing.assert_array_equal(compile_scenario(scenario).tables.part_pause, 0.0)
