import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario
from tests.conftest import QUICK_PRESETS

ONE = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)]}}
TWO = {**ONE, "n": {"blocks": [(3.0, 30.0, 0.0)], "task": "u"}}
NODES = {
    "a": {"demand": 3.0},
    "b": {"demand": 1.0, "tier": "board"},
    "e": {"memory": 25.0},
    "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
}
LINKS = [("a", "e", {}), ("b", "e", {}), ("e", "c", {"delay": 2.0})]


def options_of(compiled, rho):
    """{(model, ((segment, node), ...)), ...} of a class, by name."""
    tables, names = compiled.tables, compiled.names
    found = set()
    for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
        parts = range(tables.part_start[o], tables.part_start[o + 1])
        found.add(
            tuple((names.segments[tables.part_segment[q]], names.nodes[tables.part_node[q]]) for q in parts)
        )
    return found


def test_rows_have_names(make_scenario):
    names = compile_scenario(make_scenario(NODES, LINKS, TWO)).names
    assert names.nodes == ("a", "b", "e", "c")
    assert names.tiers == ("toy", "board", "toy", "toy")
    assert names.devices == ("unit", "unit", "unit", "fast")
    assert names.links == ("a->e", "b->e", "e->c")
    assert names.tasks == ("t", "u") and names.models == ("m", "n")
    assert names.segments == ("m[0:1]", "m", "m[1:2]", "n")
    assert names.points == (("all",), ("all",))
    assert names.ingress == ("a", "b")
    assert names.classes == ("t@a", "u@a", "t@b", "u@b")


def test_nominal_demand_is_split_by_ingress_share_and_rank(make_scenario):
    tasks = [{"name": "t", "models": ["m"], "share": 2.0}, {"name": "u", "models": ["n"]}]
    scenario = make_scenario(NODES, LINKS, TWO, {"workload.zipf": 1.0}, tasks, rate=2.0)
    compiled = compile_scenario(scenario)
    # 20 requests a slot; 3/4 at a; popularity 2 to 1/2
    expected = 20 * np.outer([0.75, 0.25], [0.8, 0.2]).ravel()
    np.testing.assert_allclose(compiled.tables.class_requests, expected)
    assert compiled.tables.nominal_requests == 20.0


def test_a_link_has_the_down_rate_of_its_kind_unless_it_says_otherwise(make_scenario):
    own = {"a": {"link": "wan_cloud"}, "b": {"link": "ble_1m"}, "e": {"link": "wan_cloud", "down_rate": 0.0}}
    links = [("a", "e", own["a"]), ("b", "e", own["b"]), ("e", "c", own["e"])]
    network = compile_scenario(make_scenario(NODES, links, TWO))
    whole = network.tables.link_rate[0]
    np.testing.assert_array_equal(network.tables.link_down_rate, [whole, 0.0, 0.0])


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_nominal_demand_adds_up(preset):
    compiled = compile_scenario(PRESETS[preset])
    assert compiled.tables.class_requests.sum() == pytest.approx(PRESETS[preset].nominal_requests)
    assert (compiled.tables.class_requests > 0).all()


