"""Pictures of episodes: delays add up, cuts are where requests are served, nodes are where they are."""

import numpy as np
import pytest

from experiments import draw_cuts, draw_episode, draw_map
from experiments.reports.cut_plot import busiest_option
from experiments.reports.delay_parts import delay_parts, play_episode
from experiments.reports.style import figure_file
from idn_gym.config_reader import ConfigError
from idn_gym.core.costs import serve
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

SMALL = load_scenario("tiny", {"horizon": 4})


def formats(path):
    return [figure_file(path, ending).is_file() for ending in ("png", "pdf", "svg")]


def test_parts_add_up_to_the_latency_of_who_is_served():
    instance = build_instance(SMALL, 0)
    outcome = serve(instance, 0, instance.tables.pinned)
    parts = delay_parts(outcome)
    assert parts.sum() == pytest.approx(outcome.latency[0].sum() / outcome.served[0].sum())
    assert parts[0] == 0.0 and parts[1] > 0.0 and parts[2] > 0.0  # the cloud computes, far from everybody
    wan = instance.draw.rate[0, 0] * 10
    faster = instance._replace(draw=instance.draw._replace(rate=wan[None, None] * np.ones((1, 4, 1))))
    assert delay_parts(serve(faster, 0, instance.tables.pinned))[1] < parts[1]


def test_an_episode_is_noted_as_it_is_played():
    played = play_episode("static-greedy", SMALL, 0, "test", "balanced")
    assert played.parts.shape == (4, 4) and played.course.wished.shape[0] == 4
    assert (played.held <= 1.0).all() and played.link_load.shape == (2,)
    latency = (played.parts.sum(axis=1) * played.served)[2:].sum() / played.served[2:].sum()
    assert played.settled_parts.sum() == pytest.approx(latency)


def test_the_busiest_option_says_what_crosses():
    compiled, instance = compile_scenario(SMALL), build_instance(SMALL, 0)
    choice = busiest_option(compiled, instance, 0, instance.tables.pinned)
    (part,) = choice.parts
    assert (part.node, part.first, part.last, part.crosses) == ("cloud", 0.0, 1.0, True)
    assert part.size > 0.0 and 0.0 < choice.share <= 1.0
    still = instance._replace(draw=instance.draw._replace(demand=0.0 * instance.draw.demand))
    assert busiest_option(compiled, still, 0, instance.tables.pinned) is None


def test_cuts_are_drawn_and_printed(tmp_path, capsys):
    out = tmp_path / "cuts.png"
    words = ["static-greedy", "horizon=4", "--scenario", "tiny", "--rates", "1e4", "1e7", "--out", str(out)]
    draw_cuts.main(words)
    printed = capsys.readouterr().out
    assert "80 kbit/s" in printed and "80 Mbit/s" in printed and "waiting [ms]" in printed
    assert formats(out) == [True] * 3
    with pytest.raises(SystemExit, match=r"rates: \[0.0\] is not allowed"):
        draw_cuts.main(["static-greedy", "--rates", "0"])


def test_an_episode_is_drawn(tmp_path, capsys):
    out = tmp_path / "episode.png"
    words = ["cloud-only", "static-greedy", "horizon=4", "--scenario", "tiny", "--out", str(out)]
    draw_episode.main(words)
    assert capsys.readouterr().out == f"{out}\n" and formats(out) == [True] * 3
    with pytest.raises(SystemExit, match=r"node: 'nowhere' is not allowed"):
        draw_episode.main([*words, "--node", "nowhere"])


def test_real_networks_have_places_and_others_are_refused(tmp_path, capsys):
    metro = load_scenario("metro-split")
    places = draw_map.node_positions(metro)
    assert places["Berlin"] == pytest.approx((13.4, 52.5), abs=0.1)
    assert set(compile_scenario(metro).names.nodes) == set(places)
    out = tmp_path / "map.png"
    draw_map.main(["cloud-only", "horizon=2", "--out", str(out)])
    assert capsys.readouterr().out == f"{out}\n" and formats(out) == [True] * 3
    with pytest.raises(SystemExit, match=r"scenario: 'tiny' is not allowed; its nodes have no longitude"):
        draw_map.main(["cloud-only", "--scenario", "tiny"])


def test_capacity_that_is_not_shared_is_refused():
    private = load_scenario("tiny", {"serving.capacity": "exogenous", "serving.loading": "instant"})
    with pytest.raises(ConfigError, match="exogenous"):
        play_episode("cloud-only", private, 0, "test", "balanced")
