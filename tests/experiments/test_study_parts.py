"""What a study consists of: parts, scenarios, axes of a grid, trainings, and its reduced version."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments import study
from experiments.studies.cached_training import CachedTraining
from experiments.studies.config import Study, StudyPart, scenarios_beside
from experiments.studies.results import Plays
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.experiments.test_study import MINI, ROOT, lines, run


def test_parts_played_alone_leave_the_others_in_the_report(tmp_path):
    """And what other code played is named."""
    first = {**MINI["parts"][0], "grid": {}, "seeds": 1}
    changes = {"parts": [first, {**first, "name": "again"}], "figures": []}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**MINI, **changes}, sort_keys=False))
    words = [str(path), "--out", str(tmp_path / "out"), "--workers", "1", "--parts"]
    page = tmp_path / "out" / "report.html"
    study.main([*words, "rates"])
    assert "again: not played yet" in page.read_text() and ">again</h2>" not in page.read_text()
    assert "other code" not in page.read_text()
    record = next((tmp_path / "out" / "units" / "rates").rglob("*.json"))
    record.write_text(record.read_text().replace('"code": "', '"code": "x'))
    study.main([*words, "again"])
    assert ">rates</h2>" in page.read_text() and ">again</h2>" in page.read_text()
    assert "by other code than this: rates." in page.read_text()


def test_an_agent_can_meet_a_scenario_of_its_own():
    """The baseline and the others keep the part's; demand is the same for all."""
    small = {"agent": "random", "label": "small", "overrides": {"topology.nodes.0.memory": 1e6}}
    part = {**MINI["parts"][0], "agents": [{"agent": "random"}, small]}
    changes = {"parts": [part], "figures": [], "reference": "random"}
    units, _ = study.list_units(from_plain(Study, {**MINI, **changes}), smoke=False)
    memory = {unit.label: unit.scenario.topology.nodes[0].memory for unit in units}
    assert memory == {"cloud-only": 24e6, "random": 24e6, "small": 1e6}
    one, two = (next(unit for unit in units if unit.label == name) for name in ("random", "small"))
    instances = [build_instance(unit.scenario, unit.seed) for unit in (one, two)]
    np.testing.assert_array_equal(instances[0].draw.demand, instances[1].draw.demand)


def test_parts_can_be_played_alone():
    whole = from_plain(Study, MINI)
    assert study.only(whole, ["gone"]).figures == ()
    assert [part.name for part in study.only(whole, ["rates"]).parts] == ["rates"]
    with pytest.raises(ConfigError, match="did you mean 'rates'"):
        study.only(whole, ["rate"])


def test_smoke_cuts_down():
    units, _ = study.list_units(
        from_plain(Study, {**MINI, "smoke": {"seeds": 1, "overrides": {"horizon": 3}}}), smoke=True
    )
    assert len(units) == 2 * 2 + 2 * 2 and {unit.scenario.horizon for unit in units} == {3}
    longer = [{**part, "overrides": {"horizon": 24}} for part in MINI["parts"]]
    units, _ = study.list_units(from_plain(Study, {**MINI, "parts": longer}), smoke=True)
    assert {(unit.seed, unit.scenario.horizon) for unit in units} == {(0, 6)}


