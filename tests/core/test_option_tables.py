"""Tables that are enumerated once per kind of task and shape of path, against one class after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.catalog.reader import load_catalog
from idn_gym.core.option_shapes import OptionShapes
from idn_gym.core.option_tables import fallbacks
from idn_gym.core.options import ModelRow, Path, PointRow, enumerate_segments
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.load_paths import plan_loads
from idn_gym.scenarios.compile.models import collect_models, look_up_tasks
from idn_gym.scenarios.compile.routes import RouteSearch, find_routes, resolve_catalog
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.presets import load_scenario
from tests.core.plain_options import plain_tables, stack_all


def assert_same_tables(found, expected):
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def plain_scenario(scenario):
    """The fields about options of a scenario, each class by itself."""
    catalog, serving = load_catalog(scenario.catalog), scenario.serving
    network = resolve_catalog(expand(scenario.topology), catalog)
    homes = look_up_tasks(scenario.tasks, catalog, network, serving.exits)
    search = RouteSearch(network, homes, scenario.topology.routes)
    gathered = collect_models(scenario.tasks, catalog, network, serving)
    gathered, _ = plan_loads(serving.loading, catalog, search, gathered)
    listed = [j for j, task in enumerate(scenario.tasks) for _ in range(task.copies)]
    classes = [(k, row[j]) for row in find_routes(search, network.ingress) for k, j in enumerate(listed)]
    kinds, holds = network.node_kind, gathered.holds
    return plain_tables(
        gathered.models, gathered.segments, kinds, holds, network.joules, classes, serving.max_parts
    )


@settings(max_examples=40)
@given(data=st.data())
def test_tables_of_random_worlds_are_those_of_one_class_after_the_other(make_scenario, worlds, data):
    world = data.draw(worlds)
    copies = {f"tasks.{k}.copies": data.draw(st.integers(1, 3)) for k in range(len(tasks_of(world)))}
    scenario = make_scenario(**world | {"overrides": world["overrides"] | copies})
    assert_same_tables(compile_scenario(scenario).tables._asdict(), plain_scenario(scenario))


def tasks_of(world):
    return {model["task"] for model in world["models"].values()}


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("edge-small", {"serving.exits": False, "tasks.1.copies": 2}),
        ("edge-small", {"serving.max_parts": 3}),
        ("isp-hierarchy", {"tasks.0.copies": 3}),
    ],
)
def test_tables_of_presets_are_those_of_one_class_after_the_other(preset, changes):
    scenario = load_scenario(preset, changes)
    assert_same_tables(compile_scenario(scenario).tables._asdict(), plain_scenario(scenario))


def make_tie(name, task=0, accuracies=(0.5, 0.5), blocks=5):
    """A model of equal cuts, so that options tie but for their names."""
    points = tuple(PointRow(f"p{i}", a, ((2, 0.25), (blocks, 0.75))) for i, a in enumerate(accuracies))
    ones = np.ones(blocks)
    return ModelRow(name, task, ones, np.append(0.0, ones), np.ones((1, blocks)), np.ones(1), points)


def line(*nodes):
    return Path(nodes, tuple(range(len(nodes) - 1)))


def test_ties_go_by_name_letter_by_letter():
    """Position 10 comes before position 2, and m4@t before m@t."""
    models = [make_tie("m", blocks=5), make_tie("m4@t"), make_tie("m@t", blocks=11)]
    world = models, enumerate_segments(models, 2), np.zeros(12, int)
    world += np.ones((12, len(world[1].model)), bool), np.zeros(11), [(0, (line(*range(12)),))], 2
    assert_same_tables(stack_all(*world), plain_tables(*world))


def test_tasks_with_equal_models_may_name_them_in_another_order():
    models = [make_tie("a", 0), make_tie("b", 0), make_tie("d", 1), make_tie("c", 1)]
    world = models, enumerate_segments(models, 1), np.zeros(3, int)
    world += np.ones((3, 4), bool), np.zeros(2), [(0, (line(0, 1, 2),)), (1, (line(2, 1),))], 1
    assert_same_tables(stack_all(*world, sources=["x", "y", "x", "y"]), plain_tables(*world))


def test_many_routes_that_part_late_and_join_again():
    routes = (line(0, 1, 2), line(0, 1, 3, 2), line(0, 3, 2), *(line(0, v, 2) for v in range(4, 14)))
    models = [make_tie("m", blocks=3), make_tie("n", 1, blocks=2)]
    world = models, enumerate_segments(models, 3), np.zeros(14, int)
    holds = np.random.default_rng(0).random((14, len(world[1].model))) < 0.8
    world += holds, np.arange(3.0), [(0, routes), (1, routes), (0, routes[:1]), (1, routes[:2])], 3
    assert_same_tables(stack_all(*world), plain_tables(*world))


def test_copies_and_paths_of_one_shape_are_enumerated_once(monkeypatch):
    asked, enumerate_one = [], OptionShapes.enumerate

    def note(shapes, *what):
        asked.append(what)
        return enumerate_one(shapes, *what)

    monkeypatch.setattr(OptionShapes, "enumerate", note)
    compiled = compile_scenario(load_scenario("isp-hierarchy", {"horizon": 17}))
    assert len(compiled.tables.class_task) == 20 * 18
    assert len(asked) == 1


def test_a_fallback_ends_where_position_or_bytes_change():
    fields = {
        "option_start": np.array([0, 4, 4, 6]),
        "part_start": np.array([0, 1, 2, 3, 4, 5, 7]),
        "part_node": np.zeros(7, int),
        "part_segment": np.zeros(7, int),
        "part_position": np.array([1, 2, 2, 2, 0, 0, 0]),
        "part_bytes": np.array([1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 0.0]),
    }
    assert fallbacks(fields, np.ones((1, 1), bool)).tolist() == [2, 4, 6]
    assert fallbacks(fields, np.zeros((1, 1), bool)).tolist() == [4, 4, 6]
    fields["part_bytes"][1] = 2.0
    assert fallbacks(fields, np.ones((1, 1), bool)).tolist() == [1, 4, 6]
