"""Pictures and tables of a study say what belongs to whom, and nothing that is not known."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.path import Path

from experiments.reports import style
from experiments.reports.agent_styles import agent_styles
from experiments.studies import curve_plots, frontier_plot
from experiments.studies import plots as study_figures
from experiments.studies import report as study_report
from experiments.studies.config import Figure, Study, StudyPart
from experiments.studies.entry import StudyEntry
from experiments.studies.listing import only
from experiments.studies.results import Plays
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.comparison import own_tariff
from idn_gym.evaluation.intervals import (
    alone,
    half_width,
    interquartile_interval,
    interquartile_mean,
    mean_interval,
)
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

TINY = load_scenario("tiny", {})
CELLS = [{"workload.rate": 10}, {"workload.rate": 25}]


class Play(SimpleNamespace):
    """As much of a play as pictures and tables look at."""

    def value(self, name):
        return self.values[name]

    def course(self, name, window=None):
        return self.courses[name]


def make_plays(*plays):
    """Plays that are looked up and ordered as those of a study are."""
    found = Plays.__new__(Plays)
    found.all = list(plays)
    return found


def make_play(label, cell=None, seed=0, training=0, scenario=TINY, resident=None, courses=None, **values):
    unit = SimpleNamespace(
        part="p", label=label, cell=cell or {}, seed=seed, trained_with=training, scenario=scenario,
        preference="balanced",
    )  # fmt: skip
    series = SimpleNamespace(resident=resident, proven=None)
    return Play(unit=unit, series=series, values=values, courses=courses)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def resident(scenario, share):
    names = compile_scenario(scenario).names
    return np.full((len(names.nodes), len(names.models)), share, np.float32)


def test_tiers_have_a_row_per_model_and_a_column_per_agent():
    fewer = load_scenario("tiny", {"tasks.0.models": ["resnet152_bottlefit"]})
    plays = make_plays(
        make_play("nothing", resident=resident(TINY, 0.0)),
        make_play("all", resident=resident(TINY, 0.5)),
        make_play("fewer", scenario=fewer, resident=resident(fewer, 0.25)),
    )
    agents = agent_styles(["nothing", "all", "fewer"])
    drawn = study_figures.plot_tiers(Figure("f", "tiers", "p"), plays, agents, {})
    panels = [axes for axes in drawn.axes if axes.images]
    expected = ["mobilenetv3_small_100", "resnet152_bottlefit", "yolov5n_640", "yolov5s_640"]
    assert [text.get_text() for text in panels[0].get_yticklabels()] == expected
    for axes in panels:
        assert [text.get_text() for text in axes.get_xticklabels()] == list(agents)
        nothing, whole, part = axes.images[0].get_array().filled(np.nan).T
        assert (nothing == 0.0).all() and (whole == 0.5).all()
        assert np.isnan(part[0]) and (part[1:] == 0.25).all()  # what it cannot place is left grey
        assert axes.images[0].get_clim() == pytest.approx((0.0, 0.5))
    assert len(drawn.axes) == len(panels) + 1  # one bar for all


def test_first_and_last_value_of_the_grid_are_beside_agents_that_move_along_it():
    cells = [*CELLS, {"workload.rate": 40}]
    plays = make_plays(
        *(make_play("a", cell, latency=1.0 + k, accuracy=0.5) for k, cell in enumerate(cells)),
        *(make_play("b", cell, latency=5.0, accuracy=0.5 + 0.1 * k) for k, cell in enumerate(cells)),
        *(make_play("c", cell, latency=1.0 + k, accuracy=0.501) for k, cell in enumerate(cells)),
        *(make_play("still", cell, latency=2.0, accuracy=0.7) for cell in cells),
    )
    figure = Figure("f", "frontier", "p", y=("accuracy",), x="latency")
    agents = agent_styles(["a", "b", "c", "still"])
    (axes,) = frontier_plot.plot_frontier(figure, plays, agents, {}).axes
    labels = [(text.get_text(), *map(float, text.xy)) for text in axes.texts]
    # Those of c, which has nearly the same points as a, are not written again.
    expected = [("10", 1e3, 50.0), ("40", 3e3, 50.0), ("10", 5e3, 50.0), ("40", 5e3, 70.0)]
    for found, wanted in zip(labels, expected, strict=True):
        assert found == (wanted[0], pytest.approx(wanted[1]), pytest.approx(wanted[2]))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("latency [ms]", "accuracy [%]")
    assert "requests per s: 10, 25, 40; the first is hollow" in axes.get_title().replace("\n", " ")


def bars_of(axes):
    return [np.array(segment) for bar in axes.collections for segment in bar.get_segments()]


def test_the_only_point_of_a_frontier_has_the_intervals_of_both_means():
    values = {"latency": [0.1, 0.2, 0.4], "accuracy": [0.5, 0.6, 0.9]}
    plays = make_plays(
        *(make_play("a", {}, seed, **{name: row[seed] for name, row in values.items()}) for seed in range(3))
    )
    figure = Figure("f", "frontier", "p", y=("accuracy",), x="latency")
    (axes,) = frontier_plot.plot_frontier(figure, plays, agent_styles(["a"]), {}).axes
    for name, factor, axis in (("latency", 1e3, 0), ("accuracy", 100.0, 1)):
        low, high = mean_interval(np.array([values[name]]))[1:]
        assert any(np.allclose(bar[:, axis], (factor * low, factor * high)) for bar in bars_of(axes)), name


def test_words_leave_bars_of_a_frontier_free():
    own = {"a rather long name": (0.0, np.array([0.1, 0.2, 0.4])), "b": (3.0, np.array([0.4, 0.2, 0.2]))}
    plays = make_plays(
        *(
            make_play(label, {}, seed, latency=far + noise[seed], accuracy=far + noise[seed])
            for label, (far, noise) in own.items()
            for seed in range(3)
        )
    )
    figure = Figure("f", "frontier", "p", y=("accuracy",), x="latency")
    (axes,) = frontier_plot.plot_frontier(figure, plays, agent_styles(list(own)), {}).axes
    words = [text.get_window_extent() for text in axes.texts]
    bars = [Path(axes.transData.transform(bar)) for bar in bars_of(axes)]
    assert len(words) == 2 and len(bars) == 4
    assert not any(bar.intersects_bbox(word, filled=False) for bar in bars for word in words)


def test_bars_of_a_frontier_are_free_of_what_moves_all_points_alike():
    common, own = np.array([0.1, 0.3, 0.8]), np.array([0.001, -0.002, 0.001])
    plays = make_plays(
        *(make_play("a", {}, s, latency=1.0, accuracy=common[s] + own[s]) for s in range(3)),
        *(make_play("b", {}, s, latency=2.0, accuracy=common[s] - own[s]) for s in range(3)),
    )
    figure = Figure("f", "frontier", "p", y=("accuracy",), x="latency")
    found = frontier_plot.paired_intervals(figure, plays, agent_styles(["a", "b"]), "accuracy")
    half = float(half_width(100.0 * own[None]))
    for agent in "ab":
        (interval,) = found[agent]
        assert interval == pytest.approx((40.0, 40.0 - half, 40.0 + half))


def test_bars_of_a_sweep_stand_beside_each_other():
    plays = make_plays(
        *(make_play(a, cell, seed, cost=1.0) for a in "ab" for cell in CELLS for seed in (0, 1))
    )
    figure = Figure("f", "sweep", "p", y=("cost",), x="workload.rate")
    (axes,) = curve_plots.plot_sweep(figure, plays, agent_styles(["a", "b"]), {}).axes
    first, second = (line.get_transform().transform((10, 1.0)) for line in axes.get_lines()[:2])
    points = (second - first) / axes.figure.dpi * 72
    assert points == pytest.approx([curve_plots.BAR_STEP, 0.0])


def test_every_cell_has_dots_of_its_own():
    """In one of them the other agent is ahead."""
    costs = {("a", 0): [1.0, 2.0, 6.0], ("b", 0): [0.0, 1.0, 2.0]}
    costs |= {("a", 1): [11.0, 12.0, 16.0], ("b", 1): [20.0, 20.0, 20.0]}
    plays = make_plays(
        *(
            make_play(a, CELLS[c], seed, cost=mine[seed])
            for (a, c), mine in costs.items()
            for seed in range(3)
        )
    )
    np.testing.assert_array_equal(plays.values("p", "a", CELLS[1], "cost"), [[11.0, 12.0, 16.0]])
    drawn = study_figures.plot_dots(
        Figure("f", "dots", "p", y=("cost",)), plays, agent_styles(["a", "b"]), {}
    )
    for c, (axes, order) in enumerate(zip(drawn.axes, (["a", "b"], ["b", "a"]), strict=True)):
        assert [text.get_text() for text in axes.get_yticklabels()] == order
        assert axes.get_title(loc="left") == f"requests per s: {CELLS[c]['workload.rate']}"
        for agent, bar, dot in zip(order, axes.lines[::2], axes.lines[1::2], strict=True):
            expected = mean_interval(np.array(costs[agent, c]))
            assert dot.get_xdata() == pytest.approx([expected.estimate])
            assert bar.get_xdata() == pytest.approx(expected[1:])


def test_trainings_are_rows_and_their_seeds_columns():
    plays = make_plays(
        *(make_play("a", seed=seed, training=t, cost=10.0 * t + seed) for seed in range(3) for t in range(2))
    )
    expected = [[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]
    np.testing.assert_array_equal(plays.values("p", "a", {}, "cost"), expected)


def test_one_seed_has_no_bars_and_no_bands():
    courses = {"ntag": np.array([0.1, 0.2])}
    plays = make_plays(
        *(make_play("a", c, cost=1.0, ntag=0.2, courses=courses) for c in ({"workload.rate": 1}, *CELLS[1:]))
    )
    dots = study_figures.plot_dots(Figure("f", "dots", "p", y=("cost",)), plays, agent_styles(["a"]), {})
    assert np.isnan(dots.axes[0].lines[0].get_xdata()).all()
    sweep = curve_plots.plot_sweep(
        Figure("f", "sweep", "p", y=("cost",), x="workload.rate"), plays, agent_styles(["a"]), {}
    )
    segments = np.concatenate([c.get_segments() for c in sweep.axes[0].collections]).reshape(-1)
    assert np.isnan(segments).any() or not len(segments)
    course = curve_plots.plot_course(Figure("f", "course", "p"), plays, agent_styles(["a"]), {})
    for axes in course.axes:
        assert all(not len(path.vertices) for band in axes.collections for path in band.get_paths())
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.1, 0.2])


def test_a_sweep_along_an_axis_has_its_points_by_name():
    cells = [{"size": "small"}, {"size": "usual"}]
    plays = make_plays(*(make_play("a", cell, s, cost=float(s)) for cell in cells for s in range(3)))
    drawn = curve_plots.plot_sweep(
        Figure("f", "sweep", "p", y=("cost",), x="size"), plays, agent_styles(["a"]), {}
    )
    (axes,) = drawn.axes
    drawn.canvas.draw()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["small", "usual"]


def test_the_band_of_a_course_is_that_of_its_mean_at_each_slot():
    values = np.random.default_rng(0).normal(size=(2, 3, 4))  # trainings, seeds, slots
    plays = make_plays(
        *(
            make_play("a", seed=s, training=t, courses={"ntag": values[t, s]})
            for t in range(2)
            for s in range(3)
        )
    )
    (axes,) = curve_plots.plot_course(Figure("f", "course", "p"), plays, agent_styles(["a"]), {}).axes
    corners = axes.collections[0].get_paths()[0].vertices
    half = half_width(np.moveaxis(values, -1, 0))
    for slot in range(4):
        found = corners[corners[:, 0] == slot + 1, 1]
        mean = values[:, :, slot].mean()
        assert (found.min(), found.max()) == pytest.approx((mean - half[slot], mean + half[slot]))


@pytest.mark.parametrize(("seeds", "trainings", "sure"), [(19, 1, False), (20, 1, True), (20, 2, False)])
def test_an_interquartile_mean_of_few_seeds_or_several_trainings_stands_alone(seeds, trainings, sure):
    shares = np.random.default_rng(1).normal(size=(2, trainings, seeds))
    plays = make_plays(
        *(
            make_play("a", CELLS[c], s, t, share=shares[c, t, s])
            for c, t, s in np.ndindex(2, trainings, seeds)
        )
    )
    (line,) = study_report._across(plays).body
    scores = shares.mean(axis=1).T
    expected = interquartile_interval(scores) if sure else alone(interquartile_mean(scores))
    assert line == ["a", f"{expected:.3f}", "2", str(seeds)] and ("[-]" in line[1]) != sure


def test_another_tariff_than_the_preference_is_named():
    scales = TINY.scales
    alike = {"error": 0.2 / scales.error, "latency": 0.2 / scales.latency,
             "energy": 0.2 / scales.energy, "traffic": 0.2 / scales.traffic}  # fmt: skip
    assert own_tariff(TINY, "balanced") == own_tariff(TINY, "random") == ""
    assert own_tariff(load_scenario("tiny", {"serving.tariff": alike}), "balanced") == ""
    assert own_tariff(load_scenario("tiny", {"serving.tariff": alike}), "latency") != ""
    other = load_scenario("tiny", {"serving.tariff": {"latency": 2.0, "error": 0.5}})
    for preference in ("balanced", "random", {"update": 1.0}):
        assert own_tariff(other, preference) == "error 0.5, latency 2"
    found = study_report._tariff(make_plays(make_play("cloud-only", scenario=other)), "p", {})
    assert found == "error 0.5, latency 2"
    assert study_report._tariff(make_plays(make_play("cloud-only")), "p", {}) == ""


def test_differences_are_taken_seed_by_seed():
    """Both curves move a lot and coincide; of their difference nothing moves."""
    slots = np.arange(1.0, 5.0)
    values = {s: {"ntag": (s + 1) * slots} for s in range(3)}
    plays = make_plays(
        *(make_play("a", seed=s, courses=values[s], cost=float(s)) for s in range(3)),
        *(make_play("b", seed=s, courses={"ntag": values[s]["ntag"] + 0.5}, cost=s + 0.25) for s in range(3)),
    )
    course = Figure("f", "course", "p", y=("ntag",), versus="a")
    (axes,) = curve_plots.plot_course(course, plays, agent_styles(["a", "b"]), {}).axes
    line, zero = axes.lines
    assert line.get_label() == "b" and zero.get_label() == "a"
    np.testing.assert_allclose(line.get_ydata(), 0.5)
    assert axes.get_ylabel() == "gain per request minus a's"
    dots = study_figures.plot_dots(
        Figure("f", "dots", "p", y=("cost",), versus="a"), plays, agent_styles(["a", "b"]), {}
    )
    assert [text.get_text() for text in dots.axes[0].get_yticklabels()] == ["b"]
    np.testing.assert_allclose(dots.axes[0].lines[0].get_xdata(), 0.25)


@pytest.mark.parametrize(("columns", "inches", "rows"), [("one", 3.5, 2), ("two", 7.16, 1)])
def test_figures_are_as_wide_as_columns_of_a_page(columns, inches, rows):
    plays = make_plays(*(make_play("a", cell, cost=1.0, ntag=2.0) for cell in CELLS))
    figure = Figure("f", "sweep", "p", y=("cost", "ntag"), x="workload.rate", columns=columns)
    drawn = curve_plots.plot_sweep(figure, plays, agent_styles(["a"]), {"workload.rate": "load [requests/s]"})
    assert drawn.get_size_inches()[0] == inches
    assert drawn.axes[0].get_gridspec().nrows == rows
    assert [axes.get_xlabel() for axes in drawn.axes if axes.get_visible()] == ["load [requests/s]"] * 2


def test_a_reference_that_is_no_agent_is_refused():
    part = StudyPart("p", "tiny", (StudyEntry("random"),))
    with pytest.raises(ConfigError, match=r"versus: 'olag' is not allowed"):
        Figure("f", "dots", "p", versus="olag").check(part, "figures.0")
    with pytest.raises(ConfigError, match=r"versus: 'random' is not allowed in a day"):
        Figure("f", "day", "p", versus="random").check(part, "figures.0")


def test_names_of_keys_that_no_grid_has_are_refused():
    part = StudyPart("p", "tiny", (StudyEntry("random"),), grid={"workload.rate": (1.0, 2.0)})
    other = StudyPart("q", "tiny", (StudyEntry("random"),))
    made = Study("s", "t", "a", (part, other), reference="random", names={"workload.rate": "load [1/s]"})
    assert only(made, ["p"]).names == made.names and only(made, ["q"]).names == {}
    with pytest.raises(ConfigError, match=r"names: 'workload.rates' is no key of a grid"):
        Study("s", "t", "a", (part,), reference="random", names={"workload.rates": "load"})


def test_agents_that_are_left_outside_do_not_set_the_axis_and_have_their_numbers():
    costs = {"near": (1.0, 1.1), "far": (1.05, 7.25)}
    plays = make_plays(
        *(make_play(a, cell, s, cost=cost + 0.008 * s) for a, mine in costs.items() for s in (0, 1)
          for cell, cost in zip(CELLS, mine, strict=True))
    )  # fmt: skip
    figure = Figure("f", "sweep", "p", y=("cost",), x="workload.rate", outside=("far",))
    (axes,) = curve_plots.plot_sweep(figure, plays, agent_styles(["far", "near"]), {}).axes
    (low, high), texts = axes.get_ylim(), {text.get_text() for text in axes.texts}
    assert low < 1.0 and 1.1 < high < 1.5
    assert texts == {"7.25 ↑", "far", "near"}
    part = StudyPart("p", "tiny", (StudyEntry("random"),), grid={"workload.rate": (1.0, 2.0)})
    with pytest.raises(ConfigError, match=r"outside.0: 'far' is not allowed"):
        figure.check(part, "figures.0")
    with pytest.raises(ConfigError, match=r"outside: \['random'\] is not allowed in a course"):
        Figure("f", "course", "p", outside=("random",)).check(part, "figures.0")


def test_the_reference_has_its_name_at_the_line_of_zero():
    plays = make_plays(*(make_play(a, cell, cost=1.0) for a in "ab" for cell in CELLS))
    figure = Figure("f", "sweep", "p", y=("cost",), x="workload.rate", versus="b")
    (axes,) = curve_plots.plot_sweep(figure, plays, agent_styles(["a", "b"]), {}).axes
    assert {text.get_text() for text in axes.texts} == {"a", "b"}


def test_courses_of_many_agents_have_no_areas_and_shares_stay_within_what_is_possible():
    values = np.array([[0.0, 0.0], [0.0, 0.5], [0.0, 0.0]])  # seeds, slots
    for count in (curve_plots.MOST_BANDS, curve_plots.MOST_BANDS + 1):
        names = [f"agent {k}" for k in range(count)]
        plays = make_plays(
            *(make_play(a, cell, s, courses={"drop_rate": (1 + k) * values[s]}) for a in names
              for s in range(3) for k, cell in enumerate(CELLS))
        )  # fmt: skip
        figure = Figure("f", "course", "p", y=("drop_rate",), window=1)
        drawn = curve_plots.plot_course(figure, plays, agent_styles(names), {})
        areas = [path for axes in drawn.axes for band in axes.collections for path in band.get_paths()]
        assert len(areas) == (2 * count if count <= curve_plots.MOST_BANDS else 0)
        ends = [line.get_ydata() for line in drawn.axes[1].lines] + [path.vertices[:, 1] for path in areas]
        assert min(float(np.min(end)) for end in ends) == 0.0
        assert max(float(np.max(end)) for end in ends) == 100.0
        assert drawn.axes[0].get_ylim() == drawn.axes[1].get_ylim()
        assert drawn.axes[0].get_xlabel() == style.slot_label(TINY.slot_seconds)
