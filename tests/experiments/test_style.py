"""Figures are fit for print: three formats, colours that stand for agents, words that do not cover others."""

import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from agents.registry import ENTRIES
from experiments.reports.agent_styles import AGENT_STYLES, agent_styles
from experiments.reports.direct_labels import PointLabel, label_ends, label_points
from experiments.reports.style import COLUMN_INCHES, figure_file, save_figure
from experiments.studies.columns import RESULT_COLUMNS
from experiments.studies.config import BASELINE, Figure, Study, StudyPart
from experiments.studies.entry import StudyEntry
from experiments.studies.front_report import FRONT_COLUMNS
from experiments.studies.measures import MEASURES, cell_label, key_label
from experiments.studies.metric_names import METRIC
from idn_gym.config_reader import from_plain, read_yaml
from idn_gym.rendering.layout import spread_apart

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
UNDRAWN = ("headline-tuning", "pareto-tuning", "transfer")
"""Labels of the first two are options of learners, which no other study has; *transfer* has no figures."""
DRAWN = [path for path in sorted((ROOT / "configs/studies").glob("*.yaml")) if path.stem not in UNDRAWN]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def draw(lines=3):
    figure, axes = plt.subplots(figsize=(COLUMN_INCHES["one"], 2.5), layout="constrained")
    for k in range(lines):
        axes.plot([0, 1, 2], [0, 1, 1 + 1e-3 * k], label=f"line {k}")
    return figure, axes


def test_a_figure_is_there_in_three_formats_and_the_same_each_time(tmp_path):
    kept = []
    for name in ("one.png", "two.png"):
        assert save_figure(draw()[0], tmp_path / name) == tmp_path / name
        kept.append([figure_file(tmp_path / name, ending).read_bytes() for ending in ("png", "pdf", "svg")])
    assert kept[0] == kept[1]
    png, pdf, svg = kept[0]
    assert png.startswith(b"\x89PNG") and pdf.startswith(b"%PDF") and b"<svg" in svg
    assert b"/Type3" not in pdf  # which journals refuse
    assert len(list(tmp_path.iterdir())) == 6


def test_ticks_may_be_labelled_with_numbers(tmp_path):
    figure, axes = draw()
    axes.set_xticks([0, 1, 2], [10, 20, 30])
    assert b"<svg" in figure_file(save_figure(figure, tmp_path / "a.png"), "svg").read_bytes()


def test_endings_of_other_formats_are_replaced_and_other_dots_kept():
    names = {"a.png": "a.svg", "a.PDF": "a.svg", "a": "a.svg", "0.3-a": "0.3-a.svg", "a.0": "a.0.svg"}
    assert {name: figure_file(Path(name), "svg").name for name in names} == names


def test_every_agent_has_a_style_of_its_own_wherever_it_is_drawn():
    assert set(ENTRIES) <= set(AGENT_STYLES)
    assert len({(style.colour, style.mark) for style in AGENT_STYLES.values()}) == len(AGENT_STYLES)
    alone = agent_styles(["olag"])["olag"]
    assert agent_styles(["ppo", "some label", "olag"])["olag"] == alone


def test_labels_of_an_agent_have_its_style_and_a_second_one_another():
    labels = {"OLAG": "olag", "static greedy": "static-greedy", "OLAG, faster": "olag", "mine": "my-agent"}
    styles = agent_styles(labels)
    assert styles["OLAG"] == AGENT_STYLES["olag"]
    assert styles["static greedy"] == AGENT_STYLES["static-greedy"]
    assert len({style.colour for style in styles.values()}) == 4
    turned = agent_styles({"static greedy": "static-greedy", "OLAG": "olag"})
    assert {label: styles[label] for label in turned} == turned
    assert agent_styles({"olag": "olag", "OLAG": "olag"})["olag"] == AGENT_STYLES["olag"]


def test_agents_that_are_often_together_differ_in_marks_as_well():
    often = agent_styles(
        ["ppo", "static-greedy", "infida", "ppo-graph", "olag", "lru", "cloud-only", "index"]
    )
    assert len({style.mark for style in often.values()}) == len(often)


