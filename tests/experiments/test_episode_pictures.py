"""Pictures of episodes and maps: what fails, what moves, and which models are where."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from experiments.draw_map import node_positions
from experiments.reports.delay_parts import EpisodeCourse
from experiments.reports.direct_labels import PointLabel, label_points
from experiments.reports.episode_events import MOST_NAMED, down_in, moving_links, outages
from experiments.reports.episode_plot import draw_episode
from experiments.reports.kept_panels import LANES, kept_tiles
from experiments.reports.map_plot import draw_network_maps, lay_ground
from idn_gym.core.arrays import EMPTY
from idn_gym.rendering.model_colours import model_colours
from idn_gym.rendering.palette import dnn_hues
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

SLOTS = 12
FAILING = {
    "horizon": SLOTS,
    "dynamics.outages": {"kind": "scheduled", "failures": [{"node": "edge-1", "first": 2, "last": 4}]},
    "dynamics.link_outages": {
        "kind": "scheduled",
        "failures": [{"link": "board-0", "first": 6, "last": 6}, {"link": "board-1", "first": 6, "last": 6}],
    },
    "dynamics.link": {"kind": "ar1"},
}


def world(changes=FAILING):
    scenario = load_scenario("edge-small", changes)
    return compile_scenario(scenario), build_instance(scenario, 0, "test")


def course(compiled, placed=()):
    """A policy that keeps the first segments of models (node, model) from slot 3 on."""
    wished = np.repeat(compiled.tables.pinned[None], SLOTS, axis=0)
    for node, model in placed:
        wished[3:, node, model] = np.flatnonzero(compiled.tables.segment_model == model)[0]
    return EpisodeCourse("mine", -np.ones(SLOTS), wished)


def test_outages_are_named_and_those_in_the_same_slots_are_one():
    found = outages(*world())
    assert [(one.kind, one.label, one.slots.nonzero()[0].tolist()) for one in found] == [
        ("node", "edge-1 down", [2, 3, 4]),
        ("link", "board-0->edge-0 and 1 more down", [6]),
    ]
    assert outages(*world({"horizon": 3})) == []
    dark = {**FAILING["dynamics.outages"], "forwards": False}
    labels = [one.label for one in outages(*world(FAILING | {"dynamics.outages": dark}))]
    assert labels == ["edge-1 and 3 links down", "board-0->edge-0 and 1 more down"]


def test_of_many_outages_only_their_kinds_are_told_apart():
    changes = {"horizon": 300, "dynamics.outages": {"mean_up": 40, "mean_down": 4}}
    compiled, instance = world(changes)
    nodes, _ = down_in(instance)
    assert nodes.any(axis=0).sum() > MOST_NAMED
    (one,) = outages(compiled, instance)
    assert one.label == f"any of {nodes.any(axis=0).sum()} nodes down"
    assert (one.slots == nodes.any(axis=1)).all()


def test_links_that_move_are_drawn_and_those_that_only_fail_are_not():
    compiled, instance = world()
    draw, links = instance.draw, compiled.names.links
    rates = np.repeat(compiled.tables.link_rate[None], SLOTS, axis=0)
    rates[5:, 1] *= 0.5
    rates[6, 0] = rates[6, 2] = 0.0
    still = instance._replace(draw=draw._replace(rate=rates[None]))
    assert [links[e] for e in moving_links(still)] == [links[1]]
    figure = draw_episode(compiled, still, [course(compiled)])
    strip = next(axes for axes in figure.axes if "link rate" in axes.get_ylabel())
    assert strip.lines[1].get_ydata().tolist() == [1.0] * 5 + [0.5] * 7
    rates[:, 1] = rates[0, 0]
    figure = draw_episode(compiled, still._replace(draw=draw._replace(rate=rates[None])), [course(compiled)])
    assert not any("link rate" in axes.get_ylabel() for axes in figure.axes)
    plt.close("all")


def test_an_episode_shades_what_fails_and_says_what_is_kept():
    compiled, instance = world()
    nodes, models = compiled.names.nodes, compiled.names.models
    one = course(compiled, [(nodes.index("board-0"), 0)])
    figure = draw_episode(compiled, instance, [one, course(compiled)], node=nodes.index("board-0"))
    cost = figure.axes[0]
    spans = [(span.get_x(), span.get_x() + span.get_width()) for span in cost.patches]
    assert spans == [(1.5, 4.5), (5.5, 6.5)]
    words = [text.get_text() for text in figure.findobj(plt.Text)]
    assert "edge-1 down" in words and models[0].split("@")[0] in words
    assert words.count("nothing kept") == 1  # by the other policy
    assert len({axes.get_xlim() for axes in figure.axes if axes.get_xlabel() == "slot"}) == 1
    plt.close(figure)


def test_models_of_a_task_share_its_row():
    compiled, _ = world()
    tables = compiled.tables
    task = int(np.bincount(tables.model_task).argmax())
    first, second = np.flatnonzero(tables.model_task == task)[:2]
    kept = np.zeros((3, len(tables.model_task)), np.bool_)
    kept[1, first] = kept[2, first] = kept[2, second] = True
    colours = [(0.1 * m, 0.0, 0.0) for m in range(kept.shape[1])]
    row = kept_tiles(kept, tables, colours)[task * LANES : (task + 1) * LANES]
    assert (row[:, 0] == 1.0).all() and (row[:, 1] == colours[first]).all()
    assert (row[: LANES // 2, 2] == colours[first]).all() and (row[LANES // 2 :, 2] == colours[second]).all()


@pytest.mark.parametrize("columns", ["one", "two"])
def test_a_map_shows_models_and_what_is_down_in_its_slot(columns):
    compiled, instance = world()
    names, tables = compiled.names, compiled.tables
    places = {name: (float(v % 3), 50.0 + v // 3) for v, name in enumerate(names.nodes)}
    node = names.nodes.index("board-0")
    one = course(compiled, [(node, 0)])
    loads = [np.zeros((SLOTS, len(names.links)))] * 2

    def words(slot):
        figure = draw_network_maps(compiled, places, instance, [one, one], loads, slot, "title", columns)
        axes = figure.axes[0]
        hue = dnn_hues(names.models)[names.models[0].split("@")[0]]
        squares = [tuple(square.get_facecolor()[0][:3]) for square in axes.collections[1:]]
        plt.close(figure)
        return [text.get_text() for text in figure.findobj(plt.Text)], squares, hue

    texts, squares, hue = words(3)
    assert squares == [pytest.approx(hue)] and "node down" in texts and "link down" not in texts
    texts, squares, _ = words(6)
    assert "link down" in texts and "node down" not in texts and len(squares) == 1
    texts, squares, _ = words(0)
    assert squares == [] and "title" in texts and "placed by mine" in texts
    pinned = [name for name, held in zip(names.nodes, tables.pinned, strict=True) if (held != EMPTY).all()]
    assert pinned and f"{pinned[0]}: all models" in texts


def test_maps_of_a_network_with_ways_back():
    scenario = load_scenario("metro-split", {"horizon": 2, "topology.routes": 2})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0, "test")
    draw, first = instance.draw, np.unique(compiled.tables.segment_model, return_index=True)[1]
    dark = instance._replace(
        draw=draw._replace(rate=np.zeros_like(draw.rate), seconds=np.zeros_like(draw.seconds))
    )
    wished = np.repeat(compiled.tables.pinned[None], 2, axis=0)
    wished[:, 3] = first  # the key is as high as it gets
    one, loads = EpisodeCourse("mine", -np.ones(2), wished), [np.zeros((2, len(compiled.names.links)))] * 2
    figure = draw_network_maps(compiled, node_positions(scenario), dark, [one, one], loads, 0, "title", "two")
    # Dashes of both directions of a link would fill each other's gaps.
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    pairs = {frozenset(name.split("->")) for name in compiled.names.links}
    assert len(dashed) == len(pairs) < len(compiled.names.links)
    box = {text.get_text(): text.get_window_extent() for text in figure.findobj(plt.Text)}
    assert box["title"].y0 >= box["placed by mine"].y1
    plt.close(figure)


def test_a_map_tells_apart_the_tasks_of_one_dnn():
    scenario = load_scenario("genai-shift", {"horizon": SLOTS})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0, "test")
    places = {name: (float(v % 5), 50.0 + v // 5) for v, name in enumerate(compiled.names.nodes)}
    site, loads = compiled.names.nodes.index("site-03"), [np.zeros((SLOTS, len(compiled.names.links)))]
    one = course(compiled, [(site, 4), (site, 9)])
    figure = draw_network_maps(compiled, places, instance, [one], loads, 5, "title")
    squares = [tuple(square.get_facecolor()[0][:3]) for square in figure.axes[0].collections[1:]]
    words = [text.get_text() for text in figure.findobj(plt.Text)]
    plt.close(figure)
    colours = model_colours(compiled).colours
    assert squares == [pytest.approx(colours[4]), pytest.approx(colours[9])]
    assert {word for word in words if word.startswith("checkpoint")} == {"checkpoint-05", "checkpoint-10"}


def test_maps_are_true_in_their_middle():
    compiled, _ = world()
    north = lay_ground(compiled, {name: (float(v), 60.0) for v, name in enumerate(compiled.names.nodes)})
    assert north.stretch == pytest.approx(2.0) and north.km == pytest.approx(55.6)
    plane = lay_ground(compiled, {name: (float(v), 600.0) for v, name in enumerate(compiled.names.nodes)})
    assert plane.stretch == 1.0 and plane.km is None


def test_words_leave_lines_free_where_there_is_room():
    figure, axes = plt.subplots()
    axes.set(xlim=(0, 2), ylim=(0, 2))
    way = np.array([[1.0, 1.0], [2.0, 1.0]])
    label_points(axes, [PointLabel("word", 1.0, 1.0, "black")], lines=[way])
    (word,) = axes.texts
    box = word.get_window_extent()
    assert not box.y0 < axes.transData.transform(way)[0, 1] < box.y1 or word.get_ha() == "right"
    label_points(axes, [PointLabel("word", 1.0, 1.0, "black")])
    assert axes.texts[1].get_ha() == "left" and axes.texts[1].get_va() == "center"
    plt.close(figure)
