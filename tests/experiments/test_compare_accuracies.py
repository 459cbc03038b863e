"""The price of not knowing: the table, and a bound that nobody undercuts."""

import csv

import numpy as np
import pytest

from experiments import compare_accuracies
from idn_gym.config_reader import to_plain
from idn_gym.evaluation.hidden_bound import bound_hidden_quality
from idn_gym.files import write_text
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.hidden_worlds import hidden_world


@pytest.fixture
def world(tmp_path):
    import yaml

    path = tmp_path / "hidden.yaml"
    write_text(path, yaml.safe_dump(to_plain(hidden_world(horizon=12))))
    return str(path)


def test_the_table_and_the_file(world, tmp_path, capsys):
    words = ["cloud-only", "lru", "--scenario", world, "--seeds", "3", "--out", str(tmp_path / "out")]
    compare_accuracies.main([*words, "--accuracies", "conditions", "labels", "oracle"])
    text = capsys.readouterr().out
    assert "no policy undercuts" in text and text.count("nominal") == 2
    rows = list(csv.DictReader((tmp_path / "out" / "accuracies.csv").open()))
    assert len(rows) == 2 * 4 * 3
    cost = {(row["agent"], row["in_force"], row["seed"]): -float(row["reward"]) for row in rows}
    scenario = hidden_world(horizon=12)
    compiled = compile_scenario(scenario)
    for seed in range(3):
        instance = build_instance(scenario, seed, "test", "balanced")
        bound = bound_hidden_quality(compiled, instance, 0)
        assert bound.shape == (12,) and np.all(bound > 0.0)
        assert all(bound.mean() <= value for key, value in cost.items() if key[2] == str(seed))


def test_models_that_adapt_are_compared_where_conditions_are_believed_in(capsys):
    """Rule gain needs a belief about conditions: savings are over that, and the bound is below all."""
    words = ["cloud-only", "--scenario", "digits-adapt", "--seeds", "2", "horizon=12"]
    compare_accuracies.main(words)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    played = {line[1]: float(line[2]) for line in lines if line[:1] == ["cloud-only"]}
    assert list(played) == ["conditions", "oracle"]
    bound = next(float(line[3]) for line in lines if line[:1] == ["no"])
    assert 0.0 < bound < min(played.values())


def test_points_are_compared_with_the_best_of_them(world, tmp_path, capsys):
    words = ["cloud-only", "--scenario", world, "--seeds", "2", "--out", str(tmp_path / "out")]
    compare_accuracies.main([*words, "--points", "listed", "bandit", "thrifty", "careful"])
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if "cloud-only" in line}
    assert list(lines) == ["listed", "bandit", "thrifty", "careful"]
    proven = 2.0 * np.sqrt(3.0 * np.log(3.0) / 12.0)  # three points, twelve slots
    assert lines["bandit"].endswith(f"{proven:.4f}") and lines["careful"].rstrip().endswith("-")
    rows = list(csv.DictReader((tmp_path / "out" / "accuracies.csv").open()))
    assert [row["points"] for row in rows] == ["listed"] * 2 + ["bandit"] * 2 + ["thrifty"] * 2 + [
        "careful"
    ] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--accuracies", "guess"], "--accuracies: 'guess' is not allowed"),
        (["--points", "careless"], "quality.points: 'careless' is not allowed"),
        (["--scenario", "tiny"], "--scenario: 'tiny' is not allowed; its quality is not hidden"),
        (
            ["--scenario", "digits-adapt", "--accuracies", "labels"],
            "quality.adaptation.rule: 'gain' is not allowed with accuracy labels",
        ),
    ],
)
def test_bad_words_are_named(words, message, capsys):
    with pytest.raises(SystemExit):
        compare_accuracies.main(["cloud-only", *words])
    assert message in capsys.readouterr().err
