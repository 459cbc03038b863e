"""Batteries and airtime budgets: slots worked out by hand, and who goes off and comes back when."""

from types import SimpleNamespace

import numpy as np
import pytest

from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.episodes import build_instance
from tests.conftest import place_by_name

# One second and 2 J above idle on "unit", a tenth of a second on "fast"; 8 bytes in, 2 J to send them.
WHOLE = {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.75)]}}
CLOUD = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
BATTERY = {"capacity": 100.0, "start": 0.5, "cutoff": 0.1, "restart": 0.3}


@pytest.fixture
def sensor(make_scenario):
    """A node with a battery and an uplink to the cloud."""

    def make(overrides=None, battery=BATTERY, link=None, **changes):
        nodes = {"a": {"demand": 1.0, "battery": battery}, "c": CLOUD}
        return make_scenario(nodes, [("a", "c", link or {})], {"x": WHOLE | changes}, overrides)

    return make


def episode(scenario, placement, slots):
    """Play slots with their own values of the draw, such as {"refill": [3.0]}; yield what came of each."""
    instance = build_instance(scenario, 0)
    state = initial_state(instance)
    for t, values in enumerate(slots):
        for name, value in values.items():
            getattr(instance.draw, name)[0, t] = value
        state, outcome = step(instance, state, Action(place_by_name(scenario, placement)))
        flat = {name: field[0].tolist() for name, field in outcome._asdict().items()}
        yield SimpleNamespace(**flat, level=state.level[0].tolist(), off=state.off[0].tolist(), state=state)


def test_a_slot_by_hand(sensor, play):
    """Of 50 J idling takes 10, the cut-off keeps 10: 10 requests here take 20 J, 5 to the cloud 10 J."""
    slot = play(sensor(), {"a": ["x"]}, demand=[20.0])
    assert (slot.served, slot.busy[0]) == ([pytest.approx(15.0, rel=1e-12)], pytest.approx(10.0, rel=1e-12))
    assert slot.carried == pytest.approx([40.0], rel=1e-12)
    assert (slot.drawn, slot.drained, slot.spilled) == ([pytest.approx(30.0, rel=1e-12)], [10.0], [0.0])
    assert slot.state.level.tolist() == [[10.0]]
    assert slot.state.off.tolist() == [[True]]


def test_what_does_not_fit_is_spilled(sensor, play):
    slot = play(sensor(battery=BATTERY | {"start": 1.0}), demand=[0.0], refill=[25.0])
    assert (slot.drained, slot.spilled, slot.state.level.tolist()) == ([10.0], [15.0], [[100.0]])


def test_a_refill_is_there_in_its_slot(sensor, play):
    """10 + 30 - 10 - 10 = 20 J: 10 requests."""
    slot = play(sensor(battery=BATTERY | {"start": 0.2}), {"a": ["x"]}, demand=[20.0], refill=[20.0])
    assert slot.served == pytest.approx([10.0], rel=1e-12)


def test_a_node_that_ran_empty_waits_for_its_restart_level(sensor):
    slots = [{"demand": [20.0], "refill": [0.0]}] + [{"demand": [1.0], "refill": [15.0]}] * 3
    found = [*episode(sensor(), {"a": ["x"]}, slots)]
    assert [slot.off for slot in found] == [[True], [True], [False], [False]]
    first, low, back, on = found
    assert (first.level, low.level) == ([10.0], [25.0])
    assert (low.served, low.drained, low.drawn, low.loaded) == ([0.0], [0.0], [0.0], [0.0, 0.0])
    assert back.served == [1.0] and back.level == pytest.approx([28.0])  # 25 + 15 - 10 - 2
    assert on.served == [1.0] and on.level == pytest.approx([31.0])


def test_above_the_cut_off_is_not_yet_back(sensor):
    """Off stays off, slot after slot, until 30 J are there."""
    slots = [{"demand": [20.0], "refill": [0.0]}] + [{"demand": [1.0], "refill": [9.0]}] * 3
    found = [*episode(sensor(), {"a": ["x"]}, slots)]
    assert [slot.level for slot in found] == [[10.0], [19.0], [28.0], [pytest.approx(25.0)]]
    assert [slot.served for slot in found[1:]] == [[0.0], [0.0], [1.0]]
    assert [slot.off for slot in found] == [[True], [True], [True], [False]]


def test_idling_may_take_the_last_joule(sensor):
    *_, last = episode(
        sensor(battery=BATTERY | {"start": 0.12}, overrides={"idle_energy": True}),
        {},
        [{"demand": [5.0]}] * 2,
    )
    assert (last.level, last.served, last.idle_energy) == ([2.0], [0.0], 50.0 - 50.0)


def test_a_node_without_charge_passes_nothing_on(make_scenario, play):
    """a is on the mains and could send all to c; m between them is empty."""
    nodes = {"a": {"demand": 1.0}, "m": {"battery": BATTERY | {"start": 0.0}}, "c": CLOUD}
    links = [("a", "m", {}), ("m", "c", {"energy": 0.0})]
    scenario = make_scenario(nodes, links, {"x": WHOLE})
    slot = play(scenario, {"a": ["x"]}, demand=[15.0])
    assert (slot.started[0], slot.carried) == (
        [pytest.approx(10.0), 0.0, 0.0, pytest.approx(5.0)],
        [0.0, 0.0],
    )
    slot = play(scenario, {"a": ["x"]}, demand=[15.0], refill=[50.0])
    assert slot.started[0][2] == pytest.approx(5.0)  # over a link that costs nothing
    assert slot.drawn == pytest.approx([0.0], abs=1e-9)


