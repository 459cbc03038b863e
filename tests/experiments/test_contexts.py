"""The commands that train and compare on contexts."""

import csv

import pytest
import yaml

from experiments import compare_contexts, train_contexts
from experiments.training import context_draws
from experiments.training.context_draws import turns_of
from experiments.training.context_run import TURN_FILE, count_turns
from experiments.training.play import play_agent
from experiments.training.run_config import load_run_config
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.contexts import draw_scenario, load_context


@pytest.fixture
def small(tmp_path):
    """A context of small trees, in a file."""
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({**to_plain(load_context("trees")), "name": "small", "nodes": [10, 12]}))
    return path


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_agents_are_compared_axis_by_axis(small, tmp_path, capsys):
    words = ["cloud-only", "popularity", "--context", str(small), "--seeds", "2", "--seconds", "0"]
    words += ["--held-out", "nothing", "catalogue", "--out", str(tmp_path / "out"), "horizon=4"]
    compare_contexts.main(words)
    said = capsys.readouterr().out
    assert "share of static-greedy" in said and "best-static" not in said
    rows, played = rows_of(tmp_path / "out" / "contexts.csv"), rows_of(tmp_path / "out" / "episodes.csv")
    agents = ["static-greedy", "cloud-only", "popularity"]
    assert [(row["held_out"], row["agent"]) for row in rows] == [
        (axis, agent) for axis in ("nothing", "catalogue") for agent in agents
    ]
    assert float(rows[0]["share_of_static-greedy"]) == 1.0
    assert len(played) == 2 * 2 * 3
    context = load_context(small, {"horizon": 4})
    found = {(row["held_out"], row["seed"], row["agent"]): float(row["cost"]) for row in played}
    scenario = draw_scenario(context, "test", 1, "catalogue")
    episodes = play_agent("popularity", scenario, [1])
    assert found["catalogue", "1", "popularity"] == pytest.approx(-episodes.scalar.mean())
    share = sum(
        found["catalogue", seed, "popularity"] / found["catalogue", seed, "static-greedy"] for seed in "01"
    )
    assert float(rows[-1]["share_of_static-greedy"]) == pytest.approx(share / 2)


def test_a_graph_policy_learns_on_many_scenarios(small, tmp_path, capsys):
    out = tmp_path / "run"
    words = ["--context", str(small), "--out", str(out), "--envs", "2", "--steps", "20", "scenario.horizon=6"]
    train_contexts.main([*words, "agent.n_steps=6", "agent.batch_size=12"])
    assert str(out / "policy.zip") in capsys.readouterr().out
    turns = rows_of(out / TURN_FILE)
    assert len(turns) == 2 and turns[0]["scenario_seed"] != turns[1]["scenario_seed"]
    other = draw_scenario(load_context(small, {"horizon": 6}), "test", 0)
    episodes = play_agent(str(out / "policy.zip"), other, [0])
    assert episodes.scalar.shape == (1, 6)
    with pytest.raises(SystemExit, match="holds a run"):
        train_contexts.main(words)


def test_turns_are_of_the_part_train(small):
    context = load_context(small)
    first = list(turns_of(context, 3, 3))
    assert [turn.scenario for turn in first] == [turn.scenario for turn in turns_of(context, 3, 3)]
    pool = set(context.models[0].train)
    assert all(set(turn.scenario.tasks[0].models) <= pool for turn in first)
    assert len({turn.scenario_seed for turn in first}) == 3


def test_large_networks_are_passed_over(small, monkeypatch):
    context = load_context(small)
    few = list(turns_of(context, 3, 4, largest=11))
    assert [turn.number for turn in few] == [0, 1, 2, 3]
    assert all(len(expand(turn.scenario.topology).nodes) <= 11 for turn in few)
    every = [turn.scenario_seed for turn in turns_of(context, 3, 40)]
    assert [seed for seed in every if seed in {turn.scenario_seed for turn in few}] == [
        turn.scenario_seed for turn in few
    ]
    monkeypatch.setattr(context_draws, "MOST_PASSED_OVER", 3)
    with pytest.raises(ConfigError, match="largest: 9 is not allowed"):
        list(turns_of(context, 3, 1, largest=9))


def test_an_agent_that_imitates_is_shown_several_scenarios(small, tmp_path):
    out = tmp_path / "run"
    words = ["--context", str(small), "--out", str(out), "--envs", "2", "--steps", "8", "scenario.horizon=4"]
    words += ["--agent", "ppo-imitation", "--scenarios", "2", "--trials", "1", "evaluation_episodes=1"]
    words += ["agent.n_steps=4", "agent.batch_size=8", "agent.imitation.episodes=1"]
    words += ["agent.imitation.seconds=0.2", "agent.imitation.rounds=2", "agent.imitation.passes=1"]
    train_contexts.main(words)
    assert {path.name for path in out.glob("teacher-*.npz")} == {"teacher-0.npz", "teacher-1.npz"}
    assert len(rows_of(out / "imitation.csv")) == 2
    other = draw_scenario(load_context(small, {"horizon": 4}), "test", 0)
    assert play_agent(str(out / "policy.zip"), other, [0]).scalar.shape == (1, 4)


def test_turns_are_an_episode_of_every_environment():
    config = load_run_config(scenario="tiny", agent="ppo-graph", changes={"steps": 97, "envs": 2})
    assert count_turns(config) == 2  # of 48 slots each


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        (compare_contexts, ["--held-out", "tasks"], "--held-out: 'tasks' is not allowed"),
        (compare_contexts, ["--context", "tres"], "context: 'tres' is not a context"),
        (train_contexts, ["--agent", "ppo", "--out", "x"], "agent: 'ppo' is not allowed; must be ppo-graph"),
        (train_contexts, ["--context", "tres", "--out", "x"], "context: 'tres' is not a context"),
    ],
)
def test_bad_words_end_in_one_line(command, words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        command.main(words)
    assert said in str(stop.value)
    assert not (tmp_path / "x" / "config.yaml").exists()
