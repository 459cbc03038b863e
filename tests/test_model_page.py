"""The page of the model: its slot worked by hand is what the environment plays."""

import re
from pathlib import Path

import pytest

from idn_gym.core.costs import costs

TEXT = (Path(__file__).parents[1] / "docs" / "model.md").read_text(encoding="utf-8")


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    found = {}
    exec(compile(code, "model.md", "exec"), found)
    return found


def test_the_slot_worked_by_hand_is_what_is_played(world):
    worked = TEXT[TEXT.index("## One slot worked by hand") :]
    lines = re.findall(r"^- (?:accuracy|latency|energy|traffic|update) = (.*)$", worked, re.MULTILINE)
    said = [
        float(re.findall(r"-?\d[\d,]*\.?\d*", line.split("=")[-1])[0].rstrip(",").replace(",", ""))
        for line in lines
    ]
    assert len(said) == 5 and world["reward"] == pytest.approx(said, rel=2e-4)
    (late,) = re.findall(r"/ 12 = (0\.\d+) of the pictures miss", worked)
    assert world["info"]["late_rate"] == pytest.approx(float(late), abs=1e-3)
    load = {name: world["info"][name] for name in ("node_load", "link_load", "drop_rate")}
    assert load == pytest.approx({"node_load": 0.9, "link_load": 0.78, "drop_rate": 0.0})


def test_its_tariffs_are_those_in_force(world):
    option, _ = costs(world["env"].unwrapped.simulation.instance, 0)
    whole, split = map(float, re.findall(r"/ 4\.5 =\s+(0\.\d+)", TEXT)[:2])
    assert sorted(option) == pytest.approx([split, whole], abs=5e-4)


def test_the_files_that_it_names_exist():
    for file in re.findall(r"idn_gym/[\w/]+\.py", TEXT):
        assert (Path(__file__).parents[1] / file).is_file(), file
