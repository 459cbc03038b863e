"""Optima and stable partitions by enumeration, by hand, and by mixed-integer program."""

import numpy as np
import pytest
from hypothesis import given, settings

from idn_gym.games.efficiency import measure_efficiency
from idn_gym.games.exhaustive import coalition_costs
from idn_gym.games.federated_error import FederatedError
from idn_gym.games.hedonic import FederatedGame, SeparableGame, all_alone, player_costs, total_cost
from idn_gym.games.least_cost import least_cost_by_coalitions, least_cost_by_pairs
from idn_gym.games.partitions import all_partitions, first_names
from idn_gym.games.shared_radio import SharedRadio
from idn_gym.games.stability import is_stable
from idn_gym.messages import ConfigError
from tests.random_games import games, random_federated, random_separable


def test_every_partition_comes_once():
    for players, bell in enumerate((1, 1, 2, 5, 15, 52, 203, 877)):
        rows = all_partitions(players, players, alone=False)
        assert len(rows) == len({tuple(row) for row in rows}) == bell
        assert all(np.array_equal(first_names(row), row) for row in rows)
    assert all_partitions(2, 200, alone=True).max() == 199
    rows = all_partitions(4, 2, alone=True)
    assert len({tuple(row) for row in rows}) == len(rows) == 3**4 and {-1, 0, 1} == set(rows.flat)


@given(games(most=4))
@settings(max_examples=25)
def test_all_partitions_are_judged_as_one_by_one(drawn):
    game, _ = drawn
    rows = all_partitions(game.players, game.sites, game.alone() is not None).astype(int)
    possible = [row for row in rows if np.all(np.isfinite(player_costs(game, row)))]
    costs = np.array([total_cost(game, row) for row in possible])
    stable = costs[[is_stable(game, row) for row in possible]]
    found = measure_efficiency(game)
    assert found.partitions == len(possible)
    assert found.stable_costs == pytest.approx(np.sort(stable))
    for row, cost in zip(found.stable_partitions, found.stable_costs, strict=True):
        assert is_stable(game, row) and total_cost(game, row) == pytest.approx(cost)
    assert found.optimum == pytest.approx(costs.min())
    assert total_cost(game, found.optimal) == pytest.approx(costs.min())
    prices = found.stability, found.anarchy
    if len(stable) and found.optimum > 0.0:
        assert prices == pytest.approx((stable.min() / costs.min(), stable.max() / costs.min()))
    else:
        assert np.isnan(prices).all()


@given(games(most=6))
@settings(max_examples=15)
def test_the_programme_by_coalitions_finds_the_optimum(drawn):
    game, _ = drawn
    found, optimum = least_cost_by_coalitions(game), measure_efficiency(game).optimum
    assert found.cost == pytest.approx(optimum, abs=1e-6) and found.bound <= found.cost + 1e-6
    assert found.bound == pytest.approx(optimum, abs=1e-6)
    assert total_cost(game, found.partition) == found.cost


@pytest.mark.parametrize("players", [1, 2, 3, 7])
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_programme_by_pairs_finds_the_optimum(players, symmetric):
    game = random_separable(np.random.default_rng(players), players, symmetric)
    found = least_cost_by_pairs(game)
    assert found.cost == pytest.approx(measure_efficiency(game).optimum, abs=1e-6)
    assert found.bound == pytest.approx(found.cost, abs=1e-6)
    assert np.array_equal(first_names(found.partition), found.partition)


def test_pairs_go_where_coalitions_cannot_be_listed():
    game = random_separable(np.random.default_rng(0), 16)
    with pytest.raises(ConfigError, match="players: 16 is not allowed; must be at most 14"):
        coalition_costs(game)
    with pytest.raises(ConfigError, match="must have at most 2,000,000 partitions"):
        measure_efficiency(game)
    found = least_cost_by_pairs(game)
    assert found.bound == pytest.approx(found.cost, abs=1e-6)


def test_two_devices_by_hand():
    """Together: 10 / 4 each and 2 s on air; alone: 10 / 2."""
    error = FederatedError(samples=[2.0, 2.0], noise=10.0)
    radio = SharedRadio(airtime=[[0.02], [0.02]], rate=[0.0, 0.0])
    found = measure_efficiency(FederatedGame(error=error, radio=radio, weight=0.5))
    # Apart nobody moves either: at an empty gateway there is nobody to learn with.
    assert (found.optimum, *found.stable_costs) == pytest.approx((7.0, 7.0, 10.0))
    assert found.stable_partitions.tolist() == [[0, 0], [-1, -1]] and found.partitions == 4
    assert (found.anarchy, found.stability) == pytest.approx((10.0 / 7.0, 1.0))


def test_where_reaching_a_gateway_costs_something_it_is_stable_that_all_stay_alone():
    for seed in range(10):
        game = random_federated(np.random.default_rng(seed), 5, 2, known=True)
        assert is_stable(game, all_alone(game))


def test_a_game_without_a_stable_partition():
    found = measure_efficiency(SeparableGame([[0.0, 1.0], [-1.0, 0.0]]))
    assert len(found.stable_costs) == 0 and np.isnan(found.anarchy) and found.optimum == 0.0
