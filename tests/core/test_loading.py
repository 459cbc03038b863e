"""Loads over the links, worked out by hand; `test_reference` holds them against a plain rule."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.conftest import place_by_name

NODES = {
    "a": {"demand": 1.0, "memory": 100.0},
    "e": {"memory": 100.0},
    "c": {"pins": ["all"], "device": "fast", "servers": float("inf")},
}
LINKS = [("a", "e", {"rate": 16.0}), ("e", "c", {"rate": 8.0})]
"""With half of them, loads get 80 bytes a slot on the first link and 40 on the second."""

ONE = {"m": {"blocks": [(1.0, 40.0, 4.0), (1.0, 20.0, 0.0)], "input": 8.0}}
TRANSFER = {"serving.loading": "transfer"}


class Episode:
    """Plays placements by name, slot after slot."""

    def __init__(self, scenario):
        self.scenario, self.names = scenario, compile_scenario(scenario).names
        self.instance = build_instance(scenario, 0)
        self.state = initial_state(self.instance)

    def play(self, **placement):
        wanted = place_by_name(self.scenario, placement)
        self.state, outcome = step(self.instance, self.state, Action(wanted))
        return outcome

    def entry(self, field, node, model="m"):
        value = getattr(self.state, field)[0, self.names.nodes.index(node), self.names.models.index(model)]
        if field in ("resident", "wish"):
            return "" if value == EMPTY else self.names.segments[value]
        return value

    def to_come(self, node, model="m"):
        return self.entry("wish", node, model), self.entry("bytes_to_come", node, model)


@pytest.fixture
def episode(make_scenario):
    def start(nodes=NODES, links=LINKS, models=ONE, **overrides):
        return Episode(make_scenario(nodes, links, models, {**TRANSFER, **overrides}))

    return start


def test_two_slots_by_hand(episode):
    """60 bytes at 40 a slot: 20 are left, of which half a slot is enough, and then the load is over.

    At a a request takes 2 s. Over the links it takes two delays of 0.5 s, 0.2 s in the cloud, and 8 bytes at
    12 and 4 bytes/s, since loads take 4 of each link's rate; in the second slot at 14 and 6 bytes/s.
    """
    world = episode(**{"workload.rate": 0.3})
    first = world.play(a=["m"])
    assert first.load_bytes[0].tolist() == [40.0, 40.0]
    assert (first.loaded.sum(), first.load_traffic[0], first.load_energy[0]) == (40.0, 80.0, 20.0)
    assert (
        world.to_come("a") == ("m", 20.0) and world.entry("resident", "a") == "" and first.in_flight[0] == 1
    )
    assert first.started[0, 0].tolist() == [0.0, 0.0, 3.0, 0.0]
    assert first.latency[0, 0] == pytest.approx(3.0 * (1.2 + 8 / 12 + 8 / 4))
    second = world.play(a=["m"])
    assert second.loaded.sum() == 20.0 and second.in_flight[0] == 0
    assert second.started[0, 0].tolist() == pytest.approx([1.5, 0.0, 1.5, 0.0])
    assert second.latency[0, 0] == pytest.approx(1.5 * 2.0 + 1.5 * (1.2 + 8 / 14 + 8 / 6))
    assert world.entry("resident", "a") == "m" and world.to_come("a") == ("", 0.0)
    third = world.play(a=["m"])
    assert third.loaded.sum() == 0.0 and third.latency[0, 0] == pytest.approx(3.0 * 2.0)


def test_the_books_are_closed(episode):
    """What crossed each link is the bytes of the segment."""
    world = episode(**{"workload.rate": 0.1})
    crossed = sum(world.play(e=["m[0:1]"]).load_bytes[0] for _ in range(3))
    assert crossed.tolist() == [0.0, 40.0]


def test_loads_share_a_link_in_proportion_to_what_they_lack(episode):
    models = {**ONE, "n": {"blocks": [(1.0, 20.0, 0.0)], "task": "u"}}
    world = episode(models=models)
    world.play(e=["m", "n"])
    assert world.to_come("e", "m") == ("m", 30.0) and world.to_come("e", "n") == ("n", 10.0)
    world.play(e=["m", "n"])
    assert world.entry("resident", "e", "m") == "m" and world.entry("resident", "e", "n") == "n"


def test_a_load_comes_from_the_nearest_that_has_what_is_missing(episode):
    world = episode()
    for _ in range(2):
        world.play(e=["m[1:2]"])
    assert world.play(e=["m[1:2]"], a=["m[1:2]"]).load_bytes[0].tolist() == [20.0, 0.0]
    world = episode()
    world.play(e=["m[1:2]"])
    both = world.play(e=["m[1:2]"], a=["m"])
    assert both.load_bytes[0].tolist() == [40.0, 40.0]  # e lacks the head
    assert world.to_come("a") == ("m", 20.0)
    assert world.play(e=["m[1:2]"], a=["m"]).load_bytes[0].tolist() == [
        20.0,
        0.0,
    ]  # all but the tail has come


def test_a_source_that_is_displaced_serves_no_more(episode):
    world = episode()
    for _ in range(2):
        world.play(e=["m"])
    assert world.play(a=["m"]).load_bytes[0].tolist() == [40.0, 40.0]


def test_a_rate_of_its_own_takes_nothing_from_requests(episode):
    links = [(a, z, {**link, "down_rate": 2.0}) for a, z, link in LINKS]
    world, idle = episode(links=links), episode(links=links)
    first, alone = world.play(a=["m"]), idle.play()
    assert first.load_bytes[0].tolist() == [20.0, 20.0]
    for field in ("latency", "carried", "link_utilisation", "started"):
        np.testing.assert_array_equal(getattr(first, field), getattr(alone, field))


def test_requests_see_the_rate_less_what_loads_take(episode):
    busy = episode(**{"workload.rate": 0.1}).play(a=["m"])
    alone = episode(**{"workload.rate": 0.1}).play()
    assert alone.latency[0, 0] == pytest.approx(1.0 + 0.2 + 8 / 16 + 8 / 8)
    assert busy.latency[0, 0] == pytest.approx(1.0 + 0.2 + 8 / 12 + 8 / 4)
    assert busy.link_utilisation[0].tolist() == pytest.approx([8 / 120, 8 / 40])


def test_a_wish_that_changes_keeps_the_bytes_that_both_have(episode):
    world = episode()
    world.play(a=["m"])  # the head and nothing of the tail
    assert world.play(a=["m[0:1]"]).loaded.sum() == 0.0
    assert world.entry("resident", "a") == "m[0:1]" and world.to_come("a") == ("", 0.0)
    world = episode()
    world.play(a=["m"])
    world.play(a=["m[1:2]"])
    assert world.to_come("a") == ("", 0.0) and world.entry("resident", "a") == "m[1:2]"
    world = episode()
    world.play(a=["m"])
    world.play()
    assert world.to_come("a") == ("", 0.0) and world.play(a=["m"]).loaded.sum() == 40.0


def test_what_lacks_nothing_is_there_at_once(episode):
    world = episode()
    for _ in range(2):
        world.play(a=["m"])
    outcome = world.play(a=["m[0:1]"])
    assert world.entry("resident", "a") == "m[0:1]" and outcome.loaded.sum() == 0.0 == outcome.in_flight[0]


def test_the_old_segment_stays_until_the_new_one_is_there_if_both_fit(episode):
    for memory in (100.0, 45.0):
        nodes = {**NODES, "a": {"demand": 1.0, "memory": memory}}
        models = {"m": {"blocks": [(1.0, 20.0, 4.0), (1.0, 20.0, 4.0), (1.0, 5.0, 0.0)]}}
        world = episode(nodes, models=models, **{"serving.max_parts": 3})
        world.play(a=["m[0:2]"])
        assert world.entry("resident", "a") == "m[0:2]"
        world.instance.draw.rate[0, 1:] = 0.5
        world.play(a=["m[1:3]"])
        assert world.entry("resident", "a") == "m[0:2]"
        assert world.to_come("a") == ("m[1:3]", 2.5)


@pytest.mark.parametrize(("rate", "together"), [(16.0, 0.0), (6.4, 0.125)])
def test_a_part_that_leaves_serves_with_one_that_comes_while_both_are_there(episode, rate, together):
    """20 bytes of tail come to e in half a slot; when as many have come to a, its head leaves."""
    models = {"m": {"blocks": [(0.1, 30.0, 0.0), (0.1, 20.0, 0.0)], "input": 8.0}}
    links = [("a", "e", {"rate": 16.0}), ("e", "c", {"rate": 8.0, "delay": 4.0})]
    world = episode(links=links, models=models, **{"workload.rate": 0.2})
    world.instance.draw.rate[0] = [rate, 16.0]
    world.play(a=["m[0:1]"])
    assert world.entry("resident", "a") == "m[0:1]"
    outcome = world.play(a=["m[1:2]"], e=["m[1:2]"])
    assert outcome.started[0, 0, 0] == pytest.approx(1.0 if rate == 16.0 else 1.25)
    assert outcome.spent[0, 0, 1] == pytest.approx(0.1 * 2.0 * together)


def test_where_both_do_not_fit_what_they_share_serves_meanwhile(episode):
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 40.0}}
    models = {"m": {"blocks": [(1.0, 20.0, 4.0), (1.0, 20.0, 4.0), (1.0, 5.0, 0.0)]}}
    world = episode(nodes, models=models, **{"serving.max_parts": 3})
    world.play(a=["m[0:2]"])
    world.instance.draw.rate[0, 1:] = 0.5
    world.play(a=["m[1:3]"])
    assert world.entry("resident", "a") == "m[1:2]" and world.to_come("a") == ("m[1:3]", 2.5)


def test_shared_blocks_that_no_option_could_use_go_and_come_again(episode):
    """Of two parts none is a middle: block 1 alone serves nobody, and a whole load of 40 bytes begins."""
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 40.0}}
    world = episode(nodes, models={"m": {"blocks": [(1.0, 20.0, 4.0), (1.0, 20.0, 4.0), (1.0, 20.0, 0.0)]}})
    for _ in range(4):
        world.play(a=["m[1:3]"], e=["m[1:3]"])
    assert world.entry("resident", "a") == world.entry("resident", "e") == "m[1:3]"
    world.instance.draw.rate[0] = 0.5
    outcome = world.play(a=["m[0:2]"], e=["m[1:3]"])
    assert world.entry("resident", "a") == "" and world.to_come("a") == ("m[0:2]", 37.5)
    assert outcome.load_bytes[0].tolist() == [2.5, 2.5]  # e lacks block 0
    outcome = world.play(a=["m[1:3]"], e=["m[1:3]"])
    assert world.to_come("a") == ("m[1:3]", 37.5) and outcome.load_bytes[0].tolist() == [2.5, 0.0]


def test_starting_takes_seconds_that_may_run_over(episode):
    """40 bytes take the slot, the start-up of 6 and 3 seconds that follows all of the next but a second."""
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 100.0, "device": "slow to load"}}
    models = {"m": {"blocks": [(0.1, 40.0, 0.0)], "start_seconds": 3.0}}
    world = episode(nodes, models=models)
    world.play(a=["m"])
    assert world.to_come("a") == ("m", 0.0) and world.entry("seconds_to_come", "a") == 9.0
    second = world.play(a=["m"])
    assert world.entry("resident", "a") == "m" and second.loaded.sum() == 0.0 == second.in_flight[0]
    assert second.started[0, 0, 0] == pytest.approx(1.0)  # a tenth of ten requests


def test_loads_that_end_together_open_one_window(episode):
    """Requests that come in it start at a, the nearer of the two; those before go to the repository."""
    models = {"m": {"blocks": [(0.1, 8.0, 0.0)]}}
    nodes = {**NODES, "e": {"memory": 100.0, "device": "fast"}}
    links = [("a", "e", {"rate": 100.0, "delay": 2.0}), ("e", "c", {"rate": 4.0, "delay": 9.0})]
    world = episode(nodes, links, models)
    world.instance.draw.demand[0, :] = 1.0
    outcome = world.play(a=["m"], e=["m"])  # 20 bytes a slot, 10 for each: both end after 8 of 10 seconds
    assert outcome.started[0, 0].tolist() == pytest.approx([0.2, 0.0, 0.8, 0.0])


def test_repair_keeps_what_is_on_its_way(episode):
    """Of two that do not fit together, the one that is loading stays, though the other is worth more."""
    nodes = {**NODES, "a": {"demand": 1.0, "memory": 70.0}}
    models = {
        "m": {"blocks": [(1.5, 60.0, 0.0)]},
        "n": {"blocks": [(0.1, 60.0, 0.0)], "task": "u", "input": 80.0},
    }
    world = episode(nodes, models=models)
    values = world.instance.tables.segment_value[0]
    assert values[1] > values[0]
    world.play(a=["m"])
    assert world.play(a=["m", "n"]).refused[0] == 1
    assert world.entry("resident", "a", "m") == "m" and world.to_come("a", "n") == ("", 0.0)


def test_what_only_the_old_segment_has_serves_until_the_new_one_comes(episode):
    """20 bytes take half a slot: until then the head serves at e, then nothing does."""
    models = {"m": {"blocks": [(0.1, 30.0, 0.0), (0.1, 20.0, 0.0)], "input": 8.0}}
    world = episode(models=models, **{"workload.rate": 0.2})
    world.instance.draw.rate[0, 0] = 16.0
    world.play(e=["m[0:1]"])
    assert world.entry("resident", "e") == "m[0:1]"
    outcome = world.play(e=["m[1:2]"])
    assert outcome.started[0, 0].tolist() == pytest.approx([0.0, 1.0, 1.0, 0.0])


def test_a_load_waits_while_its_path_is_down_and_goes_on(episode):
    """It keeps to its path, though requests go over another route meanwhile."""
    links = [*LINKS, ("a", "c", {"rate": 64.0, "delay": 3.0})]
    world = episode(links=links, **{"topology.routes": 2, "workload.rate": 0.1, "horizon": 5})
    world.instance.draw.rate[0, 1:3, 1] = 0.0  # from e to c
    first = world.play(a=["m"])
    assert first.load_bytes[0].tolist() == [40.0, 40.0, 0.0]
    for _ in range(2):
        waiting = world.play(a=["m"])
        assert waiting.load_bytes[0].tolist() == [0.0] * 3
        assert world.to_come("a") == ("m", 20.0) and waiting.in_flight[0] == 1
        assert waiting.served.sum() == pytest.approx(1.0)
    assert world.play(a=["m"]).load_bytes[0].tolist() == [20.0, 20.0, 0.0]
    assert world.entry("resident", "a") == "m"
