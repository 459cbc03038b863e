"""Names in every script: legible in both pictures and in figures, aligned, and without warnings."""

import warnings

import gymnasium as gym
import matplotlib.pyplot as plt
import pytest

import idn_gym  # noqa: F401
from experiments.reports.style import save_figure
from idn_gym.rendering import letters
from idn_gym.rendering.columns import fit_columns, pad, width, wrap
from idn_gym.rendering.letters import drawable, families

NAMES = [
    "東京",
    "大阪-Łódź",
    "이름이 아주 긴 노드",
    "a$b_{^",
    "two\nlines",
    "\U0001d5a0 é e\u0301 \u200b",
    "🚀",
]


def make(mode):
    nodes = [
        {"name": name, "device": "sbc_rpi4", "tier": "周边", "memory": 50e6, "demand": 1} for name in NAMES
    ]
    nodes.append(
        {"name": "云", "device": "gpu_t4_trt_int8", "tier": "云端", "servers": float("inf"), "pins": ["all"]}
    )
    links = [{"source": name, "target": "云", "link": "wifi_iot"} for name in NAMES]
    topology = {"kind": "explicit", "nodes": nodes, "links": links}
    scenario = {"preset": "tiny", "name": "名前", "topology": topology, "action": "scores-task"}
    env = gym.make("IDN-v0", scenario=scenario, render_mode=mode).unwrapped
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(2):
        env.step(env.action_space.sample())
    return env


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_pictures_of_any_names_come_without_warnings(mode):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(make(mode).render())


def test_columns_of_text_are_aligned_by_what_a_terminal_shows():
    lines = make("ansi").render().splitlines()
    (rule,) = {width(line) for line in lines if line.endswith("─")}
    bars = {width(line[: line.index(" ······ ") + 1]) for line in lines if " ······ " in line}
    assert rule == 120 and len(bars) <= 2  # of memory, and of compute where memory is in use


def test_widths_of_letters():
    assert [width(text) for text in ("ab", "東京", "e\u0301", "\u200b", "─█")] == [2, 4, 1, 0, 2]
    assert pad("東", 4) + "|" == "東  |"
    assert (
        fit_columns("東京タワー", 6) == "東京…"
        and fit_columns("東京", 4) == "東京"
        and fit_columns("a\nb", 4) == "a b"
    )
    assert wrap(["東京", "大阪", "x"], 10, "  ") == ["東京, 大阪", "  x"]


def test_letters_that_no_font_has_are_written_as_python_writes_them(monkeypatch):
    shipped = {letters.FONT: letters.installed()[letters.FONT]}
    monkeypatch.setattr(letters, "installed", lambda: shipped)
    letters.family.cache_clear()
    assert drawable("東京-Łódź 1") == "\\u6771\\u4eac-Łódź 1"
    assert drawable("a\tb") == "a\\tb"
    letters.family.cache_clear()


def test_a_font_that_has_the_letters_is_taken_before_any_stand_in(monkeypatch):
    monkeypatch.setattr(letters, "installed", lambda: {letters.FONT: "", "Some Font": ""})
    monkeypatch.setattr(letters, "_letters", lambda name: {ord("東")} if name == "Some Font" else {ord("a")})
    letters.family.cache_clear()
    assert drawable("a東京") == "a東\\u4eac"
    assert families("a東京") == [letters.FONT, "Some Font"]
    letters.family.cache_clear()


def test_figures_draw_any_name_and_read_none_as_a_formula(tmp_path):
    figure, axes = plt.subplots()
    axes.set_yticks(range(len(NAMES)), NAMES)
    axes.semilogx([1, 1000], [0, 1], label=r"$\frac{")
    axes.legend()
    axes.set_title("東京\n$x$")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # old matplotlib beside new pyparsing
        save_figure(figure, tmp_path / "figure.png")
    assert axes.get_title() == "\n".join(map(drawable, ("東京", r"\$x\$")))
    assert axes.get_xticklabels()[0].get_text().startswith("$")  # powers of ten are formulas still
    plt.close(figure)
