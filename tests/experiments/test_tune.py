"""Tuning: it keeps to its budget, goes on after a kill as if nothing had happened, and refuses bad files."""

import csv
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from experiments import tune
from experiments.engines.local import HereEngine
from experiments.training.run_config import load_run_config
from experiments.tuning import report as tune_report
from experiments.tuning import trial as tune_trial
from experiments.tuning.config import Tuning, axes, read_tuning
from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.evaluation.rollout import rollout
from idn_gym.preferences import preference_lattice

pytest.importorskip("optuna")

CONFIGS = Path(__file__).parents[2] / "configs"
PLAIN = {
    "name": "toy",
    "scenario": "tiny",
    "agent": "ppo",
    "run": {"envs": 4, "scenario.horizon": 6, "evaluate_every": 1},
    "trials": 3,
    "steps": 64,
    "episodes": 2,
    "space": {
        "agent.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "agent.n_steps": {"choices": [4, 16]},
        "agent.net_arch": {"choices": [[64, 64], [8]]},
        "agent.n_epochs": {"low": 1, "high": 4},
    },
    "confirm": {"runs": 1, "steps": 64, "episodes": 2},
}


def tuning(**changes):
    return from_plain(Tuning, {**PLAIN, **changes})


def rows(out):
    with (out / "trials.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def play(out, **changes):
    given = tuning(**changes)
    study = tune.run_trials(given, out, HereEngine())
    tune_report.write_trials(study, axes(given), out)
    return given, study


def test_a_search_keeps_to_its_budget_and_leaves_an_agent(tmp_path):
    given, study = play(tmp_path)
    found = rows(tmp_path)
    assert len(found) == 3 and [row["today"] for row in found] == ["True", "False", "False"]
    today = load_run_config(None, "tiny", "ppo").agent
    assert float(found[0]["agent.learning_rate"]) == today.learning_rate
    assert json.loads(found[0]["agent.net_arch"]) == list(today.net_arch)
    best = tune_report.write_best(study, given, tmp_path, "a command")
    assert "# Found by `a command`: trial" in best.read_text()
    agent = load_run_config(None, "tiny", str(best)).agent
    rewards = [float(row["reward"]) for row in found]
    winner = found[rewards.index(max(rewards))]
    assert agent.learning_rate == float(winner["agent.learning_rate"])
    assert agent.gamma == today.gamma
    play(tmp_path)  # nothing is left to do
    assert rows(tmp_path) == found


@pytest.mark.parametrize("cut", [0, 1])
def test_a_killed_search_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch, cut):
    play(tmp_path / "whole")
    train, calls = tune_trial.train_trial, []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == cut + 1:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(tune_trial, "train_trial", killed)
    with pytest.raises(KeyboardInterrupt):
        tune.run_trials(tuning(), tmp_path / "cut", HereEngine())
    play(tmp_path / "cut")
    assert len(calls) == 4
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")


def test_more_trials_may_be_added_but_nothing_else_changed(tmp_path):
    play(tmp_path, trials=1)
    first = rows(tmp_path)
    play(tmp_path, trials=2)
    assert rows(tmp_path)[:1] == first and len(rows(tmp_path)) == 2
    with pytest.raises(ConfigError, match=r"^out: .* other settings"):
        tune.run_trials(tuning(steps=128), tmp_path, HereEngine())


def test_trials_below_the_median_end_early(tmp_path, monkeypatch):
    """Made-up looks: the first five trials earn 0, the sixth is worse and ends before it is scored."""
    ended = []

    def train(config, seeds, every, look):
        number = len(ended)
        ended.append(False)
        look(16, 0.0 if number < 5 else -1.0)
        ended[-1] = True
        return np.zeros(len(seeds))

    monkeypatch.setattr(tune_trial, "train_trial", train)
    play(tmp_path, trials=6, prune_every=16)
    assert ended == [True] * 5 + [False]
    assert [row["state"] for row in rows(tmp_path)] == ["complete"] * 5 + ["pruned"]
    assert rows(tmp_path)[-1]["reward"] == ""


