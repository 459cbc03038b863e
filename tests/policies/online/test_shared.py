"""Planners for shared capacity: they minimise what is played, loads have a price, neighbours count."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY
from idn_gym.core.slots import one_row
from idn_gym.optimum.search.slot_search import SlotSearch
from idn_gym.optimum.static import static_cost
from idn_gym.policies.compare import play_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.conftest import place_by_name

SLOTS = 6


@pytest.fixture(scope="module")
def tiny():
    """The preset without the time that loads take, but with their price; a row of it and a search."""
    compiled = compile_scenario(
        load_scenario("tiny", {"horizon": SLOTS, "serving.loading": "instant", "scales.update": 0.01})
    )
    row = build_instance(compiled.scenario, 0)
    return compiled, row, SlotSearch(compiled, row)


def test_the_search_minimises_what_is_played(tiny):
    compiled, row, search = tiny
    search.look_at(row, compiled.tables.pinned, SLOTS)
    search.replan(compiled.tables.pinned, search.everything)
    assert (search.placement != compiled.tables.pinned).sum() > 1
    assert search.cost == pytest.approx(static_cost(row, compiled.scales, search.placement)[0], rel=1e-9)
    before = search.cost
    move = [(*np.argwhere(search.placement != compiled.tables.pinned)[0].tolist(), EMPTY)]
    gain, costs = search.gain(move)
    search.apply(move, costs)
    assert search.cost == pytest.approx(before - gain, rel=1e-12)
    assert search.cost == pytest.approx(static_cost(row, compiled.scales, search.placement)[0], rel=1e-9)


def test_what_is_held_has_been_paid(tiny):
    compiled, row, search = tiny
    search.look_at(row, compiled.tables.pinned, SLOTS)
    search.replan(compiled.tables.pinned, search.everything)
    found, bought = search.placement.copy(), search.load_cost()
    search.look_at(row, found, SLOTS)
    assert bought > 0.0 == search.load_cost()
    v, s = search.items[0]
    search.look_at(row, compiled.tables.pinned, SLOTS)
    dear = search.load_price(v, s)
    search.look_at(row, compiled.tables.pinned, 10 * SLOTS)
    assert search.load_price(v, s) == pytest.approx(dear / 10)


def test_a_plan_is_changed_only_for_what_it_saves(tiny):
    compiled, row, search = tiny
    pinned = compiled.tables.pinned
    search.look_at(row, pinned, SLOTS)
    alone = search.cost
    search.replan(pinned, search.everything)
    share = 1.0 - search.cost / alone
    for least, moved in ((share * 0.99, True), (share * 1.01, False)):
        search.look_at(row, pinned, SLOTS)
        search.replan(pinned, search.everything, least)
        assert (search.placement != pinned).any() == moved


def chain(make_scenario, **overrides):
    """Two nodes before a slow cloud, each with room for the one model."""
    nodes = {"board": {"memory": 10.0, "demand": 1.0}, "edge": {"memory": 10.0}}
    nodes["cloud"] = {"pins": ["all"], "servers": float("inf")}
    links = [("board", "edge", {}), ("edge", "cloud", {"delay": 1.0})]
    models = {"m": {"blocks": [(0.01, 10.0, 0.0)]}}
    return make_scenario(nodes, links, models, {"horizon": 4, "serving.loading": "instant", **overrides})


def test_nodes_know_what_the_others_have_chosen(make_scenario, play_learner):
    scenario = chain(make_scenario)
    held = {name: play_learner(name, scenario)[1][1, 0, :2, 0] for name in ("olag", "olag-shared")}
    assert (held["olag"] != EMPTY).all()  # each as if it were alone
    assert (held["olag-shared"] != EMPTY).sum() == 1


def test_a_node_builds_anew_beside_what_the_others_hold(make_scenario, make_learner):
    """The board takes the one model that fits it, so the edge gives that up for the other one."""
    nodes = {"board": {"memory": 10.0, "demand": 1.0}, "edge": {"memory": 20.0}}
    nodes["cloud"] = {"pins": ["all"], "servers": float("inf")}
    links = [("board", "edge", {}), ("edge", "cloud", {"delay": 1.0})]
    models = {
        "often": {"blocks": [(0.01, 10.0, 0.0)], "task": "much"},
        "seldom": {"blocks": [(0.01, 20.0, 0.0)], "task": "little"},
    }
    scenario = make_scenario(nodes, links, models, {"horizon": 4, "serving.loading": "instant"})
    row, planner = build_instance(scenario, 0), make_learner("olag-shared", scenario)
    row.draw.demand[:] = [10.0, 1.0]
    held = place_by_name(scenario, {"edge": ["often"]})[0]
    planner.wanted[0] = np.where(held != EMPTY, held, planner.tables.pinned)
    planner.reached[0] = [2.0, 1.0, 0.0]
    found = planner.choose(0, row)
    segments = compile_scenario(scenario).names.segments
    board, edge = ([segments[s] for s in mine if s != EMPTY] for mine in found[:2])
    assert board == ["often"] and edge == ["seldom"]


def test_a_node_that_nothing_reaches_keeps_what_it_holds(make_scenario, play_learner):
    scenario = chain(make_scenario)
    instance = build_instance(scenario, (0,))
    instance.draw.demand[:, 1:] = 0.0
    placements = play_learner("olag-shared", scenario, instance=instance)[1]
    assert (placements[1] != placements[0]).any()
    np.testing.assert_array_equal(placements[2:], placements[1:3])


@pytest.mark.parametrize("name", ["window-greedy-shared", "clairvoyant-greedy-shared"])
@pytest.mark.parametrize(("update", "moves"), [(1e9, True), (1e-9, False)])
def test_loads_are_paid_at_the_price_of_the_score(name, update, moves, make_scenario, play_learner):
    placements = play_learner(name, chain(make_scenario, **{"scales.update": update}))[1]
    assert (placements[1:, :, :2] != EMPTY).any() == moves


def test_equal_placements_do_not_take_turns(cells, play_learner):
    """Two tasks that are asked for in turn, a node with room for one: moving does not pay by a hundredth."""
    scenario = cells(tasks=2, hold=1.0, horizon=8, **{"serving.capacity": "shared"})
    instance = build_instance(scenario, (0,))
    instance.draw.demand[:] = np.where(np.arange(8)[:, None] % 2 == np.arange(2), 1.01, 1.0)
    options = {"window": 1, "stay": 1e9}
    calm = play_learner("window-greedy-shared", scenario, instance=instance, least=0.05, **options)[1]
    wild = play_learner("window-greedy-shared", scenario, instance=instance, least=0.0, **options)[1]
    assert (calm[1:] == calm[1]).all()
    assert (wild[1:-1] != wild[2:]).any((1, 2, 3)).all()


def test_on_edge_small_who_serves_is_ahead_of_who_reckons_alone_and_of_static_greedy():
    scenario = load_scenario("edge-small", {"horizon": 16})
    names = ["static-greedy", "clairvoyant-greedy-shared", "sg-per-byte", "sg-shared"]
    names += ["window-greedy", "window-greedy-shared", "olag", "olag-shared"]
    cost = {name: -play_policy(name, scenario, range(2)).scalar.mean() for name in names}
    assert cost["clairvoyant-greedy-shared"] < 0.98 * cost["static-greedy"]
    for name in ("window-greedy", "olag"):
        assert cost[f"{name}-shared"] < cost[name]
    assert cost["sg-shared"] < cost["sg-per-byte"]


def test_rows_of_the_searches_are_those_of_the_instance(tiny):
    """Another slot, another cost: nothing of the slots looked at before is left."""
    compiled, _, search = tiny
    both = build_instance(compiled.scenario, (0, 1))
    for b in (1, 0):
        search.look_at(one_row(both, b), compiled.tables.pinned, SLOTS)
        fresh = SlotSearch(compiled, one_row(both, b))
        assert search.cost == fresh.cost
