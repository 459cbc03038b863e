"""What holds of stores in every world: balances close, and what is off does nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core import segment_values
from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.costs import serve
from idn_gym.core.slots import one_row
from idn_gym.core.store_rules import store_rules
from idn_gym.core.transition import initial_state, step
from idn_gym.core.validate import InstanceError, check_instance
from idn_gym.objectives import known_tariff
from idn_gym.optimum.static import static_outcome
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.random_worlds import random_world, with_routes, with_stores


@st.composite
def stocked_worlds(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def pick(*choices):
        return draw(st.sampled_from(choices))

    return with_stores(with_routes(random_world(rng, pick), rng, pick), rng, pick), rng


def drawn_instance(scenario, rng):
    """Two episodes whose stores get something in some slots."""
    instance = build_instance(scenario, [0, 1])
    tables, refill = instance.tables, instance.draw.refill
    harvest = tables.store_drain * rng.uniform(0.0, 4.0, refill.shape) * (rng.random(refill.shape) < 0.6)
    refill += harvest
    return instance


def any_placement(tables, rng):
    wanted = np.full((2, *tables.pinned.shape), EMPTY, np.int32)
    for m in range(wanted.shape[2]):
        segments = [EMPTY, *np.flatnonzero(tables.segment_model == m)]
        wanted[:, :, m] = rng.choice(segments, wanted.shape[1])
    return wanted


@given(drawn=stocked_worlds())
def test_balances_close_and_what_is_off_does_nothing(make_scenario, drawn):
    world, rng = drawn
    scenario = make_scenario(**world)
    compiled, instance = compile_scenario(scenario), drawn_instance(scenario, rng)
    tables, (source, target) = instance.tables, compiled.link_ends.T
    check_instance(instance)
    state = initial_state(instance)
    wanted = any_placement(tables, rng)
    for t in range(scenario.horizon):
        before, refill = state, instance.draw.refill[:, t]
        wanted = any_placement(tables, rng) if rng.random() < 0.5 else wanted
        state, out = step(instance, before, Action(wanted))
        end = before.level + refill - out.drained - out.drawn - out.spilled
        np.testing.assert_allclose(
            state.level, end, rtol=1e-12, atol=1e-12 * tables.store_capacity.max(initial=0)
        )
        assert (state.level >= 0.0).all() and (state.level <= tables.store_capacity).all()
        for spent in (out.drained, out.drawn, out.spilled):
            assert (spent >= 0.0).all()
        rests = before.off & (before.level + refill < tables.store_restart)
        assert (state.off == (rests | (state.level <= tables.store_least))).all()
        assert not out.drawn[rests].any() and not out.drained[rests].any()
        np.testing.assert_allclose(out.served + out.started[:, :, -1], out.arrived, rtol=1e-9)
        check_nodes(compiled, before, state, out, rests, source, target)
        check_airtime(tables, out, before.level + refill)


def check_nodes(compiled, before, state, out, rests, source, target):
    """Who is off does nothing; the others draw what the slot counts at their nodes."""
    tables = compiled.tables
    crossed = (out.carried + out.load_bytes) * tables.link_joules
    for v in np.flatnonzero(tables.node_store != EMPTY):
        z = tables.node_store[v]
        spent = out.busy[:, v] * tables.node_watts[v] + crossed[:, source == v].sum(axis=1)
        np.testing.assert_allclose(out.drawn[:, z], spent, rtol=1e-9, atol=1e-9)
        dark = rests[:, z]
        for link in np.flatnonzero((source == v) | (target == v)):
            assert not out.carried[dark, link].any() and not out.load_bytes[dark, link].any()
        assert not out.busy[dark, v].any()
        if state.wish.size:
            same = dark[:, None] & (state.wish[:, v] == before.wish[:, v]) & (state.wish[:, v] != EMPTY)
            for field in ("bytes_to_come", "seconds_to_come"):
                assert (getattr(state, field)[:, v] == getattr(before, field)[:, v])[same].all()


def check_airtime(tables, out, budget):
    airtime = np.setdiff1d(np.arange(len(tables.store_capacity)), tables.node_store)
    assert (out.drawn[:, airtime] <= budget[:, airtime] * (1 + 1e-12)).all()


@settings(max_examples=20)
@given(drawn=stocked_worlds())
def test_a_placement_that_is_kept_is_played_slot_by_slot(make_scenario, drawn):
    world, rng = drawn
    scenario = make_scenario(**world)
    instance = drawn_instance(scenario, rng)
    wanted = any_placement(instance.tables, rng)
    wanted[1] = wanted[0]
    total, state = static_outcome(instance, wanted[0]), initial_state(instance)
    sums = {name: 0.0 for name in ("drawn", "drained", "spilled", "served", "idle_energy", "tariff_cost")}
    for _ in range(scenario.horizon):
        state, outcome = step(instance, state, Action(wanted))
        sums = {name: value + getattr(outcome, name) for name, value in sums.items()}
    for name, value in sums.items():
        np.testing.assert_allclose(getattr(total, name), value, rtol=1e-9, atol=1e-9, err_msg=name)


@settings(max_examples=20)
@given(drawn=stocked_worlds())
def test_rows_are_played_as_if_alone(make_scenario, drawn):
    world, rng = drawn
    scenario = make_scenario(**world)
    instance = drawn_instance(scenario, rng)
    wanted, both = any_placement(instance.tables, rng), initial_state(instance)
    alone = [initial_state(one_row(instance, b)) for b in range(2)]
    for _ in range(scenario.horizon):
        both, together = step(instance, both, Action(wanted))
        for b in range(2):
            alone[b], outcome = step(one_row(instance, b), alone[b], Action(wanted[b : b + 1]))
            for mine, ours in zip((*alone[b], *outcome), (*both, *together), strict=True):
                np.testing.assert_array_equal(mine[0], ours[b])


@settings(max_examples=20)
@given(drawn=stocked_worlds())
def test_a_slot_without_a_state_begins_at_the_start_level(make_scenario, drawn):
    world, rng = drawn
    world["overrides"]["serving.loading"] = "instant"
    instance = drawn_instance(make_scenario(**world), rng)
    after, played = step(instance, initial_state(instance), Action(any_placement(instance.tables, rng)))
    found = serve(instance, 0, after.resident[1], 1)
    np.testing.assert_array_equal(found.served[1], played.served[1])
    np.testing.assert_array_equal(found.tariff_cost[1], played.tariff_cost[1])


@settings(max_examples=20)
@given(drawn=stocked_worlds())
def test_values_of_segments_do_not_depend_on_how_many_are_tried_at_once(make_scenario, drawn):
    compiled = compile_scenario(make_scenario(**drawn[0]))
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    found = []
    for few in (64, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segment_values, "FEW_CLASSES", few)
            found.append(segment_values.segment_values(compiled.tables, compiled.placeable, tariff))
    np.testing.assert_array_equal(*found)


STOCKED = {
    "nodes": {"a": {"demand": 1.0, "battery": {}}, "c": {"device": "fast", "servers": 2, "pins": ["all"]}}
}
STOCKED |= {"links": [("a", "c", {"duty_cycle": 0.1})], "models": {"x": {"blocks": [(1.0, 10.0, 0.0)]}}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("store_capacity", 0.0), ("store_least", 1e6), ("store_restart", 1e6), ("store_start", 1e6)],
        ("store_restart", 0.0),
    ],
)
def test_stores_that_cannot_be_are_refused(make_scenario, name, value):
    instance = build_instance(make_scenario(**STOCKED), 0)
    array = getattr(instance.tables, name).copy()
    array[0] = value
    with pytest.raises(InstanceError, match=f"^{name}: "):
        check_instance(instance._replace(tables=instance.tables._replace(**{name: array})))


def test_stores_go_with_shared_capacity_and_fallbacks_that_need_alike(make_scenario):
    world = STOCKED | {"models": {m: {**STOCKED["models"]["x"], "task": "t"} for m in "xy"}}
    world["nodes"] = world["nodes"] | {"c": {**world["nodes"]["c"], "servers": float("inf")}}
    tables = build_instance(make_scenario(**world), 0).tables
    assert all(holds for holds, *_ in store_rules(tables))
    private = tables._replace(capacity=0)
    assert [name for holds, name, _ in store_rules(private) if not holds] == ["store_capacity"]
    amounts = tables.need_amount.copy()
    amounts[tables.need_start[tables.class_fallback[0]]] *= 2.0
    unlike = tables._replace(need_amount=amounts)
    assert [name for holds, name, _ in store_rules(unlike) if not holds] == ["need_amount"]
