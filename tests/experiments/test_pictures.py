"""Pictures of episodes: delays add up, nodes are where they are, agents go by their names."""

import numpy as np
import pytest

import idn_gym
from experiments import draw_charge, draw_cuts, draw_episode, draw_map
from experiments.reports.delay_parts import delay_parts
from experiments.reports.style import figure_file
from experiments.studies.played_episode import play_episode
from experiments.training.play import play_agent
from idn_gym.config_reader import ConfigError
from idn_gym.core.costs import serve
from idn_gym.metrics import METRICS
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.experiments.test_compare import train_policy

SMALL = load_scenario("tiny", {"horizon": 4})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a short training on `tiny`, whose episodes have 12 slots."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    train_policy(folder)
    return str(folder)


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
    played = play_episode("static-greedy", "greedy", SMALL, 0, "test", "balanced")
    assert played.course.label == "greedy"
    assert played.parts.shape == (4, 4) and played.course.wished.shape[0] == 4
    assert played.link_loads.shape == (4, 2)
    latency = (played.parts.sum(axis=1) * played.served)[2:].sum() / played.served[2:].sum()
    assert played.settled_parts.sum() == pytest.approx(latency)
    alone = played._replace(served=np.array([1.0, 1.0, 0.0, 0.0]))
    assert np.isnan(alone.settled_parts).all()  # nobody is served in the second half


def test_the_figures_of_an_episode_are_those_of_comparisons():
    slow = load_scenario("tiny", {"horizon": 4, "topology.links.0.rate": 1e3})
    played = play_episode("cloud-only", "cloud-only", slow, 3, "validation", "balanced")
    (row,) = idn_gym.compare(slow, ["cloud-only"], seeds=[3], split="validation").rows
    assert 0.0 < row.metrics["drop_rate"]
    assert {key: played.record[key] for key in METRICS} == {key: row.metrics[key] for key in METRICS}


def test_an_episode_is_drawn(tmp_path, capsys):
    out = tmp_path / "episode.png"
    words = ["cloud-only", "static-greedy", "horizon=4", "--scenario", "tiny", "--out", str(out)]
    draw_episode.main(words)
    assert capsys.readouterr().out == f"{out}\n" and formats(out) == [True] * 3
    with pytest.raises(SystemExit, match=r"node: 'nowhere' is not allowed"):
        draw_episode.main([*words, "--node", "nowhere"])
    with pytest.raises(SystemExit, match=r"link: 'nowhere' is not allowed"):
        draw_episode.main([*words, "--link", "nowhere"])


def test_real_networks_have_places_and_others_are_refused(tmp_path, capsys):
    metro = load_scenario("metro-split")
    places = draw_map.node_positions(metro)
    assert places["Berlin"] == pytest.approx((13.4, 52.5), abs=0.1)
    assert set(compile_scenario(metro).names.nodes) == set(places)
    out = tmp_path / "map.png"
    draw_map.main(["cloud-only", "olag", "horizon=2", "--out", str(out)])
    assert capsys.readouterr().out == f"{out}\n" and formats(out) == [True] * 3
    with pytest.raises(SystemExit, match=r"slot: 2 is not allowed; must be 0 to 1, the last slot"):
        draw_map.main(["cloud-only", "horizon=2", "--slot", "2"])
    with pytest.raises(SystemExit, match=r"scenario: 'tiny' is not allowed; its nodes have no longitude"):
        draw_map.main(["cloud-only", "--scenario", "tiny"])


def test_the_folder_of_a_run_plays_as_its_policy_does(run):
    world = load_scenario("tiny", {"horizon": 12})
    (alone,) = play_agent(f"{run}/policy.zip", world, [1]).scalar
    assert (play_episode(run, "mine", world, 1, "test", "balanced").course.scalar == alone).all()


def test_trained_agents_are_drawn_by_the_folder_of_their_run(run, tmp_path, capsys, monkeypatch):
    short = ["horizon=12", "--scenario", "tiny", "--out"]
    draw_episode.main(["cloud-only", run, *short, str(tmp_path / "episode.png")])
    draw_cuts.main([run, *short, str(tmp_path / "cuts.png"), "--rates", "1e5"])
    places = {name: (float(k), 50.0) for k, name in enumerate(compile_scenario(SMALL).names.nodes)}
    monkeypatch.setattr(draw_map, "node_positions", lambda scenario: places)
    draw_map.main([run, *short, str(tmp_path / "map.png")])
    assert capsys.readouterr().out.count(str(tmp_path)) == 3
    for name in ("episode", "cuts", "map"):
        assert formats(tmp_path / f"{name}.png") == [True] * 3
        svg = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        assert "ppo" in svg and run not in svg, name


@pytest.mark.parametrize("command", [draw_charge, draw_cuts, draw_episode, draw_map])
def test_a_folder_without_a_policy_is_refused(command, tmp_path):
    with pytest.raises(
        SystemExit, match=r"agents: '.*' is a folder without policy\.zip; name the folder of a run"
    ):
        command.main([str(tmp_path)])
    with pytest.raises(SystemExit, match=r"'ppo' must be trained first; name the folder of a run instead"):
        command.main(["ppo"])


def test_capacity_that_is_not_shared_is_refused():
    private = load_scenario("tiny", {"serving.capacity": "exogenous", "serving.loading": "instant"})
    with pytest.raises(ConfigError, match="exogenous"):
        play_episode("cloud-only", "cloud-only", private, 0, "test", "balanced")
