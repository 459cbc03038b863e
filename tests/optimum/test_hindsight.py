"""Optima in hindsight against brute force, and lower <= integers <= linear program <= certificate."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.costs import gain, serving_cost
from idn_gym.core.slots import one_row
from idn_gym.optimum import solver
from idn_gym.optimum.certificate import certificate, knapsack
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.lp_oracle import LpOracle
from idn_gym.optimum.prefix_bracket import best_prefixes
from idn_gym.optimum.prefix_program import LayerProgram
from idn_gym.optimum.prefixes import list_prefixes, serves_alone, to_placement
from idn_gym.optimum.projection import make_polytope
from idn_gym.optimum.routing import best_routed
from idn_gym.optimum.schedule import all_placements, slot_gains
from idn_gym.optimum.search.slot_search import greedy_start
from idn_gym.optimum.static import static_gain
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

pytest.importorskip("scipy")

TIGHT = 1e-6
"""Relative accuracy of the solver."""


def build(world, make_scenario, seed, rows=1, **overrides):
    world["overrides"] |= {"dynamics.memory": None, **overrides}
    compiled = compile_scenario(make_scenario(**world))
    return compiled, build_instance(compiled.scenario, list(range(seed, seed + rows)))


def private(world, make_scenario, seed, **overrides):
    """A world that the concave gain covers: whole models and private capacities."""
    overrides = {
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "serving.max_parts": 1,
        **overrides,
    }
    compiled, instance = build(world, make_scenario, seed, 2, **overrides)
    assert serves_alone(compiled.tables, list_prefixes(compiled))
    return compiled, instance


def brute_force(compiled, instance, b=0, **options):
    try:
        placements = all_placements(compiled, 2000, **options)
    except ConfigError:
        assume(False)
    return float(slot_gains(instance, placements, b).sum(0).max())


@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 2**16), one=st.booleans())
def test_integers_are_brute_force_and_all_bounds_are_in_order(data, seed, one, worlds, make_scenario):
    compiled, instance = private(data.draw(worlds), make_scenario, seed)
    best = brute_force(compiled, instance, 1, one_per_task=one)
    slots, close = compiled.scenario.horizon, TIGHT * (1.0 + best)
    found = best_prefixes(compiled, instance, 1, gap=0.0, one_per_task=one, pieces=slots)
    assert found.lower == pytest.approx(best, rel=TIGHT, abs=TIGHT)
    assert found.upper == pytest.approx(best, rel=TIGHT, abs=TIGHT)
    assert found.relaxed >= found.upper - close
    assert found.gap <= 1e-5 or best < 1e-3
    assert static_gain(one_row(instance, 1), found.placement)[0] == pytest.approx(found.lower)
    if not one:
        proof = certificate(compiled, instance, 1, iterations=60)
        assert proof.upper >= found.relaxed - close
        assert proof.value <= found.relaxed + close


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_linear_program_is_the_maximum_of_the_concave_gain(data, seed, worlds, make_scenario):
    """From below by its own columns, from above by a certificate; also where pinned copies bind."""
    compiled, instance = private(data.draw(worlds), make_scenario, seed)
    items = list_prefixes(compiled)
    assume(len(items.node))
    slots = np.arange(compiled.scenario.horizon)
    layered = LayerProgram(instance, items, 0, pieces=len(slots))
    assert layered.exact or not np.isinf(compiled.tables.node_seconds).any()
    relaxed = solver.solve_relaxed(layered.program, 10.0)
    z = relaxed.x[: len(items.node)]
    reached, slope = Filler(instance.tables, instance.draw, items, 0, slots).gain(z)
    assert reached == pytest.approx(relaxed.bound, rel=TIGHT, abs=TIGHT)
    polytope = make_polytope(items.node_start, items.parent, items.size, items.budget)
    assert reached - slope @ z + knapsack(polytope, slope) >= relaxed.bound * (1 - TIGHT) - TIGHT


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_slots_are_added_up_without_loss_where_costs_are_equal_and_nothing_binds(
    data, seed, worlds, make_scenario
):
    world = data.draw(worlds)
    for node in world["nodes"].values():
        node["servers"] = 1e6
    steady = {"dynamics.link": {"kind": "fixed"}, "dynamics.outages": None}
    compiled, instance = private(world, make_scenario, seed, **steady)
    items = list_prefixes(compiled)
    merged = LayerProgram(instance, items, 0)
    single = [
        LayerProgram(type(instance)(instance.tables, slot_of(instance.draw, t)), items, 0)
        for t in range(compiled.scenario.horizon)
    ]
    # Each class has no more rows than in one slot, and the value is that of all slots.
    assert merged.program.rows.shape[0] <= max(one.program.rows.shape[0] for one in single)
    bound = solver.solve_relaxed(merged.program, 10.0).bound
    assert bound == pytest.approx(apart(instance, items), rel=TIGHT, abs=TIGHT)


def slot_of(draw, t):
    """One slot, laid out like all of them: for another layout kernels would be compiled again."""
    moving = {
        name: getattr(draw, name)[:, t : t + 1].copy() for name in ("demand", "seconds", "memory", "rate")
    }
    return draw._replace(**moving)


def apart(instance, items):
    """The linear program with a column for every layer of every slot, kept apart by tiny shifts of cost."""
    draw = instance.draw
    shifted = draw._replace(rate=draw.rate * (1.0 + 1e-12 * np.arange(draw.rate.shape[1]))[None, :, None])
    layered = LayerProgram(type(instance)(instance.tables, shifted), items, 0, pieces=draw.rate.shape[1])
    return solver.solve_relaxed(layered.program, 10.0).bound


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_adding_slots_up_never_lowers_the_bound(data, seed, worlds, make_scenario):
    compiled, instance = private(data.draw(worlds), make_scenario, seed)
    items = list_prefixes(compiled)
    bounds = [
        solver.solve_relaxed(LayerProgram(instance, items, 0, pieces).program, 10.0).bound
        for pieces in (1, 2, compiled.scenario.horizon)
    ]
    assert bounds[0] >= bounds[2] * (1 - TIGHT) - TIGHT
    assert bounds[1] >= bounds[2] * (1 - TIGHT) - TIGHT


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_no_placement_passes_the_bound_of_routing(data, seed, worlds, make_scenario):
    """Splits, both capacity modes: brute force over all placements and the environment's own serving."""
    compiled, instance = build(data.draw(worlds), make_scenario, seed)
    best = brute_force(compiled, instance)
    found = best_routed(compiled, instance, gap=0.0)
    close = TIGHT * (1.0 + found.upper)
    assert found.lower <= best + close <= found.upper + 2 * close <= found.relaxed + 3 * close
    assert found.routed is None or found.lower <= found.routed <= found.upper + close
    assert static_gain(instance, found.placement)[0] == pytest.approx(found.lower, rel=1e-9, abs=1e-9)


