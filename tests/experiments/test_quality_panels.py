"""Pictures of episodes whose quality is hidden: panels show what infos and the environment say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from experiments import draw_episode
from experiments.reports import episode_plot
from experiments.reports.quality_course import QualityCourse
from experiments.reports.quality_panels import MOST_PAIRS, shown_pairs
from experiments.studies.played_episode import play_episode
from experiments.training.play import open_agent
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

ADAPTING = load_scenario("digits-adapt", {"horizon": 30})
HIDDEN = load_scenario("digits-adapt", {"horizon": 4, "quality.adaptation": None})
PAIRS = len(compile_scenario(ADAPTING).adaptations.pair_node)
PLAIN = load_scenario("tiny", {"horizon": 4})


def played(scenario):
    return play_episode("static-greedy", "greedy", scenario, 0, "test", "balanced").course


@pytest.fixture(scope="module")
def course():
    return played(ADAPTING)


@pytest.fixture(scope="module")
def told():
    """Infos of the same episode, and samples and versions as the environment has them before each slot."""
    env, policy = open_agent("static-greedy", ADAPTING, [0], "test", "balanced")
    observation, _ = env.reset(seed=[0])
    start, state, found = np.ones(1, np.bool_), None, []
    for _ in range(ADAPTING.horizon):
        book = env.unwrapped.simulation.quality.adapting
        before = [book.arrays()[name][0].reshape(PAIRS, -1).sum(axis=1) for name in ("samples", "known")]
        action, state = policy.predict(observation, state=state, episode_start=start)
        observation, _, _, _, infos = env.step(action)
        found.append((infos, *before))
        start[:] = False
    env.close()
    return found


def drawn_panels(scenario, course):
    """The axes of a picture by the words at their left."""
    instance = build_instance(scenario, 0, "test")
    figure = episode_plot.draw_episode(compile_scenario(scenario), instance, [course])
    plt.close(figure)
    return {axes.get_ylabel(): axes for axes in figure.axes}


def lines(axes):
    return [line.get_ydata() for line in axes.lines]


def test_accuracies_and_conditions_are_those_of_infos(course, told):
    axes = drawn_panels(ADAPTING, course)["accuracy [%]"]
    for line, name in zip(lines(axes), ("accuracy", "truth/accuracy"), strict=True):
        np.testing.assert_allclose(line, [100.0 * infos[name][0] for infos, *_ in told])
    condition = [int(infos["truth/condition"][0, 0]) for infos, *_ in told]
    assert len(set(condition)) > 1  # or else nothing is said of where the background changes
    edges = [patch.get_x() + 0.5 for patch in axes.patches]
    assert edges == [0, *(t for t in range(1, len(condition)) if condition[t] != condition[t - 1])]


def test_samples_and_versions_are_those_of_the_environment(course, told):
    samples, known = (np.array([row[k] for row in told]) for k in (1, 2))
    np.testing.assert_allclose(course.quality.samples, samples)
    np.testing.assert_allclose(course.quality.adapted, known)
    shown = shown_pairs([course.quality])
    found = lines(drawn_panels(ADAPTING, course)["samples"])
    np.testing.assert_allclose(found[::4], course.quality.samples[:, shown].T)
    starts = [line for k, line in enumerate(found) if k % 4 == 2 and len(line)]
    assert len(starts) == 2  # at the board, and at the controller which pulls
    assert set(starts[0]) == set(known[known > 0.0])


def test_marks_are_where_versions_come_and_go():
    adapted = np.array([[0.0], [4.0], [4.0], [9.0], [0.0], [0.0], [2.0]])
    course = QualityCourse(np.zeros(7), np.zeros(7), adapted, adapted)
    assert course.began(0).tolist() == [1, 3, 6] and course.ended(0).tolist() == [4]


def test_what_a_version_is_of_is_in_the_picture_where_samples_have_faded(course):
    quality = course.quality
    faded = course._replace(quality=quality._replace(samples=0.1 * quality.samples))
    top = drawn_panels(ADAPTING, faded)["samples"].get_ylim()[1]
    assert quality.adapted.max() < top < quality.samples.max()


def test_pairs_with_most_samples_are_shown():
    samples = np.array([[0.0, 3.0, 1.0, 1.0, 2.0, 9.0, 8.0, 7.0, 6.0]])
    adapted = np.array([[0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    course = QualityCourse(np.zeros(1), np.zeros(1), samples, adapted)
    assert shown_pairs([course]) == [5, 6, 7, 8, 1, 4] and MOST_PAIRS == 6
    few = QualityCourse(np.zeros(1), np.zeros(1), samples[:, :4], adapted[:, :4])
    assert shown_pairs([few]) == [1, 3, 2]  # a version goes first, and pairs without samples are left out


def test_panels_are_there_where_they_apply():
    cases = ((PLAIN, set()), (HIDDEN, {"accuracy [%]"}))
    for scenario, wanted in cases:
        panels = drawn_panels(scenario, played(scenario))
        assert set(panels) & {"accuracy [%]", "samples"} == wanted, scenario.name
    assert played(PLAIN).quality is None


def test_two_policies_have_panels_beside_each_other(tmp_path, capsys):
    out = tmp_path / "episode.png"
    words = ["cloud-only", "static-greedy", "horizon=20", "--scenario", "digits-adapt", "--out", str(out)]
    draw_episode.main(words)
    assert capsys.readouterr().out == f"{out}\n"
    svg = out.with_suffix(".svg").read_text(encoding="utf-8")
    for said in ("condition", "digits_lab_baseline, controller", "accuracy [%]"):
        assert said in svg, said
