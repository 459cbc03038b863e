"""The gain of the best routing under fractions: against all placements, supergradients, and columns."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.core.geometry import covers
from idn_gym.core.slots import one_slot
from idn_gym.optimum import routed_gain
from idn_gym.optimum.pieces import join_pieces, list_pieces
from idn_gym.optimum.projection import make_polytope, project_euclid
from idn_gym.optimum.routed_gain import RoutedGain
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.schedule import all_placements, slot_gains
from idn_gym.optimum.solver import solve_relaxed
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

pytest.importorskip("scipy")


def build(world, make_scenario, seed, **overrides):
    private = {"serving.capacity": "exogenous", "serving.loading": "instant", "dynamics.memory": None}
    world["overrides"] |= {**private, "serving.max_parts": 2, "horizon": 1, **overrides}
    compiled = compile_scenario(make_scenario(**world))
    return compiled, one_slot(build_instance(compiled.scenario, seed), np.zeros(1, np.int64))


def fractions_of(compiled, items, placement):
    """The point (I,) of a placement (N, M): of what each segment contains, the column that contains most."""
    tables, z = compiled.tables, np.zeros(len(items.node))
    for v, m in np.argwhere((placement != EMPTY) & (tables.pinned == EMPTY)):
        inside = (items.node == v) & (items.model == m) & covers(tables, placement[v, m], items.segment)
        if inside.any():
            i = int(np.flatnonzero(inside)[np.argmax(tables.segment_bytes[items.segment[inside]])])
            while i >= 0:
                z[i], i = 1.0, int(items.parent[i])
    return z


def some_placements(compiled, rng, count=4):
    try:
        found = all_placements(compiled, 2000)
    except ConfigError:  # too many to list
        assume(False)
    return found[rng.choice(len(found), min(count, len(found)), replace=False)]


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16), parts=st.sampled_from([2, 3]))
def test_at_placements_it_is_what_the_best_routing_gains_and_serving_gains_no_more(
    data, seed, parts, worlds, make_scenario
):
    compiled, revealed = build(data.draw(worlds), make_scenario, seed, **{"serving.max_parts": parts})
    gain = RoutedGain(compiled)
    items, g = gain.items, np.zeros(len(gain.items.node))
    for placement in some_placements(compiled, np.random.default_rng(seed)):
        z = fractions_of(compiled, items, placement)
        size = compiled.tables.segment_bytes[placement]
        assert (items.size * z).sum() <= ((placement != compiled.tables.pinned) * size).sum() + 1e-9
        value = gain(revealed, 0, z, g)
        routing = Routing(compiled, revealed, False)
        program = routing.program([np.zeros(1, np.int64)], placement)
        best = solve_relaxed(program, 60.0).bound - routing.served_gain
        slack = 1e-6 * max(1.0, routing.dropped)
        assert value == pytest.approx(best, abs=slack)
        assert slot_gains(revealed, placement[None])[0, 0] <= value + slack


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**16), shared=st.booleans())
def test_duals_are_supergradients(data, seed, shared, worlds, make_scenario):
    mode = {"serving.capacity": "shared" if shared else "exogenous"}
    compiled, revealed = build(data.draw(worlds), make_scenario, seed, **mode)
    gain, rng = RoutedGain(compiled), np.random.default_rng(seed)
    items = gain.items
    assume(len(items.node))
    polytope = make_polytope(items.node_start, items.parent, items.size, items.budget)
    points = np.zeros((6, len(items.node)))
    project_euclid(polytope, rng.uniform(-0.5, 1.5, points.shape), points)
    points[0] = 0.0
    found, g = [], np.zeros_like(points)
    for z, one in zip(points, g, strict=True):
        found.append(gain(revealed, 0, z, one))
    slack = 1e-6 * max(1.0, *np.abs(found))
    for z, value, slope in zip(points, found, g, strict=True):
        assert (np.array(found) <= value + (points - z) @ slope + slack).all()


def test_half_a_network_does_not_serve_heads_and_wholes_at_once(make_scenario):
    """A half of the whole is worth half of what the whole is, where heads finish at the repository too."""
    scenario = make_scenario(
        nodes={
            "edge": {"memory": 30.0, "demand": 1.0},
            "cloud": {"pins": ["all"], "servers": float("inf")},
        },
        links=[("edge", "cloud", {"delay": 2.0})],
        models={"m": {"blocks": [(0.1, 10.0, 1.0), (0.1, 20.0, 0.0)], "input": 40.0}},
        overrides={"serving.capacity": "exogenous", "serving.loading": "instant", "serving.max_parts": 2},
    )
    compiled = compile_scenario(scenario)
    revealed = one_slot(build_instance(scenario, 0), np.zeros(1, np.int64))
    gain = RoutedGain(compiled)
    assert [compiled.names.segments[s] for s in gain.items.segment] == ["m[0:1]", "m"]
    nothing, g = gain(revealed, 0, np.zeros(2), np.zeros(2)), np.zeros(2)
    whole = gain(revealed, 0, np.ones(2), g)
    assert nothing == pytest.approx(0.0, abs=1e-9)
    assert gain(revealed, 0, np.full(2, 0.5), g) == pytest.approx(0.5 * whole)


def halves(make_scenario, memory=100.0):
    return make_scenario(
        nodes={
            "edge": {"memory": memory, "demand": 1.0},
            "middle": {"memory": 100.0},
            "cloud": {"pins": ["all"], "servers": float("inf")},
        },
        links=[("edge", "middle", {}), ("middle", "cloud", {})],
        models={"m": {"blocks": [(0.1, 10.0, 1.0), (0.1, 20.0, 1.0), (0.1, 30.0, 0.0)]}},
        overrides={"serving.capacity": "exogenous", "serving.loading": "instant", "serving.max_parts": 2},
    )


def test_columns_are_heads_tails_and_middles_in_chains(make_scenario):
    compiled = compile_scenario(halves(make_scenario))
    items, names = list_pieces(compiled), compiled.names
    middle = items.node == names.nodes.index("middle")
    listed = [names.segments[s] for s in items.segment[middle]]
    assert listed == ["m[0:1]", "m[0:2]", "m", "m[2:3]", "m[1:3]"]
    assert items.size[middle].tolist() == [10.0, 20.0, 30.0, 30.0, 20.0]
    assert (items.parent[middle] < 0).tolist() == [True, False, False, True, False]


def test_what_is_held_of_a_model_is_joined_where_it_meets(make_scenario):
    compiled = compile_scenario(halves(make_scenario))
    items, names = list_pieces(compiled), compiled.names
    v = names.nodes.index("middle")

    def held(*segments):
        columns = [i for i in np.flatnonzero(items.node == v) if names.segments[items.segment[i]] in segments]
        s = join_pieces(compiled, items, np.array(columns, np.int64))[v, 0]
        return names.segments[s] if s != EMPTY else None

    assert held() is None
    assert held("m[0:1]", "m[0:2]") == "m[0:2]"
    assert held("m[0:2]", "m[0:1]", "m[2:3]") == "m"
    assert held("m[0:1]", "m[2:3]") == "m[2:3]"  # apart: the larger one
    assert held("m[0:1]", "m[2:3]", "m[1:3]") == "m"


def test_large_scenarios_are_refused(make_scenario, monkeypatch):
    monkeypatch.setattr(routed_gain, "MOST_ROUTED", 3)
    with pytest.raises(ConfigError, match=r"splits: true is not allowed with \d+ options; must be false"):
        RoutedGain(compile_scenario(halves(make_scenario)))
