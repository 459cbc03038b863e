"""The concave gain against the costs it comes from, a plain reference, and the inequalities it must obey."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs, gain
from idn_gym.core.geometry import covers
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking
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
