"""Contexts: draws are functions of their arguments, and parts of an axis never meet."""

import itertools
import json
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.topohub import load_graph
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_contexts import PartRanges, RandomTrees
from idn_gym.scenarios.contexts import CONTEXT_AXES, HELD_OUT, context_sizes, draw_scenario, load_context
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.scenarios.random_trees import draw_tree, part_of_shape, tree_shape
from idn_gym.shipped import shipped_files

TREES = load_context("trees")
PLAIN = to_plain(TREES)
SEEDS = st.integers(0, 2**31 - 1)


def part_of_topology(scenario):
    """What a tree's shape says of the part that it is of."""
    numbers = {node.name: i for i, node in enumerate(scenario.topology.nodes)}
    tree = nx.Graph([(numbers[link.source], numbers[link.target]) for link in scenario.topology.links])
    parents = [0] * len(numbers)
    for parent, place in nx.bfs_edges(tree, 0):
        parents[place] = parent
    order = {place: i for i, place in enumerate([0, *(b for _, b in nx.bfs_edges(tree, 0))])}
    renamed = [0] * len(numbers)
    for place, i in order.items():
        renamed[i] = order[parents[place]]
    return part_of_shape(tree_shape(renamed))


def part_of_models(scenario):
    """The part whose pool has all models of the first task."""
    (pool,) = TREES.models
    return [part for part in SPLITS if set(scenario.tasks[0].models) <= set(getattr(pool, part))]


def parts_of_workload(scenario):
    """The part of every number that was drawn."""
    plain = to_plain(scenario)
    found = set()
    for moved in TREES.workload:
        value = plain
        for step in moved.key.split("."):
            value = value[step]
        found |= {part for part in SPLITS if inside(moved, part, value)}
    each = scenario.workload.rate / sum(node.demand > 0 for node in scenario.topology.nodes)
    return found | {part for part in SPLITS if inside(TREES.rate, part, round(each, 9))}


def inside(ranges, part, value):
    low, high = getattr(ranges, part)
    return low <= value <= high if isinstance(low, int) else low <= value < high


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, split=st.sampled_from(SPLITS), held_out=st.sampled_from(HELD_OUT))
def test_every_axis_draws_from_its_part_alone(seed, split, held_out):
    scenario = draw_scenario(TREES, split, seed, held_out)
    part = {axis: split if held_out in (axis, "all") else "train" for axis in CONTEXT_AXES}
    assert part_of_topology(scenario) == part["topology"]
    assert part_of_models(scenario) == [part["catalogue"]]
    assert parts_of_workload(scenario) == {part["workload"]}
    assert scenario == draw_scenario(TREES, split, seed, held_out)
    assert from_plain(Scenario, json.loads(json.dumps(to_plain(scenario)))) == scenario


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, split=st.sampled_from(SPLITS))
def test_an_axis_draws_the_same_whatever_else_is_held_out(seed, split):
    alone, everything = draw_scenario(TREES, split, seed, "catalogue"), draw_scenario(TREES, split, seed)
    assert alone.tasks == everything.tasks
    base = draw_scenario(TREES, split, seed, "nothing")
    assert draw_scenario(TREES, split, seed, "workload").topology == base.topology == alone.topology
    if split == "train":
        assert base == everything
    else:
        assert base.tasks != everything.tasks


def test_seeds_and_splits_give_other_scenarios():
    drawn = [draw_scenario(TREES, split, seed, "nothing") for split in SPLITS for seed in range(4)]
    for one, other in itertools.combinations(drawn, 2):
        assert one.topology != other.topology and one.workload != other.workload


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(3, 14))
def test_the_shape_of_a_tree_is_that_of_all_trees_like_it(data, count):
    parents = [0, *(data.draw(st.integers(0, i - 1)) for i in range(1, count))]
    other = [0, *(data.draw(st.integers(0, i - 1)) for i in range(1, count))]
    tree, second = (nx.Graph(list(enumerate(p))[1:]) for p in (parents, other))
    assert (tree_shape(parents) == tree_shape(other)) == nx.is_isomorphic(tree, second)


@pytest.mark.parametrize("part", SPLITS)
def test_trees_are_as_they_are_asked_for(part):
    trees = RandomTrees(fan_out=2, least_km=3.0, most_km=9.0)
    for seed in range(20):
        graph = draw_tree(trees, (5, 9), part, np.random.default_rng(seed))
        tree = nx.Graph([(a, b) for a, b, _ in graph.edges])
        assert 5 <= len(graph.places) <= 9 and nx.is_tree(tree) and set(tree) == set(graph.places)
        assert max(dict(tree.degree).values()) <= 3  # two children and a parent
        assert all(3.0 <= km <= 9.0 for _, _, km in graph.edges)


def test_too_few_shapes_are_refused():
    held = {part_of_shape(tree_shape([0, 0, 1]))}  # the one tree of three places
    (part, *_) = set(SPLITS) - held
    with pytest.raises(ConfigError, match="none of 1000 random trees"):
        draw_tree(RandomTrees(), (3, 3), part, np.random.default_rng(0))


@pytest.mark.parametrize("name", shipped_files("contexts"))
def test_no_scenario_exceeds_the_sizes(name):
    pytest.importorskip("topohub")
    context = load_context(name)
    sizes = context_sizes(context)
    for split, seed in itertools.product(SPLITS, [1]):
        compiled = compile_scenario(draw_scenario(context, split, seed))
        tables = compiled.tables
        assert context.nodes[0] <= len(tables.node_memory) <= sizes.nodes
        assert len(tables.link_rate) <= sizes.links and len(compiled.pairs[0]) <= sizes.pairs
        assert tables.model_task.max() < sizes.tasks