def test_who_relays_pays_for_its_own_link(make_scenario, play):
    nodes = {"a": {"demand": 1.0, "battery": BATTERY}, "m": {"battery": BATTERY}, "c": CLOUD}
    links = [("a", "m", {}), ("m", "c", {"energy": 0.125})]
    slot = play(make_scenario(nodes, links, {"x": WHOLE}), demand=[4.0])
    assert (slot.served, slot.drawn) == ([4.0], [pytest.approx(8.0), pytest.approx(4.0)])
    assert slot.energy == pytest.approx([8.0 + 4.0 + 4 * 0.1 * 20])


def test_slow_devices_draw_longer(sensor, play):
    slot = play(sensor(), {"a": ["x"]}, demand=[2.0], slowdown=[1.5, 1.0], tariff=[0.0, 0.0, 0.0, 1.0])
    assert slot.drawn == pytest.approx([6.0])


def test_airtime_is_a_budget_of_an_hour(sensor):
    """A 1,000th: 3.6 s at first and 0.01 s a slot; a request takes half a second."""
    slots = [{"demand": [6.0], "refill": [100.0, 0.01]}, {"demand": [6.0], "refill": [100.0, 0.01]}]
    first, then = episode(sensor(link={"duty_cycle": 1e-3}), {}, slots)
    assert (first.drawn[1], first.spilled[1]) == (3.0, pytest.approx(0.0))
    assert first.level[1] == pytest.approx(0.61)
    assert then.served == pytest.approx([0.62 / 0.5])
    assert then.level[1] == 0.0


def test_a_budget_of_airtime_refills_by_itself(sensor):
    scenario = sensor(link={"duty_cycle": 1e-3})
    assert build_instance(scenario, 0).draw.refill[0].tolist() == [[0.0, 0.01]] * scenario.horizon


TRANSFER = {"serving.loading": "transfer", "serving.loading_share": 0.25}


def test_a_load_draws_on_the_battery_of_who_receives_it(sensor):
    """The link offers a quarter of 160 bytes; of 30 J to draw loads get 7.5, which are 30 bytes at 0.25 J."""
    slots = [{"demand": [0.0]}] * 2
    first, then = episode(sensor(overrides=TRANSFER, blocks=[(1.0, 60.0, 0.0)]), {"a": ["x"]}, slots)
    assert (first.load_bytes, first.drawn, first.level) == ([30.0], [7.5], [32.5])
    assert then.load_bytes == pytest.approx([(32.5 - 10.0 - 10.0) * 0.25 / 0.25])


def test_loads_share_a_battery_in_proportion_to_what_they_lack(make_scenario):
    nodes = {"a": {"demand": 1.0, "battery": BATTERY}, "c": CLOUD}
    models = {"x": WHOLE | {"blocks": [(1.0, 60.0, 0.0)]}, "y": WHOLE | {"blocks": [(1.0, 20.0, 0.0)]}}
    scenario = make_scenario(nodes, [("a", "c", {})], models, TRANSFER)
    (slot,) = episode(scenario, {"a": ["x", "y"]}, [{"demand": [0.0]}])
    assert slot.state.bytes_to_come[0, 0].tolist() == pytest.approx([60.0 - 22.5, 20.0 - 7.5])
    assert slot.drawn == pytest.approx([7.5])


@pytest.mark.parametrize("empty", ["v", "m"])
def test_nothing_comes_to_or_over_a_node_without_charge(make_scenario, empty):
    nodes = {name: {"battery": BATTERY | {"start": 0.0 if name == empty else 1.0}} for name in "vm"}
    nodes["v"]["demand"] = 1.0
    links = [("v", "m", {"energy": 0.0}), ("m", "c", {"energy": 0.0})]
    scenario = make_scenario(nodes | {"c": CLOUD}, links, {"x": WHOLE | {"start_seconds": 4.0}}, TRANSFER)
    slots = [{"demand": [0.0], "refill": [0.0]}, {"demand": [0.0], "refill": [60.0, 60.0]}]
    still, moves = episode(scenario, {"v": ["x"]}, slots)
    assert (still.load_bytes, still.state.bytes_to_come[0, 0].tolist()) == ([0.0, 0.0], [10.0])
    assert moves.load_bytes == pytest.approx([10.0, 10.0])


def test_a_model_does_not_start_without_charge(make_scenario):
    """It has come after 2.5 s and starts for 17.5 s until the charge is gone, and for the rest later."""
    nodes = {"a": {"demand": 1.0, "battery": BATTERY | {"start": 0.22, "cutoff": 0.11}}, "c": CLOUD}
    model = WHOLE | {"start_seconds": 20.0}
    scenario = make_scenario(nodes, [("a", "c", {"energy": 0.0})], {"x": model}, TRANSFER)
    slots = [{"demand": [0.0]}] * 3 + [{"demand": [0.0], "refill": [30.0]}]
    found = [slot.state.seconds_to_come[0, 0, 0] for slot in episode(scenario, {"a": ["x"]}, slots)]
    assert found == pytest.approx([12.5, 2.5, 2.5, 0.0])


def test_the_future_decides_nothing_now(sensor):
    ends = []
    for later in (0.0, 50.0):
        slots = [{"demand": [8.0], "refill": [3.0]}, {"demand": [8.0], "refill": [later]}]
        ends.append([(slot.level, slot.served) for slot in episode(sensor(), {"a": ["x"]}, slots)])
    assert ends[0][0] == ends[1][0] and ends[0][1] != ends[1][1]


def test_levels_begin_where_the_scenario_says(sensor):
    state = initial_state(build_instance(sensor(battery=BATTERY | {"start": 0.1}), [0, 1]))
    assert (state.level.tolist(), state.off.tolist()) == ([[10.0]] * 2, [[True]] * 2)
    np.testing.assert_array_equal(initial_state(build_instance(sensor(), 0)).off, [[False]])
