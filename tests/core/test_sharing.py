"""Classes that share nodes and links: in proportion with shared capacity, not at all with private one."""

import numpy as np
import pytest

from tests.core.test_serving import TWO_BLOCKS

FORK = {
    "a": {"demand": 1.0},
    "b": {"demand": 1.0},
    "e": {"servers": 1.0},
    "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
}
FORK_LINKS = [("a", "e", {}), ("b", "e", {}), ("e", "c", {"delay": 10.0})]


@pytest.fixture
def fork(make_scenario):
    def make(overrides=None, models=TWO_BLOCKS, **kwargs):
        return make_scenario(FORK, FORK_LINKS, models, overrides, **kwargs)

    return make


def test_shared_nodes_are_shared_in_proportion(fork, play):
    """The edge takes 10 / 3 requests a slot, of 6; the rest goes on to the repository."""
    slot = play(fork(), {"e": ["m"]}, demand=[4.0, 2.0])
    assert slot.busy[2] == pytest.approx(10.0)
    taken = 10 / 3 / 6
    assert slot.latency[0] == pytest.approx(4 * (taken * 4.0 + (1 - taken) * 11.8))
    assert slot.latency[1] == pytest.approx(2 * (taken * 4.0 + (1 - taken) * 11.8))


def test_shared_links_are_shared_in_proportion(fork, play):
    """Past the edge there are 160 bytes, twenty inputs of 8."""
    slot = play(fork(), demand=[15.0, 10.0])
    assert slot.carried == pytest.approx([96.0, 64.0, 160.0])
    assert slot.served == pytest.approx([12.0, 8.0])


def test_exogenous_classes_do_not_disturb_each_other(fork, play):
    """Each class has the edge's ten seconds to itself, and no link is ever full."""
    scenario = fork({"serving.capacity": "exogenous", "serving.loading": "instant"})
    both = play(scenario, {"e": ["m"]}, demand=[40.0, 4.0])
    alone = play(scenario, {"e": ["m"]}, demand=[0.0, 4.0])
    assert both.latency[1] == alone.latency[1] == pytest.approx(10 / 3 * 4.0 + (4 - 10 / 3) * 11.8)
    assert both.busy[2] == pytest.approx(20.0)
    assert both.carried[2] == pytest.approx((40 - 10 / 3 + 4 - 10 / 3) * 8)
    assert both.served == pytest.approx([40.0, 4.0])


POINTS = {
    "m": {
        "blocks": [(2.0, 10.0, 4.0), (3.0, 20.0, 0.0)],
        "points": {"quick": [(1, 1.0, 0.5), (2, 0.0, 1.0)], "full": [(1, 0.0, 0.5), (2, 1.0, 1.0)]},
    }
}


def test_exogenous_operating_points_share_their_copy(fork, play):
    """Two full requests take the ten seconds that the quick point could have used for five."""
    scenario = fork(
        {
            "serving.capacity": "exogenous",
            "serving.loading": "instant",
            "serving.tariff": {"error": 10.0, "latency": 0.1},
        },
        POINTS,
    )
    slot = play(scenario, {"e": ["m"]}, demand=[4.0, 0.0])
    assert slot.busy == pytest.approx([0.0, 0.0, 10.0, 2 * 0.5])
    assert slot.correct == pytest.approx([4.0, 0.0])


def test_exogenous_cuts_share_their_copy(fork, play):
    """Of six requests, a's copy runs two whole ones, and no head of it is left for a split."""
    scenario = fork(
        {"serving.capacity": "exogenous", "serving.loading": "instant", "serving.tariff": {"traffic": 1.0}},
        POINTS,
    )
    slot = play(scenario, {"a": ["m"]}, demand=[9.0, 0.0])
    # "quick" costs no traffic either and comes after "full" by accuracy, but shares the seconds
    assert slot.busy == pytest.approx([10.0, 0.0, 0.0, 7 * 0.5])
    assert slot.traffic == pytest.approx([7 * 16.0, 0.0])


def test_exogenous_models_have_a_copy_each(fork, play):
    models = {
        name: {"blocks": [(5.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, accuracy)]}}
        for name, accuracy in (("x", 0.5), ("y", 0.75))
    }
    slot = play(
        fork({"serving.capacity": "exogenous", "serving.loading": "instant"}, models),
        {"e": ["x", "y"]},
        demand=[5.0, 0.0],
    )
    assert slot.busy[2] == pytest.approx(20.0)
    shared = play(fork(models=models), {"e": ["x", "y"]}, demand=[5.0, 0.0])
    assert shared.busy[2] == pytest.approx(10.0)


def test_an_empty_batch_costs_nothing(fork, play):
    slot = play(fork(), {"e": ["m"]}, demand=[0.0, 0.0])
    for field in (slot.served, slot.latency, slot.energy, slot.traffic, slot.late, slot.busy, slot.carried):
        assert not np.any(field)
    assert slot.tariff_cost == 0.0