def test_what_moves_is_drawn_as_well():
    context = load_context("moving-trees")
    ranges = {moved.key: moved for moved in context.workload}
    links = set()
    for split, seed in itertools.product(SPLITS, range(3)):
        scenario = draw_scenario(context, split, seed)
        link = scenario.dynamics.link
        for key, drawn in (("memory", link.memory), ("sigma", link.sigma)):
            low, high = getattr(ranges[f"dynamics.link.{key}"], split)
            assert low <= drawn < high
        links.add((link.memory, link.sigma))
        instance = build_instance(scenario, [seed], split)
        assert (instance.draw.rate.std(axis=1) > 0.0).any()
    assert len(links) == 9


def test_real_networks_are_of_one_part_each():
    pytest.importorskip("topohub")
    graphs = load_context("real-networks").graphs
    stems, shapes = {}, {}
    for part in SPLITS:
        for name in getattr(graphs, part):
            stem = re.sub("[^a-z]", "", name.split("/")[1].lower())
            assert stems.setdefault(stem, part) == part
            graph = load_graph(name)
            assert 10 <= len(graph.places) <= 100
            tree = nx.Graph([(a, b) for a, b, _ in graph.edges])
            for other, where in shapes.items():
                assert where == part or not nx.faster_could_be_isomorphic(tree, other)
            shapes[tree] = part
    assert len(graphs.test) >= 20


def test_real_networks_take_turns():
    context = load_context("real-networks")
    pytest.importorskip("topohub")
    drawn = [draw_scenario(context, "test", seed, "topology").topology.name for seed in range(3)]
    assert drawn == list(context.graphs.test[:3])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nodes": [2, 9]}, r"nodes: \[2, 9\] is not allowed"),
        ({"nodez": 3}, "nodez: unknown key"),
        ({"trees": None}, r"graphs.train: \(\) is not allowed"),
        ({"scenario": "tiny"}, "scenario.topology.kind: 'explicit' is not allowed"),
        ({"scenario": "metro-day"}, "scenario.topology.routes: 2 is not allowed"),
        ({"scenario": {"preset": "metro-da"}}, "scenario.preset: 'metro-da' is not allowed"),
        ({"rate": {"train": [1, 3], "validation": [3, 5], "test": [6, 7]}}, "rate.validation: "),
        ({"rate": {"train": [3.0, 1.0], "validation": [3, 5], "test": [6, 7]}}, "rate.train: "),
        (
            {"graphs": {"train": ["a"], "test": ["a"]}},
            "graphs.test: 'a' is not allowed; it is already in train",
        ),
        (
            {"models": [{"task": "detct", "train": ["a"], "validation": ["b"], "test": ["c"]}]},
            "models.0.task: 'detct' is unknown; allowed: detect",
        ),
        (
            {"workload": [{"kind": "range", "key": "horizon", "train": [1, 2]}]},
            "workload.0.validation: missing",
        ),
        (
            {
                "workload": [
                    {"kind": "choice", "key": "horizon", "train": [1], "validation": [2], "test": [3]}
                ]
            },
            "workload.0.key: 'horizon' is not allowed; must be a dotted key below workload",
        ),
        (
            {
                "workload": [
                    {"kind": "choice", "key": "workload.zipf", "train": [-1], "validation": [2], "test": [3]}
                ]
            },
            "workload.0.train: -1 is not allowed",
        ),
    ],
)
def test_what_is_wrong_names_its_key(change, said):
    with pytest.raises(ConfigError, match=said):
        load_context({**PLAIN, **change})


def test_unknown_words_are_refused():
    with pytest.raises(
        ConfigError, match="context: 'tres' is not a context, a YAML file or a mapping; allowed: moving-trees"
    ):
        load_context("tres")
    with pytest.raises(ConfigError, match="held_out: 'topologies' is not allowed"):
        draw_scenario(TREES, "test", 0, "topologies")
    with pytest.raises(ConfigError, match="split: 'tests' is not allowed"):
        draw_scenario(TREES, "tests", 0)
    with pytest.raises(ConfigError, match="3, 9"):
        PartRanges((0, 5), (6.0, 7.0), (3, 9))


def test_choices_and_ranges_move_what_they_name():
    context = load_context(
        {
            **PLAIN,
            "workload": [
                {
                    "kind": "choice",
                    "key": "workload.popularity",
                    "train": [{"kind": "fixed"}],
                    "validation": [{"kind": "shot"}],
                    "test": [{"kind": "alternating"}],
                }
            ],
        }
    )
    kinds = [draw_scenario(context, split, 0).workload.popularity.kind for split in SPLITS]
    assert kinds == ["fixed", "shot", "alternating"]


def test_real_networks_outside_of_the_sizes_are_refused():
    graphs = {"train": ["sndlib/germany50"], "validation": ["sndlib/nobel-eu"], "test": ["x"]}
    context = load_context({**PLAIN, "graphs": graphs, "trees": None})
    with pytest.raises(ConfigError, match=r"graphs.train: .sndlib/germany50. is not allowed; it has 50"):
        draw_scenario(context, "train", 0)
    assert draw_scenario(context, "validation", 0).topology.name == "sndlib/nobel-eu"
