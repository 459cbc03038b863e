"""Users of unequal demand who visit nodes of unequal taste."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.scenarios.config import Visitors, Workload
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.replay import ClassLabels
from idn_gym.scenarios.processes.visitors import draw_visitors
from tests.end_to_end import by_law, whole

draw_demand, draw = whole(demands.draw_demand), by_law(draw_visitors)
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def weights(process, horizon=300, nodes=3, seed=0, shares=SHARES):
    popularity = np.tile(shares, (nodes, 1))
    drawn = draw(process, popularity, horizon, np.random.default_rng(seed))
    return drawn.reshape(horizon, nodes, shares.size)


def test_equal_users_are_counted_and_nodes_keep_their_demand():
    counts = weights(Visitors(users=5, uneven=0.0))
    assert (counts.sum(axis=2) == 5).all() and (counts == np.round(counts)).all()
    base = np.outer([6.0, 3.0, 1.0], SHARES).ravel()
    labels = ClassLabels(np.tile(np.arange(4), 3), np.repeat(np.arange(3), 4))
    workload = Workload(1.0, popularity=Visitors(users=4))
    demand = draw_demand(workload, base, labels, 500, np.random.default_rng(1)).reshape(500, 3, 4)
    assert demand.sum(axis=2) == pytest.approx(np.tile([6.0, 3.0, 1.0], (500, 1)))


def test_users_stay_as_long_as_stated():
    """One user a node, common taste: the task changes where it leaves and the next one has another."""
    process = Visitors(users=1, length=8.0, likeness=1e9)
    there = weights(process, horizon=20_000).argmax(axis=2)
    changed = (there[1:] != there[:-1]).mean()
    expected = (1.0 - (SHARES**2).sum()) / 8.0
    assert changed == pytest.approx(expected, abs=5 * np.sqrt(expected / (3 * 20_000)))


def test_tastes_lie_around_the_shares_as_far_as_stated():
    """Dirichlet: mean p, variance p (1 - p) / (likeness + 1); users come and go fast, so that all is seen."""
    likeness = 9.0
    counts = weights(Visitors(users=20, length=1.0, uneven=0.0, likeness=likeness), horizon=300, nodes=800)
    taste = counts.mean(axis=0) / 20
    seen = SHARES * (1 - SHARES) / (20 * 300)  # of a mean of 300 slots, whatever the taste, at most
    variance = SHARES * (1 - SHARES) / (likeness + 1)
    assert taste.mean(axis=0) == pytest.approx(SHARES, abs=5 * np.sqrt(variance.max() / 800))
    assert taste.var(axis=0) == pytest.approx(variance + seen, rel=0.15)


def test_demands_are_lognormal():
    drawn = weights(Visitors(users=1, length=1.0, uneven=1.5), horizon=20_000, nodes=1).sum(axis=2)
    assert np.log(drawn).mean() == pytest.approx(0.0, abs=0.05)
    assert np.log(drawn).std() == pytest.approx(1.5, rel=0.03)


def test_users_keep_task_and_demand_while_they_stay_also_between_spans():
    drawn = weights(Visitors(users=1, length=1e6), horizon=600)
    assert (drawn == drawn[0]).all() and (drawn > 0).sum() == 600 * 3
    drawn = weights(Visitors(users=1, length=50.0, uneven=1.0), horizon=600)
    moved = (np.diff(drawn, axis=0) != 0).any(axis=2)
    assert 10 < moved.sum() < 80 and moved[250:260].mean() < 0.5


def test_extremes_are_no_trouble():
    assert (weights(Visitors(users=2, uneven=0.0), horizon=10, nodes=1, shares=np.ones(1)) == 2.0).all()
    shares = np.array([1.0, 0.0, 1e-300])
    drawn = weights(Visitors(likeness=0.01, uneven=10.0), horizon=100, shares=shares / shares.sum())
    assert np.isfinite(drawn).all() and (drawn.sum(axis=2) > 0).all() and (drawn[:, :, 1] == 0).all()
    one = weights(Visitors(users=50, likeness=0.01, uneven=0.0), horizon=5, nodes=200)
    assert ((one > 0).sum(axis=2) == 1).mean() > 0.9  # hardly any likeness: each node likes one task


@pytest.mark.parametrize(
    ("key", "value"), [("users", 0), ("length", 0.5), ("uneven", -1), ("likeness", 0), ("users", 1001)]
)
def test_what_makes_no_sense_is_refused(key, value):
    with pytest.raises(ConfigError, match=key):
        from_plain(Visitors, {"kind": "visitors", key: value})
