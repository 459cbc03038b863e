"""Several routes, links and nodes that are down, worked by hand on a diamond of two routes."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.core.costs import costs, serving_cost
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.validate import InstanceError, check_instance
from idn_gym.env import IDNEnv
from idn_gym.evaluation.event_network import EventNetwork
from idn_gym.optimum.routing_program import Routing
from idn_gym.optimum.solver import solve_relaxed
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

# One model of two blocks: 2 s then 1 s on "unit", a tenth of it on "fast"; 8 bytes in, 4 at the cut.
TWO_BLOCKS = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)], "points": {"all": [(2, 1.0, 0.75)]}}}

# From a to the repository d over b, where the links take 0.5 s each, or over c, where they take 1 s; each
# carries 16 bytes/s, so 160 bytes a slot: 20 raw inputs.
NODES = {
    "a": {"demand": 1.0},
    "b": {},
    "c": {},
    "d": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
}
LINKS = [("a", "b", {}), ("b", "d", {}), ("a", "c", {"delay": 1.0}), ("c", "d", {"delay": 1.0})]
AB, BD, AC, CD = range(4)
BY_B = 2 * (0.5 + 8 / 16) + 0.3
BY_C = 2 * (1.0 + 8 / 16) + 0.3


@pytest.fixture
def diamond(make_scenario):
    def make(overrides=None, links=LINKS, nodes=NODES, **kwargs):
        return make_scenario(nodes, links, TWO_BLOCKS, {"topology.routes": 2, **(overrides or {})}, **kwargs)

    return make


def test_requests_take_the_first_route_while_it_has_room(diamond, play):
    slot = play(diamond(), demand=[4.0])
    assert slot.latency == pytest.approx([4 * BY_B])
    assert slot.carried == pytest.approx([32.0, 32.0, 0.0, 0.0])


def test_the_second_route_is_used_when_a_link_of_the_first_is_full(diamond, play):
    slot = play(diamond(), demand=[25.0])
    assert slot.served == pytest.approx([25.0])
    assert slot.carried == pytest.approx([160.0, 160.0, 40.0, 40.0])
    assert slot.latency == pytest.approx([20 * BY_B + 5 * BY_C])
    assert slot.started == [pytest.approx([0, 0, 20, 0, 0, 5, 0])]
    assert slot.traffic == pytest.approx([25 * 2 * 8.0])
    assert slot.link_utilisation == pytest.approx([1.0, 1.0, 0.25, 0.25])
    assert play(diamond({"topology.routes": 1}), demand=[25.0]).served == pytest.approx([20.0])


@pytest.mark.parametrize("rate", [[0.0, 16.0, 16.0, 16.0], [16.0, 0.0, 16.0, 16.0]])
def test_the_second_route_is_used_when_a_link_of_the_first_is_down(diamond, play, rate):
    slot = play(diamond(), demand=[4.0], rate=rate)
    assert slot.latency == pytest.approx([4 * BY_C])
    assert slot.carried == pytest.approx([0.0, 0.0, 32.0, 32.0])
    assert slot.link_utilisation == pytest.approx([0.0, 0.0, 0.2, 0.2])
    alone = play(diamond({"topology.routes": 1}), demand=[4.0], rate=rate)
    assert alone.served == [0.0] and alone.started[0][-1] == 4.0


def test_where_no_route_is_left_requests_are_dropped(diamond, play):
    slot = play(diamond(), demand=[4.0], rate=[0.0, 16.0, 16.0, 0.0])
    assert slot.served == [0.0] and slot.late == [4.0]
    assert slot.latency == [0.0] and slot.penalty[0][1] == 4 * 100.0


def test_links_that_are_down_with_queues(diamond, play):
    queues = {"serving.queueing": "mgc", "serving.load_limit": 0.8, "serving.last_resort": 0.9}
    slot = play(diamond(queues), demand=[4.0], rate=[0.0, 16.0, 16.0, 16.0])
    # Two queues of M/D/1 at a load of 0.2: rho / (1 - rho) of half a transfer each, less those who give up.
    wait = 2 * 0.25 / 2 * 0.5
    given = wait / np.sqrt(1 + (2 * wait / (100 - BY_C)) ** 2)
    assert slot.wait == pytest.approx([4 * given])
    assert np.isfinite(slot.latency).all() and slot.carried == pytest.approx([0.0, 0.0, 32.0, 32.0])


def test_what_would_send_nothing_over_a_link_that_is_down_is_out_too(make_scenario, play):
    """The tail needs no input, but somebody must tell it."""
    models = {"m": {"blocks": [(2.0, 10.0, 0.0), (1.0, 20.0, 0.0)]}}
    scenario = make_scenario(NODES, LINKS, models, {"topology.routes": 2})
    slot = play(scenario, {"a": ["m[0:1]"]}, demand=[1.0])
    assert slot.latency == pytest.approx([1 * BY_B])
    slot = play(scenario, {"a": ["m[0:1]"]}, demand=[4.0], rate=[0.0, 16.0, 16.0, 0.0])
    assert slot.served == [0.0]


def test_a_node_that_is_down_forwards_unless_told_otherwise(diamond):
    outages = {"dynamics.outages": {"mean_up": 2, "mean_down": 2}, "horizon": 40}
    plain = build_instance(diamond(outages), 0).draw
    cut = build_instance(diamond(outages | {"dynamics.outages.forwards": False}), 0).draw
    np.testing.assert_array_equal(plain.seconds, cut.seconds)
    assert (plain.rate == 16.0).all()
    down = plain.seconds[0] == 0.0
    for e, (v, w) in enumerate([(0, 1), (1, 3), (0, 2), (2, 3)]):
        np.testing.assert_array_equal(cut.rate[0, :, e], np.where(down[:, v] | down[:, w], 0.0, 16.0))
    assert down[:, :3].any(axis=0).all() and not down[:, 3].any()


def test_a_middle_node_that_is_down_is_passed_by(diamond, play):
    """With its memory kept and its links up, requests cross it; with its links down they go round."""
    down = {"seconds": [10.0, 0.0, 10.0, np.inf], "demand": [4.0]}
    assert play(diamond(), {"b": ["m"]}, **down).latency == pytest.approx([4 * BY_B])
    slot = play(diamond(), {"b": ["m"]}, **down, rate=[0.0, 0.0, 16.0, 16.0])
    assert slot.latency == pytest.approx([4 * BY_C]) and slot.busy[1] == 0.0


def test_links_of_a_process_may_be_down(diamond):
    process = {"kind": "gilbert_elliott", "fail": 0.5, "heal": 0.5, "bad": 0.0}
    rate = build_instance(diamond({"dynamics.link": process, "horizon": 40}), 0).draw.rate
    assert set(np.unique(rate)) == {0.0, 16.0}


# ---------------------------------------------------------------- options


def option_ways(scenario):
    """Nodes of parts, and nodes passed up to the last one, of each option of the only class, by segments."""
    tables, names = compile_scenario(scenario).tables, compile_scenario(scenario).names
    ways = []
    for o in range(len(tables.option_model)):
        q = range(tables.part_start[o], tables.part_start[o + 1])
        passed = tables.path_node[tables.option_origin[o] : tables.part_position[q[-1]] + 1]
        runs = tuple((names.nodes[tables.part_node[i]], names.segments[tables.part_segment[i]]) for i in q)
        ways.append((runs, "".join(names.nodes[v] for v in passed)))
    return ways


def test_options_exist_on_each_route_and_once_where_routes_have_not_parted(diamond):
    ways = option_ways(diamond())
    assert len(set(ways)) == len(ways)
    alone = [(runs[0][0], way) for runs, way in ways if len(runs) == 1]
    assert sorted(alone) == [("a", "a"), ("b", "ab"), ("c", "ac"), ("d", "abd"), ("d", "acd")]
    split = sorted(way for runs, way in ways if runs == (("a", "m[0:1]"), ("d", "m[1:2]")))
    assert split == ["abd", "acd"]


def test_positions_are_those_of_the_routes_end_to_end(diamond):
    tables = compile_scenario(diamond()).tables
    assert tables.path_start.tolist() == [0, 6]
    assert tables.path_node.tolist() == [0, 1, 3, 0, 2, 3]
    assert tables.path_link.tolist() == [EMPTY, AB, BD, EMPTY, AC, CD]
    assert tables.path_delay.tolist() == [0.0, 0.5, 1.0, 0.0, 1.0, 2.0]
    assert tables.path_same_node.tolist() == [0, 1, 2, 0, 4, 2]
    assert tables.path_same_link.tolist() == [0, 1, 2, 3, 4, 5]


def test_where_routes_join_again_nodes_and_links_are_booked_once(diamond, play):
    """b and c meet in e, from which one link leads on to d; it fills for both routes together."""
    links = [*LINKS[:1], ("b", "e", {}), *LINKS[2:3], ("c", "e", {"delay": 1.0}), ("e", "d", {"rate": 40.0})]
    nodes = {**NODES, "e": {}}
    scenario = diamond(links=links, nodes=nodes)
    slot = play(scenario, demand=[25.0])
    assert slot.carried == pytest.approx([160.0, 160.0, 40.0, 40.0, 200.0])
    assert slot.sent == [pytest.approx([0, 160, 160, 200, 0, 40, 40, 0])]
    # With 16 bytes/s from e on, 20 requests fill what leads to d over b; e itself has time for 10 / 3 more.
    scenario = diamond(links=[*links[:4], ("e", "d", {})], nodes=nodes)
    slot = play(scenario, {"e": ["m"]}, demand=[25.0])
    assert slot.started == [pytest.approx([0, 0, 0, 20, 0, 0, 10 / 3, 0, 5 / 3])]
    assert slot.busy[4] == pytest.approx(10.0)
    assert slot.spent == [pytest.approx([0, 0, 10, 6, 0, 0, 0, 0])]


def test_more_routes_than_there_are_change_nothing(diamond):
    two, many = compile_scenario(diamond()).tables, compile_scenario(diamond({"topology.routes": 9})).tables
    for one, other in zip(two, many, strict=True):
        np.testing.assert_array_equal(one, other)


def test_routes_lead_to_the_nearest_repository_or_to_the_best_of_several(diamond):
    nodes = {**NODES, "c": {"device": "fast", "pins": ["all"], "servers": float("inf")}}
    ways = {way for _, way in option_ways(diamond(nodes=nodes))}
    assert ways == {"a", "ac", "ab", "abd"}


def test_a_thousand_million_routes_are_refused_in_time(diamond):
    with pytest.raises(ConfigError, match=r"topology\.routes: 1000000000 for each of 1 ingress"):
        compile_scenario(diamond({"topology.routes": 10**9}))


def test_costs_of_options_over_links_that_are_down_are_endless(diamond):
    instance = build_instance(diamond(), 0)
    instance.draw.rate[0, 0, AB] = 0.0
    option, _ = costs(instance, 0)
    tables = instance.tables
    over = [
        AB
        in tables.path_link[tables.option_origin[o] : tables.part_position[tables.part_start[o + 1] - 1] + 1]
        for o in range(len(option))
    ]
    np.testing.assert_array_equal(np.isinf(option), over)


# ---------------------------------------------------------------- what follows the routes


def test_requests_reach_the_nodes_of_their_route(diamond):
    """Of 10 requests 4 begin at d over b, 3 at d over c, 1 at c, and 2 are dropped, which pass all nodes."""
    tables = compile_scenario(diamond()).tables
    outcome = empty_outcome(tables, 1)
    outcome.started[0, 0] = [0, 0, 4, 0, 1, 3, 2]
    reach = RequestsPerNode(tables)
    assert reach.measure(outcome, 0).tolist() == [10.0, 6.0, 9.0, 0.0, 6.0, 0.0]
    assert reach.node[reach.meets].tolist() == tables.part_node[tables.part_start[:-1]].tolist()
    assert (reach.measure(outcome, 0)[reach.meets] > 0).all()


def test_simulated_requests_visit_the_links_of_their_route(diamond):
    instance = build_instance(diamond(), 0)
    tables = instance.tables
    network = EventNetwork(instance, 0)
    for o in range(len(tables.option_model)):
        last = tables.part_start[o + 1] - 1
        passed = tables.path_link[tables.option_origin[o] + 1 : tables.part_position[last] + 1]
        visited = [v.station - 4 for v in network.visits(o, tables.branch_start[o]) if v.station >= 4]
        assert visited == passed.tolist()


def test_the_graph_counts_what_passes_a_node_once(diamond):
    env = IDNEnv(scenario=diamond(), action="change", observation="graph")
    env.reset(seed=0)
    observation, *_ = env.step(0)
    columns = [column["name"] for column in env.describe()["observation"]["nodes"]["columns"]]
    nodes = observation["nodes"]
    assert nodes[0, columns.index("started")] == 0.0 and nodes[3, columns.index("started")] == 1.0
    np.testing.assert_allclose(nodes[:, columns.index("batch")], 1.0)


def test_routing_takes_the_second_route_where_the_first_is_full(diamond):
    """The bound, the best routing and what is played are the same where nothing can be placed."""
    nodes = {name: {**node, "memory": 0.0} if "pins" not in node else node for name, node in NODES.items()}
    scenario = diamond(nodes=nodes, rate=2.5)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
    instance.draw.rate[0, 1] = [16.0, 0.0, 16.0, 16.0]
    routing = Routing(compiled, instance, one_per_task=False)
    _, (drop,) = costs(instance, 0)
    for t, saved in ((0, 20 * (drop - BY_B) + 5 * (drop - BY_C)), (1, 20 * (drop - BY_C))):
        program = routing.program([np.array([t])], compiled.tables.pinned)
        assert solve_relaxed(program, 10.0).bound == pytest.approx(saved)
        played = drop * 25.0 - serving_cost(instance, t, compiled.tables.pinned)
        assert played == pytest.approx(saved)


@pytest.mark.parametrize("field", ["option_origin", "part_position", "path_link", "path_same_node"])
def test_options_that_leave_their_route_are_refused(diamond, field):
    instance = build_instance(diamond(), 0)
    wrong = getattr(instance.tables, field).copy()
    wrong[{"option_origin": -1, "part_position": -1, "path_link": 0, "path_same_node": 5}[field]] = 1
    with pytest.raises(InstanceError, match=f"^{field}: must"):
        check_instance(instance._replace(tables=instance.tables._replace(**{field: wrong})))


def test_elastic_nodes_may_be_down_where_they_pin_nothing(diamond):
    nodes = {**NODES, "b": {"servers": float("inf")}}
    outages = {"dynamics.outages": {"mean_up": 1, "mean_down": 1}}
    instance = build_instance(diamond(outages, nodes=nodes), 0)
    assert (instance.draw.seconds[0, :, 1] == 0.0).any()
    check_instance(instance)


def test_both_links_of_a_node_are_drawn_and_those_that_are_down_say_so(diamond):
    down = {"kind": "gilbert_elliott", "fail": 1.0, "heal": 1e-9, "bad": 0.0}
    for process, text in (({"kind": "fixed"}, "128 b/s"), (down, "//////  down")):
        env = IDNEnv(scenario=diamond({"dynamics.link": process}), render_mode="ansi")
        env.reset(seed=0)
        assert sum(text in line for line in env.render().splitlines()) == len(LINKS)
