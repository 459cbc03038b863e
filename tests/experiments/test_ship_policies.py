"""Trained policies that ship: how they get into the repository, and that they play what their curves say."""

import csv
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from agents.rl.weights import read_weights, steps_of
from experiments.ship_policies import ShipPoliciesCommand, list_trainings
from experiments.training.play import play_agent
from experiments.training.run_config import load_run_config
from experiments.training.run_folder import RunFolder
from experiments.training.train_run import train_run
from idn_gym.config_reader import ConfigError

SHIPPED = sorted(Path(__file__).parents[2].joinpath("agents", "shipped").glob("*/policy.zip"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    changes = {"action": "scores", "envs": 2, "steps": 32, "agent.n_steps": 8, "agent.batch_size": 8}
    changes |= {"scenario.horizon": 8, "evaluation_episodes": 2, "evaluate_every": 16, "seed": 3}
    config = load_run_config(scenario="tiny", agent="ppo-graph", changes=changes)
    train_run(config, RunFolder(folder / "trained" / "one"))
    return folder


def test_weights_and_curves_are_kept_and_nothing_else(study, tmp_path):
    ShipPoliciesCommand(folder=study, out=tmp_path, seed=3).run()
    kept, whole = tmp_path / "tiny" / "policy.zip", study / "trained" / "one" / "policy.zip"
    assert kept.stat().st_size < 0.5 * whole.stat().st_size
    assert zipfile.ZipFile(kept).namelist() == ["policy.pth", "data"]
    before, after = read_weights(whole), read_weights(kept)
    assert all(torch.equal(after[name], before[name]) for name in before) and steps_of(kept) == 32
    told = yaml.safe_load((tmp_path / "tiny" / "config.yaml").read_text())
    assert set(told) == {"run", "versions"}
    _plays_what_the_curve_says(kept)


def test_another_seed_is_not_there(study, tmp_path):
    with pytest.raises(ConfigError, match=r"^seed: 0 is not allowed; .*those with seeds \[3\] are"):
        ShipPoliciesCommand(folder=study, out=tmp_path).run()


def test_the_longest_training_ships_whatever_stands_beside_it(study, tmp_path):
    trained = tmp_path / "study" / "trained"
    shutil.copytree(study / "trained" / "one", trained / "two")
    for name, steps in (("a", 0), ("b", 0), ("z", 16)):  # a study's `imitation alone` has no steps
        shutil.copytree(study / "trained" / "one", trained / name)
        told = yaml.safe_load((trained / name / "config.yaml").read_text())
        told["run"]["steps"] = steps
        (trained / name / "config.yaml").write_text(yaml.safe_dump(told))
    (found,) = list_trainings(tmp_path / "study", 3).values()
    assert found.policy.parent.name == "two"
    shutil.copytree(study / "trained" / "one", trained / "again")
    with pytest.raises(ConfigError, match=r"^folder: .* has two of tiny; .*number of steps"):
        list_trainings(tmp_path / "study", 3)


def test_policies_of_the_presets_ship():
    assert {path.parent.name for path in SHIPPED} >= {"edge-drift", "metro-day"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_a_shipped_policy_plays_what_its_curve_says(path):
    _plays_what_the_curve_says(path)


def _plays_what_the_curve_says(path):
    run = yaml.safe_load((path.parent / "config.yaml").read_text())["run"]
    with (path.parent / "evaluations.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    config = load_run_config(run)
    seeds = range(config.evaluation_episodes)
    played = play_agent(str(path), config.scenario, seeds, split="validation")
    reward = float(last["reward"])
    assert np.isclose(played.scalar.mean(), reward, rtol=1e-5)
