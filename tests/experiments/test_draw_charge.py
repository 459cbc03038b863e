"""The picture of batteries: what it is drawn from, and who cannot be drawn."""

import numpy as np
import pytest

from experiments import draw_charge
from idn_gym.scenarios.presets import load_scenario

STOCKED = {"horizon": 6, "topology.nodes.0.battery": {"capacity": 500.0, "start": 0.5}}


def test_it_notes_what_is_left_and_dropped():
    found = draw_charge.charge_course("cloud-only", load_scenario("tiny", STOCKED), 0, "test", "balanced")
    assert found.level.shape == (6, 1) and found.dropped.shape == (6,)
    assert found.level[-1, 0] <= 0.1 and found.dropped[-1] == 1.0  # nothing is harvested
    assert (np.diff(found.level[:, 0]) <= 0.0).all()


def test_it_is_drawn(tmp_path, capsys):
    out = tmp_path / "out.png"
    words = ["topology.nodes.0.battery.capacity=500", "horizon=6", "--scenario", "tiny", "--out", str(out)]
    draw_charge.main(["nothing", *words])
    assert capsys.readouterr().out == f"{out}\n" and out.stat().st_size > 5000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["cloud-only", "--scenario", "tiny"],
            "scenario: 'tiny' is not allowed; none of its nodes has a battery",
        ),
        ([], "policies: no policy is named"),
    ],
)
def test_what_cannot_be_drawn_is_said(words, message, capsys):
    with pytest.raises(SystemExit, match=message):
        draw_charge.main(words)
