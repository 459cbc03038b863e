"""Comparing agents: the same episodes for all, tables that add up, figures that are there."""

import csv
import json
import shutil
import struct
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from agents.policy_file import policy_file
from experiments import compare, train, watch
from experiments.reports import plots as figures
from experiments.reports.agent_styles import agent_styles
from experiments.reports.comparison_course import plot_comparison_course
from experiments.studies.agent_words import label, registered_names
from experiments.studies.run import Unit
from experiments.training.play import play_agent
from idn_gym.commands import compare as idn_compare
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.comparison import summarise
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.evaluation.tables import scenario_tables
from idn_gym.metrics import METRICS
from idn_gym.preferences import read_preference
from idn_gym.scenarios.presets import PRESETS, load_scenario

TINY = load_scenario("tiny", {"horizon": 12})


def make_episodes(costs):
    costs = np.array(costs, float)
    vector = np.zeros((*costs.shape, 5))
    return Episodes(tuple(range(len(costs))), -costs, vector, np.ones((*costs.shape, len(METRICS))))


def train_policy(folder, *changes):
    words = ["--scenario", "tiny", "--steps", "64", "--envs", "2", "--out", str(folder)]
    short = ["scenario.horizon=12", "agent.n_steps=16", "agent.n_epochs=1", "agent.batch_size=32"]
    train.main([*words, *short, *changes])
    return str(folder / "policy.zip")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs of the same algorithm."""
    folder = tmp_path_factory.mktemp("runs")
    return [train_policy(folder / name) for name in ("one", "two")]


@pytest.fixture(scope="module")
def compared(tmp_path_factory, trained):
    out = tmp_path_factory.mktemp("out")
    agents = ("cloud-only", "random", trained[0])
    asked = compare.CompareAgentsCommand(policies=agents, seeds=4, reference="random", out=out)
    return out, asked.compare_on([TINY])


def test_rows_are_ordered_by_cost_and_compared_seed_by_seed():
    played = {"a": make_episodes([[1, 3], [5, 7]]), "b": make_episodes([[1, 1], [5, 5]])}
    b, a = summarise(TINY, played, "b")
    assert (b.agent, a.agent) == ("b", "a")
    assert a.cost.estimate == 4.0 and b.cost.estimate == 3.0
    assert a.difference == pytest.approx((1.0, 1.0, 1.0))
    # Student's t with one degree of freedom: costs of 1 and 5 have a mean of 3 with an error of 2.
    assert b.cost == pytest.approx((3.0, 3.0 - 12.7062 * 2, 3.0 + 12.7062 * 2), rel=1e-5)
    assert b.difference.estimate == 0.0 and np.isnan(b.difference.low)  # of itself


def test_the_table_is_that_of_the_rollouts(compared):
    out, rows = compared
    with (out / "table.csv").open() as file:
        table = {row["agent"]: row for row in csv.DictReader(file)}
    assert list(table) == [row.agent for row in rows] and set(table) == {"cloud-only", "random", "ppo"}
    alone = play_agent("cloud-only", TINY, range(4))
    assert float(table["cloud-only"]["cost"]) == -alone.scalar.mean(axis=1).mean()
    difference = -alone.scalar.mean() + play_agent("random", TINY, range(4)).scalar.mean()
    assert float(table["cloud-only"]["difference"]) == pytest.approx(difference, rel=1e-12)
    assert [row["agent"] for row in json.loads((out / "table.json").read_text())] == list(table)
    text = (out / "table.txt").read_text()
    assert all(agent in text for agent in table) and "4 test seeds" in text and "minus random's" in text


def test_one_episode_says_nothing_about_others(tmp_path, capsys):
    words = ["random", "nothing", "cloud-only", "--scenario", "tiny", "--seeds", "1"]
    compare.main([*words, "horizon=5", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "tiny: 1 test seed, no interval from one" in printed and printed.count(" [-]") == 3 + 2
    with (tmp_path / "table.csv").open() as file:
        table = list(csv.DictReader(file))
    bounds = [f"{name}_{end}" for name in ("cost", "difference") for end in ("low", "high")]
    assert all(row[name] == "" for row in table for name in bounds)
    assert all(float(row["cost"]) > 0 for row in table)
    records = json.loads((tmp_path / "table.json").read_text(), parse_constant=pytest.fail)
    assert all(row["cost"][1:] == row["difference"][1:] == [None, None] for row in records)
    played = {"random": play_agent("random", TINY, range(1))}
    drawn = figures.plot_costs(TINY, played, agent_styles(["random"]), "random", "balanced preference")
    (axes,) = drawn.axes  # no differences of one agent
    bar, dot = axes.lines
    assert np.isnan(bar.get_xdata()).all() and np.isfinite(dot.get_xdata()).all()
    assert np.isfinite(axes.get_xlim()).all()
    assert drawn.get_supxlabel() == "tiny, balanced preference: one episode"


def test_own_labels_are_drawn_as_their_agents(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("{agent: olag, label: OLAG}", encoding="utf-8")
    names = label([str(own), "static-greedy"])
    assert registered_names(names) == {"OLAG": "olag", "static-greedy": "static-greedy"}
    assert agent_styles(registered_names(names))["OLAG"] == agent_styles(["olag"])["olag"]


def test_figures_show_every_dot_and_both_ends_of_every_interval():
    """Few seeds that differ have intervals that end below 0."""
    played = {"a": make_episodes([[1, 1], [9, 9]]), "b": make_episodes([[2, 2], [2, 2]])}
    costs, differences = figures.plot_costs(TINY, played, agent_styles(list(played)), "b", "x").axes
    low, high = costs.get_xlim()
    places = np.concatenate([line.get_xdata() for line in costs.lines])
    assert places.min() < 0.0 and low < places.min() and places.max() < high
    (_, b, bar, a, _) = differences.lines  # best on top, each with its interval; last the line at 0
    assert b.get_xdata() == [0.0] and a.get_xdata() == [3.0]
    assert bar.get_xdata() == pytest.approx((3.0 - 12.7062 * 4, 3.0 + 12.7062 * 4), rel=1e-5)
    assert differences.get_title() == "cost minus b's, seed by seed"


def test_limits_follow_the_values_with_room_for_dots():
    low, high = figures.dot_limits(np.array([[60.0, np.nan, np.nan], [61.0, np.nan, np.nan]]))
    assert 59.5 < low < 59.95 and 61.05 < high < 61.5
    low, high = figures.dot_limits(np.array([2000.0, 2000.0 + 1e-9]))  # as good as equal
    assert 1985 < low < 1995 and 2005 < high < 2015
    low, high = figures.dot_limits(np.zeros(3))
    assert -1.0 < low < -0.5 and high == -low


def test_a_panel_where_all_is_0_says_so():
    played = {"a": make_episodes([[1, 1]]), "b": make_episodes([[2, 2]])}
    played = {name: one._replace(metrics=0.0 * one.metrics) for name, one in played.items()}
    drawn = figures.plot_objectives(TINY, played, agent_styles(list(played)))
    (dropped,) = (axes for axes in drawn.axes if axes.get_title() == "dropped [%] ←")
    assert [text.get_text() for text in dropped.texts] == ["all 0"] and list(dropped.get_xticks()) == [0.0]


def test_a_course_ends_with_its_last_slot_and_names_its_lines_in_both_panels():
    played = {"a": make_episodes([[1, 3]]), "b": make_episodes([[1, 1]]), "c": make_episodes([[1, 1]])}
    drawn = plot_comparison_course(TINY, played, agent_styles(list(played)), "balanced preference")
    above, middle, below = drawn.axes
    assert "balanced preference" in above.get_title()
    end = 2 * TINY.slot_seconds / 3600
    for axes in (middle, below):
        assert axes.get_xlim() == pytest.approx((0.0, end))
        assert {line.get_xdata()[-1] for line in axes.lines} == {end}
        assert {text.get_text() for text in axes.texts} == set(played)
    costs = {line.get_label(): line for line in middle.lines}
    assert list(costs["a"].get_ydata()) == [1.0, 3.0, 3.0] and middle.get_ylim()[1] > 3.0
    assert len({line.get_linewidth() for line in costs.values()}) == 3  # b and c lie on each other
    behind = {line.get_label(): list(line.get_ydata()) for line in below.lines}
    assert behind == {"a": [0.0, 0.0, 2.0], "b": [0.0] * 3, "c": [0.0] * 3}
    assert above.get_ylim()[1] > 1.1 / TINY.slot_seconds  # of a constant rate the line is seen


@pytest.mark.parametrize(
    ("preference", "said"),
    [
        ("energy", "energy preference"),
        ({"latency": 1, "energy": 3}, "weights latency 0.25, energy 0.75"),
        ([0, 2, 0, 0, 0], "weights latency 1"),
    ],
)
def test_figures_say_what_the_cost_weighs(preference, said):
    assert figures.preference_words(TINY, preference) == said


def test_what_serves_and_what_the_cost_weighs_are_told_apart(tmp_path, capsys):
    words = ["nothing", "cloud-only", "--scenario", "tiny", "--seeds", "2", "--out", str(tmp_path)]
    compare.main([*words, "horizon=5", "serving.tariff={latency: 1.0}"])
    (row, *_) = rows = json.loads((tmp_path / "table.json").read_text())
    printed = capsys.readouterr().out
    assert "Requests are served by serving.tariff (latency 1), which serving cost adds up" in printed
    head = next(line for line in printed.splitlines() if line.startswith("agent"))
    assert head.endswith("serving cost")
    assert {row["served_by"] for row in rows} == {"latency 1"}
    shown = next(line for line in printed.splitlines() if line.startswith(row["agent"]))
    assert shown.split()[-1] == f"{row['metrics']['tariff_cost']:.3g}"
    compare.main([*words, "horizon=5"])
    assert "serving" not in capsys.readouterr().out


@pytest.mark.parametrize(("tariff", "said"), [(None, False), ({"latency": 1.0}, True)])
def test_the_best_static_placement_is_best_by_the_tariff_that_serves(tariff, said):
    played = {name: make_episodes([[1, 3]]) for name in ("best-static", "b")}
    rows = summarise(load_scenario("tiny", {"serving.tariff": tariff}), played, "b")
    (table,) = scenario_tables(rows, "1 seed")
    assert ("best static placement in serving cost, not in cost per slot" in table.note) == said


def test_every_episode_is_written(compared):
    out, _ = compared
    with (out / "tiny.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 4
    demand = {agent: [r["requests"] for r in rows if r["agent"] == agent] for agent in ("random", "ppo")}
    assert demand["random"] == demand["ppo"]


def test_who_served_is_written(compared):
    out, _ = compared
    with (out / "tiny-served.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (out / "tiny.csv").open() as file:
        episodes = list(csv.DictReader(file))
    assert {row["agent"] for row in rows} == {"cloud-only", "random", "ppo"}
    for agent in {row["agent"] for row in rows}:
        mine = [row for row in rows if row["agent"] == agent]
        # `requests` of an episode are means per slot
        arrived = sum(12 * float(row["requests"]) for row in episodes if row["agent"] == agent)
        assert sum(float(row["requests"]) for row in mine) == pytest.approx(arrived)
        for task in {row["task"] for row in mine}:
            assert sum(float(row["share"]) for row in mine if row["task"] == task) == pytest.approx(1.0)
    assert any(row["model"] for row in rows)


@pytest.mark.parametrize("name", ["cost", "objectives", "course"])
def test_figures_are_wide_enough_for_print(compared, name):
    data = (compared[0] / f"tiny-{name}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", data[16:20])[0] == 1432 and len(data) > 10_000


def test_trained_agents_go_by_their_algorithm_and_by_their_folder_if_need_be(trained):
    assert list(compare.label(["random", trained[0]]).values()) == ["random", "ppo"]
    assert list(compare.label(trained).values()) == ["ppo (one)", "ppo (two)"]


def test_a_run_is_named_by_its_folder(trained, tmp_path, capsys):
    folders = [str(Path(policy).parent) for policy in trained]
    assert [policy_file(folder) for folder in folders] == [policy_file(policy) for policy in trained]
    assert list(compare.label(folders).values()) == ["ppo (one)", "ppo (two)"]
    film = tmp_path / "film.gif"
    words = ["--scenario", "tiny", "horizon=12", "--slots", "2", "--scale", "0.25", "--out", str(film)]
    watch.main([folders[0], *words])
    assert "2 slots of" in capsys.readouterr().out and film.read_bytes()[:3] == b"GIF"


def test_a_run_that_has_not_ended_says_so(trained, tmp_path):
    shutil.copy(Path(trained[0]).with_name("config.yaml"), tmp_path)
    with pytest.raises(ConfigError, match=r"has no policy\.zip yet; its training has not ended"):
        policy_file(str(tmp_path))


def test_a_policy_cannot_play_what_it_was_not_trained_for(trained):
    with pytest.raises(ConfigError, match="trained on other"):
        play_agent(trained[0], PRESETS["edge-small"], range(2))


def test_a_policy_that_observes_its_preference_is_told_the_one_asked_for(tmp_path, told):
    path = train_policy(tmp_path, "preference=random")
    trained = PPO.load(path, device="cpu")
    torch.manual_seed(0)
    for weights in trained.policy.parameters():  # so that it heeds whatever it observes
        torch.nn.init.normal_(weights)
    trained.save(path)
    env = gym.make_vec("IDN-v0", num_envs=3, scenario=TINY, preference="energy", split="test")
    alone, other = (
        rollout(told(trained, read_preference(name)), env, range(3)) for name in ("energy", "accuracy")
    )
    assert (other.vector != alone.vector).any(), "what it is told does not matter"
    found = play_agent(path, TINY, range(3), preference="energy")
    assert (found.scalar == alone.scalar).all() and (found.vector == alone.vector).all()
    unit = Unit("p", "mine", "ppo", {"path": path}, None, TINY, 1, "test", cell={}, preference="energy")
    unit.play(tmp_path / "study")
    assert unit.read(tmp_path / "study")["metrics"]["reward"] == pytest.approx(alone.scalar[1].mean())
    words = ["cloud-only", path, "--scenario", "tiny", "horizon=12", "--seeds", "3"]
    compare.main([*words, "--preference", "energy", "--out", str(tmp_path / "out")])
    with (tmp_path / "out" / "table.csv").open() as file:
        table = {row["agent"]: float(row["cost"]) for row in csv.DictReader(file)}
    assert table["ppo"] == pytest.approx(-alone.scalar.mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["cloud"], "did you mean 'cloud-only'?"),
        (["nowhere/policy.zip"], "config.yaml"),
        (["."], "'.' is a folder without policy.zip; name the folder of a run"),
        (["ppo"], "'ppo' must be trained first; name the folder of a run"),
        (["random", "--reference", "popularity"], "random"),
        (["random", "random"], "policies: 'random' is given twice"),
        (["random", "--scenario", "tiny", "tiny"], "--scenario: 'tiny' is given twice"),
        (["--scenario", "tinny"], "tiny"),
        (["horizn=3"], "horizon"),
    ],
)
def test_mistakes_end_in_one_sentence(words, named, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        compare.main([*words, "--out", str(tmp_path / "out")])
    assert str(stop.value).startswith("error: ") and named in str(stop.value)
    assert not (tmp_path / "out").exists()


def test_the_command_line_prints_the_table(tmp_path, capsys):
    words = ["nothing", "cloud-only", "--scenario", "tiny", "--seeds", "2", "horizon=5"]
    compare.main([*words, "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "tiny: 2 test seeds" in printed and "minus nothing's" in printed and str(tmp_path) in printed


def test_both_commands_that_compare_say_the_same(tmp_path, capsys):
    words = ["random", "cloud-only", "--scenario", "tiny", "--seeds", "2", "horizon=5"]
    words += ["--preference", "{latency: 1}", "--split", "validation", "--out", str(tmp_path)]
    said = []
    for main in (compare.main, idn_compare.main):
        main(words)
        tables = [(tmp_path / name).read_text() for name in ("table.txt", "table.json", "tiny.csv")]
        said.append([capsys.readouterr().out.rpartition("\n\n")[0], *tables])
    assert said[0] == said[1] and "minus random's" in said[0][0]
