"""The fluid beside events, over loads and over placements."""

import csv

import numpy as np
import pytest

from experiments import check_fluid
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Instance
from idn_gym.core.geometry import placed_bytes
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation import fluid_check
from idn_gym.evaluation.fluid_check import LONGER, check_loads, first_drop, scaled_demand
from idn_gym.evaluation.fluid_ranking import list_placements, rank_placements
from idn_gym.objectives import known_tariff
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

WHOLE = {"m": {"blocks": [(1.0, 1.0, 0.0)]}}


def nominal(scenario):
    return of_compiled(compile_scenario(load_scenario(scenario)))


def of_compiled(compiled):
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    return Instance(compiled.tables, nominal_draw(compiled.tables, tariff))


@pytest.fixture
def alone(make_scenario):
    """One node that serves its own requests, one a second and server; half a request comes a second."""

    def make(servers, **serving):
        nodes = {"a": {"demand": 1.0, "pins": ["all"], "servers": servers}}
        serving = {"capacity": "shared", "queueing": "mgc", "load_limit": 0.9, "last_resort": 0.95} | serving
        changes = {f"serving.{key}": value for key, value in serving.items()}
        return nominal(make_scenario(nodes, [], WHOLE, changes, rate=0.5))

    return make


@pytest.mark.parametrize("capacity", ["shared", "exogenous"])
def test_load_one_is_where_filling_to_the_brim_first_drops(capacity, alone):
    instance = alone(1.0, capacity=capacity)
    assert first_drop(instance, 0, instance.tables.pinned) == pytest.approx(2.0, rel=2e-6)
    assert first_drop(scaled_demand(instance, 8.0), 0, instance.tables.pinned) == pytest.approx(
        0.25, rel=2e-6
    )


def test_no_load_is_found_where_there_is_room_for_all_or_where_nobody_comes(alone):
    elastic = alone(float("inf"))
    with pytest.raises(ConfigError, match=r"topology.*serves any demand"):
        first_drop(elastic, 0, elastic.tables.pinned)
    with pytest.raises(ConfigError, match=r"workload.*no requests arrive"):
        first_drop(scaled_demand(elastic, 0.0), 0, elastic.tables.pinned)


def test_events_are_held_against_the_fluid_load_by_load(alone):
    instance = alone(1.0)
    checks = list(check_loads(instance, instance.tables.pinned, (0.01, 0.6, 1.2), requests=20_000))
    assert [check.model for check in checks] == 3 * ["fluid", "proportions", "selfish"]
    assert [check.rate for check in checks] == pytest.approx([*3 * [0.01], *3 * [0.6], *3 * [1.2]], rel=1e-5)
    calm, busy, full = checks[:3], checks[3:6], checks[6:]
    assert [check.latency for check in calm] == pytest.approx([1.005, 1.005, 1.005], abs=0.005)
    # M/D/1 waits 0.75 s at 0.6.
    assert [check.latency for check in busy] == pytest.approx([1.75, 1.75, 1.75], rel=0.06)
    assert busy[0].latency == pytest.approx(1.75, rel=1e-3)
    assert [check.node_load for check in busy] == pytest.approx([0.6, 0.6, 0.6], rel=0.03)
    # A slot of 10 s over 1 s / (2 (1 - sqrt(0.6))^2)
    assert busy[0].settling == pytest.approx(10.0 * 2.0 * (1.0 - np.sqrt(0.6)) ** 2)
    # Filling stops at 0.95, and so do events sent in the same way; who chooses for himself fills all.
    assert full[0].dropped == pytest.approx(1.0 - 0.95 / 1.2) and full[0].node_load == pytest.approx(0.95)
    assert full[1].dropped == pytest.approx(1.0 - 0.95 / 1.2, abs=0.02)
    assert full[2].dropped == pytest.approx(1.0 - 1.0 / 1.2, abs=0.02)


def test_percentiles_of_the_fluid_are_those_of_its_tail(alone):
    instance = alone(1.0)
    fluid, events = check_loads(instance, instance.tables.pinned, [0.8], dispatches=("proportions",))
    # An atom of 1 - 0.8 at no wait, and a tail of the mean 2 s of M/D/1, shortened by who gives up.
    wait = fluid.latency - 1.0
    assert wait == pytest.approx(2.0, rel=0.01)
    for share, value in ((0.95, fluid.p95), (0.99, fluid.p99)):
        assert value == pytest.approx(1.0 - np.log((1.0 - share) / 0.8) * wait / 0.8, abs=1e-3)
    assert [events.p95, events.p99] == pytest.approx([fluid.p95, fluid.p99], rel=0.25)


