"""A study that brackets the best sequence of episodes: what is kept, what it is of, and what is drawn."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import yaml

from experiments import measure_presets, study
from experiments.reports.episode_plot import smoothed
from experiments.studies.bracket_run import list_brackets
from experiments.studies.config import Study
from experiments.studies.metric_names import MOVING_METRICS
from experiments.studies.results import Plays
from idn_gym.commands import compare
from idn_gym.config_reader import from_plain
from idn_gym.objective_records import OBJECTIVE_RECORDS, register_objective
from tests.water import REFUSALS

BRACKETED = {
    "name": "bracketed",
    "title": "Brackets",
    "about": "To see that they are found.",
    "reference": "lru",
    "split": "validation",
    "parts": [
        {
            "name": "days",
            "scenario": "tiny",
            "overrides": {"horizon": 6},
            "grid": {"agent.seed": [3, 4]},
            "seeds": 1,
            "bracket": 2,
            "agents": [
                {"agent": "random"},
                {"agent": "lru", "fixed": True},
                {"agent": "lru", "label": "whole", "fixed": True, "overrides": {"serving.max_parts": 1}},
            ],
        }
    ],
    "figures": [
        {"name": "day", "kind": "day", "part": "days", "agents": ["lru", "random"]},
        {"name": "dots", "kind": "dots", "part": "days", "y": ["saved", "of_dynamic", "headroom_most"]},
    ],
}


def run(folder, **changes):
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**BRACKETED, **changes}, sort_keys=False))
    study.main([str(path), "--out", str(folder / "out"), "--workers", "1"])
    return folder / "out"


@pytest.fixture(scope="module")
def bracketed(tmp_path_factory):
    pytest.importorskip("scipy")
    return run(tmp_path_factory.mktemp("brackets"))


def runs_of(out):
    with (out / "runs.csv").open() as file:
        return list(csv.DictReader(file))


def units_of(**changes):
    return study.list_units(from_plain(Study, {**BRACKETED, **changes}), smoke=False)[0]


def test_no_policy_is_ahead_of_the_best_sequence_and_shares_lie_between_their_ends(bracketed):
    (path,) = (bracketed / "brackets").rglob("*.json")
    bracket, rows = json.loads(path.read_text()), runs_of(bracketed)
    assert bracket["least"] <= bracket["reached"] <= bracket["static"]
    assert sorted(row["agent"] for row in rows) == ["cloud-only", "lru", "random", "random", "whole"]
    costs = {row["agent"]: float(row["cost"]) for row in rows}
    alone = costs["cloud-only"]
    for row in rows:
        cost, found = float(row["cost"]), {name: float(row[name]) for name in MOVING_METRICS}
        if row["agent"] != "whole":  # plays another scenario
            assert cost >= bracket["reached"] * (1.0 - 1e-9)
            assert found["dynamic_regret"] >= -1e-9 and found["competitive"] >= 1.0 - 1e-9
        for end, of in (("reached", ""), ("least", "_most")):
            assert found[f"dynamic_regret{of}"] == pytest.approx(6 * (cost - bracket[end]), abs=1e-9)
            assert found[f"competitive{of}"] == pytest.approx(cost / bracket[end])
        assert found["saved"] == pytest.approx(1.0 - cost / bracket["static"])
        assert found["headroom"] == pytest.approx(1.0 - bracket["reached"] / bracket["static"])
        assert found["headroom_most"] == pytest.approx(1.0 - bracket["least"] / bracket["static"])
        ends = sorted((alone - cost) / (alone - bracket[end]) for end in ("least", "reached"))
        assert [found["of_dynamic"], found["of_dynamic_most"]] == pytest.approx(ends)


def test_the_page_has_the_columns_and_the_pictures(bracketed):
    page = (bracketed / "report.html").read_text()
    assert ">share of the dynamic optimum</a></th>" in page and ">saved [%]</a></th>" in page
    assert "; headroom " in page and " % of the static cost" in page
    assert page.count("data:image/png;base64,") == 2
    assert page.index(">cost per slot</a></th>") < page.index(">gain per request</a></th>")
    assert ">dynamic regret</a></th>" in page and ">competitive ratio</a></th>" in page
    with (bracketed / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    for cell in {row["cell"] for row in rows}:
        costs = [float(row["cost"]) for row in rows if row["cell"] == cell]
        assert costs == sorted(costs)


@pytest.mark.parametrize("preference", ["balanced", "random"])
def test_what_is_measured_per_slot_is_refused_before_anything_is_played(preference, tmp_path, monkeypatch):
    monkeypatch.setattr(OBJECTIVE_RECORDS, "_entries", dict(OBJECTIVE_RECORDS._entries))
    register_objective(dataclasses.replace(REFUSALS, share=0.5))
    changes = {"objectives": ["latency", "refusals"], "horizon": 6}
    part = {**BRACKETED["parts"][0], "overrides": changes}
    told = f"parts.days.bracket: preference: '{preference}' is not allowed .*; it weighs refusals, which is"
    with pytest.raises(SystemExit, match=told):
        run(tmp_path, parts=[part], preference=preference, figures=[])
    assert not (tmp_path / "out").exists()
    words = ["lru", "random", "--scenario", "tiny", "--seeds", "1", "--preference", preference]
    with pytest.raises(SystemExit, match=r"preference: .* it weighs refusals"):
        compare.main([*words, "--dynamic", "2", "objectives=[latency, refusals]"])
    with pytest.raises(SystemExit, match=r"preference: 'balanced' .* it weighs refusals"):
        words = ["--headroom", "--scenario", "tiny", "--out", str(tmp_path)]
        measure_presets.main([*words, "objectives=[latency, refusals]"])


def test_brackets_are_found_once_and_again_where_something_else_was_played(bracketed):
    (path,) = (bracketed / "brackets").rglob("*.json")
    before = path.stat().st_mtime_ns
    run(bracketed.parent)
    assert path.stat().st_mtime_ns == before
    (bracket,) = list_brackets(units_of(), {"days": 2.0})
    assert bracket.done(bracketed) and bracket.file(bracketed) == path
    (longer,) = list_brackets(units_of(), {"days": 3.0})
    (other,) = list_brackets(units_of(preference="latency"), {"days": 2.0})
    assert not longer.done(bracketed) and not other.done(bracketed)
    path.write_text(path.read_text()[:40])  # a kill, or a disk that is full
    assert not bracket.done(bracketed)
    assert bracket.play(bracketed) == path and bracket.done(bracketed)


def test_a_bracket_of_other_code_is_named(bracketed):
    (path,) = (bracketed / "brackets").rglob("*.json")
    kept = path.read_text()
    path.write_text(json.dumps({**json.loads(kept), "code": "older"}))
    assert "by other code than this: days" in (run(bracketed.parent) / "report.html").read_text()
    path.write_text(kept)


def test_agents_with_a_scenario_of_their_own_are_measured_against_that_of_the_cell(bracketed):
    units = units_of()
    (bracket,) = list_brackets(units, {"days": 2.0})
    assert bracket.units[0].label == "cloud-only"
    assert {unit.label for unit in bracket.units} == {"cloud-only", "random", "lru"}
    plays = Plays(units, bracketed, [bracket])
    assert all(play.bracket == bracket.read(bracketed) for play in plays.all)
    assert list_brackets(units, {"days": 0.0}) == []


@pytest.mark.parametrize("slots", [1, 2, 4, 5, 30])
def test_smoothing_keeps_the_slots_and_what_is_level(slots):
    np.testing.assert_allclose(smoothed(np.full(slots, 3.0)), np.full(slots, 3.0))
