"""When a policy for all preferences counts as collapsed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.studies.config import Study
from experiments.studies.front_collapse import extent, has_collapsed
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.shipped import CONFIGS

REFERENCE = np.array([[0.9, 0.3], [0.6, 0.6], [0.3, 0.9]])


def test_extent_is_the_distance_from_the_mean():
    assert extent(np.array([[0.0, 0.4], [0.6, 0.4]])) == pytest.approx(0.3)
    assert extent(REFERENCE[:1]) == 0.0


@pytest.mark.parametrize(
    "points, collapsed",
    [
        (REFERENCE, False),
        (REFERENCE * 0.95, False),
        (np.repeat(REFERENCE[1:2], 3, axis=0), True),  # the same whatever it is told
        (np.array([[0.6, 0.6], [0.59, 0.61], [0.61, 0.59]]), True),  # nearly
        (np.array([[0.7, 0.7], [0.2, 0.5], [0.4, 0.1]]), True),  # one point is better than all others
        (REFERENCE * 0.4, True),  # good for nothing
        (REFERENCE[::-1], False),  # which point belongs to which preference is no matter of a front
    ],
)
def test_signs_of_a_collapse(points, collapsed):
    assert has_collapsed(points, REFERENCE) is collapsed


@given(st.integers(0, 999), st.integers(2, 6))
def test_a_front_has_not_collapsed_beside_itself_unless_one_point_is_all_of_it(seed, width):
    points = np.random.default_rng(seed).random((5, width))
    best = (points[:, None] >= points[None]).all(axis=2).all(axis=1).any()
    assert has_collapsed(points, points) is bool(best)


def test_the_study_trains_ten_of_each_and_judges_them_by_a_rule_that_plans():
    study = from_plain(Study, read_yaml(CONFIGS / "studies" / "conditioned.yaml"))
    assert [(front.trainings, front.planned) for front in study.fronts] == [(10, "static-greedy")] * 2
    wrong = {**read_yaml(CONFIGS / "studies" / "conditioned.yaml")}
    wrong["fronts"] = [{**wrong["fronts"][0], "planned": "greedy"}]
    with pytest.raises(ConfigError, match=r"planned: 'greedy' is not among the agents"):
        from_plain(Study, wrong)
