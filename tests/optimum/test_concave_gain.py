"""The concave gain against the costs it comes from, a plain reference, and the inequalities it must obey."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs, gain, serve
from idn_gym.core.flows import option_flows
from idn_gym.core.geometry import covers
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.optimum.concave_gain import gain_and_gradient, list_slot
from idn_gym.optimum.option_ranking import allocate_ranking, note_others
from idn_gym.optimum.prefixes import PINNED, UNUSABLE, list_prefixes, to_placement
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

EXOGENOUS = {"serving.capacity": "exogenous", "serving.loading": "instant"}


def random_columns(items, rng, integral=False):
    """Columns that fall along each chain; a third of them at 0 and some at 1."""
    z = np.clip(rng.uniform(-0.5, 1.2, len(items.node)), 0.0, 1.0)
    if integral:
        z = (z > rng.random()).astype(float)
    for i, parent in enumerate(items.parent):
        if parent != EMPTY:
            z[i] = min(z[i], z[parent])
    return z


def covered(tables, placement, q):
    """Whether part q lies inside what is resident where it runs."""
    s, held = (
        tables.part_segment[q],
        placement[tables.part_node[q], tables.segment_model[tables.part_segment[q]]],
    )
    return (
        held != EMPTY
        and tables.segment_first[held] <= tables.segment_first[s]
        and tables.segment_last[held] >= tables.segment_last[s]
    )


def teams_up(tables, items, placement):
    """Whether some option needs two placed segments and has both."""
    return any(
        all(covered(tables, placement, q) for q in range(*tables.part_start[o : o + 2]))
        for o in np.flatnonzero(items.option_item == UNUSABLE)
    )


def evaluate(compiled, instance, items, t, z, layers=None):
    gradient = np.full(len(z), np.nan)
    layers = layers or allocate_ranking(compiled.tables, items)
    value = gain_and_gradient(compiled.tables, instance.draw, 0, t, items, z, gradient, layers)
    return value, gradient


def reference(instance, items, t, z):
    """The layer form, word by word, in plain numpy."""
    tables, draw = instance
    option, drop = costs(instance, t)
    total = 0.0
    for rho, batch in enumerate(draw.demand[0, t]):
        mine = [o for o in range(*tables.option_start[rho : rho + 2]) if np.isfinite(option[o])]
        mine = [o for o in mine if items.option_item[o] != UNUSABLE]
        mine.sort(key=lambda o: (option[o], tables.option_rank[o]))
        gamma, free, fixed, seen, end = [], [], [], {}, drop[rho]
        for o in mine:
            parts = range(*tables.part_start[o : o + 2])
            need = [tables.part_seconds[q] * draw.slowdown[0, tables.part_node[q]] for q in parts]
            seconds = [draw.seconds[0, t, tables.part_node[q]] for q in parts]
            if items.option_item[o] == PINNED and np.isinf(seconds).all():
                end = option[o]
                break
            room = min(batch, *(s / n if n > 0 else np.inf for s, n in zip(seconds, need, strict=True)))
            copy = (tables.part_node[parts[0]], tables.option_model[o])
            present = 1.0 if items.option_item[o] == PINNED else z[items.option_item[o]]
            amount = max(0.0, present - seen.get(copy, 0.0))
            seen[copy] = max(present, seen.get(copy, 0.0))
            gamma.append(option[o])
            free.append((room, amount) if items.option_item[o] != PINNED else (0.0, 0.0))
            fixed.append(room * amount if items.option_item[o] == PINNED else 0.0)
        gamma.append(end)
        for k in range(len(free)):
            left = max(0.0, batch - sum(fixed[: k + 1]))
            reached = sum(min(room, left) * amount for room, amount in free[: k + 1])
            total += (gamma[k + 1] - gamma[k]) * min(left, reached)
    return total


def build(world, make_scenario, seed):
    """A world with private capacities, and unlimited repositories where they finish split requests."""
    world["overrides"] |= EXOGENOUS
    if world["overrides"]["serving.max_parts"] > 1:
        for node in world["nodes"].values():
            if "pins" in node:
                node["servers"] = float("inf")
    compiled = compile_scenario(make_scenario(**world))
    return compiled, build_instance(compiled.scenario, seed), list_prefixes(compiled)


@settings(max_examples=100)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_at_placements_it_is_the_difference_of_costs(data, seed, worlds, make_scenario):
    compiled, instance, items = build(data.draw(worlds), make_scenario, seed)
    rng, layers = np.random.default_rng(seed), allocate_ranking(compiled.tables, items)
    for t in range(compiled.scenario.horizon):
        z = random_columns(items, rng, integral=True)
        placement = to_placement(compiled.tables, items, z)
        held = placement[items.node, items.model]
        np.testing.assert_array_equal(covers(compiled.tables, held, items.segment), z)
        if not teams_up(compiled.tables, items, placement):
            value, _ = evaluate(compiled, instance, items, t, z, layers)
            scale = np.abs(costs(instance, t)[1] * instance.draw.demand[0, t]).sum()
            assert value == pytest.approx(gain(instance, t, placement), rel=1e-9, abs=1e-11 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["isp-hierarchy", "edge-small", "metro-split"])
def test_at_placements_of_presets_it_is_the_difference_of_costs(preset):
    compiled = compile_scenario(load_scenario(preset, EXOGENOUS))
    instance, items = build_instance(compiled.scenario, 0), list_prefixes(compiled)
    rng, layers, checked = np.random.default_rng(0), allocate_ranking(compiled.tables, items), 0
    tables = compiled.tables
    whole = tables.segment_last[items.segment] == tables.model_blocks[items.model]
    tier = np.array([compiled.names.tiers.index(name) for name in compiled.names.tiers])
    for t in range(8):
        z = random_columns(items, rng, integral=True)
        if compiled.scenario.serving.max_parts > 1:
            # Heads alone, or one tier alone: so that few options find two placed segments.
            z[whole if t % 2 else tier[items.node] != rng.choice(np.unique(tier[items.node]))] = 0.0
        placement = to_placement(compiled.tables, items, z)
        if not teams_up(compiled.tables, items, placement):
            value, _ = evaluate(compiled, instance, items, t, z, layers)
            expected = gain(instance, t, placement)
            assert expected > 0.0 and value == pytest.approx(expected, rel=1e-9)
            checked += 1
    assert checked >= 4


@settings(max_examples=100)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_it_is_the_plain_formula(data, seed, worlds, make_scenario):
    compiled, instance, items = build(data.draw(worlds), make_scenario, seed)
    rng, layers = np.random.default_rng(seed), allocate_ranking(compiled.tables, items)
    for t in range(compiled.scenario.horizon):
        z = random_columns(items, rng)
        expected = reference(instance, items, t, z)
        value, _ = evaluate(compiled, instance, items, t, z, layers)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def check_supergradient(compiled, instance, items, rng, pairs):
    layers = allocate_ranking(compiled.tables, items)
    for _ in range(pairs):
        t = int(rng.integers(compiled.scenario.horizon))
        y, z = random_columns(items, rng), random_columns(items, rng)
        (at_y, slope), (at_z, _) = (evaluate(compiled, instance, items, t, p, layers) for p in (y, z))
        half, _ = evaluate(compiled, instance, items, t, (y + z) / 2, layers)
        size = 1e-9 * (1.0 + abs(at_y) + abs(at_z) + np.abs(slope).sum())
        assert at_z <= at_y + slope @ (z - y) + size
        assert half >= (at_y + at_z) / 2 - size


@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_supergradients_bound_a_concave_function(data, seed, worlds, make_scenario):
    compiled, instance, items = build(data.draw(worlds), make_scenario, seed)
    assume(len(items.node))
    check_supergradient(compiled, instance, items, np.random.default_rng(seed), 10)


CAPPED_NODES = {
    "a": {"demand": 1.0, "memory": 20.0, "device": "fast"},
    "b": {"memory": 20.0, "pins": ["old"]},
}
CAPPED_MODELS = {
    "old": {"blocks": [(2.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.5)]}},
    "new": {"blocks": [(2.5, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.9)]}},
    "tiny": {"blocks": [(0.01, 1.0, 0.0)], "points": {"all": [(1, 1.0, 0.4)]}},
}


@pytest.fixture
def capped(make_scenario):
    """A copy pinned at b, of 5 requests per slot, between what can be placed at a and at b."""
    compiled = compile_scenario(make_scenario(CAPPED_NODES, [("a", "b", {})], CAPPED_MODELS, EXOGENOUS))
    instance = build_instance(compiled.scenario, 0)
    instance.draw.demand[:] = 8.0
    return compiled, instance, list_prefixes(compiled)


def test_what_a_pinned_copy_leaves_caps_the_layers_behind_it(capped):
    """The batch of 8, less the 5 that the pinned copy takes: `new` at b serves 4 but is needed for 3."""
    compiled, instance, items = capped
    names = compiled.names
    option, drop = costs(instance, 0)

    def cost(model, node):
        first = compiled.tables.part_node[compiled.tables.part_start[:-1]]
        mine = (compiled.tables.option_model == names.models.index(model)) & (
            first == names.nodes.index(node)
        )
        return float(option[mine].item())

    column = int(
        np.flatnonzero(
            (items.node == names.nodes.index("b")) & (items.model == names.models.index("new"))
        ).item()
    )
    assert cost("new", "a") < cost("old", "b") < cost("new", "b") < drop[0]
    for amount in (0.25, 0.5, 1.0):
        z = np.zeros(len(items.node))
        z[column] = amount
        value, gradient = evaluate(compiled, instance, items, 0, z)
        saved = (drop[0] - cost("new", "b")) * 3.0
        assert value == pytest.approx(saved * amount)
        assert amount == 1.0 or gradient[column] == pytest.approx(saved)


def test_supergradients_hold_where_pinned_copies_bind(capped):
    compiled, instance, items = capped
    check_supergradient(compiled, instance, items, np.random.default_rng(0), 300)
    for z in (random_columns(items, np.random.default_rng(seed)) for seed in range(50)):
        value, _ = evaluate(compiled, instance, items, 0, z)
        assert value == pytest.approx(reference(instance, items, 0, z))


def test_costs_that_move_are_ranked_anew(make_scenario):
    """The remembered ranking of other slots and rows decides nothing."""
    compiled = compile_scenario(load_scenario("edge-small", EXOGENOUS))
    instance = build_instance(compiled.scenario, [0, 1], preference="random")
    items = list_prefixes(compiled)
    layers, gradient = allocate_ranking(compiled.tables, items), np.zeros(len(items.node))
    rng = np.random.default_rng(0)
    for _ in range(30):
        b, t, z = int(rng.integers(2)), int(rng.integers(100)), random_columns(items, rng)
        value = gain_and_gradient(compiled.tables, instance.draw, b, t, items, z, gradient, layers)
        kept = gradient.copy()
        fresh = allocate_ranking(compiled.tables, items)
        assert gain_and_gradient(compiled.tables, instance.draw, b, t, items, z, gradient, fresh) == value
        np.testing.assert_array_equal(gradient, kept)


def test_a_longer_prefix_serves_the_cuts_of_a_shorter_one(make_scenario):
    """Requests from a want the head at a, those from b the whole there; memory holds the whole (2 bytes).

    In traffic and energy a request from a costs 22 at the repository, 19 with the head at a and 21 with
    the whole there. From b the repository and the head are too late, so without the whole at a (29) a
    request is dropped (37). With batches of 2 and 0.5 the head alone earns 2 x 3 = 6, the whole that
    serves nothing but wholes 2 x 1 + 0.5 x 8 = 6, and both together do not fit as separate items
    (1 + 2 bytes). As an interval the whole is the head too and earns 6 + 4 = 10.
    """
    nodes = {
        "a": {"demand": 0.8, "memory": 2.0, "servers": 3.0},
        "b": {"demand": 0.2, "memory": 0.0},
        "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
    }
    free = {"energy": 0.0}
    links = [("b", "a", {**free, "delay": 1.0}), ("a", "c", {**free, "delay": 10.0})]
    models = {"m": {"blocks": [(1.0, 1.0, 4.0), (6.0, 1.0, 0.0)], "points": {"all": [(2, 1.0, 0.5)]}}}
    overrides = {
        **EXOGENOUS,
        "serving.tariff": {"traffic": 1.0, "energy": 1.0},
        "tasks.0.timeout": 12.0,
        "tasks.0.deadline": 12.0,
    }
    compiled = compile_scenario(make_scenario(nodes, links, models, overrides))
    instance, items = build_instance(compiled.scenario, 0), list_prefixes(compiled)
    ingress = [compiled.names.ingress[i] for i in compiled.class_ingress]
    instance.draw.demand[:] = [{"a": 2.0, "b": 0.5}[name] for name in ingress]
    assert [compiled.names.segments[s] for s in items.segment] == ["m[0:1]", "m"]
    assert items.size.tolist() == [1.0, 1.0] and items.budget[items.node[0]] == 2.0
    value = {z: evaluate(compiled, instance, items, 0, np.array(z, float))[0] for z in [(1, 0), (1, 1)]}
    assert value == {(1, 0): pytest.approx(6.0), (1, 1): pytest.approx(10.0)}
    for z in value:
        assert gain(instance, 0, to_placement(compiled.tables, items, np.array(z))) == pytest.approx(value[z])
    # The same options as independent items: each needs its very own segment.
    option, drop = costs(instance, 0)
    requests, saved = instance.draw.demand[0, 0], {}
    for rho, name in enumerate(ingress):
        mine = range(*compiled.tables.option_start[rho : rho + 2])
        pinned = [option[o] for o in mine if items.option_item[o] == PINNED]
        for o in mine:
            if items.option_item[o] >= 0 and np.isfinite(option[o]):
                key = name, compiled.names.segments[items.segment[items.option_item[o]]]
                saved[key] = requests[rho] * (min(drop[rho], *pinned) - option[o])
    assert saved == {
        ("a", "m[0:1]"): pytest.approx(6),
        ("a", "m"): pytest.approx(2),
        ("b", "m"): pytest.approx(4),
    }
    assert max(saved["a", "m[0:1]"], saved["a", "m"] + saved["b", "m"]) == pytest.approx(6.0)


def test_columns_are_the_prefixes_that_serve_on_their_own(make_scenario):
    nodes = {
        "a": {"demand": 1.0, "memory": 35.0},
        "b": {"memory": 12.0},
        "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
    }
    models = {
        "m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)]},
        "w": {"blocks": [(1.0, 5.0, 0.0)]},
    }
    scenario = make_scenario(nodes, [("a", "b", {}), ("b", "c", {})], models, EXOGENOUS)
    compiled = compile_scenario(scenario)
    items, names = list_prefixes(compiled), compiled.names
    listed = [
        (names.nodes[v], names.segments[s], size, parent)
        for v, s, size, parent in zip(items.node, items.segment, items.size, items.parent, strict=True)
    ]
    assert listed == [
        ("a", "m[0:1]", 10.0, EMPTY),
        ("a", "m", 20.0, 0),
        ("a", "w", 5.0, EMPTY),
        ("b", "m[0:1]", 10.0, EMPTY),
        ("b", "w", 5.0, EMPTY),
    ]
    assert items.node_start.tolist() == [0, 3, 5, 5]
    assert items.budget.tolist()[:2] == [35.0, 12.0]
    starts = compiled.tables.part_start
    for o, item in enumerate(items.option_item):
        nodes_of = [names.nodes[v] for v in compiled.tables.part_node[starts[o] : starts[o + 1]]]
        if item == UNUSABLE:
            assert nodes_of == ["a", "b"]
        else:
            assert (item == PINNED) == (nodes_of == ["c"]) and set(nodes_of[1:]) <= {"c"}


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
