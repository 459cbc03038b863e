"""Fronts of a study in miniature: what is trained and played, and what the indicators come to."""

import csv
import json

import gymnasium as gym
import numpy as np
import pytest
import yaml

from experiments import study
from experiments.pareto import Fronts
from experiments.study_config import Study
from idn_gym.evaluation.pareto import hypervolume, objective_box
from idn_gym.evaluation.rollout import rollout
from idn_gym.objectives import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import resolve
from idn_gym.strict import ConfigError, read

TRAIN = {"steps": 64, "envs": 4, "evaluate_every": 1000, "evaluation_episodes": 1}
FRONT = {
    "name": "small",
    "scenario": "tiny",
    "overrides": {"horizon": 5},
    "divisions": 1,
    "episodes": 3,
    "trainings": 2,
    "foresight": "foresight",
    "compared": "conditioned",
    "online": ["conditioned", "olag"],
    "queries": [{"best": "energy", "least": {"accuracy": 0.3}}],
    "agents": [
        {"agent": "cloud-only"},
        {"agent": "olag"},
        {"agent": "clairvoyant-search", "label": "foresight", "options": {"restarts": 1}},
        {"agent": "ppo", "label": "conditioned", "train": {**TRAIN, "preference": "random"}},
        {"agent": "ppo", "label": "each", "train": TRAIN},
    ],
}
STUDY = {"name": "fronts", "title": "Fronts", "about": "Small.", "split": "validation", "fronts": [FRONT]}


def front(**changes):
    return {**STUDY, "fronts": [{**FRONT, **changes}]}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fronts")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    study.main([str(folder / "study.yaml"), "--out", str(folder / "out"), "--workers", "1"])
    return folder / "out"


def fronts(out):
    config = read(Study, STUDY)
    return Fronts(config.fronts[0], study.list_fronts(config, smoke=False), out)


@pytest.mark.slow
def test_one_policy_or_one_per_preference_and_training_seed(played):
    records = {p.parent.name: json.loads(p.read_text()) for p in (played / "trained").glob("*/budget.json")}
    assert len(records) == 2 * 1 + 2 * len(preference_lattice(1))
    assert all(record["steps"] == 64 and record["cpu_seconds"] > 0 for record in records.values())
    units = study.list_fronts(read(Study, STUDY), smoke=False)
    count = {label: sum(unit.label == label for unit in units) for label in fronts(played).agents}
    assert count == {"cloud-only": 1, "olag": 1, "foresight": 1, "conditioned": 2, "each": 2}


@pytest.mark.slow
def test_points_are_mean_rewards_under_each_preference(played):
    env = gym.make_vec(
        "IDN-v0", num_envs=3, scenario="tiny", overrides={"horizon": 5}, preference="latency",
        split="validation", action="scores",
    )  # fmt: skip
    nothing = np.full((3, *env.single_action_space.shape), -1, np.float32)

    class Nothing:
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            return nothing, state

    alone = rollout(Nothing(), env, range(3)).vector.mean(axis=(0, 1))
    found = fronts(played)
    # What repositories answer alone moves with the tariff, but not where latency is all that counts.
    fastest = int(preference_lattice(1)[:, 1].argmax())
    assert found.points("cloud-only")[0][fastest][1] >= alone[1] - 1e-12
    assert found.points("cloud-only")[0].shape == (4, 5)


@pytest.mark.slow
def test_the_table_is_what_the_points_say(played):
    with (played / "fronts.csv").open() as file:
        rows = {row["agent"]: row for row in csv.DictReader(file)}
    found = fronts(played)
    box = objective_box(compile_scenario(resolve("tiny", {"horizon": 5})))
    for agent, row in rows.items():
        mine = np.mean([hypervolume(box.place(run), np.zeros(5)) for run in found.points(agent)])
        assert float(row["hypervolume"]) == pytest.approx(mine)
        assert float(row["hypervolume_low"]) <= float(row["hypervolume_high"])
        ahead = float(rows["conditioned"]["hypervolume"]) - mine
        assert float(row["compared_ahead"]) == pytest.approx(ahead)
    assert float(rows["foresight"]["igd_plus"]) == float(rows["foresight"]["utility_loss"]) == 0
    assert all(float(row["igd_plus"]) >= 0 and float(row["utility_loss"]) >= 0 for row in rows.values())
    assert float(rows["foresight"]["hypervolume"]) > float(rows["cloud-only"]["hypervolume"])
    # Against itself, one of two runs wins as often as it loses; ties of a run with itself count half.
    assert float(rows["conditioned"]["improvement"]) == pytest.approx(0.5)
    page = (played / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "among the online agents" in page


@pytest.mark.slow
def test_nothing_is_trained_or_played_again(played):
    files = [*played.rglob("*.json"), *played.rglob("*.zip")]
    before = {path: path.stat().st_mtime_ns for path in files}
    study.main([str(played.parent / "study.yaml"), "--out", str(played), "--workers", "1"])
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"compared": "ppo"}, r"fronts\.small\.compared"),
        ({"online": ["nobody"]}, r"fronts\.small\.online"),
        ({"divisions": 0}, "divisions"),
        ({"queries": [{"best": "speed", "least": {}}]}, "queries"),
        ({"agents": [{"agent": "olga"}]}, "olga"),
        ({"agents": [{"agent": "olag"}, {"agent": "olag"}]}, "same label"),
    ],
)
def test_what_is_wrong_with_a_front_is_named(changes, named):
    with pytest.raises(ConfigError, match=named):
        read(Study, front(**changes))