SHIPPED = sorted((Path(__file__).parents[2] / "configs" / "studies").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_can_be_listed_whole_and_cut_down(path):
    whole = from_plain(Study, read_yaml(path))
    (parts, _), (few_parts, _) = study.list_units(whole, smoke=False), study.list_units(whole, smoke=True)
    units = [*parts, *study.list_fronts(whole, smoke=False), *study.list_transfers(whole.transfers, False)]
    few = [*few_parts, *study.list_fronts(whole, smoke=True), *study.list_transfers(whole.transfers, True)]
    episodes, fewer = (sum(getattr(unit, "episodes", 1) for unit in listed) for listed in (units, few))
    assert 0 < fewer < episodes
    files = {unit.file(path.parent) for unit in units}
    assert len(files) == len(units)  # no run writes over another one


@pytest.mark.slow
def test_a_part_of_the_idn_study_runs_in_miniature(tmp_path):
    path = next(path for path in SHIPPED if path.stem == "idn")
    study.main([str(path), "--smoke", "--parts", "alternating", "--out", str(tmp_path), "--workers", "1"])
    table = {row["agent"]: row for row in lines(tmp_path / "table.csv")}
    assert float(table["best-static"]["share"]) > 0.9
    assert float(table["greedy-last-slot"]["ntag"]) < 0.1 * float(table["best-static"]["ntag"])


AXES = {
    "size": {
        "small": {"topology.memory_scale": 0.5, "topology.rate_scale": 0.25},
        "usual": {},
    },
    "day": {"calm": {"workload.bursts": None}, "wild": {"workload.bursts": {"ratio": 9.0}}},
}


def test_an_axis_moves_several_keys_at_once():
    part = {**MINI["parts"][0], "grid": {"workload.rate": [10, 25]}, "axes": AXES}
    figures = [{"name": "sweep", "kind": "sweep", "part": "rates", "x": "size"}]
    read = from_plain(Study, {**MINI, "parts": [part], "figures": figures})
    units, _ = study.list_units(read, smoke=False)
    cells = list(read.parts[0].cells())
    assert len(cells) == 8 and cells[0] == {"workload.rate": 10, "size": "small", "day": "calm"}
    for unit in units:
        topology, workload = unit.scenario.topology, unit.scenario.workload
        small = unit.cell["size"] == "small"
        assert (topology.memory_scale, topology.rate_scale) == ((0.5, 0.25) if small else (1.0, 1.0))
        assert (workload.bursts is None) == (unit.cell["day"] == "calm")
        assert workload.rate == unit.cell["workload.rate"]
    assert len({unit.file(Path("out")) for unit in units}) == len(units)


@pytest.mark.learning
def test_every_training_plays_every_seed(tmp_path):
    train = {"steps": 128, "envs": 8, "agent.batch_size": 64, "evaluation_episodes": 1}
    agents = [{"agent": "ppo", "train": train}, {"agent": "random"}]
    part = {"name": "p", "scenario": "tiny", "agents": agents, "seeds": 3, "trainings": 2}
    part["overrides"] = {"horizon": 4}
    changes = {
        "parts": [part],
        "figures": [{"name": "d", "kind": "dots", "part": "p"}],
        "reference": "random",
    }
    out = run(tmp_path, changes)
    rows = [row for row in lines(out / "runs.csv") if row["agent"] == "ppo"]
    assert [(row["training"], row["seed"]) for row in rows] == [(t, s) for t in "01" for s in "012"]
    cost = np.array([float(row["cost"]) for row in rows]).reshape(2, 3)
    assert not np.array_equal(cost[0], cost[1])
    others = np.array([float(row["cost"]) for row in lines(out / "runs.csv") if row["agent"] == "random"])
    units, _ = study.list_units(from_plain(Study, {**MINI, **changes}), smoke=False)
    np.testing.assert_array_equal(Plays(units, out).values("p", "ppo", {}, "cost"), cost)
    ppo, random = (
        next(r for r in lines(out / "table.csv") if r["agent"] == name) for name in ("ppo", "random")
    )
    assert (ppo["trainings"], ppo["seeds"], random["trainings"]) == ("2", "3", "0")
    assert float(ppo["cost_increase"]) == pytest.approx(cost.mean() - others.mean())
    assert float(ppo["training_steps"]) == 128.0 and float(random["training_steps"]) == 0.0


def test_a_training_is_told_apart_by_the_hyper_parameters_in_its_file(tmp_path):
    scenario, path = load_scenario("tiny"), tmp_path / "mine.yaml"
    shipped, names = read_yaml(ROOT / "configs" / "agents" / "ppo.yaml"), []
    for rate in (0.001, 0.002, 0.001):
        path.write_text(yaml.safe_dump({**shipped, "learning_rate": rate}))
        names.append(CachedTraining(str(path), scenario, "balanced", {"steps": 64, "seed": 0}).name)
    assert names[0] == names[2] != names[1]
    assert names[0].startswith("mine-")  # inside the study's folder, wherever the file is


def test_a_scenario_beside_a_study_is_found_from_everywhere(tmp_path):
    (tmp_path / "mine.yaml").write_text("preset: tiny\n")
    part = {"name": "p", "scenario": "mine.yaml"}
    found = scenarios_beside({"parts": [part, {**part, "scenario": "tiny"}], "fronts": [part]}, tmp_path)
    assert [named["scenario"] for named in found["parts"]] == [str(tmp_path / "mine.yaml"), "tiny"]
    assert found["fronts"][0]["scenario"] == str(tmp_path / "mine.yaml")
    assert scenarios_beside([], tmp_path) == []


def test_a_baseline_that_the_study_names_itself_is_shown_once(tmp_path):
    named = [{"agent": "cloud-only", "label": "cloud only"}, {"agent": "random"}]
    part = {"name": "p", "scenario": "tiny", "overrides": {"horizon": 3}, "seeds": 1, "agents": named}
    out = run(tmp_path, {"parts": [part], "figures": [], "reference": "random"})
    for table in ("table.csv", "runs.csv"):
        assert sorted(line["agent"] for line in lines(out / table)) == ["cloud only", "random"]
    (row,) = (line for line in lines(out / "table.csv") if line["agent"] == "cloud only")
    assert float(row["ntag"]) == 0.0


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"label": "cloud only"}, True),
        ({}, False),  # the same label as the one that is added
        ({"label": "cloud only", "overrides": {"workload.rate": 5}}, False),
        ({"label": "cloud only", "options": {"x": 1}}, False),
        ({"agent": "random", "label": "cloud only"}, False),
    ],
)
def test_which_agent_is_the_baseline(entry, found):
    part = {"name": "p", "scenario": "tiny", "agents": [{"agent": "cloud-only", **entry}]}
    assert from_plain(StudyPart, part).names_baseline() is found