def test_looks_do_not_change_a_training(tmp_path):
    seen = []
    config = tuning(steps=160).configure({})
    alone = tune_trial.train_trial(config, range(2))
    watched = tune_trial.train_trial(config, range(2), 60, lambda number, value: seen.append(number))
    assert (alone == watched).all()
    assert seen == [1, 2]  # at 64 and 128 steps, the ends of rollouts


def test_a_policy_for_all_preferences_is_judged_on_all_of_them(monkeypatch, told):
    """By episodes with each preference in turn, in which what it observes of it is written by hand."""
    config = tuning(run={**PLAIN["run"], "preference": "random"}).configure({})
    judged, score = [], tune_trial.trial_scores
    monkeypatch.setattr(tune_trial, "trial_scores", lambda *given: judged.append(given) or score(*given))
    scores = tune_trial.train_trial(config, range(2))
    expected = []
    for weights in preference_lattice(2).tolist():
        options = {**config.env_options(), "preference": weights}
        env = gym.make_vec("IDN-v0", num_envs=2, split="validation", **options)
        expected.append(rollout(told(judged[0][0], weights), env, range(2)).scalar.mean(axis=1))
    assert len(expected) == 10
    np.testing.assert_allclose(scores, np.mean(expected, axis=0), rtol=1e-12)


def test_the_best_is_confirmed_on_other_seeds_once(tmp_path, monkeypatch):
    given, study = play(tmp_path)
    monkeypatch.setattr(type(study), "best_trial", study.trials[1])  # whatever was the best
    first = tune_report.confirm(study, given, tmp_path, HereEngine())
    record = json.loads((tmp_path / "confirm.json").read_text())
    assert record["seeds"] == [100, 101] and record["split"] == "validation"
    assert first.estimate == pytest.approx(record["reward"]["best"] - record["reward"]["today"])
    monkeypatch.setattr(tune_trial, "train_trial", None)  # what is on disk is used again
    assert tune_report.confirm(study, given, tmp_path, HereEngine()) == first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": {}}, "space: is empty"),
        ({"space": {"agent.gama": {"low": 0, "high": 1}}}, r"space.agent.gama: .*did you mean 'agent.gamma'"),
        ({"space": {"envs": {"low": 1, "high": 4}}}, "space.envs: cannot be tuned"),
        ({"space": {"agent.kind": {"choices": ["ppo", "a2c"]}}}, "space.agent.kind"),
        ({"space": {"agent.gamma": {"low": 0, "high": 2}}}, r"^space\.agent\.gamma: 2.* at most 1"),
        ({"space": {"agent.gamma": {"low": 0.9, "high": 0.1}}}, "space.agent.gamma: 0.9 to 0.1 is no range"),
        ({"space": {"agent.gamma": {"low": 0.6, "high": 1}}}, "space.agent.gamma: 0.5, which .* today"),
        ({"space": {"agent.gamma": {"low": 0, "high": 1, "log": True}}}, "above 0 with log"),
        ({"space": {"agent.gamma": {"low": 0}}}, "needs either low and high, or choices"),
        ({"space": {"agent.gamma": {"choices": [0.1, 0.9]}}}, "0.5, which the agent has today"),
        ({"space": {"agent.gamma": {"choices": [0.5]}}}, "needs two choices or more"),
        ({"space": {"agent.activation": {"low": 1, "high": 2}}}, "space"),
        ({"space": {"agent.n_steps": {"low": 1.5, "high": 20}}}, r"^space\.agent\.n_steps: 1.5"),
        ({"run": {"agent.gamma": 0.3}}, "run.agent.gamma: is not allowed"),
        ({"run": {"no": 1}}, "no: unknown key"),
        ({"agent": "pppo"}, "did you mean 'ppo'"),
        ({"trials": 0}, "trials: 0"),
        ({"confirm": {"first": 1}}, "confirm.first: 1 is among the 2 tuned on"),
        ({"sampler": "tpe"}, "sampler: unknown key"),
    ],
)
def test_bad_files_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        axes(tuning(**changes))


