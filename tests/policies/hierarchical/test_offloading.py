"""Offloading over trees: exact where it must be, every node by itself, messages counted."""

import copy
import itertools

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.costs import costs, serving_cost
from idn_gym.core.geometry import bytes_to_load
from idn_gym.core.slots import one_slot
from idn_gym.core.transition import initial_state, step
from idn_gym.optimum.dynamic.sequences import byte_prices
from idn_gym.policies.compare import play_policy
from idn_gym.policies.hierarchical.layer_values import layer_costs, solve_layers
from idn_gym.policies.hierarchical.trellis import build_trellis
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.random_worlds import random_model

CLOUD = {"cloud": {"pins": ["all"], "device": "fast", "servers": float("inf")}}


def chain(make_scenario, seed, parts=3):
    """One class on a chain of four nodes with random devices, links, memories and models."""
    rng = np.random.default_rng(seed)
    tiers = [f"tier-{i}" for i in range(4)]
    devices = rng.choice(["unit", "fast", "starting"], len(tiers)).tolist()
    nodes = {
        name: {"memory": float(rng.uniform(20, 90)), "device": device, "servers": 100.0}
        for name, device in zip(tiers, devices, strict=True)
    }
    nodes["tier-0"]["demand"] = 1.0
    ends = [*tiers, "cloud"]
    links = [
        (a, z, {"delay": float(rng.uniform(0, 1)), "rate": float(rng.uniform(10, 80))})
        for a, z in itertools.pairwise(ends)
    ]
    models = {f"m{i}": random_model(rng, 3, 2, "t") for i in range(3)}
    changes = {"serving.tariff": None, "serving.max_parts": parts, "serving.loading": "instant"}
    scales = {"scales.latency": 1.0, "scales.traffic": 50.0, "scales.update": 20.0}
    return make_scenario(nodes | CLOUD, links, models, {**changes, **scales, "horizon": 1}, rate=0.1)


def cheapest_by_hand(compiled, instance, stay):
    """Cost per slot of the best option with its loads: what one class alone pays at least."""
    tables, (cost, _) = compiled.tables, costs(instance, 0)
    byte = byte_prices(compiled, instance.draw.weights[0])[:, tables.model_task] / stay
    best = np.inf
    for o in range(len(cost)):
        load = 0.0
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            v, s = tables.part_node[q], tables.part_segment[q]
            if tables.pinned[v, tables.segment_model[s]] == EMPTY:
                load += tables.segment_bytes[s] * byte[v, tables.segment_model[s]]
        best = min(best, cost[o] * instance.draw.demand[0, 0, 0] / tables.nominal_requests + load)
    return best


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_one_class_without_queues_is_served_as_well_as_can_be(parts, make_scenario, make_learner):
    placed = 0
    for seed in range(8):
        scenario = chain(make_scenario, seed, parts)
        compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
        policy = make_learner("offload-planned", scenario, rounds=1, least=0.0, stay=10.0)
        policy._episodes.draw.weights[:] = instance.draw.weights
        found = policy.predict(np.zeros((1, 1)))[0][0]
        tables = compiled.tables
        byte = byte_prices(compiled, instance.draw.weights[0])[:, tables.model_task]
        load = float((bytes_to_load(tables, found, tables.pinned) * byte).sum())  # one slot is left to pay it
        mine = serving_cost(instance, 0, found) / tables.nominal_requests + load
        assert mine == pytest.approx(cheapest_by_hand(compiled, instance, 1.0), rel=1e-9)
        placed += int((found != tables.pinned).sum())
    assert placed > 3


def test_values_of_layers_are_costs_of_options(make_scenario):
    """Not only where it is least: the value of raw inputs is the minimum over all options, timeouts aside."""
    for seed in range(5):
        scenario = chain(make_scenario, 100 + seed)
        compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
        trellis = build_trellis(compiled.tables)
        found = layer_costs(compiled.tables, trellis, instance.draw, 0, 0, instance.draw.tariff[0])
        values = solve_layers(trellis, found, np.zeros(len(trellis.stage_node)))
        begins = trellis.state_cut == 0
        least = values.value[trellis.item_node[trellis.class_item[0]], begins].min()
        assert least == pytest.approx(costs(instance, 0)[0].min(), rel=1e-12)


def tree(make_scenario, **overrides):
    """Three layers: four leaves below two nodes below a cloud; heads, tails and wholes of two models."""
    nodes = {f"leaf-{i}": {"memory": 12.0, "demand": 1.0} for i in range(4)}
    nodes |= {f"mid-{i}": {"memory": 25.0, "device": "fast"} for i in range(2)}
    links = [(f"leaf-{i}", f"mid-{i // 2}", {"delay": 0.1}) for i in range(4)]
    links += [(f"mid-{i}", "cloud", {"delay": 1.0}) for i in range(2)]
    models = {
        "a": {"blocks": [(0.1, 8.0, 2.0), (0.5, 12.0, 0.0)], "task": "t0"},
        "b": {"blocks": [(0.2, 9.0, 0.0)], "task": "t1"},
    }
    queues = {"serving.queueing": "mgc", "serving.load_limit": 0.9, "serving.last_resort": 0.95}
    given = {"horizon": 8, "serving.loading": "instant", "scales.update": 1e3, **queues, **overrides}
    return make_scenario(nodes | CLOUD, links, models, given, rate=2.0)


