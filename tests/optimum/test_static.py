"""The short cut through whole episodes against the core's own steps, on random worlds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.optimum.load_prices import update_prices
from idn_gym.optimum.static import ClassCosts, static_cost, static_outcome
from idn_gym.rewards import compute_rewards
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

STEADY = {"dynamics.memory": None}


def random_wish(compiled, rng):
    """A placement that may well be too large."""
    wish = compiled.tables.pinned.copy()
    for v, s in np.argwhere(compiled.placeable):
        if rng.random() < 0.3:
            wish[v, compiled.tables.segment_model[s]] = s
    return wish


def random_fit(compiled, rng):
    """A placement that fits into nominal memory."""
    tables, fit = compiled.tables, compiled.tables.pinned.copy()
    for v in range(len(fit)):
        room = tables.node_memory[v] - sum(tables.segment_bytes[s] for s in fit[v] if s != EMPTY)
        for s in rng.permutation(np.flatnonzero(compiled.placeable[v])):
            m = tables.segment_model[s]
            if fit[v, m] == EMPTY and tables.segment_bytes[s] <= room and rng.random() < 0.7:
                fit[v, m] = s
                room -= tables.segment_bytes[s]
    return fit


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_static_cost_is_that_of_stepping_with_the_same_wish(data, seed, worlds, make_scenario):
    compiled = compile_scenario(make_scenario(**data.draw(worlds)))
    instance = build_instance(compiled.scenario, [seed, seed + 1])
    wish = random_wish(compiled, np.random.default_rng(seed))
    state, cost, loaded = initial_state(instance), np.zeros(2), 0.0
    action = Action(np.repeat(wish[None], 2, axis=0))
    for _ in range(compiled.scenario.horizon):
        state, outcome = step(instance, state, action)
        cost -= compute_rewards(instance.tables, outcome, instance.draw.weights, compiled.scales)[1]
        loaded += outcome.loaded
    np.testing.assert_allclose(
        static_cost(instance, compiled.scales, wish), cost / compiled.scenario.horizon, rtol=1e-9
    )
    np.testing.assert_allclose(static_outcome(instance, wish).loaded, loaded)


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_class_costs_add_up_to_the_static_cost(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    world["overrides"] |= {**STEADY, "idle_energy": False, "serving.loading": "instant"}
    compiled = compile_scenario(make_scenario(**world))
    instance = build_instance(compiled.scenario, [seed, seed + 1])
    fit = random_fit(compiled, np.random.default_rng(seed))
    costs = ClassCosts(instance, compiled.scales, np.arange(compiled.scenario.horizon))
    costs.resident[:] = fit
    total = costs.costs(np.ones(len(compiled.names.classes), bool)).sum()
    loaded = static_outcome(instance, fit).loaded.sum(axis=1).mean()
    expected = static_cost(instance, compiled.scales, fit).mean()
    byte = update_prices(compiled.tables, compiled.scales, instance.draw.weights[0])
    np.testing.assert_allclose(total + byte * loaded / compiled.scenario.horizon, expected, rtol=1e-9)


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_a_change_concerns_no_other_class(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    world["overrides"] |= STEADY
    compiled = compile_scenario(make_scenario(**world))
    items = np.argwhere(compiled.placeable)
    if not len(items):
        return
    rng = np.random.default_rng(seed)
    costs = ClassCosts(build_instance(compiled.scenario, seed), compiled.scales, np.arange(2))
    costs.resident[:] = random_fit(compiled, rng)
    everybody = np.ones(len(compiled.names.classes), bool)
    before = costs.costs(everybody)
    v, s = rng.choice(items)
    m = compiled.tables.segment_model[s]
    concerned = costs.concerned(v, m)
    costs.resident[:, v, m] = s
    np.testing.assert_array_equal(costs.costs(everybody)[~concerned], before[~concerned])
    np.testing.assert_array_equal(costs.costs(concerned), np.where(concerned, costs.costs(everybody), 0.0))


def test_with_shared_capacity_a_change_concerns_the_classes_on_its_way(make_scenario):
    nodes = {f"in-{i}": {"memory": 50, "demand": 1.0} for i in range(3)}
    nodes |= {"hub": {"memory": 50}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    links = [("in-0", "hub", {}), ("in-1", "hub", {}), ("in-2", "cloud", {}), ("hub", "cloud", {})]
    models = {
        "a": {"blocks": [(1.0, 5.0, 0.0)], "task": "x"},
        "b": {"blocks": [(1.0, 5.0, 0.0)], "task": "y"},
    }
    found = {}
    for capacity in ("shared", "exogenous"):
        compiled = compile_scenario(
            make_scenario(nodes, links, models, {"serving.capacity": capacity, "serving.loading": "instant"})
        )
        names = compiled.names
        costs = ClassCosts(build_instance(compiled.scenario, 0), compiled.scales, np.arange(2))
        marked = costs.concerned(names.nodes.index("in-0"), names.models.index("a"))
        found[capacity] = {name for name, mark in zip(names.classes, marked, strict=True) if mark}
    assert found["exogenous"] == {"x@in-0"}
    assert found["shared"] == {"x@in-0", "y@in-0", "x@in-1", "y@in-1"}
