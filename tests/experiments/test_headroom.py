"""The table of headroom: one line per scenario, the same numbers for programs."""

import json

import pytest

from experiments import measure_presets
from experiments.presets.headroom import FIELD, measure_headroom
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


def test_nothing_that_was_played_costs_less_than_what_was_reached():
    calls = []
    scenario = load_scenario("fashion-edge", {"horizon": 6})
    found = measure_headroom(scenario, [0, 1], seconds=20.0, done=lambda: calls.append(1))
    assert len(calls) == 2 and set(found.field) == set(FIELD)
    for b, bracket in enumerate(found.brackets):
        assert bracket.reached <= min(costs[b] for costs in found.field.values()) * 6 * (1.0 + 1e-9)
    name, cost = found.best_of_field
    assert cost == pytest.approx(min(costs.mean() for costs in found.field.values()))
    assert cost == pytest.approx(found.field[name].mean())