def shaken(feedback, compiled, node):
    """The same slot, but for all that only one node can see."""
    tables, mine = compiled.tables, compiled.names.nodes.index(node)
    revealed, outcome = copy.deepcopy(feedback.revealed.draw), copy.deepcopy(feedback.outcome)
    enters = tables.path_node[tables.path_start[tables.class_path]] == mine
    up = compiled.link_ends[:, 0] == mine
    revealed.demand[:, :, enters] *= 7.0
    revealed.seconds[:, :, mine] *= 0.3
    revealed.memory[:, :, mine] *= 0.5
    revealed.rate[:, :, up] *= 0.2
    outcome.node_wait[:, mine], outcome.link_wait[:, up] = 3.0, 2.0
    outcome.node_utilisation[:, mine], outcome.busy[:, mine] = 0.8, 5.0
    after = copy.deepcopy(feedback.after)
    after.resident[:, mine] = EMPTY
    return Feedback(feedback.revealed._replace(draw=revealed), feedback.before, after, outcome)


def test_no_node_reads_what_others_see_and_news_takes_a_slot_per_hop(make_scenario, make_learner):
    """Two worlds in which one leaf sees something else in one slot."""
    scenario = tree(make_scenario)
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
    names = compiled.names.nodes
    policy = make_learner("offload-adaptive", scenario, explore=0.0)
    state, memory, other = initial_state(instance), None, None
    reach = ({"leaf-3"}, {"leaf-3", "mid-1"}, {"leaf-3", "mid-1", "leaf-2", "cloud"})
    told = policy.trellis.item_node[:, None] == np.arange(len(names))
    for t in range(6):
        revealed = one_slot(instance, state.slot)
        wanted, memory = policy.predict(np.zeros((1, 1)), memory, np.full(1, t == 0))
        before, (state, outcome) = state, step(instance, state, Action(wanted))
        feedback = Feedback(revealed, before, state, outcome)
        if t == 3:
            other = copy.deepcopy(policy)
            other.update(shaken(feedback, compiled, "leaf-3"))
        elif other is not None:
            other.update(feedback)
        policy.update(feedback)
        if other is not None:
            differ = (policy.wanted != other.wanted).any((0, 2)) | (policy.value != other.value).any((0, 2))
            assert {names[v] for v in np.flatnonzero(differ)} <= reach[t - 3]
            hears = ((policy.announced != other.announced)[0, :, None] & told).any(0)
            assert {names[v] for v in np.flatnonzero(hears)} <= {"mid-1", "cloud"}
            assert t > 3 or (differ.any() and hears.any())  # it did see something else


def test_messages_are_counted_number_by_number(make_scenario, make_learner):
    """Down: raw and one cut of a, raw of b. Up: raw of both tasks, a's cut, and two numbers per task."""
    policy = make_learner("offload-adaptive", tree(make_scenario))
    links = 6
    assert policy.down_bytes == 4 * links * 3
    assert policy.up_bytes == 4 * links * (2 + 1 + 2 * 2)
    assert policy.message_bytes == policy.down_bytes + policy.up_bytes


def test_parents_draw_up_what_they_answer_for_less(make_scenario, play_learner):
    """Leaves hold a poor model; a parent with room for the good one is told, and loads it."""
    nodes = {f"leaf-{i}": {"memory": 5.0, "demand": 1.0} for i in range(2)} | {"mid": {"memory": 50.0}}
    links = [
        ("leaf-0", "mid", {"delay": 0.01}),
        ("leaf-1", "mid", {"delay": 0.01}),
        ("mid", "cloud", {"delay": 9.0}),
    ]
    models = {
        "poor": {"blocks": [(0.1, 5.0, 0.0)], "points": {"all": [(1, 1.0, 0.3)]}},
        "good": {"blocks": [(0.1, 50.0, 0.0)], "points": {"all": [(1, 1.0, 0.9)]}},
    }
    changes = {
        "serving.tariff": None,
        "serving.loading": "instant",
        "scales.traffic": 1e6,
        "scales.error": 0.1,
    }
    scenario = make_scenario(nodes | CLOUD, links, models, {**changes, "scales.update": 1e3, "horizon": 8})
    learner, placements, _, _ = play_learner("offload-adaptive", scenario, explore=0.0)
    names = learner.compiled.names
    held = placements[-1, 0, names.nodes.index("mid")]
    assert [names.segments[s] for s in held[held != EMPTY]] == ["good"]


def test_several_routes_are_refused(make_learner):
    scenario = load_scenario("metro-day", {"horizon": 2})
    with pytest.raises(ConfigError, match=r"topology: node .* in two ways.*`topology.routes` must be 1"):
        make_learner("offload-adaptive", scenario)


@pytest.mark.parametrize("options", [{"step": 0.0}, {"explore": 1.5}, {"rounds": 3}])
def test_what_is_not_an_option_of_the_learner_is_refused(options, make_scenario, make_learner):
    with pytest.raises(ConfigError):
        make_learner("offload-adaptive", tree(make_scenario), **options)


def test_both_are_far_ahead_of_the_cloud_and_who_is_told_is_ahead():
    scenario = load_scenario("deep-tree", {"horizon": 10})
    names = "cloud-only", "offload-adaptive", "offload-planned"
    played = {name: play_policy(name, scenario, range(2)) for name in names}
    cloud, adaptive, planned = (-played[name].scalar.mean() for name in names)
    assert planned < adaptive < 0.8 * cloud
    assert played["cloud-only"].records()[0]["message_bytes"] == 0.0
    assert played["offload-adaptive"].records()[0]["message_bytes"] > 0.0
