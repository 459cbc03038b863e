"""When a policy for all preferences counts as collapsed."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import study
from experiments.studies import front_report
from experiments.studies.config import Study
from experiments.studies.front_collapse import FrontShape, has_collapsed, placements_apart
from experiments.studies.front_run import FrontUnit
from experiments.studies.fronts import Fronts
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.core.arrays import EMPTY
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.shipped import CONFIGS

REFERENCE = np.array([[0.9, 0.3], [0.6, 0.6], [0.3, 0.9]])


def test_placements_are_apart_by_what_they_do_not_share():
    one, other = np.array([[3, EMPTY, 5]]), np.array([[3, 7, 6]])
    assert placements_apart(np.stack([one, one])) == 0.0
    assert placements_apart(np.stack([one, other])) == pytest.approx(2 / 3)
    assert placements_apart(np.stack([one, one, other])) == pytest.approx((0 + 2 / 3 + 2 / 3) / 3)
    assert placements_apart(np.full((2, 1, 3), EMPTY)) == placements_apart(one[None]) == 0.0


@pytest.mark.parametrize(
    "points, apart, collapsed",
    [
        (REFERENCE, 0.5, False),
        (REFERENCE, 0.06, False),
        (REFERENCE, 0.04, True),  # places nearly the same whatever it is told
        (REFERENCE, 0.0, True),
        (np.repeat(REFERENCE[1:2], 3, axis=0), 0.5, True),  # and nothing comes of what differs
        (np.array([[0.7, 0.7], [0.2, 0.5], [0.4, 0.1]]), 0.5, True),  # one point is better than all others
        (REFERENCE * 0.4, 0.5, True),  # good for nothing
        (REFERENCE[::-1], 0.5, False),  # which point belongs to which preference is no matter of a front
    ],
)
def test_signs_of_a_collapse(points, apart, collapsed):
    assert has_collapsed(FrontShape(points, apart), FrontShape(REFERENCE, 0.5)) is collapsed


@given(st.integers(0, 999), st.integers(2, 6))
def test_a_front_has_not_collapsed_beside_itself_unless_one_point_is_all_of_it(seed, width):
    shape = FrontShape(np.random.default_rng(seed).random((5, width)), 0.3)
    best = (shape.placed[:, None] >= shape.placed[None]).all(axis=2).all(axis=1).any()
    assert has_collapsed(shape, shape) is bool(best)


def test_reports_count_runs_whose_placements_stand_still(tmp_path, monkeypatch):
    """Of two rules that reach the same points, the one that asks for the same under every preference."""
    scenario, segments = load_scenario("tiny", {"horizon": 3}), np.arange(4) + 1

    def play(unit, weights, trained):
        told = int(np.argmax(np.asarray(weights)[:4])) if unit.label == "window-greedy" else 0
        shape = compile_scenario(scenario).tables.pinned.shape
        first = [(0, v, m, segments[told]) for v in range(shape[0]) for m in range(shape[1])]
        vector = np.tile(
            np.asarray(weights) * [1.0, 0.0, 0.0, 0.0, 0.0] - [0.0, 0.1, 0.1, 1e3, 0.1], (2, 3, 1)
        )
        return SimpleNamespace(vector=vector, wishes=[np.array(first)] * 2)

    monkeypatch.setattr(FrontUnit, "_play", play)
    front = {"name": "still", "scenario": "tiny", "overrides": {"horizon": 3}, "divisions": 1, "episodes": 2}
    front |= {"planned": "window-greedy", "agents": [{"agent": "window-greedy"}, {"agent": "lru"}]}
    found = from_plain(Study, {"name": "s", "title": "S", "about": "S.", "fronts": [front]})
    units = study.list_fronts(found, smoke=False)
    for unit in units:
        unit.play(tmp_path)
        assert unit.done(tmp_path)
    rows = {row["agent"]: row for row in Fronts(found.fronts[0], units, tmp_path).rows()}
    assert rows["window-greedy"]["placements_apart"] == 1.0
    assert rows["lru"]["placements_apart"] == 0.0 and rows["lru"]["collapsed"] == 1
    shown = {agent: front_report.FRONT_COLUMNS["collapsed"](row) for agent, row in rows.items()}
    assert shown["lru"] == "1 of 1"
    del front["planned"]
    found = from_plain(Study, {"name": "s", "title": "S", "about": "S.", "fronts": [front]})
    assert "collapsed" not in Fronts(found.fronts[0], units, tmp_path).rows()[0]


def test_the_study_trains_ten_of_each_and_judges_them_by_a_rule_that_plans():
    asked = from_plain(Study, read_yaml(CONFIGS / "studies" / "conditioned.yaml"))
    assert [(front.trainings, front.planned) for front in asked.fronts] == [(10, "static-greedy")] * 2
    wrong = {**read_yaml(CONFIGS / "studies" / "conditioned.yaml")}
    wrong["fronts"] = [{**wrong["fronts"][0], "planned": "greedy"}]
    with pytest.raises(ConfigError, match=r"planned: 'greedy' is not among the agents"):
        from_plain(Study, wrong)
