"""The concave gain where capacity or nodes are shared: with other classes, and by several routes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs, gain, serve
from idn_gym.core.flows import option_flows
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.optimum.concave_gain import gain_and_gradient, list_slot
from idn_gym.optimum.option_ranking import allocate_ranking, note_others
from idn_gym.optimum.prefixes import PINNED, list_prefixes, to_placement
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.optimum.test_concave_gain import EXOGENOUS, evaluate


def test_shared_capacity_is_what_the_other_classes_left(make_scenario, play):
    """The edge has 10 s for 120 requests of 0.1 s: 50 of each class; the link carries the other 20."""
    nodes = {"edge": {"memory": 20.0, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    models = {name: {"blocks": [(0.1, 10.0, 0.0)], "task": name} for name in ("a", "b")}
    scenario = make_scenario(nodes, [("edge", "cloud", {})], models)
    compiled = compile_scenario(scenario)
    items = list_prefixes(compiled)
    slot = play(scenario, {"edge": ["a", "b"]}, demand=[60.0, 60.0])
    np.testing.assert_allclose(slot.started, [[50.0, 10.0, 0.0]] * 2)
    outcome = empty_outcome(compiled.tables, 1)._replace(
        busy=np.array([slot.busy]), carried=np.array([slot.carried])
    )
    outcome = outcome._replace(spent=np.array([slot.spent]), sent=np.array([slot.sent]))
    layers = allocate_ranking(compiled.tables, items)
    arguments = (compiled.tables, slot.instance.draw, 0, 0, items, layers)

    def room():
        capacity = np.zeros(len(layers.order))
        list_slot(*arguments, capacity)
        return [capacity[layers.start[rho] :][: layers.entries[rho]].tolist() for rho in (0, 1)]

    np.testing.assert_allclose(room(), [[100.0, 20.0]] * 2)  # as if alone
    note_others(compiled.tables, outcome, 0, layers)
    np.testing.assert_allclose(room(), [[50.0, 10.0]] * 2)
    gradient = np.zeros(len(items.node))
    gain_and_gradient(compiled.tables, slot.instance.draw, 0, 0, items, np.full(2, 0.5), gradient, layers)
    # 0.1 s on the spot, 1.1 s by way of the cloud, 100 s for a drop: without the model, of 50 of the 60
    np.testing.assert_allclose(gradient, [50 * 1.0 + 50 * 98.9] * 2)
    # Loads that share the link leave 120 of its 160 bytes, 5 requests of 8 bytes beside the others' 80.
    loads = outcome._replace(load_bytes=np.array([[40.0]]))
    note_others(compiled.tables, loads, 0, layers)
    np.testing.assert_allclose(room(), [[50.0, 5.0]] * 2)
    note_others(compiled.tables._replace(link_down_rate=np.array([4.0])), loads, 0, layers)
    np.testing.assert_allclose(room(), [[50.0, 10.0]] * 2)


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_with_shared_capacity_costs_are_those_of_the_slot_with_its_waits(make_scenario, worlds, data, seed):
    """What options served times what they are said to cost is the tariff that the slot came to."""
    world = data.draw(worlds)
    world["overrides"] |= {"serving.capacity": "shared", "serving.max_parts": 1}
    scenario = make_scenario(**world)
    compiled = compile_scenario(scenario)
    items = list_prefixes(compiled)
    instance = build_instance(scenario, seed)
    tables, draw = instance
    rng = np.random.default_rng(seed)
    layers = allocate_ranking(tables, items)
    for t in range(scenario.horizon):
        placement = tables.pinned.copy()
        for v, m in np.argwhere(tables.node_movable[:, None] & (tables.pinned == EMPTY)):
            placement[v, m] = rng.choice([EMPTY, *np.flatnonzero(tables.segment_model == m)])
        outcome = serve(instance, t, placement)
        note_others(tables, outcome, 0, layers)
        gain_and_gradient(tables, draw, 0, t, items, *np.zeros((2, len(items.node))), layers)
        flows, dropped = option_flows(instance, t, placement)
        said = flows[layers.order] @ np.where(flows[layers.order] > 0.0, layers.price, 0.0)
        _, drops = costs(instance, t)
        assert said + dropped @ drops == pytest.approx(outcome.tariff_cost[0], rel=1e-9)


@pytest.fixture
def forked(make_scenario):
    """Routes of two links from a to d over b and, slower, over c: 20 raw inputs a slot on each link."""
    nodes = {name: {"memory": 0.0} for name in "bc"}
    nodes |= {"a": {"demand": 1.0}, "d": {"device": "fast", "pins": ["all"], "servers": float("inf")}}
    links = [("a", "b", {}), ("b", "d", {}), ("a", "c", {"delay": 1.0}), ("c", "d", {"delay": 1.0})]
    models = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)]}}

    def make(**overrides):
        plain = {"serving.tariff": {"traffic": 1.0}, "topology.routes": 2, **overrides}
        compiled = compile_scenario(make_scenario(nodes, links, models, plain, rate=2.0))
        return compiled, build_instance(compiled.scenario, 0), list_prefixes(compiled)

    return make


def test_a_copy_serves_no_more_where_several_routes_lead_on_from_it(forked):
    """The head at a has time for 5 of 20 requests, whichever way they go on; each saves 8 byte-hops."""
    compiled, instance, items = forked(**EXOGENOUS)
    z = (items.segment == compiled.names.segments.index("m[0:1]")).astype(float)
    value, _ = evaluate(compiled, instance, items, 0, z)
    assert value == pytest.approx(5 * 8.0)
    assert value == pytest.approx(gain(instance, 0, to_placement(compiled.tables, items, z)))


def test_what_is_pinned_is_there_once_for_each_route_whose_links_are_shared(forked):
    """Bytes bind on each route by itself; a route that is down has none."""
    compiled, instance, items = forked()
    tables, layers = compiled.tables, allocate_ranking(compiled.tables, items)
    instance.draw.rate[0, 1, 0] = 0.0
    for t, capacities in ((0, [20.0, 20.0]), (1, [20.0])):
        capacity = np.zeros(len(layers.order))
        list_slot(tables, instance.draw, 0, t, items, layers, capacity)
        pinned = layers.item[: layers.entries[0]] == PINNED
        assert capacity[: layers.entries[0]][pinned].tolist() == capacities