def test_paths_lead_to_the_nearest_repository_by_least_delay(make_scenario):
    nodes = {"a": {"demand": 1.0}, "e": {}, "near": {"pins": ["m"]}, "far": {"pins": ["all"]}}
    slow, quick = {"delay": 5.0}, {"delay": 1.0}
    links = [("a", "near", slow), ("a", "e", quick), ("e", "near", quick), ("near", "far", quick)]
    compiled = compile_scenario(make_scenario(nodes, links, TWO))
    tables, names = compiled.tables, compiled.names
    routes = {}
    for rho, name in enumerate(names.classes):
        path = slice(*tables.path_start[tables.class_path[rho] : tables.class_path[rho] + 2])
        routes[name] = [names.nodes[v] for v in tables.path_node[path]], tables.path_delay[path].tolist()
    assert routes["t@a"] == (["a", "e", "near"], [0.0, 1.0, 2.0])
    # only far pins n
    assert routes["u@a"] == (["a", "e", "near", "far"], [0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("turned", [False, True])
def test_of_equally_quick_routes_the_one_of_fewer_hops_is_taken(make_scenario, turned):
    """Whatever the order in which nodes and links are listed; a millisecond less beats any number of hops."""
    near = [("a", "x", {"delay": 1.0}), ("x", "c", {"delay": 1.0})]
    far = [("a", "y", {"delay": 0.5}), ("y", "z", {"delay": 0.25})]  # z is found before x, and c from there
    nodes = {"a": {"demand": 1.0}, "x": {}, "y": {}, "z": {}, "c": NODES["c"]}
    if turned:
        nodes = dict(reversed(nodes.items()))
    for last, expected in ((1.25, ["a", "x", "c"]), (1.249, ["a", "y", "z", "c"])):
        links = [*near, *far, ("z", "c", {"delay": last})]
        compiled = compile_scenario(make_scenario(nodes, links[::-1] if turned else links, ONE))
        assert [compiled.names.nodes[v] for v in compiled.tables.path_node] == expected


def test_classes_of_an_ingress_share_a_path(make_scenario):
    compiled = compile_scenario(make_scenario(NODES, LINKS, TWO))
    assert compiled.tables.class_path.tolist() == [0, 0, 1, 1]
    assert compiled.tables.path_link.tolist() == [EMPTY, 0, 2, EMPTY, 1, 2]


def test_options_use_what_nodes_can_hold(make_scenario):
    """The edge has 25 bytes: the head of 10 or the tail of 20, not both."""
    compiled = compile_scenario(make_scenario(NODES, LINKS, ONE))
    head, tail = "m[0:1]", "m[1:2]"
    assert options_of(compiled, 0) == {
        (("m", "a"),),
        (("m", "c"),),
        ((head, "a"), (tail, "e")),
        ((head, "a"), (tail, "c")),
        ((head, "e"), (tail, "c")),
    }
    assert options_of(compiled, 1) == {
        tuple((segment, {"a": "b"}.get(node, node)) for segment, node in option)
        for option in options_of(compiled, 0)
    }


def test_what_may_be_placed_where(make_scenario):
    """Not more than memory less the pins, not what is pinned, and nothing on a node that is full."""
    nodes = {**NODES, "e": {"memory": 45.0, "pins": ["m"]}, "b": {"demand": 1.0, "memory": 0.0}}
    models = {**TWO, "o": {"blocks": [(1.0, 15.0, 0.0)]}}
    compiled = compile_scenario(make_scenario(nodes, LINKS, models))
    names = compiled.names
    placeable = {
        node: [names.segments[s] for s in np.flatnonzero(row)]
        for node, row in zip(names.nodes, compiled.placeable, strict=True)
    }
    everything = ["m[0:1]", "m", "m[1:2]", "o", "n"]
    assert placeable == {"a": everything, "b": [], "e": ["o"], "c": []}
    assert compiled.tables.node_movable.tolist() == [True, False, True, False]
    # a has the 1,000 bytes of its device, e 45
    assert compiled.tables.nominal_memory == 1045.0


def test_pins_of_some_or_all_models(make_scenario):
    nodes = {**NODES, "e": {"pins": ["n"]}}
    compiled = compile_scenario(make_scenario(nodes, LINKS, TWO))
    names = compiled.names
    pinned = [[names.segments[s] for s in row if s != EMPTY] for row in compiled.tables.pinned]
    assert pinned == [[], [], ["n"], ["m", "n"]]


def test_copies_of_a_task_have_models_of_their_own(make_scenario):
    tasks = [{"name": "t", "models": ["m"], "copies": 2}, {"name": "u", "models": ["n", "m"]}]
    models = {name: {**row, "task": "t"} for name, row in TWO.items()}
    compiled = compile_scenario(make_scenario(NODES, LINKS, models, tasks=tasks))
    assert compiled.names.tasks == ("t-1", "t-2", "u")
    assert compiled.names.models == ("m@t-1", "m@t-2", "n", "m@u")
    assert compiled.tables.model_task.tolist() == [0, 1, 2, 2]
    assert (compiled.tables.pinned[3] != EMPTY).all()
    used = [{option[0][0].split("[")[0] for option in options_of(compiled, rho)} for rho in range(3)]
    assert used == [{"m@t-1"}, {"m@t-2"}, {"n", "m@u"}]


def test_models_of_one_task_must_solve_the_same(make_scenario):
    tasks = [{"name": "u", "models": ["n", "m"]}]
    with pytest.raises(ConfigError, match=r"^tasks\.u\.models: .* they solve t and u$"):
        compile_scenario(make_scenario(NODES, LINKS, TWO, tasks=tasks))


def test_drops_are_charged_the_traffic_of_the_worst_option(make_scenario):
    compiled = compile_scenario(make_scenario(NODES, LINKS, TWO))
    assert compiled.tables.class_drop_bytes.tolist() == [16.0] * 4
    models = {"m": {"blocks": [(2.0, 10.0, 20.0), (1.0, 20.0, 0.0)]}}
    compiled = compile_scenario(make_scenario(NODES, LINKS, models))
    # a cut of 20 bytes over two hops beats the input of 8
    assert compiled.tables.class_drop_bytes.tolist() == [40.0, 40.0]


def test_exits_may_be_switched_off(make_scenario):
    models = {"m": {**ONE["m"], "points": {"early": [(1, 0.5, 0.5), (2, 0.5, 1.0)], "full": [(2, 1.0, 1.0)]}}}
    compiled = compile_scenario(make_scenario(NODES, LINKS, models))
    assert compiled.names.points == (("early", "full"),)
    compiled = compile_scenario(make_scenario(NODES, LINKS, models, {"serving.exits": False}))
    assert compiled.names.points == (("full",),)
    assert (compiled.tables.branch_share == 1.0).all()


def test_equal_scenarios_are_compiled_once():
    assert compile_scenario(PRESETS["tiny"]) is compile_scenario(load_scenario("tiny"))
    assert compile_scenario(PRESETS["tiny"]) is not compile_scenario(load_scenario("tiny", {"horizon": 3}))


def test_tables_cannot_be_written_to(make_scenario):
    tables = compile_scenario(make_scenario(NODES, LINKS, ONE)).tables
    with pytest.raises(ValueError, match="read-only"):
        tables.link_rate[0] = 1.0


EARLY = {"m": {**ONE["m"], "points": {"early": [(1, 0.5, 0.5), (2, 0.5, 1.0)]}}}


@pytest.mark.parametrize(
    ("nodes", "links", "models", "changes", "message"),
    [
        (
            {"a": {"device": "unti"}},
            LINKS,
            ONE,
            {},
            r"topology.nodes.a.device: 'unti' .* did you mean 'unit'",
        ),
        ({}, [*LINKS, ("a", "x", {})], ONE, {}, r"topology.links.a->x: 'x': allowed: a, b, e, c"),
        (
            {},
            [*LINKS, ("a", "c", {"link": "wier"})],
            ONE,
            {},
            r"topology.links.a->c.link: .* did you mean 'wire'",
        ),
        ({}, [*LINKS, ("a", "e", {"delay": 9.0})], ONE, {}, r"topology.links.a->e: is given twice"),
        ({}, [*LINKS, ("e", "e", {})], ONE, {}, r"topology.links.e->e: .*must lead to another node"),
        ({"a": {}, "b": {}}, LINKS, ONE, {}, r"topology.nodes: no node has a demand above 0"),
        ({"c": {}}, LINKS, ONE, {}, r"topology: task 't' .* no node pins any of its models"),
        ({"c": {"pins": ["n"]}}, LINKS, TWO, {}, r"topology: task 't' .* no node pins any of its models"),
        ({}, LINKS[:2], ONE, {}, r"topology: task 't' .* from node 'a': no repository can be reached"),
        (
            {"c": {"pins": ["x"]}},
            LINKS,
            ONE,
            {},
            r"topology.nodes.c.pins: 'x' is not allowed; allowed: all, m",
        ),
        (
            {"c": {"pins": ["all"], "memory": 29.0}},
            LINKS,
            ONE,
            {},
            r"topology.nodes.c.memory: .* 1 bytes more",
        ),
        ({}, LINKS, ONE, {"tasks.0.models": ["k"]}, r"tasks.t.models: 'k' is not in the catalogue; "),
        ({}, LINKS, ONE, {"tasks.0.models": ["m", "m"]}, r"tasks.t.models: .* names a model twice"),
        ({}, LINKS, ONE, {"tasks.0.models": []}, r"tasks.t.models: .* is empty"),
        ({}, LINKS, EARLY, {"serving.exits": False}, r"serving.exits: .*all models of 't' exit early"),
        ({}, LINKS, TWO, {"tasks.0.copies": 2, "tasks.1.name": "t-1"}, r"tasks: 't-1' is given twice"),
    ],
)
def test_what_cannot_be_compiled_is_refused(make_scenario, nodes, links, models, changes, message):
    scenario = make_scenario({**NODES, **nodes}, links, models, changes)
    with pytest.raises(ConfigError, match=f"^{message}"):
        compile_scenario(scenario)


def test_a_class_without_requests_is_refused():
    """2^-2000 is 0 in floats; kernels divide by the nominal batch."""
    with pytest.raises(ConfigError, match=r"^workload: rate 15 and zipf 2000 are not allowed"):
        compile_scenario(load_scenario("tiny", {"workload.zipf": 2000}))


def test_two_nodes_of_one_name_are_refused():
    with pytest.raises(ConfigError, match=r"topology.nodes: 'edge' is given twice"):
        compile_scenario(load_scenario("tiny", {"topology.nodes.0.name": "edge"}))


def test_a_repository_must_pin_a_model_that_may_be_used(make_scenario):
    """With exits off the pinned model has no operating point, so that no request would ever be served."""
    models = {**EARLY, "n": {"blocks": [(3.0, 30.0, 0.0)]}}
    nodes = {**NODES, "c": {**NODES["c"], "pins": ["m"]}}
    with pytest.raises(ConfigError, match="no node pins any of its models"):
        compile_scenario(make_scenario(nodes, LINKS, models, {"serving.exits": False}))