@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_routing_and_layers_agree_on_whole_models_with_private_capacity(data, seed, worlds, make_scenario):
    compiled, instance = private(data.draw(worlds), make_scenario, seed)
    best = brute_force(compiled, instance)
    routed = best_routed(compiled, instance, gap=0.0)
    layered = best_prefixes(compiled, instance, gap=0.0)
    for found in (routed, layered):
        assert found.lower <= best + TIGHT * (1 + best) and found.upper >= best - TIGHT * (1 + best)


@settings(max_examples=20)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_bound_never_falls_when_a_resource_grows(data, seed, worlds, make_scenario):
    world = data.draw(worlds)
    compiled, instance = private(world, make_scenario, seed)
    before = best_prefixes(compiled, instance, gap=0.0, pieces=4)
    tables, draw = instance
    more = type(instance)(tables._replace(node_memory=tables.node_memory * 2), draw)
    items = list_prefixes(compiled)
    wider = LayerProgram(more, items._replace(budget=more.tables.node_memory - tables.node_reserved), 0, 4)
    assert solver.solve_relaxed(wider.program, 10.0).bound >= before.relaxed * (1 - TIGHT) - TIGHT


@settings(max_examples=20)
@given(data=st.data(), seed=st.integers(0, 2**16), resource=st.sampled_from(["seconds", "rate"]))
def test_neither_bound_nor_optimum_gets_dearer_when_a_resource_grows(
    data, seed, resource, worlds, make_scenario
):
    """In costs: faster nodes and links also help the repositories, from which gains are counted."""
    compiled, instance = private(data.draw(worlds), make_scenario, seed)
    slots, pinned = compiled.scenario.horizon, compiled.tables.pinned
    grown = getattr(instance.draw, resource) * data.draw(st.sampled_from([1.1, 2.0, 10.0]))
    reached = []
    for draw in (instance.draw, instance.draw._replace(**{resource: grown})):
        one = instance._replace(draw=draw)
        found = best_prefixes(compiled, one, gap=0.0, pieces=slots)
        alone = sum(serving_cost(one, t, pinned) for t in range(slots))
        reached.append([alone - found.relaxed, alone - found.upper, alone])
    before, after = np.array(reached)
    assert (after <= before + TIGHT * (1.0 + before[-1])).all()


