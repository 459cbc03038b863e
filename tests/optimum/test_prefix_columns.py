"""Columns of the concave gain: prefixes that serve on their own, and cuts that longer ones serve."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs, gain
from idn_gym.optimum.prefixes import PINNED, UNUSABLE, list_prefixes, to_placement
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.optimum.test_concave_gain import EXOGENOUS, evaluate


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
