"""Basins: what may become full is used by one of them only, and each is filled as if there were no other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.core.validate import InstanceError, check_instance, freeze_tables
from idn_gym.core.workspace import make_scratch
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.random_worlds import random_world, seeded_world, with_stores
from tests.test_properties import FINITE, random_wish

SEEDS = st.integers(0, 2**32 - 1)
REPOSITORY = "cloud"
COMPARED = ("served", "latency", "wait", "late", "energy", "traffic", "started", "spent", "sent")


def picker(rng):
    return lambda *choices: choices[rng.integers(len(choices))]


def used_by(tables, rho):
    """Nodes that may be full, links and stores that some option of a class needs, one by one."""
    endless = np.isinf(tables.node_seconds) & (tables.pinned != EMPTY).any(axis=1)
    origin, found = tables.path_start[tables.class_path[rho]], set()
    for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
        before = tables.option_origin[o]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            if tables.part_seconds[q] > 0.0 and not endless[tables.part_node[q]]:
                found.add(("node", int(tables.part_node[q])))
            if tables.part_bytes[q] > 0.0:
                crossed = tables.path_link[origin + before + 1 : origin + tables.part_position[q] + 1]
                found |= {("link", int(e)) for e in crossed}
            before = tables.part_position[q]
        needs = slice(tables.need_start[o], tables.need_start[o + 1])
        found |= {("store", int(z)) for z in tables.need_store[needs]}
    return found


def plain_basins(tables):
    """Classes that share something joined one by one, numbered by their first ones."""
    groups = []
    for rho in range(len(tables.class_task)):
        mine, uses = {rho}, used_by(tables, rho)
        for group in [g for g in groups if g[1] & uses]:
            groups.remove(group)
            mine, uses = mine | group[0], uses | group[1]
        groups.append((mine, uses))
    return {rho: min(members) for members, _ in groups for rho in members}


@FINITE
@given(seed=SEEDS)
def test_what_may_become_full_joins_classes_and_nothing_else_does(make_scenario, seed):
    rng = np.random.default_rng(seed)
    tables = compile_scenario(make_scenario(**with_stores(seeded_world(seed), rng, picker(rng)))).tables
    expected = plain_basins(tables)
    firsts = sorted(set(expected.values()))
    assert tables.class_basin.tolist() == [firsts.index(expected[rho]) for rho in range(len(expected))]


def test_a_repository_without_limit_joins_nobody():
    """Ten metros below one cloud, each with a hundred sensors of three tasks."""
    tables = compile_scenario(load_scenario("tinyml-million")).tables
    assert np.bincount(tables.class_basin).tolist() == [300] * 10


def test_a_link_alone_joins_who_shares_it(make_scenario):
    nodes = {
        "a": {"demand": 1.0, "memory": 0.0},
        "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
    }
    model = {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.75)]}}
    models = {name: {**model, "task": name} for name in "xy"}
    tables = compile_scenario(make_scenario(nodes, [("a", "c", {})], models)).tables
    assert tables.part_node.tolist() == [1, 1] and tables.class_basin.tolist() == [0, 0]


def test_basins_that_share_something_are_refused(make_scenario):
    nodes = {"a": {"demand": 1.0}, "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]}}
    model = {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.75)]}}
    models = {name: {**model, "task": name} for name in "xy"}
    instance = build_instance(make_scenario(nodes, [("a", "c", {})], models), 0)
    tables = instance.tables
    check_instance(instance)
    for basins, right in (([0, 0], True), ([1, 1], True), ([0, 1], False)):
        wrong = instance._replace(tables=freeze_tables(tables._replace(class_basin=np.array(basins))))
        if right:
            check_instance(wrong)
            continue
        with pytest.raises(InstanceError, match=r"^class_basin: must be the same for classes that share"):
            check_instance(wrong)


def copies_of(world, letters):
    """The world once for each letter, below one repository that is never full."""
    last = max(name for name in world["nodes"] if name.startswith("trunk"))
    repository = {"pins": ["all"], "device": "fast", "servers": float("inf")}

    def named(name, letter):
        return REPOSITORY if name == last else f"{letter}-{name}"

    nodes = {
        named(name, letter): {**node, "memory": 1e9}
        for letter in letters
        for name, node in world["nodes"].items()
        if name != last
    }
    return {
        "nodes": {**nodes, REPOSITORY: repository},
        "links": [
            (named(a, letter), named(z, letter), link) for letter in letters for a, z, link in world["links"]
        ],
        "models": world["models"],
        "overrides": {key: value for key, value in world["overrides"].items() if key.startswith("serving.")},
        "rate": world["rate"] * len(letters),
    }


def class_names(compiled):
    """Ingress and task of each class."""
    tables = compiled.tables
    ingress = tables.path_node[tables.path_start[tables.class_path]]
    return [(compiled.names.nodes[v], int(k)) for v, k in zip(ingress, tables.class_task, strict=True)]


@FINITE
@settings(max_examples=25)
@given(seed=SEEDS)
def test_copies_side_by_side_serve_as_each_does_alone(make_scenario, seed):
    """Copies of other demand and placement, and of some a third one's, come to what they come to alone."""
    rng = np.random.default_rng(seed)
    world = random_world(rng, picker(rng))
    world["overrides"] |= {"serving.capacity": "shared"}
    both = make_scenario(**copies_of(world, "ab"))
    compiled = compile_scenario(both)
    assert len(make_scratch(compiled.tables).basin_start) > 2
    whole = build_instance(both, seed)
    whole.draw.demand[:] *= 10.0 ** rng.uniform(-0.5, 1.5, whole.draw.demand.shape)
    wishes = [random_wish(rng, whole.tables) for _ in range(3)]
    alone = [played_alone(make_scenario(**copies_of(world, x)), compiled, whole, wishes) for x in "ab"]
    state = initial_state(whole)
    for t, wish in enumerate(wishes):
        state, outcome = step(whole, state, Action(wish))
        for copy in alone:
            classes, nodes, outcomes = copy
            for name in COMPARED:
                mine = getattr(outcome, name)[0, classes]
                np.testing.assert_allclose(mine, getattr(outcomes[t], name)[0], rtol=1e-12, err_msg=name)
            np.testing.assert_allclose(outcome.busy[0, nodes], outcomes[t].busy[0, :-1], rtol=1e-12)
        cost = sum(outcomes[t].tariff_cost[0] for *_, outcomes in alone)
        np.testing.assert_allclose(outcome.tariff_cost[0], cost, rtol=1e-12)


def played_alone(scenario, compiled, whole, wishes):
    """Classes and nodes of one copy among those of the whole, and what comes of it by itself."""
    one = compile_scenario(scenario)
    known = class_names(compiled)
    classes = [known.index(name) for name in class_names(one)]
    nodes = [compiled.names.nodes.index(name) for name in one.names.nodes]
    assert one.names.nodes[-1] == REPOSITORY
    instance = build_instance(scenario, 0)
    instance.draw.demand[:] = whole.draw.demand[:, :, classes]
    state, outcomes = initial_state(instance), []
    for wish in wishes:
        state, outcome = step(instance, state, Action(np.ascontiguousarray(wish[:, nodes])))
        outcomes.append(outcome)
    return classes, nodes[:-1], outcomes