def test_bounds_of_presets_hold_for_random_placements():
    compiled = compile_scenario(load_scenario("isp-hierarchy", {"horizon": 10}))
    instance, rng = build_instance(compiled.scenario, 0), np.random.default_rng(0)
    found = best_static(compiled, instance)
    assert found.status == "closed" and found.gap <= 0.01
    items = list_prefixes(compiled)
    filler = Filler(instance.tables, instance.draw, items, 0, np.arange(10))
    for _ in range(5):
        placement = to_placement(compiled.tables, items, filler.round(rng.random(len(items.node))))
        reached = static_gain(instance, placement)[0]
        assert 0.0 < reached <= found.upper
        assert reached == pytest.approx(sum(gain(instance, t, placement) for t in range(10)))


def test_unfinished_answers_are_no_bounds():
    compiled = compile_scenario(load_scenario("isp-hierarchy", {"horizon": 10}))
    instance = build_instance(compiled.scenario, 0)
    found = best_static(compiled, instance, seconds=1e-4)
    assert found.status == "time" and found.least == 0.0 and 0.0 < found.played <= found.alone
    program = LayerProgram(instance, list_prefixes(compiled), 0).program
    impossible = solver.Program(
        program.gain, program.rows, np.full(len(program.limit), -1.0), program.upper, program.integers
    )
    with pytest.raises(solver.SolverError):
        solver.solve_relaxed(impossible, 10.0)
    with pytest.raises(solver.SolverError):
        solver.solve_integers(impossible, 10.0, 0.0)


def test_models_larger_than_a_node_are_left_out(make_scenario):
    """Half of a model of 20 bytes would fit into 10 bytes and save most."""
    nodes = {"a": {"demand": 1.0, "memory": 10.0, "device": "fast"}}
    nodes["c"] = {"device": "fast", "servers": float("inf"), "pins": ["all"]}
    models = {
        "large": {"blocks": [(1.0, 20.0, 0.0)], "points": {"all": [(1, 1.0, 0.9)]}},
        "small": {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.5)]}},
    }
    overrides = {
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "serving.tariff": {"latency": 1.0, "error": 1.0},
    }
    compiled = compile_scenario(make_scenario(nodes, [("a", "c", {})], models, overrides))
    instance = build_instance(compiled.scenario, 0)
    found = best_static(compiled, instance)
    assert found.relaxed == pytest.approx(found.lower) and found.lower > 0.0


@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_what_the_oracle_places_fits_and_nothing_passes_its_bound(data, seed, worlds, make_scenario):
    steady = {"dynamics.link": {"kind": "fixed"}, "dynamics.outages": None, "dynamics.device_error": 0.0}
    compiled, instance = private(data.draw(worlds), make_scenario, seed, **steady)
    oracle, demand = LpOracle(compiled), instance.draw.demand[0, 0]
    placement = oracle(demand)
    assert gain(instance, 0, placement) <= oracle.bound * (1 + TIGHT) + TIGHT
    size = np.where(placement < 0, 0.0, compiled.tables.segment_bytes[placement]).sum(1)
    assert (size <= compiled.tables.node_memory).all()
    only = type(instance)(instance.tables, slot_of(instance.draw, 0))
    assert oracle.bound >= brute_force(compiled, only) * (1 - TIGHT) - TIGHT


def test_the_oracle_is_close_to_its_bound_and_takes_any_demand():
    compiled = compile_scenario(load_scenario("isp-hierarchy"))
    instance = build_instance(compiled.scenario, 0)
    oracle = LpOracle(compiled)
    for t in range(3):
        assert gain(instance, t, oracle(instance.draw.demand[0, t])) >= 0.98 * oracle.bound
    nothing = oracle(np.zeros(len(compiled.tables.class_task)))
    np.testing.assert_array_equal(nothing, compiled.tables.pinned)
    assert oracle.bound == pytest.approx(0.0)
    mixed = instance.draw.demand[0].sum(0) - instance.draw.demand[0].sum(0).mean()
    assert (oracle(mixed, 100.0) >= 0).any()


def test_a_search_that_hardly_begins_has_the_greedy_placement_of_some_slots():
    """Climbing on all slots takes its time on large networks; a rule of thumb must not be ahead meanwhile."""
    compiled = compile_scenario(load_scenario("edge-small", {"horizon": 8}))
    row = build_instance(compiled.scenario, 3)
    start = greedy_start(compiled, row, False, np.inf)
    found = best_static(compiled, row, gap=0.999)
    assert found.lower >= static_gain(row, start)[0] > 0.0
    assert (greedy_start(compiled, row, False, 0.0) == compiled.tables.pinned).all()
