"""The fluid beside events, over loads and over placements."""

import csv

import numpy as np
import pytest

from experiments import check_fluid
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Instance
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation.fluid_check import (
    check_loads,
    count_placements,
    first_drop,
    rank_placements,
    scaled_demand,
)
from idn_gym.objectives import known_tariff
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

WHOLE = {"m": {"blocks": [(1.0, 1.0, 0.0)]}}


def nominal(scenario):
    compiled = compile_scenario(load_scenario(scenario))
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    return Instance(compiled.tables, nominal_draw(compiled.tables, tariff))


@pytest.fixture
def alone(make_scenario):
    """One node that serves its own requests, one a second and server; half a request comes a second."""

    def make(servers):
        nodes = {"a": {"demand": 1.0, "pins": ["all"], "servers": servers}}
        return nominal(make_scenario(nodes, [], WHOLE, {"serving.capacity": "shared"}, rate=0.5))

    return make


def test_load_one_is_where_filling_first_drops(alone):
    instance = alone(1.0)
    assert first_drop(instance, 0, instance.tables.pinned) == pytest.approx(2.0, rel=2e-6)
    assert first_drop(scaled_demand(instance, 8.0), 0, instance.tables.pinned) == pytest.approx(
        0.25, rel=2e-6
    )


def test_no_load_is_found_where_there_is_room_for_all_or_where_nobody_comes(alone):
    elastic = alone(float("inf"))
    with pytest.raises(ConfigError, match=r"serving\.capacity.*no demand is too much"):
        first_drop(elastic, 0, elastic.tables.pinned)
    with pytest.raises(ConfigError, match=r"workload.*no requests arrive"):
        first_drop(scaled_demand(elastic, 0.0), 0, elastic.tables.pinned)


def test_events_are_held_against_the_fluid_load_by_load(alone):
    instance = alone(1.0)
    checks = list(check_loads(instance, instance.tables.pinned, (0.01, 0.6, 1.2), requests=20_000))
    assert [check.model for check in checks] == 3 * ["fluid", "proportions", "selfish"]
    assert [check.rate for check in checks] == pytest.approx([*3 * [0.01], *3 * [0.6], *3 * [1.2]], rel=1e-5)
    calm, busy, full = checks[:3], checks[3:6], checks[6:]
    assert [check.latency for check in calm] == pytest.approx([1.0, 1.005, 1.005], abs=0.005)
    # M/D/1 waits 0.75 s at 0.6.
    assert [check.latency for check in busy] == pytest.approx([1.0, 1.75, 1.75], rel=0.06)
    assert [check.node_load for check in busy] == pytest.approx([0.6, 0.6, 0.6], rel=0.03)
    # A slot of 10 s over 1 s / (2 (1 - sqrt(0.6))^2)
    assert busy[0].settling == pytest.approx(10.0 * 2.0 * (1.0 - np.sqrt(0.6)) ** 2)
    assert full[0].dropped == pytest.approx(1.0 / 6.0) and full[0].settling == 0.0
    assert full[1].dropped == pytest.approx(1.0 / 6.0, abs=0.02)


def test_the_cheapest_placements_are_ranked():
    tiny = nominal("tiny")
    assert count_placements(tiny) == 1920
    ranked = rank_placements(tiny, 4, requests=4_000)
    costs = [item.fluid for item in ranked]
    assert costs == sorted(costs) and len(set(costs)) > 1
    # A slow detection before a fast classification on one board: cheap without queues, dear with them.
    assert ranked[0].proportions > 1.5 * min(item.proportions for item in ranked)


def test_the_command_prints_and_writes(tmp_path, capsys):
    words = "tiny --loads 0.2 1.1 --requests 400 --seconds 0.5 --ranking 3 --out".split()
    check_fluid.main([*words, str(tmp_path / "made")])
    said = capsys.readouterr().out
    assert "settling" in said and "Kendall's tau" in said and said.count("selfish") == 3
    with (tmp_path / "made" / "loads.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["load"] for row in rows] == [*3 * ["0.2"], *3 * ["1.1"]] and float(rows[3]["dropped"]) > 0.0
    assert len((tmp_path / "made" / "ranking.csv").read_text().splitlines()) == 4
    assert (tmp_path / "made" / "loads.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tiny --loads 0.1 0", "--loads: [0.1, 0.0] is not allowed"),
        ("tiny --loads nan", "--loads"),
        ("edge-small --ranking 5", "--ranking: 5 is not allowed; 0 where more than"),
        ("tiny --requests 10", "--requests"),
        ("tiny --discipline lifo", "--discipline"),
    ],
)
def test_what_the_command_does_not_do(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        check_fluid.main(words.split())
    line = capsys.readouterr().err
    assert stop.value.code == 2 and said in line and line.count("\n") == 1
