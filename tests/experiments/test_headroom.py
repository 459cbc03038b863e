"""The table of headroom: one line per scenario, the same numbers for programs."""

import json

import pytest

from experiments import measure_presets
from experiments.presets.headroom import FIELD, LIBRARIES, field_of, measure_headroom
from idn_gym.scenarios.presets import load_scenario


def test_the_command_prints_and_writes_brackets(tmp_path, capsys):
    words = ["--headroom", "--scenario", "tiny", "--seeds", "2", "--bracket-seconds", "20"]
    measure_presets.main([*words, "--out", str(tmp_path), "horizon=8"])
    printed = capsys.readouterr().out
    (line,) = json.loads((tmp_path / "headroom.json").read_text())
    assert line["scenario"] == "tiny" and line["episodes"] == 2
    assert line["least"] <= line["reached"] <= line["static"]
    assert 0.0 <= line["headroom_lower"] <= line["headroom_upper"] <= 1.0
    assert f"{line['headroom_lower']:.1%}" in printed and f"{line['static']:.4f}" in printed
    assert (tmp_path / "headroom.csv").read_text().startswith("scenario,episodes,static")
    field = json.loads((tmp_path / "field.json").read_text())
    costs = [row["cost"] for row in field]
    assert {row["policy"] for row in field} == set(FIELD) and costs == sorted(costs)
    for row in field:
        assert row["of_dynamic_lower"] <= row["of_dynamic_upper"] <= 1.0 + 1e-9
        assert row["over_static"] == pytest.approx(row["cost"] / line["static"] - 1.0)
    (alone,) = (row for row in field if row["policy"] == "cloud-only")
    assert alone["of_dynamic_lower"] == 0.0


def test_two_tables_at_once_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        measure_presets.main(["--headroom", "--loading", "--out", str(tmp_path)])
    assert "headroom: true is not allowed together with loading" in capsys.readouterr().err


def test_nothing_that_was_played_costs_less_than_what_was_reached():
    calls = []
    scenario = load_scenario("fashion-edge", {"horizon": 6})
    found = measure_headroom(scenario, [0, 1], seconds=20.0, done=lambda: calls.append(1))
    assert len(calls) == 2 + len(FIELD) and set(found.field) == set(FIELD)
    for b, bracket in enumerate(found.brackets):
        assert bracket.reached <= min(costs[b] for costs in found.field.values()) * 6 * (1.0 + 1e-9)
    name, cost = found.best_of_field
    assert cost == pytest.approx(min(costs.mean() for costs in found.field.values()))
    assert cost == pytest.approx(found.field[name].mean())


def test_the_field_has_who_looks_at_batteries_where_there_are_any():
    assert field_of(load_scenario("tiny")) == FIELD
    assert field_of(load_scenario("solar-field")) == (*FIELD, "charge-rule", "night-planner")


def test_libraries_are_not_asked_where_their_searches_do_not_end():
    assert field_of(load_scenario("edge-small")) == FIELD
    assert set(FIELD) - set(field_of(load_scenario("tinyml-village"))) == set(LIBRARIES)
