"""Where it is cut: shares of MACs, what is lost, and words that can be read in one column of a page."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from experiments import draw_cuts
from experiments.reports import cut_plot
from experiments.reports.busiest_option import CutChoice, CutPart, busiest_option
from experiments.reports.cut_plot import CutPanels, drawn_shares
from experiments.reports.cut_words import CutBar
from experiments.reports.delay_parts import PART_COLOURS
from experiments.reports.node_colours import OTHER_TIERS, TIER_COLOURS, node_colours
from experiments.reports.style import GRID_STYLE, figure_file
from experiments.reports.text_room import text_width, wrap_name
from idn_gym.catalog.reader import load_catalog
from idn_gym.core.arrays import EMPTY
from idn_gym.rendering.labels import si
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

SMALL = load_scenario("tiny", {"horizon": 4})
RATES = [5e3, 1e4, 2e4, 4e4, 8e4, 1.6e5, 1e6, 1e7]
COLOURS = node_colours({"device": "device", "edge": "edge", "cloud": "cloud"}, {"device", "edge", "cloud"})


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def model_entry(name):
    return next(model for model in load_catalog().models.values() if model.name == name)


def placed(world, name, segment_is):
    """The busiest option where one node near requests has one segment of a model and nothing else."""
    compiled, instance = compile_scenario(world), build_instance(world, 0)
    tables, names = instance.tables, compiled.names
    m = [model.split("@")[0] for model in names.models].index(name)
    placement = tables.pinned.copy()
    placement[0] = EMPTY
    placement[0, m] = next(
        s for s in np.flatnonzero(tables.segment_model == m) if segment_is(names.segments[s])
    )
    return busiest_option(compiled, instance, 0, placement), placement


def test_the_busiest_option_says_what_crosses():
    compiled, instance = compile_scenario(SMALL), build_instance(SMALL, 0)
    choice = busiest_option(compiled, instance, 0, instance.tables.pinned)
    (part,) = choice.parts
    assert (part.node, part.first, part.macs, part.crosses) == ("cloud", 0, pytest.approx(1.0), True)
    assert part.last == len(model_entry(choice.model).blocks)
    assert part.size > 0.0 and 0.0 < choice.share <= 1.0
    assert choice.leaving == (1.0,)  # no early exits
    still = instance._replace(draw=instance.draw._replace(demand=0.0 * instance.draw.demand))
    assert busiest_option(compiled, still, 0, instance.tables.pinned) is None


def test_an_operating_point_is_named_with_the_shares_that_leave_at_its_exits():
    world = load_scenario("configs/scenarios/fashion-chain.yaml", {"horizon": 2})
    compiled, instance = compile_scenario(world), build_instance(world, 0)
    _, placement = placed(world, "fashion_lab_exits", lambda name: "[" not in name)
    placement[1:] = EMPTY
    choice = busiest_option(compiled, instance, 0, placement)
    entry = model_entry("fashion_lab_exits")
    shares = {point.name: [exit_.share for exit_ in point.exits] for point in entry.points}
    assert (choice.model, len(choice.parts)) == ("fashion_lab_exits", 1)
    assert choice.leaving == pytest.approx(shares[choice.point]) and len(choice.leaving) > 1


def test_parts_have_their_shares_of_the_macs_and_not_of_the_blocks():
    device = {"horizon": 2, "topology.nodes.0.device": "sbc_rpi_zero2w", "topology.links.0.rate": 12.5e3}
    world = load_scenario("configs/scenarios/fashion-chain.yaml", device)
    choice, _ = placed(world, "fashion_lab_c6-early", lambda name: name.endswith("[0:1]"))
    first, second = (block.macs for block in model_entry("fashion_lab_c6-early").blocks)
    near, far = choice.parts
    assert (near.node, near.first, near.last, far.first, far.last) == ("device", 0, 1, 1, 2)
    assert near.macs == pytest.approx(first / (first + second)) and near.macs < 0.05
    assert near.macs + far.macs == pytest.approx(1.0)


def test_names_of_models_that_tasks_share_are_those_of_the_catalogue():
    world = load_scenario("tiny", {"horizon": 2, "tasks.0.copies": 2})
    compiled, instance = compile_scenario(world), build_instance(world, 0)
    assert all("@" in name for name in compiled.names.models[:2])
    assert busiest_option(compiled, instance, 0, instance.tables.pinned).model in load_catalog().models


def test_thin_parts_remain_visible_and_heights_add_up():
    assert drawn_shares([0.5, 0.5]) == pytest.approx([0.5, 0.5])
    heights = drawn_shares([0.0, 0.001, 0.25, 0.749])
    assert heights.sum() == pytest.approx(1.0) and heights[0] == heights[1] == cut_plot.THINNEST
    assert heights[3] / heights[2] == pytest.approx(0.749 / 0.25)


def test_no_colour_has_two_meanings():
    tiers = {f"{tier}-{k}": tier for tier in (*TIER_COLOURS, "core", "pool") for k in range(6)}
    colours = node_colours(tiers, list(tiers))
    assert len(set(colours.values())) == len(tiers)
    for colour in {*colours.values(), *TIER_COLOURS.values(), *OTHER_TIERS}:
        for part in PART_COLOURS.values():
            assert np.linalg.norm(np.subtract(to_rgb(colour), to_rgb(part))) > 0.2, (colour, part)


def test_a_node_keeps_its_colour_whatever_else_is_drawn():
    tiers = {"gateway": "edge", "edge": "edge", "cloud": "cloud"}
    assert node_colours(tiers, ["edge"])["edge"] == node_colours({"edge": "edge"}, ["edge"])["edge"]
    assert node_colours(tiers, ["gateway"]) == {"gateway": node_colours(tiers, list(tiers))["gateway"]}
    assert node_colours(tiers, ["gateway", "edge"])["gateway"] != node_colours(tiers, ["edge"])["edge"]


def test_names_are_broken_and_not_respelt():
    wrapped = wrap_name("my_bottleneck-with_a.name", 40.0, 6.0)
    assert "\n" in wrapped and wrapped.replace("\n", "") == "my_bottleneck-with_a.name"
    assert all(line == "bottleneck-" or text_width(line, 6.0) <= 40.0 for line in wrapped.split("\n"))


def made_bar(k, seconds=0.02, dropped=0.0, choice=True):
    first = CutPart("device", 0, 1, 0.02 + 0.05 * k, 784.0, False)
    second = CutPart("edge", 1, 2, 0.02 if k % 2 else 0.3, 1230.0, True)
    third = CutPart("cloud", 2, 3, 1.0 - first.macs - second.macs, 26.9 if k > 2 else 0.0, True)
    option = CutChoice("my_bottleneck-with_some-name", "balanced", (0.8, 0.2), (first, second, third), 1.0)
    delay = np.array([3e-3, seconds, 1e-3, 5e-3])
    return CutBar(si(RATES[k], "bit/s"), option if choice else None, delay, dropped)


def draw(bars, columns, scenarios=1, limit=None):
    note = "Delays: means over served requests, and the exits at which they leave. " * 2
    panels = [CutPanels(f"world {k}", tuple(bars)) for k in range(scenarios)]
    with plt.rc_context(GRID_STYLE):
        title = "placed by local-search"
        figure = cut_plot.draw_cuts(panels, "rate of the link", COLOURS, title, note, columns, limit)
        figure.draw_without_rendering()
    return figure


def words_of(figure):
    """All texts that are seen, with their boxes [pixels]."""
    texts = [text for text in figure.findobj(plt.Text) if text.get_visible() and text.get_text().strip()]
    hidden = {
        label
        for axes in figure.axes
        if not axes.axison
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels()
    }
    found = []
    for text in texts:
        if text not in hidden and not _outside_limits(text):
            found.append((text.get_text(), text.get_window_extent()))
    return found


def _outside_limits(text):
    """Whether it is a label of a tick that is not drawn."""
    axis = getattr(text, "axes", None)
    if axis is None:
        return False
    low, high = sorted(axis.get_ylim())
    return text in axis.yaxis.get_ticklabels() and not low <= text.get_position()[1] <= high


@pytest.mark.parametrize(("columns", "count", "scenarios"), [
    ("one", 6, 1), ("one", 8, 1), ("one", 6, 2), ("two", 6, 1), ("two", 8, 2),
])  # fmt: skip
def test_words_neither_cover_each_other_nor_leave_the_page(columns, count, scenarios):
    bars = [made_bar(k, 2.0 if k == 0 else 0.02, 0.26 if k < 3 else 0.0, k != 4) for k in range(count)]
    figure = draw(bars, columns, scenarios, limit=60.0)
    words = words_of(figure)
    assert len(words) > 3 * count
    for k, (text, box) in enumerate(words):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text
        covered = [other for other, place in words[:k] if box.overlaps(place)]
        assert not covered, (text, covered)


def test_dropped_requests_stand_above_their_bars():
    figure = draw([made_bar(0, dropped=0.259), made_bar(1)], "two")
    texts = [text for text, _ in words_of(figure)]
    assert texts.count("25.9 %\ndropped") == 1 and sum("dropped" in text for text in texts) == 1
    assert "nobody served" not in texts
    assert "nobody served" in [text for text, _ in words_of(draw([made_bar(0, choice=False)], "two"))]


def test_bars_end_at_the_limit_with_their_length_above():
    bars = [made_bar(0, 2.0), made_bar(1)]

    def highest(figure):
        (below,) = [axes for axes in figure.axes if "delay" in axes.get_ylabel()]
        boxes = [patch for patch in below.patches if isinstance(patch, Rectangle)]
        return max(box.get_y() + box.get_height() for box in boxes), below.get_ylim()[1]

    assert highest(draw(bars, "two"))[0] == pytest.approx(2009.0)
    cut = draw(bars, "two", limit=60.0)
    assert highest(cut)[0] == pytest.approx(60.0) and highest(cut)[1] < 100.0
    texts = [text for text, _ in words_of(cut)]
    assert "2010" in texts and "29" in texts


def test_the_table_has_what_is_lost_and_two_scenarios_are_told_apart(tmp_path, capsys):
    twin = tmp_path / "twin.yaml"
    twin.write_text("preset: tiny\nname: twin\ntasks.0.timeout: 0.05\n", encoding="utf-8")
    out = tmp_path / "cuts.png"
    scenarios = ["--scenario", "tiny", str(twin), "--out", str(out)]
    draw_cuts.main(["static-greedy", "horizon=4", "--rates", "1e4", "1e7", *scenarios])
    printed = capsys.readouterr().out
    assert "scenario, rate of the link" in printed and "accuracy [%]" in printed and "dropped [%]" in printed
    assert re.findall(r"^(\w+, [\d.]+ \wbit/s)", printed, re.MULTILINE) == [
        "tiny, 80 kbit/s", "tiny, 80 Mbit/s", "twin, 80 kbit/s", "twin, 80 Mbit/s",
    ]  # fmt: skip
    svg = figure_file(out, "svg").read_text(encoding="utf-8")
    assert "<!-- tiny -->" in svg and "<!-- twin -->" in svg
    with pytest.raises(SystemExit, match=r"scenario: 'tiny' is given twice; names must differ"):
        draw_cuts.main(["static-greedy", "--scenario", "tiny", "tiny"])


def test_cuts_are_drawn_and_printed(tmp_path, capsys):
    out = tmp_path / "cuts.png"
    words = ["static-greedy", "horizon=4", "--scenario", "tiny", "--rates", "1e4", "1e7", "--out", str(out)]
    draw_cuts.main(words)
    printed = capsys.readouterr().out
    assert "operating point" in printed and "means over served requests, and the exits" in printed
    assert "second half of one episode (test seed 0)" in printed
    assert "80 kbit/s" in printed and "80 Mbit/s" in printed and "waiting [ms]" in printed
    assert [figure_file(out, ending).is_file() for ending in ("png", "pdf", "svg")] == [True] * 3
    draw_cuts.main([*words, "--key", "workload.rate", "--rates", "20"])
    assert "bit/s" not in capsys.readouterr().out  # requests are not bytes
    for option, value in (("rates", "0"), ("limit", "0")):
        with pytest.raises(SystemExit, match=rf"{option}: .*0.* is not allowed"):
            draw_cuts.main(["static-greedy", f"--{option}", value])
