"""Fronts of a study in miniature: what is trained and played, and what the indicators come to."""

import csv
import json
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import yaml
from stable_baselines3 import PPO

from experiments import study
from experiments.studies import front_report
from experiments.studies.config import Study
from experiments.studies.envelope_run import list_envelopes
from experiments.studies.front_run import Returns
from experiments.studies.fronts import Fronts
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.evaluation.envelope import outer_envelope
from idn_gym.evaluation.intervals import half_width
from idn_gym.evaluation.pareto import hypervolume, objective_box
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.bracket import FalseBoundError
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

TRAIN = {
    "steps": 64,
    "envs": 4,
    "evaluate_every": 1000,
    "evaluation_episodes": 1,
    "agent.n_steps": 4,
    "agent.batch_size": 8,
    "agent.learning_rate": 0.03,
}
WORLD = {"horizon": 5, "dynamics.device_error": 0.3}
"""Episodes differ from the first slot on, as devices are faster or slower in each."""
FRONT = {
    "name": "small",
    "scenario": "tiny",
    "overrides": WORLD,
    "divisions": 1,
    "episodes": 3,
    "trainings": 2,
    "foresight": "foresight",
    "planned": "foresight",
    "compared": "conditioned",
    "online": ["conditioned", "olag"],
    "envelope": 5.0,
    "queries": [{"best": "energy", "least": {"accuracy": 0.45, "latency": -0.15}}],
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
    config = from_plain(Study, STUDY)
    units = study.list_fronts(config, smoke=False)
    return Fronts(config.fronts[0], units, out, list_envelopes(config, units, smoke=False))


def lines(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_one_policy_or_one_per_preference_and_training_seed(played):
    records = {p.parent.name: json.loads(p.read_text()) for p in (played / "trained").glob("*/budget.json")}
    assert len(records) == 2 * 1 + 2 * len(preference_lattice(1))
    assert all(record["steps"] == 64 and record["cpu_seconds"] > 0 for record in records.values())
    units = study.list_fronts(from_plain(Study, STUDY), smoke=False)
    count = {label: sum(unit.label == label for unit in units) for label in fronts(played).agents}
    assert count == {"cloud-only": 1, "olag": 1, "foresight": 1, "conditioned": 2, "each": 2}


def replay(policy, preference, told=None):
    """(E, T, 5) reward vectors of a policy's file in the episodes of the study."""
    world = {"scenario": "tiny", "overrides": WORLD, "split": "validation"}
    env = gym.make_vec("IDN-v0", num_envs=3, preference=preference, **world)
    return rollout(PPO.load(policy, device="cpu"), env, range(3), told).vector


@pytest.mark.parametrize("label", ["conditioned", "each"])
def test_a_point_is_what_the_policy_for_its_preference_earns_under_it(tmp_path, label):
    """Played again with the policies that the configurations of their runs name."""
    units = study.list_fronts(from_plain(Study, STUDY), smoke=False)
    (unit,) = (unit for unit in units if (unit.label, unit.seed) == (label, 0))
    found, lattice = Returns.read(unit.play(tmp_path)), preference_lattice(1).tolist()
    policies = {}
    for path in (tmp_path / "trained").glob("*/config.yaml"):
        policies[str(read_yaml(path)["run"]["preference"])] = path.parent / "policy.zip"
    if label == "conditioned":
        vectors = [replay(policies["random"], "random", weights) for weights in lattice]
    else:
        vectors = [replay(policies[str(weights)], weights) for weights in lattice]
        # Or it would not be seen whose point it is.
        assert len({replay(policy, lattice[0]).tobytes() for policy in policies.values()}) == len(lattice)
    assert (found.mean == np.mean(vectors, axis=2)).all()
    later = 0.99 ** np.arange(5)[:, None]
    np.testing.assert_allclose(found.discounted, np.sum(vectors * later, axis=2), rtol=1e-12)


@pytest.mark.slow
def test_points_are_mean_rewards_under_each_preference(played):
    env = gym.make_vec(
        "IDN-v0", num_envs=3, scenario="tiny", overrides=WORLD, preference="latency",
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
    rows = {row["agent"]: row for row in lines(played / "fronts.csv")}
    found = fronts(played)
    box = objective_box(compile_scenario(load_scenario("tiny", WORLD)))
    for agent, row in rows.items():
        mine = np.mean([hypervolume(box.place(run), np.zeros(5)) for run in found.points(agent)])
        assert float(row["hypervolume"]) == pytest.approx(mine)
        assert float(row["hypervolume_low"]) <= mine <= float(row["hypervolume_high"])
        ahead = float(rows["conditioned"]["hypervolume"]) - mine
        assert float(row["compared_ahead"]) == pytest.approx(ahead)
    assert float(rows["foresight"]["igd_plus"]) == float(rows["foresight"]["utility_loss"]) == 0
    assert all(float(row["igd_plus"]) >= 0 and float(row["utility_loss"]) >= 0 for row in rows.values())
    assert float(rows["foresight"]["hypervolume"]) > float(rows["cloud-only"]["hypervolume"])
    assert rows["foresight"]["collapsed"] == "0" and rows["cloud-only"]["collapsed"] == "1"
    apart = {agent: float(row["placements_apart"]) for agent, row in rows.items()}
    assert apart["foresight"] > apart["cloud-only"] == 0.0
    # Against itself, one of two runs wins as often as it loses; ties of a run with itself count half.
    assert float(rows["conditioned"]["improvement"]) == pytest.approx(0.5)
    # Episodes differ by the speed of devices.
    assert float(rows["olag"]["hypervolume_low"]) < float(rows["olag"]["hypervolume_high"])
    # Against itself there is nothing to doubt, and several runs have no interval of how often they win.
    assert rows["conditioned"]["compared_ahead"] == "0.0"
    assert rows["conditioned"]["compared_ahead_low"] == rows["olag"]["improvement_low"] == ""
    assert rows["olag"]["igd_plus_low"] == rows["olag"]["utility_loss_high"] == ""
    page = (played / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "among the online agents" in page


@pytest.mark.slow
def test_every_front_is_a_share_of_the_envelope_and_none_is_outside(played):
    rows, found = lines(played / "fronts.csv"), fronts(played)
    world = load_scenario("tiny", WORLD)
    envelope = outer_envelope(world, range(3), "validation", divisions=1, seconds=5.0)
    volume = envelope.volume(found.box)
    for row in rows:
        value = float(row["hypervolume"])
        assert float(row["envelope"]) == pytest.approx(volume)
        assert float(row["envelope_share"]) == pytest.approx(value / volume)
        assert float(row["envelope_gap"]) == pytest.approx(volume - value) and value < volume
        assert float(row["envelope_share_low"]) <= value / volume <= float(row["envelope_share_high"])
    page = (played / "report.html").read_text()
    assert "share of the envelope</a></th>" in page and f"volume is {volume:.4f} of the" in page
    outer_envelope(world, [1], "validation", 1).check(found.points("foresight", np.array([1]))[0], "it")
    found.envelopes.limits -= 0.5
    with pytest.raises(FalseBoundError, match="olag passes a bound"):
        found._check("olag")


@pytest.mark.slow
def test_how_sure_a_front_is_follows_from_leaving_episodes_out(played):
    found = fronts(played)

    def pseudo_values(agent):
        """Of the hypervolume, run by run: three times that of all episodes minus twice that of two."""
        mean = np.array([run.mean for run in found.returns[agent]])  # (R, K, E, 5)

        def value(episodes):
            points = mean[:, :, episodes].mean(axis=2)
            return np.array([hypervolume(found.box.place(front), np.zeros(5)) for front in points])

        whole = value([0, 1, 2])
        return np.stack([3 * whole - 2 * value(rest) for rest in ([1, 2], [0, 2], [0, 1])], axis=1)

    rows = {row["agent"]: row for row in found.rows()}
    for agent in ("olag", "conditioned"):
        half = float(half_width(pseudo_values(agent)))
        assert rows[agent]["hypervolume_high"] - rows[agent]["hypervolume"] == pytest.approx(half)
    half = float(half_width(pseudo_values("conditioned"), pseudo_values("olag")))
    assert rows["olag"]["compared_ahead"] - rows["olag"]["compared_ahead_low"] == pytest.approx(half)


@pytest.mark.slow
def test_points_and_answers_are_written_down(played):
    found, names = fronts(played), ("accuracy", "latency", "energy", "traffic", "update")
    points, expected = {}, preference_lattice(1).tolist()
    for row in lines(played / "front-points.csv"):
        weights = [float(row[f"weight_{name}"]) for name in names]
        run = points.setdefault((row["agent"], int(row["run"])), [])
        assert weights == expected[len(run)]
        run.append([float(row[name]) for name in names])
    assert {key: np.shape(run) for key, run in points.items()} == {
        (agent, run): (4, 5) for agent in found.agents for run in range(len(found.points(agent)))
    }
    answers = {row["agent"]: row for row in lines(played / "front-queries.csv")}
    for agent, row in answers.items():
        runs = found.points(agent)
        assert all(points[agent, i] == run.tolist() for i, run in enumerate(runs))
        # The query of the study: the cheapest in energy of at least 0.45 correct answers per nominal request
        # that take 0.15 s at most.
        allowed = [[p for p in run.tolist() if p[0] >= 0.45 and p[1] >= -0.15] for run in runs]
        within = [max(run, key=lambda point: point[2]) for run in allowed if run]
        assert (int(row["runs"]), int(row["runs_within"])) == (len(runs), len(within))
        mean = np.mean(within, axis=0) if within else np.full(5, np.nan)
        np.testing.assert_allclose([float(row[name] or "nan") for name in names], mean, rtol=1e-12)
    assert set(answers) == set(found.agents)
    assert [answers[agent]["runs_within"] for agent in ("cloud-only", "olag")] == ["0", "1"]


def test_the_verdict_names_those_that_may_be_ahead():
    asked = SimpleNamespace(front=SimpleNamespace(compared="a", online=["a", "b", "c"]))

    def verdict(b, c):
        lows = {"a": 0.0, "b": b, "c": c, "offline": -1.0}
        rows = [{"agent": agent, "compared_ahead_low": low} for agent, low in lows.items()]
        return front_report.verdict(asked, rows)

    assert verdict(0.1, 0.2).startswith("a is ahead of every online agent (b, c)")
    assert verdict(0.1, 0.0).startswith("a is not surely ahead of c among")
    assert verdict(-0.1, -0.2).startswith("a is not surely ahead of b, c among")
    assert verdict(0.1, np.nan).startswith("a is not surely ahead of c among")  # a single episode
    asked.front.compared = None
    assert verdict(0.1, 0.2) == ""


@pytest.mark.slow
def test_nothing_is_trained_or_played_again(played):
    files = [*played.rglob("*.json"), *played.rglob("*.zip")]
    assert len([*played.rglob("envelopes/small/*.json")]) == 3
    before = {path: path.stat().st_mtime_ns for path in files}
    study.main([str(played.parent / "study.yaml"), "--out", str(played), "--workers", "1"])
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"compared": "ppo"}, r"^fronts\.0\.compared: "),
        ({"online": ["nobody"]}, r"^fronts\.0\.online\.0: "),
        ({"divisions": 0}, "divisions"),
        ({"queries": [{"best": "speed", "least": {}}]}, r"^fronts\.0\.queries\.0\.best: "),
        ({"agents": [{"agent": "olga"}]}, r"^fronts\.0\.agents\.0\.agent: 'olga'"),
        ({"agents": [{"agent": "olag"}, {"agent": "olag"}]}, "same label"),
    ],
)
def test_what_is_wrong_with_a_front_is_named(changes, named):
    with pytest.raises(ConfigError, match=named):
        from_plain(Study, front(**changes))
