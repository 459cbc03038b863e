"""Users who move between nodes near each other: which these are, and that nodes keep their weights."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Roaming, Sessions, Workload
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.destinations import upto_destinations
from idn_gym.scenarios.processes.replay import ClassLabels
from tests.end_to_end import whole

draw_demand = whole(demands.draw_demand)
WEIGHTS = np.array([0.4, 0.1, 0.3, 0.2])
PLACES = np.array([0.0, 1.0, 3.0, 7.0])  # on a line
DELAYS = np.abs(PLACES[:, None] - PLACES)


def odds(nearest, weights=WEIGHTS, delays=DELAYS):
    """Where users go, not cumulated."""
    return np.diff(upto_destinations(nearest, weights, delays), axis=1, prepend=0.0)


def test_near_is_who_is_among_the_nearest_of_one_or_the_other():
    near = (odds(1) - np.diag(np.diag(odds(1)))) > 1e-12
    assert near.tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    assert ((odds(3) > 1e-12) | np.eye(4, dtype=bool)).all() and odds(99) == pytest.approx(odds(3))
    apart = np.where(np.eye(4), 0.0, np.inf)
    assert odds(2, delays=apart) == pytest.approx(np.eye(4))
    assert upto_destinations(None, WEIGHTS, None)[0] == pytest.approx([0.4, 0.5, 0.8, 1.0])


def test_ties_count_as_one_however_they_are_rounded():
    delays = np.array([[0.0, 0.1 + 0.2, 0.3], [0.1 + 0.2, 0.0, 1.0], [0.3, 1.0, 0.0]])
    assert (odds(1, np.ones(3), delays)[0, 1:] > 0.4).all()


@pytest.mark.parametrize("nearest", [1, 2, 3])
def test_moving_leaves_users_spread_by_the_weights(nearest):
    step = odds(nearest)
    assert step.sum(axis=1) == pytest.approx(np.ones(4)) and step.min() >= 0.0
    assert WEIGHTS @ step == pytest.approx(WEIGHTS)
    assert WEIGHTS[:, None] * step == pytest.approx((WEIGHTS[:, None] * step).T)  # as many there as back


@pytest.mark.parametrize("process", ["mobility", "sessions"])
def test_users_take_one_step_at_a_time_and_nodes_have_their_weights_on_average(process):
    changes = {
        "mobility": {"mobility": Roaming(users=40, move=0.5, nearest=1)},
        "sessions": {"popularity": Sessions(users=10, move=0.5, nearest=1, length=1e6)},
    }[process]
    labels = ClassLabels(np.zeros(4, np.int64), np.arange(4), delays=DELAYS)
    nodes = draw_demand(
        Workload(1.0, **changes), 40 * WEIGHTS, labels, 6000, np.random.default_rng(0)
    )  # each user asks for 1
    assert nodes.sum(axis=1) == pytest.approx(np.full(6000, 40.0))
    assert nodes.mean(axis=0) / 40 == pytest.approx(WEIGHTS, abs=0.02)
    # On a line whoever is right of a border has crossed it: few in a slot, also between spans.
    crossed = np.abs(np.diff(np.cumsum(nodes, axis=1), axis=0))[:, :3]
    assert 0 < crossed.mean() < 4 and crossed.max() <= 12


def test_boards_of_one_edge_server_are_nearest_and_users_stay_among_them():
    def spread(nearest):
        mobility = {"kind": "markov", "move": 0.5, "nearest": nearest}
        changes = {"workload.mobility": mobility, "workload.popularity": {"kind": "fixed"}}
        demand = build_instance(load_scenario("edge-drift", changes), 0).draw.demand[0]
        boards = demand.reshape(len(demand), 6, -1).sum(axis=2)
        return np.ptp(boards, axis=0), np.ptp(boards[:, :3].sum(axis=1)) / boards.sum(axis=1)[0]

    boards, edge = spread(1)
    assert boards.min() > 0 and edge < 1e-9
    assert spread(3)[1] > 0.01  # the third nearest is at the other edge server


def test_delays_are_those_of_the_least_way():
    delays = compile_scenario(load_scenario("edge-drift")).delays
    assert delays.shape == (6, 6) and (delays == delays.T).all() and (np.diag(delays) == 0).all()
    near, far = delays[0, 1], delays[0, 3]
    assert near == pytest.approx(2 * 0.019, rel=0.2) and far > near  # two hops of 5G; 4 with the cloud's
    assert delays[0, 1:3] == pytest.approx(near) and delays[0, 3:] == pytest.approx(far)


def test_too_many_nodes_get_one_sentence(monkeypatch):
    monkeypatch.setattr(demands, "MOST_INGRESS", 5)
    changes = {"workload.mobility": {"nearest": 2}}
    with pytest.raises(
        ConfigError, match=r"^workload\.mobility: .*nearest=2.* with 6 ingress nodes, or 5 at most"
    ):
        compile_scenario(load_scenario("edge-drift", {**changes, "name": "many"}))
    with pytest.raises(ConfigError, match=r"^nearest: 2 is not allowed; must be null unless move is above 0"):
        Sessions(nearest=2)
