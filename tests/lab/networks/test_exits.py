import math

import numpy as np
import pytest
import torch

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.chain import Size
from idn_gym.lab.networks.exits import CRITERIA, branchy, cheapest_setting, doubt, point_of_thresholds, screen

HALVES = np.log([0.5, 0.25, 0.25])


def test_doubts_are_what_they_are_called():
    assert doubt(HALVES, "entropy") == pytest.approx(1.5 * math.log(2))
    assert doubt(HALVES, "normalised entropy") == pytest.approx(1.5 * math.log(2) / math.log(3))
    assert doubt(HALVES, "probability") == pytest.approx(0.5)
    assert doubt(HALVES, "margin") == pytest.approx(0.75)
    # whoever is certain has no doubt, and whoever knows nothing the most there is
    for criterion, most in (
        ("entropy", math.log(4)),
        ("normalised entropy", 1),
        ("probability", 0.75),
        ("margin", 1),
    ):
        assert doubt(np.array([[900.0, 0, 0, 0], [2.0] * 4]), criterion) == pytest.approx([0, most])


def test_unknown_criteria_are_refused():
    with pytest.raises(ConfigError, match=r"criterion: 'entrpy' is not allowed; .* did you mean 'entropy'"):
        doubt(HALVES, "entrpy")


@pytest.fixture(scope="module", params=CRITERIA)
def judged(request):
    """Doubts and truth of three exits, each surer and more often right than the one before."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    truth = np.eye(5)[labels]
    scores = np.stack([rng.normal(size=(400, 5)) + strength * truth for strength in (1, 2, 4)])
    return doubt(scores, request.param), scores.argmax(axis=-1) == labels


def test_the_front_holds_nothing_that_another_setting_beats(judged):
    front = screen(*judged, (1.0, 2.0, 5.0), steps=9)
    costs, shares = [row.cost for row in front], [row.accuracy for row in front]
    assert costs == sorted(set(costs)) and shares == sorted(set(shares)) and len(front) > 3
    right = judged[1].mean(axis=-1)
    assert front[0].cost == 1 and front[0].accuracy == right[0]
    assert front[-1].accuracy >= right[-1]


def test_screened_settings_give_on_the_same_pictures_what_they_promise(judged):
    for setting in screen(*judged, (1.0, 2.0, 5.0), steps=5):
        point = point_of_thresholds("x", *judged, (1, 2, 3), setting.thresholds)
        assert point.accuracy == pytest.approx(setting.accuracy)
        cost = sum({1: 1.0, 2: 2.0, 3: 5.0}[exit_.after] * exit_.share for exit_ in point.exits)
        assert cost == pytest.approx(setting.cost)


def test_the_cheapest_setting_is_taken_that_is_accurate_enough(judged):
    front = screen(*judged, (1.0, 2.0, 5.0), steps=9)
    assert cheapest_setting(front, 0) == front[0]
    assert cheapest_setting(front, front[2].accuracy) == front[2]
    assert cheapest_setting(front, 2) == front[-1]


def test_exits_that_nothing_takes_are_left_out_but_the_last(judged):
    everybody = point_of_thresholds("all", *judged, (1, 2, 3), (9, 9))
    assert [(exit_.after, exit_.share) for exit_ in everybody.exits] == [(1, 1), (3, 0)]
    nobody = point_of_thresholds("none", *judged, (1, 2, 3), (-1, -1))
    assert [exit_.after for exit_ in nobody.exits] == [3]


def test_branches_are_attached_where_they_are_asked_for():
    network = branchy(Size((2, 3, 4), 3, 1), 8, 10, (2,)).eval()
    assert network.after == (2, 3) and network(torch.zeros(5, 1, 8, 8)).shape == (2, 5, 10)
    with pytest.raises(ConfigError, match=r"after: \[3\] is not allowed"):
        branchy(Size(), 28, 10, (3,))
