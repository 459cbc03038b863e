"""Nodes and links shared by all classes: who gets how much, and how long requests wait."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.filling import ask_batches, fill_slot
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.paces import measure_paths
from idn_gym.core.transition import initial_state, step
from idn_gym.core.workspace import make_scratch
from idn_gym.scenarios.episodes import build_instance

# One second on "unit", a tenth on "fast"; 8 bytes in. The link takes 0.5 s and carries 160 bytes a slot.
WHOLE = {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.75)]}}
EXITING = {
    "blocks": [(1.0, 10.0, 4.0), (3.0, 10.0, 0.0)],
    "points": {"all": [(1, 0.5, 0.75), (2, 0.5, 0.75)]},
}
CLOUD = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
HALF = {"serving.queueing": "none", "serving.load_limit": 0.5, "serving.last_resort": 0.5}
USUAL = {"serving.queueing": "mgc", "serving.load_limit": 0.9, "serving.last_resort": 0.95}


def named(models):
    return [{"name": m, "models": [m], "timeout": 100.0} for m in models]


@pytest.fixture
def one_link(make_scenario):
    def make(names, overrides):
        nodes = {"a": {"demand": 1.0}, "c": CLOUD}
        models = {name: {**WHOLE, "task": name} for name in names}
        return make_scenario(nodes, [("a", "c", {})], models, overrides, tasks=named(names))

    return make


def test_a_full_link_is_shared_in_proportion_to_demand(one_link, play):
    """80 bytes of 128 pass at first."""
    slot = play(one_link(["x", "y"], HALF), demand=[12.0, 4.0])
    assert slot.served == pytest.approx([7.5, 2.5], rel=1e-12)
    assert slot.link_utilisation == pytest.approx([0.5], rel=1e-12)


def test_leftovers_go_up_to_the_last_resort(one_link, play):
    """Of 48 bytes left 40 more pass, again in proportion."""
    slot = play(one_link(["x", "y"], {**HALF, "serving.last_resort": 0.75}), demand=[12.0, 4.0])
    assert slot.served == pytest.approx([11.25, 3.75], rel=1e-12)
    assert [row[-1] for row in slot.started] == pytest.approx([0.75, 0.25], rel=1e-9)
    assert (slot.wait, slot.node_wait, slot.link_wait) == ([0.0, 0.0], [0.0, 0.0], [0.0])


def test_three_options_are_filled_in_turn(make_scenario, play):
    """5 s of each node take 5 requests, the first link 10."""
    nodes = {"a": {"demand": 1.0}, "m": {}, "c": CLOUD}
    scenario = make_scenario(nodes, [("a", "m", {}), ("m", "c", {})], {"x": WHOLE}, HALF)
    slot = play(scenario, {"a": ["x"], "m": ["x"]}, demand=[30.0])
    assert slot.started[0] == pytest.approx([5.0, 5.0, 5.0, 15.0], rel=1e-12)
    assert slot.node_utilisation == pytest.approx([0.5, 0.5, 0.0], rel=1e-12)


def test_a_class_that_moves_on_leaves_the_rest_to_others(make_scenario, play):
    """x and y pull 2 and 1 s of a; at 5 s x has an alternative and y does not, so a is closed to both."""
    nodes = {"a": {"demand": 1.0}, "c": CLOUD}
    models = {name: {**WHOLE, "task": name} for name in "xy"}
    scenario = make_scenario(nodes, [("a", "c", {})], models, HALF, tasks=named("xy"))
    slot = play(scenario, {"a": ["x", "y"]}, demand=[8.0, 4.0])
    share = 5.0 / 12.0
    assert [row[0] for row in slot.started] == pytest.approx([8 * share, 4 * share], rel=1e-12)
    assert [row[1] for row in slot.started] == pytest.approx([8 * (1 - share), 4 * (1 - share)], rel=1e-12)


def test_requests_wait_in_the_queue_of_a_node(make_scenario, play):
    """0.5 requests a second of 1 s each: W = 0.5 x 1 / (2 x 0.5), less what gives up."""
    nodes = {"a": {"demand": 1.0}, "c": CLOUD}
    scenario = make_scenario(nodes, [("a", "c", {})], {"x": WHOLE}, USUAL)
    slot = play(scenario, {"a": ["x"]}, demand=[5.0])
    wait = 0.5 / np.sqrt(1 + (2 * 0.5 / 99.0) ** 2)
    assert slot.wait == pytest.approx([5 * wait], rel=1e-12)
    assert (slot.node_wait, slot.link_wait) == ([0.5, 0.0], [0.0])  # W: how many give up is not in it
    assert slot.latency == pytest.approx([5 * (1.0 + wait)], rel=1e-12)
    assert slot.tariff_cost == pytest.approx(5 * (1.0 + wait), rel=1e-12)
    # The deadline of 1 s leaves nothing for waiting: half of the requests find the node busy.
    assert slot.late == pytest.approx([5 * 0.5], rel=1e-12)


def test_a_node_that_offers_less_takes_longer(make_scenario, play):
    """Two workers offer 10 s instead of 20: 0.4 requests a second of 2 s each, M/M/2 times (1 + 0) / 2."""
    nodes = {"a": {"demand": 1.0, "servers": 2.0}, "c": CLOUD}
    scenario = make_scenario(nodes, [("a", "c", {})], {"x": WHOLE}, USUAL)
    slot = play(scenario, {"a": ["x"]}, demand=[4.0], seconds=[10.0, np.inf])
    delayed = 0.8**2 / (2 * (1 - 0.4)) / (1 + 0.8 + 0.8**2 / (2 * (1 - 0.4)))
    wait = delayed * 2.0 / (2 - 0.8) / 2
    assert slot.wait == pytest.approx([4 * wait / np.sqrt(1 + (2 * wait / 99.0) ** 2)], rel=1e-9)


def test_exit_branches_make_service_times_vary(make_scenario, play):
    """Half of the requests take 1 s, half 4 s: W = 0.2 x (1 + 16) / 2 / (2 x (1 - 0.2 x 2.5))."""
    nodes = {"a": {"demand": 1.0}, "c": CLOUD}
    scenario = make_scenario(
        nodes, [("a", "c", {})], {"x": EXITING}, {**USUAL, "serving.tariff": {"traffic": 1.0}}
    )
    slot = play(scenario, {"a": ["x"]}, demand=[2.0])
    wait = 0.2 * 8.5 / (2 * 0.5)
    assert slot.wait == pytest.approx([2 * wait / np.sqrt(1 + (2 * wait / 97.5) ** 2)], rel=1e-12)


def test_links_are_queues_too(one_link, play):
    """8 bytes take 0.5 s: W = 1 x 0.25 / (2 x 0.5)."""
    slot = play(one_link(["x"], USUAL), demand=[10.0])
    assert slot.wait == pytest.approx([10 * 0.25 / np.sqrt(1 + (0.5 / 98.9) ** 2)], rel=1e-12)
    assert (slot.node_wait, slot.link_wait) == ([0.0, 0.0], [pytest.approx(0.25, rel=1e-12)])


@njit_no_alloc
def count_events(tables, draw, b, t, resident, scratch):
    ask_batches(draw, b, t, scratch)
    measure_paths(tables, draw, b, t, scratch)
    return fill_slot(tables, draw, b, t, resident, scratch)


@settings(deadline=None)
@given(data=st.data())
def test_nothing_is_lost_and_nothing_overflows(make_scenario, worlds, data):
    world = data.draw(worlds)
    world["overrides"] = {**(world.get("overrides") or {}), **USUAL, "serving.capacity": "shared"}
    scenario = make_scenario(**world)
    instance = build_instance(scenario, 0)
    tables, draw = instance
    draw.demand[:] *= data.draw(st.sampled_from([0.0, 1.0, 10.0, 1e4]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    wanted = np.full((1, *tables.pinned.shape), EMPTY, np.int32)
    for m in range(wanted.shape[2]):
        wanted[0, :, m] = rng.choice([EMPTY, *np.flatnonzero(tables.segment_model == m)], wanted.shape[1])
    state, outcome = step(instance, initial_state(instance), Action(wanted))
    np.testing.assert_allclose(outcome.served + outcome.started[:, :, -1], outcome.arrived, rtol=1e-9)
    np.testing.assert_allclose(outcome.started.sum(axis=2), outcome.arrived, rtol=1e-9)
    limit = tables.last_resort * (1 + 1e-9)
    assert outcome.node_utilisation.max() <= limit and outcome.link_utilisation.max() <= limit
    assert (outcome.latency <= outcome.arrived * tables.class_timeout * (1 + 1e-9)).all()
    events = count_events(tables, draw, 0, 0, state.resident, make_scratch(tables))
    assert events <= len(tables.node_memory) + len(tables.link_rate)


def test_the_order_of_classes_does_not_matter(make_scenario, play):
    """Three tasks over two nodes and two links, in all orders."""
    nodes = {"a": {"demand": 1.0}, "m": {"servers": 2.0}, "c": CLOUD}
    demand = {"x": 9.0, "y": 5.0, "z": 17.0}
    found = []
    for names in ("xyz", "zxy", "yxz"):
        models = {name: {**EXITING, "task": name} for name in names}
        scenario = make_scenario(nodes, [("a", "m", {}), ("m", "c", {})], models, USUAL, tasks=named(names))
        placement = {"a": ["x", "y[0:1]"], "m": ["y", "z[0:1]"]}
        slot = play(scenario, placement, demand=[demand[name] for name in names])
        fields = np.array([slot.served, slot.latency, slot.wait, slot.late, slot.energy])
        found.append(fields[:, [names.index(name) for name in "xyz"]])
    assert found[0][0].sum() < 31.0 and found[0][2].min() > 0.0
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-9)