def test_agents_of_a_study_have_one_style_in_all_figures():
    entries = (StudyEntry("olag", "OLAG"), StudyEntry("cloud-only", "cloud only"))
    parts = (StudyPart("p", "tiny", entries), StudyPart("q", "tiny", (*entries, StudyEntry("lru"))))
    study = Study("s", "t", "a", parts, reference="OLAG")
    assert study.agents() == {"OLAG": "olag", "cloud only": "cloud-only", "lru": "lru"}
    drawn = Figure("f", "dots", "p", agents=("cloud-only", "OLAG"))
    both = Study("s", "t", "a", parts, figures=(drawn,), reference="OLAG").agents()
    assert agent_styles(both)["cloud-only"] == AGENT_STYLES["cloud-only"]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_whatever_studies_draw_has_its_colour(path):
    study = from_plain(Study, read_yaml(path))
    labels = {part.name: [BASELINE, *part.labels()] for part in study.parts}
    drawn = {label for figure in study.figures for label in figure.agents or labels[figure.part]}
    drawn |= {entry.name for front in study.fronts for entry in front.agents}
    assert drawn <= set(AGENT_STYLES), sorted(drawn - set(AGENT_STYLES))
    assert drawn


@given(st.lists(st.text(max_size=5), unique=True, max_size=30))
def test_labels_of_a_figure_are_told_apart(labels):
    styles = agent_styles([*labels, "olag"])
    assert len({(style.colour, style.mark) for style in styles.values()}) == len(set(labels) | {"olag"})
    few = agent_styles(labels[:8]).values() if not set(labels) & set(AGENT_STYLES) else ()
    assert len({style.colour for style in few}) == len(few)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.floats(0.1, 8))
def test_labels_keep_their_distance_their_order_and_their_room(wishes, gap):
    places = spread_apart(np.sort(wishes), gap, 0.0, 100.0)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(places))
    assert places[0] >= -1e-9 and places[-1] <= 100 + 1e-9


def test_lines_that_coincide_are_named_apart():
    figure, axes = draw()
    assert label_ends(axes)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the lines that lead to them
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert not label_ends(draw(20)[1])


def test_lines_to_names_cross_no_other_name():
    figure, axes = draw(6)
    assert label_ends(axes)
    figure.draw_without_rendering()
    for text in axes.texts:
        start, end = text.arrow_patch.get_path().vertices[[0, -1]]
        places = text.arrow_patch.get_transform().transform(np.linspace(start, end, 50))
        others = [Text.get_window_extent(other) for other in axes.texts if other is not text]
        assert not any(box.contains(*place) for box in others for place in places), text.get_text()


def test_names_of_points_cover_neither_each_other_nor_points():
    _, axes = plt.subplots(figsize=(2.5, 2.5), layout="constrained")
    axes.plot([0, 1], [0, 1])
    crowd = [PointLabel(f"agent {k}", 0.5 + 0.01 * k, 0.5, "black") for k in range(30)]
    left = label_points(axes, [*crowd, PointLabel("alone", 0.1, 0.9, "black")])
    words = [text.get_text() for text in axes.texts]
    assert "alone" in words and len(left) + len(words) == 31 and left
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_words_are_nearer_to_their_own_points_than_to_others():
    figure, axes = plt.subplots(figsize=(3.5, 3.0), dpi=100)
    axes.set(xlim=(-2, 9), ylim=(43, 51))
    towns = {
        "Nice": (7.3, 43.7),
        "Marseille": (5.4, 43.3),
        "Montpellier": (3.9, 43.6),
        "Toulouse": (1.4, 43.6),
    }
    assert label_points(axes, [PointLabel(name, *at, "black") for name, at in towns.items()]) == []
    at = axes.transData.transform(list(towns.values()))
    renderer = figure.canvas.get_renderer()
    for i, word in enumerate(axes.texts):
        box = word.get_window_extent(renderer)
        out = np.maximum(np.maximum(box.min - at, at - box.max), 0.0)
        assert np.hypot(*out.T).argmin() == i, word.get_text()


def test_every_measure_has_a_name_a_unit_and_a_meaning_as_the_docs_have_it():
    assert set(get_args(METRIC)) | set(RESULT_COLUMNS) | set(FRONT_COLUMNS) <= set(MEASURES)
    page = (DOCS / "metrics.md").read_text(encoding="utf-8").split("## In studies")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(m.key, m.name, m.unit, m.meaning) for m in MEASURES.values()]
    assert all("_" not in measure.label for measure in MEASURES.values())


def test_keys_have_names_of_people():
    assert key_label("workload.rate") == "requests per s"
    assert key_label("topology.tiers.1.memory_share") == "1 memory share"
    assert key_label("radio", {"radio": "radio link"}) == "radio link"
    assert cell_label({"slot_seconds": 60, "radio": "ble"}) == "length of a slot [s]: 60; radio: ble"
