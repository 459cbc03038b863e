"""The page of the model: its slots worked by hand are what the environment plays."""

import re
from pathlib import Path

import pytest

from idn_gym.core.costs import costs
from idn_gym.core.flows import play_loads
from idn_gym.core.transition import initial_state

TEXT = (Path(__file__).parents[1] / "docs" / "model.md").read_text(encoding="utf-8")


@pytest.fixture
def worlds(tmp_path, monkeypatch):
    """What each example leaves behind; the second goes on from the first."""
    monkeypatch.chdir(tmp_path)
    names, found = {}, []
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "model.md", "exec"), names)
        found.append(dict(names))
    return found


def section(heading):
    return TEXT[TEXT.index(f"## {heading}") :].split("\n## ")[0]


def rewards_of(worked):
    """The five numbers that a section ends its lines of rewards with."""
    lines = re.findall(r"^- (?:accuracy|latency|energy|traffic|update) = (.*)$", worked, re.MULTILINE)
    said = [
        float(re.findall(r"-?\d[\d,]*\.?\d*", line.split("=")[-1])[0].rstrip(",").replace(",", ""))
        for line in lines
    ]
    assert len(said) == 5
    return said


def test_the_slot_worked_by_hand_is_what_is_played(worlds):
    world, worked = worlds[0], section("One slot worked by hand")
    assert world["reward"] == pytest.approx(rewards_of(worked), rel=2e-4)
    (late,) = re.findall(r"/ 12 = (0\.\d+) of the pictures miss", worked)
    assert world["info"]["late_rate"] == pytest.approx(float(late), abs=1e-3)
    load = {name: world["info"][name] for name in ("node_load_max", "link_load_max", "drop_rate")}
    assert load == pytest.approx({"node_load_max": 0.9, "link_load_max": 0.78, "drop_rate": 0.0})


def test_the_battery_worked_by_hand_is_what_is_played(worlds):
    world, worked = worlds[2], section("One battery worked by hand")
    (dropped,) = re.findall(r"(0\.\d+) of the pictures are\s+dropped", worked)
    info, following = world["info"], world["following"]
    assert info["drop_rate"] == pytest.approx(float(dropped), abs=1e-4)
    assert (info["levels"].tolist(), info["off"].tolist(), info["lifetime"]) == ([0.2], [True], 0.0)
    assert (following["drop_rate"], following["levels"].tolist()) == (1.0, [0.2])
    assert 12 * info["energy"] == pytest.approx(1.8 + 8.571 * 0.04, rel=1e-3)


def test_the_load_worked_by_hand_is_what_is_played(worlds):
    world, worked = worlds[1], section("One load worked by hand")
    assert world["reward"] == pytest.approx(rewards_of(worked), rel=2e-4)
    (link,) = re.findall(r"the link stands at (0\.\d+)", worked)
    assert world["info"]["link_load_max"] == pytest.approx(float(link), abs=1e-4)
    assert world["info"]["loaded"] == 1e6 and world["info"]["in_flight"] == 0
    simulation = world["env"].unwrapped.simulation
    played = play_loads(simulation.instance, initial_state(simulation.instance), simulation.state.resident[0])
    assert sorted(played.option_window) == [0.5, 1.0] and played.flows.tolist() == [4.0, 4.0]
    assert played.link_share.tolist() == [0.5] and played.link_bytes.tolist() == [1e6]


def test_its_tariffs_are_those_in_force(worlds):
    option, _ = costs(worlds[0]["env"].unwrapped.simulation.instance, 0)
    whole, split = map(float, re.findall(r"/ 4\.5 =\s+(0\.\d+)", TEXT)[:2])
    assert sorted(option) == pytest.approx([split, whole], abs=5e-4)


def test_the_files_that_it_names_exist():
    for file in re.findall(r"idn_gym/[\w/]+\.py", TEXT):
        assert (Path(__file__).parents[1] / file).is_file(), file