@pytest.mark.parametrize("path", sorted((CONFIGS / "tuning").glob("*.yaml")), ids=lambda path: path.stem)
def test_what_ships_can_be_read_from_everywhere(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = read_tuning(path)
    assert given.name == path.stem and axes(given) and axes(given.small())


def test_paths_in_a_file_start_at_its_folder(tmp_path):
    (tmp_path / "mine.yaml").write_text("kind: ppo\nn_steps: 4\nlearning_rate: 0.005\n")
    (tmp_path / "world.yaml").write_text("preset: tiny\nhorizon: 7\n")
    path, named = tmp_path / "toy.yaml", {"agent": "mine.yaml", "scenario": "world.yaml"}
    path.write_text(json.dumps({**PLAIN, **named, "run": {"envs": 4}}))
    config = read_tuning(path).configure({})
    assert (config.agent.learning_rate, config.scenario.horizon) == (0.005, 7)
    path.write_text(json.dumps({**PLAIN, "agent": str(tmp_path / "mine.yaml")}))
    assert read_tuning(path).configure({}).agent.n_steps == 4


@pytest.mark.slow
def test_workers_share_the_journal(tmp_path, capsys):
    path = tmp_path / "toy.yaml"
    path.write_text(json.dumps({**PLAIN, "confirm": {"runs": 1, "steps": 1, "episodes": 1}}))
    tune.main([str(path), "--workers", "2", "--out", str(tmp_path / "out")])
    assert "best agent" in capsys.readouterr().out
    assert len(rows(tmp_path / "out")) == 3


def test_the_command_names_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit, match=r"^error: .*cannot be read"):
        tune.main([str(tmp_path / "no.yaml")])
    with pytest.raises(SystemExit):
        tune.main([str(CONFIGS / "tuning" / "ppo-edge-small.yaml"), "--workers", "0"])
    assert "error: --workers: 0 is not allowed" in capsys.readouterr().err


def test_a_journal_that_was_cut_off_is_mended_and_a_damaged_one_named(tmp_path):
    play(tmp_path, trials=1)
    journal, first = tmp_path / "journal.log", rows(tmp_path)
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    (tmp_path / "journal.log.lock").symlink_to(journal)
    play(tmp_path, trials=2)
    assert rows(tmp_path)[:1] == first and len(rows(tmp_path)) == 2
    content = journal.read_bytes()
    for line in (b"\xff\n", b"[]\n", b'{"op_code": 5, "worker_id": "x"}\n'):
        journal.write_bytes(content + line)
        with pytest.raises(
            ConfigError, match=r"journal\.log: is damaged \([^\n]*\); delete it to start over$"
        ):
            tune.run_trials(tuning(), tmp_path, HereEngine())


def test_a_kill_while_trials_are_queued_again_loses_none_and_doubles_none(tmp_path, monkeypatch):
    space = axes(tuning())
    study = tune.open_study(tuning(), tmp_path)
    tune.queue_trials(study, space)
    study.ask()  # the agent as it is, cut off

    def killed(*given, **more):
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(study, "tell", killed)
            tune.queue_trials(study, space)
    assert tune.queue_trials(study, space) == 0
    states = [(trial.state.name, trial.user_attrs) for trial in study.get_trials()]
    assert states == [("FAIL", {"today": True}), ("WAITING", {"today": True})]


def test_a_damaged_confirmation_is_trained_again(tmp_path, capsys):
    one = tune_report.Confirmation(tuning(steps=16).configure({}), [100], "confirm")
    one.run(tmp_path)
    found = one.read(tmp_path)
    for damage in ("", "[]", '{"rewards": ["a"]}'):
        one.file(tmp_path).write_text(damage)
        assert not one.done(tmp_path)
        assert "trained again" in capsys.readouterr().err
        one.run(tmp_path)
        assert (one.read(tmp_path) == found).all()
    (tmp_path / "tuning.json").write_text("{")
    with pytest.raises(ConfigError, match=r"tuning\.json: is not valid JSON"):
        tune.run_trials(tuning(), tmp_path, HereEngine())