def test_simulations_are_as_long_as_queues_take_to_settle(alone, monkeypatch):
    seen = []
    monkeypatch.setattr(fluid_check, "simulate_placement", lambda *args: seen.append(args[4]))
    monkeypatch.setattr(fluid_check, "_as_check", lambda *args: None)
    instance = alone(1.0)
    list(
        check_loads(instance, instance.tables.pinned, (0.1, 0.9, 2.0), requests=400, dispatches=("selfish",))
    )
    # Ten times 1 s / (2 (1 - sqrt(0.9))^2), at 0.9 requests a second
    assert seen == [400, int(10.0 * 0.9 / (2.0 * (1.0 - np.sqrt(0.9)) ** 2)), 400 * LONGER]


def test_all_placements_are_listed_or_those_one_change_away():
    compiled = compile_scenario(load_scenario("tiny"))
    tiny = of_compiled(compiled)
    tables, pinned = tiny.tables, tiny.tables.pinned
    everything = list(list_placements(tiny, compiled.placeable, pinned))
    known = {placement.tobytes() for placement in everything}
    assert len(everything) == len(known) == 1920
    for placement in everything:
        size = placed_bytes(tables.segment_bytes, placement, pinned).sum(axis=1)
        assert (placement[pinned != EMPTY] == pinned[pinned != EMPTY]).all()
        assert (size <= tables.node_memory - tables.node_reserved).all()
    around = everything[1234]
    near = list(list_placements(tiny, compiled.placeable, around, most=1919))
    assert near[0] is around and len(near) < 100
    assert all((placement != around).sum() == 1 for placement in near[1:])
    expected = {p.tobytes() for p in everything if (p != around).sum() == 1}
    assert {placement.tobytes() for placement in near[1:]} == expected


def test_the_cheapest_placements_are_ranked():
    compiled = compile_scenario(load_scenario("tiny"))
    tiny = of_compiled(compiled)
    choices = list(list_placements(tiny, compiled.placeable, tiny.tables.pinned))
    ranked = list(rank_placements(tiny, choices, 4, requests=2_000))
    costs = [item.fluid for item in ranked]
    assert costs == sorted(costs) and len(set(costs)) > 1
    for item in ranked:
        assert item.proportions == pytest.approx(item.fluid, rel=0.1)
        assert item.selfish == pytest.approx(item.fluid, rel=0.1)
    (first,) = rank_placements(tiny, choices, 1, dispatches=())
    assert np.isnan(first.selfish) and (first.placement == ranked[0].placement).all()


def test_the_command_prints_and_writes(tmp_path, capsys):
    words = "tiny --loads 0.2 1.1 --requests 400 --restarts 2 --ranking 3 --out".split()
    check_fluid.main([*words, str(tmp_path / "made")])
    said = capsys.readouterr().out
    assert "settling" in said and said.count("Kendall's tau") == 2 and "of 1920 placements" in said
    with (tmp_path / "made" / "tiny" / "loads.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["load"] for row in rows] == [*3 * ["0.2"], *3 * ["1.1"]] and float(rows[3]["dropped"]) > 0.0
    assert len((tmp_path / "made" / "tiny" / "ranking.csv").read_text().splitlines()) == 4
    assert (tmp_path / "made" / "tiny" / "loads.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "made" / "fluid.md").read_text()
    assert "check_fluid tiny --loads 0.2 1.1 --requests 400" in page and "## tiny" in page
    assert str(tmp_path) not in page  # which would be of one machine alone
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1


def test_several_scenarios_are_one_page(tmp_path, capsys):
    private = ["serving.capacity=exogenous", "serving.loading=instant"]
    words = "--loads 0.5 --requests 200 --ranking 1 --out".split()
    check_fluid.main(["tiny", "fashion-edge", *private, *words, str(tmp_path)])
    said = capsys.readouterr().out
    assert said.count("Capacity is private in the fluid and shared in events.") == 2
    assert [line for line in (tmp_path / "fluid.md").read_text().splitlines() if line.startswith("## ")] == [
        "## tiny",
        "## fashion-edge",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tiny --loads 0.1 0", "--loads: [0.1, 0.0] is not allowed"),
        ("tiny --loads nan", "--loads"),
        ("tiny nowhere", "nowhere"),
        ("tiny --requests 10", "--requests"),
        ("tiny --discipline lifo", "--discipline"),
    ],
)
def test_what_the_command_does_not_do(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        check_fluid.main(words.split())
    line = capsys.readouterr().err
    assert stop.value.code == 2 and said in line and line.count("\n") == 1
