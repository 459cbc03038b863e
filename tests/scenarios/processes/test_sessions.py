"""Users with sessions: how many there are, how long they stay, what they ask for, and how rankings drift."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Commute, Sessions, Workload
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.replay import ClassLabels
from idn_gym.scenarios.processes.sessions import draw_sessions
from tests.end_to_end import by_law, whole

draw_demand, draw = whole(demands.draw_demand), by_law(draw_sessions)
NODES, TASKS = 3, 4
SHARES = np.array([0.4, 0.3, 0.2, 0.1])
POPULARITY = np.tile(SHARES, (NODES, 1))


def users(process, horizon=300, seed=0, popularity=POPULARITY):
    counts = draw(process, popularity, horizon, np.random.default_rng(seed))
    return counts.reshape(horizon, *popularity.shape)


def test_all_users_are_somewhere_and_nodes_keep_their_demand():
    assert (users(Sessions(users=5)).sum(axis=2) == 5).all()
    base = np.outer([6.0, 3.0, 1.0], SHARES).ravel()
    labels = ClassLabels(np.tile(np.arange(TASKS), NODES), np.repeat(np.arange(NODES), TASKS))
    demand = draw_demand(
        Workload(1.0, popularity=Sessions(users=4)), base, labels, 500, np.random.default_rng(1)
    )
    totals = demand.reshape(500, NODES, TASKS).sum(axis=2)
    assert totals == pytest.approx(np.tile([6.0, 3.0, 1.0], (500, 1)))
    shares = demand.reshape(500, NODES, TASKS) / totals[:, :, None]
    assert shares * 4 == pytest.approx(np.round(shares * 4))  # quarters: each user has the same demand


def test_users_stay_as_long_as_stated():
    """With one user a node, its task is kept unless it leaves and the next one asks for something else."""
    process = Sessions(users=1, length=8.0, swaps=0.0, apart=0.0)
    there = users(process, horizon=20_000).argmax(axis=2)
    changed = (there[1:] != there[:-1]).mean()
    expected = (1.0 - (SHARES**2).sum()) / 8.0
    assert changed == pytest.approx(expected, abs=5 * np.sqrt(expected / (3 * 20_000)))


def test_tasks_come_by_the_shares_of_the_ranking():
    mean = users(Sessions(users=50, length=2.0, swaps=0.0, apart=0.0), horizon=4000).mean(axis=(0, 1)) / 50
    assert mean == pytest.approx(SHARES, abs=0.01)
    own = users(Sessions(users=50, length=2.0, swaps=0.0, apart=1.0), horizon=4000).mean(axis=0) / 50
    assert np.sort(own, axis=1) == pytest.approx(np.tile(np.sort(SHARES), (NODES, 1)), abs=0.02)
    assert not np.allclose(own[0], own[1], atol=0.05) or not np.allclose(own[0], own[2], atol=0.05)


def test_rankings_drift_one_swap_at_a_time():
    """After many swaps no task is ahead on average, though shares in a slot stay as uneven."""
    still = users(Sessions(users=200, length=1.0, swaps=0.0), horizon=2000)
    moving = users(Sessions(users=200, length=1.0, swaps=0.5), horizon=20_000)
    assert np.ptp(still.mean(axis=0)[0] / 200) == pytest.approx(0.3, abs=0.02)
    assert np.ptp(moving.mean(axis=0)[0] / 200) < 0.05
    assert np.ptp(moving / 200, axis=2).mean() == pytest.approx(0.3, abs=0.05)


def test_spans_go_on_where_the_last_one_ended():
    """Long stays: hardly anybody leaves between two slots, at the border of spans as elsewhere."""
    counts = users(Sessions(users=30, length=1000.0, swaps=0.0), horizon=600)
    moved = np.abs(np.diff(counts, axis=0)).sum(axis=(1, 2)) / 2
    assert moved.max() <= 3 and moved.sum() > 0


def test_one_task_and_one_node_are_no_trouble():
    assert (users(Sessions(), popularity=np.ones((1, 1)), horizon=10) == 6.0).all()


# ---------------------------------------------------------------- users who take their tasks to other nodes

WEIGHTS = np.array([0.5, 0.3, 0.2])


def roaming(horizon=300, seed=0, **fields):
    process = Sessions(**{"users": 20, "swaps": 0.0, "move": 0.1, **fields})
    return users(process, horizon, seed, WEIGHTS[:, None] * SHARES)


def test_users_who_move_are_never_lost_and_nodes_have_their_weights_on_average():
    counts = roaming(horizon=5000)
    assert (counts.sum(axis=(1, 2)) == 60).all()
    share = counts.sum(axis=2) / 60
    error = np.sqrt(WEIGHTS * (1 - WEIGHTS) / 60 * 2 / (0.1 * 11 / 12) / 5000)  # as the chain forgets
    assert (np.abs(share.mean(axis=0) - WEIGHTS) < 5 * error).all()
    assert share.std(axis=0) == pytest.approx(np.sqrt(WEIGHTS * (1 - WEIGHTS) / 60), rel=0.15)
    x = share - share.mean(axis=0)
    assert (x[1:] * x[:-1]).mean() / x.var() == pytest.approx(1 - 0.1 * 11 / 12, abs=0.03)


def test_moving_changes_neither_what_users_ask_for_nor_how_long_they_stay():
    """One user in all who changes its task as often as without moving, whatever the node it is at."""
    process = Sessions(users=1, length=8.0, swaps=0.0, apart=0.0, move=0.5)
    one = users(process, 40_000, popularity=SHARES[None])
    task = one[:, 0].argmax(axis=1)
    expected = (1.0 - (SHARES**2).sum()) / 8.0
    assert (task[1:] != task[:-1]).mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / 40_000))
    counts = roaming(horizon=4000, apart=0.0, length=2.0).sum(axis=1) / 60
    assert counts.mean(axis=0) == pytest.approx(SHARES, abs=0.01)


def test_a_task_goes_where_its_users_go():
    """Long sessions: the users of a task stay the same while their nodes change."""
    counts = roaming(horizon=400, length=1e6, move=0.2)
    by_task = counts.sum(axis=1)
    assert (by_task == by_task[0]).all()
    moved = np.abs(np.diff(counts, axis=0)).sum(axis=(1, 2)) / 2
    assert moved.min() > 0 and moved.max() < 30  # also from one span to the next


def test_demand_moves_and_its_total_does_not():
    base = 10.0 * (WEIGHTS[:, None] * SHARES).ravel()
    labels = ClassLabels(np.tile(np.arange(TASKS), NODES), np.repeat(np.arange(NODES), TASKS))
    demand = draw_demand(
        Workload(1.0, popularity=Sessions(users=4, move=0.2)), base, labels, 300, np.random.default_rng(1)
    )
    assert demand.sum(axis=1) == pytest.approx(np.full(300, 10.0))
    assert demand * 1.2 == pytest.approx(np.round(demand * 1.2))  # 12 users in all, each with the same
    assert np.ptp(demand.reshape(300, NODES, TASKS).sum(axis=2), axis=0).min() > 1.0


def test_one_node_is_no_trouble_for_those_who_move():
    assert (users(Sessions(move=0.5), popularity=np.ones((1, 1)), horizon=10) == 6.0).all()


# ---------------------------------------------------------------- users who take their tasks to work and back

PLACES = (("a", "town"), ("b", "town"), ("c", "port"))
DAY = {"homes": ("town",), "works": ("c",), "share": 0.5, "leave": 0.25, "back": 0.75, "period": 40.0}


def commuting(horizon=300, seed=0, shares=SHARES, **fields):
    """Demand (horizon, 3, K) of nodes of weights 0.5, 0.3 and 0.2."""
    process = Sessions(**{"users": 20, "swaps": 0.0, "commute": Commute(**DAY), **fields})
    law = by_law(draw_sessions, PLACES)
    demand = law(process, WEIGHTS[:, None] * shares, horizon, np.random.default_rng(seed))
    return demand.reshape(horizon, NODES, -1) / 60


def test_by_night_nodes_have_their_weights_and_by_day_as_many_are_away_as_stated():
    share = commuting(users=2000).sum(axis=2)
    assert share.sum(axis=1) == pytest.approx(np.full(300, 100.0))
    assert share[[0, 10, 30, 39, 40]] == pytest.approx(np.tile(100 * WEIGHTS, (5, 1)))
    noon = share[20] / 100
    assert noon == pytest.approx([0.25, 0.15, 0.6], abs=0.02)
    wave = 0.5 * np.sin(np.pi * (np.arange(40) / 40 - 0.25) / 0.5)
    assert share[:40, 2] / 100 == pytest.approx(0.2 + 0.8 * np.maximum(wave, 0.0), abs=0.02)


def test_the_same_users_commute_every_day_with_their_tasks():
    """Sessions without end: each day is like the first, from span to span, and tasks stay as asked for."""
    demand = commuting(horizon=600, length=1e6)
    np.testing.assert_allclose(demand[40:], demand[:-40])
    by_task = demand.sum(axis=1)
    np.testing.assert_allclose(by_task, np.tile(by_task[0], (600, 1)))
    assert np.ptp(demand[:, 2, :], axis=0).min() > 0  # every task turns up at work


def test_who_comes_at_work_asks_by_the_ranking_there():
    """One task is asked for at work and another one at home; what was begun at work is carried home."""
    shares = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    demand = commuting(users=200, horizon=40, length=5.0, shares=shares, apart=0.0)
    assert demand[0, :2, 1].sum() == 0
    assert demand[31, :2, 1].sum() > 0  # brought home
    stays = commuting(users=200, horizon=40, length=1e6, shares=shares, apart=0.0)
    assert stays[:, :2, 1].sum() == 0 and stays[20, 2, 0] > 0


def test_homes_move_where_users_move():
    share = commuting(horizon=4000, move=0.2).sum(axis=2)
    assert share.sum(axis=1) == pytest.approx(np.full(4000, 1.0))
    assert share[::40].mean(axis=0) == pytest.approx(WEIGHTS, abs=0.03)
    assert share[20::40].mean(axis=0) == pytest.approx([0.25, 0.15, 0.6], abs=0.04)


@pytest.mark.parametrize(
    ("commute", "message"),
    [
        (
            {"homes": ["board-9"], "works": ["board-1"]},
            r"homes: 'board-9' is no ingress node, nor a tier with one",
        ),
        ({"homes": ["board-1"], "works": ["device"]}, r"works: 'board-1' is also among the homes"),
        ({"homes": ["board-1"], "works": []}, r"works: \(\) is not allowed; needs at least one ingress node"),
        ({"homes": ["board-1"]}, r"works: missing; Commute needs it"),
        (
            {"homes": ["board-1"], "works": ["board-2"], "back": 0.1},
            r"back: 0\.1 is not allowed; must be above",
        ),
    ],
)
def test_commutes_are_looked_at_when_the_scenario_is_compiled(commute, message):
    with pytest.raises(ConfigError, match=r"^workload\.popularity\.commute\." + message):
        compile_scenario(load_scenario("edge-drift", {"workload.popularity.commute": commute}))
