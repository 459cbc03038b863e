"""Pictures of what moves: each process as it is played, none left out."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from experiments import draw_dynamics
from experiments.reports import scenario_processes
from experiments.reports.process_pictures import picture_processes
from experiments.reports.scenario_processes import drawn_processes
from idn_gym.scenarios import families
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


def drawn(name, changes, split="test", seed=3):
    compiled = compile_scenario(load_scenario(name, changes))
    return compiled, {process.title: process for process in drawn_processes(compiled, split, seed)}


def test_what_is_drawn_is_what_is_played():
    """Over two spans: rates, compute and demand are those of the episode."""
    compiled, found = drawn("edge-drift", {"horizon": 300})
    played, tables = build_instance(compiled.scenario, 3, "test").draw, compiled.tables
    assert list(found) == [
        "demand, fluid arrivals",
        "popularity at board-0 (sessions)",
        "link rates (ar1)",
        "links that are down (two_state)",
        "other work (ar1)",
        "nodes that are down (two_state)",
    ]
    batches = found["demand, fluid arrivals"].values * 60.0
    np.testing.assert_allclose(batches, played.demand[0].reshape(300, 6, 12).sum(axis=2))
    shares = played.demand[0].reshape(300, 6, 12)[:, 0] / batches[:, :1]
    np.testing.assert_allclose(found["popularity at board-0 (sessions)"].values, shares)
    up = 1.0 - found["links that are down (two_state)"].values
    links = list(compiled.link_moves)
    rates = found["link rates (ar1)"].values
    assert (rates[up[:, links] == 0.0] == 0.0).all() and (up[:, links] == 0.0).any()
    np.testing.assert_allclose(rates * tables.link_rate[links], played.rate[0][:, links])
    free = 1.0 - found["other work (ar1)"].values
    seconds = tables.node_seconds[compiled.node_moves] * free
    seconds *= 1.0 - found["nodes that are down (two_state)"].values
    np.testing.assert_allclose(seconds, played.seconds[0][:, compiled.node_moves])


def test_a_day_has_a_panel_for_each_of_its_processes():
    _, found = drawn("metro-day", {"dynamics.device_error": 0.1})
    assert [(title, process.unit) for title, process in found.items()][2:] == [
        ("mobility (commute)", "x usual demand"),
        ("time of day (sine)", "x mean demand"),
        ("flash crowds (crowds), the task hit most", "x usual demand"),
        ("nodes that are down (scheduled)", "down"),
        ("device error", "x compute time"),
    ]
    down = found["nodes that are down (scheduled)"]
    assert down.values[:, down.names.index("Hannover")].nonzero()[0].tolist() == list(range(36, 42))


def test_users_who_move_and_what_an_objective_asks_for_are_drawn():
    objectives = ["accuracy", "latency", "energy", "carbon"]
    changes = {"workload.popularity": {"kind": "sessions", "move": 0.2}, "objectives": objectives}
    changes["dynamics.carbon.kind"] = changes["dynamics.energy_price.kind"] = "daily"
    _, found = drawn("edge-small", changes)
    assert found["users who move (sessions)"].values.std() > 0.1
    assert "carbon intensity of electricity (daily)" in found
    assert not any("price" in title for title in found)  # no objective asks for it


def test_every_family_of_processes_has_words_for_a_panel():
    known = {*scenario_processes._SAID, "workload.popularity", "workload.flash"}
    members = [value for value in vars(families).values() if isinstance(value, type)]
    keys = {family.kinds.key.removesuffix(".kind") for family in members if "kinds" in vars(family)}
    assert keys == known


def test_pictures_are_written(tmp_path, capsys):
    out = tmp_path / "out.png"
    draw_dynamics.main(["--scenario", "tiny", "--out", str(out), "horizon=9", "dynamics.device_error=0.1"])
    assert capsys.readouterr().out == f"{out}\n" and out.stat().st_size > 5000
    with pytest.raises(SystemExit, match="error: scenario: missing; changes need a scenario"):
        draw_dynamics.main(["horizon=9"])


def test_few_columns_are_lines_and_many_are_shades():
    values = np.ones((5, 9))
    panel = scenario_processes.DrawnProcess("t", "x", values, tuple("abcdefghi"), "nodes", 1.0)
    varied = panel._replace(values=values * np.arange(9.0))
    failing = panel._replace(unit="down", values=np.eye(5, 9))
    figure = picture_processes("title", 90.0, [panel, varied, failing])
    one, many, down = figure.axes[:3]
    assert [text.get_text() for text in one.get_legend().get_texts()] == ["all 9 nodes"]
    assert one.get_xlabel() == "slot of 1.5 min" and one.get_ylabel() == "x"
    assert many.get_legend() is None and len(many.get_yticklabels()) == 9
    assert [label.get_text() for label in down.get_yticklabels()] == list("abcde")  # the others never fail


def test_a_link_that_fails_has_a_line_of_its_own_and_outages_are_as_high_as_their_rows():
    changes = {
        "dynamics.link": {"kind": "ar1"},
        "dynamics.link_outages": {
            "kind": "scheduled",
            "failures": [{"link": "board-0", "first": 4, "last": 9}],
        },
        "horizon": 20,
    }
    _, found = drawn("edge-small", changes)
    rates, down = (found[title] for title in ("link rates (ar1)", "links that are down (scheduled)"))
    flat = rates._replace(values=np.where(rates.values > 0.0, 1.0, 0.0))
    figure = picture_processes("title", 60.0, [down, flat, flat])
    alone, again, below = figure.axes[:3]  # what is down comes last
    labels = [text.get_text() for text in alone.get_legend().get_texts()]
    assert labels == ["board-0->edge-0", f"board-1->edge-0 and {len(rates.names) - 2} more"]
    assert [label.get_text() for label in below.get_yticklabels()] == ["board-0->edge-0"]
    assert below.get_box_aspect() < 0.1 and again.get_box_aspect() is None
