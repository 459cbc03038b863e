"""Costs of coalition games against the formulas written down again."""

import numpy as np
import pytest
from hypothesis import given

from idn_gym.games.federated_error import FederatedError
from idn_gym.games.hedonic import (
    FederatedGame,
    SeparableGame,
    all_alone,
    choice_costs,
    nearest_sites,
    player_costs,
    read_partition,
    total_cost,
)
from idn_gym.games.partitions import ALONE
from idn_gym.games.shared_radio import HOPELESS, SharedRadio
from idn_gym.messages import ConfigError
from tests.random_games import games, plain_cost, random_federated, random_partition, random_separable


@given(games())
def test_costs_are_those_of_the_formulas(drawn):
    game, rng = drawn
    partition = random_partition(game, rng)
    plain = [plain_cost(game, partition, player) for player in range(game.players)]
    assert player_costs(game, partition) == pytest.approx(plain)
    assert total_cost(game, partition) == pytest.approx(sum(plain))


@given(games())
def test_a_choice_costs_what_the_player_costs_once_it_is_there(drawn):
    game, rng = drawn
    partition = random_partition(game, rng)
    choices = choice_costs(game, partition)
    for player in range(game.players):
        for site in range(-1 if game.alone() is not None else 0, game.sites):
            moved = partition.copy()
            moved[player] = site
            there = player_costs(game, moved)[player]
            assert choices[player, site] == (there if site == partition[player] else pytest.approx(there))


@given(games(kinds=("federated", "known", "symmetric")))
def test_a_coalition_is_its_members_own_affair(drawn):
    game, rng = drawn
    partition = random_partition(game, rng)
    site = partition[0]
    others = random_partition(game, rng)
    elsewhere = np.where((partition == site) | (others == site), partition, others)
    if site != ALONE:
        inside = partition == site
        assert np.array_equal(player_costs(game, partition)[inside], player_costs(game, elsewhere)[inside])


def test_a_message_over_a_shared_radio_by_hand():
    radio = SharedRadio(
        airtime=[[0.1, 0.4], [0.2, np.inf], [0.2, 0.5]],
        rate=[1.0, 0.7, 2.0],
        duty=0.1,
        channels=2,
        cell=[[0, 0], [1, 0], [0, 1]],
    )
    seconds = radio.seconds(np.array([0, 0, ALONE]), np.array([0, 1]))
    load = {"0 at 0": 0.1 / 2, "1 at 0": 0.14 / 2, "2 at 0": (0.1 + 0.4) / 2, "0 at 1": 0.4 / 2}
    load["2 at 1"] = 1.0 / 2
    assert seconds[:, 0] == pytest.approx(
        [
            1.0 * np.exp(2 * load["0 at 0"]),
            2.0 * np.exp(2 * load["1 at 0"]),
            2.0 * np.exp(2 * load["2 at 0"]),
        ]
    )
    assert seconds[[0, 2], 1] == pytest.approx(
        [4.0 * np.exp(2 * load["0 at 1"]), 5.0 * np.exp(2 * load["2 at 1"])]
    )
    assert seconds[1, 1] == np.inf


def test_hopeless_loads_stay_numbers():
    radio = SharedRadio(airtime=[[10.0 * HOPELESS]], rate=[1.0])
    assert np.all(np.isfinite(radio.seconds(np.array([0]), np.array([0]))))


def test_where_everybody_begins():
    error = FederatedError(samples=[1, 2, 3], noise=1.0)
    radio = SharedRadio(airtime=[[0.3, 0.2], [0.1, 0.1], [np.inf, np.inf]], rate=np.zeros(3))
    game = FederatedGame(error=error, radio=radio)
    assert nearest_sites(game).tolist() == [1, 0, ALONE]
    assert all_alone(game).tolist() == [ALONE] * 3
    free = FederatedGame(error=error)
    assert nearest_sites(free).tolist() == all_alone(free).tolist() == [0, 1, 2]


def test_what_is_refused():
    game = random_federated(np.random.default_rng(0), 3, 2)
    free = random_separable(np.random.default_rng(0), 3)
    for wrong in ([0, 1], [0, 1, 2], [0, 0, -2], [0.0, 1.0, 0.0], "abc", [[0, 1, 0]], [0, [1], 2]):
        with pytest.raises(ConfigError, match=r"partition: .* must be 3 whole numbers from -1 to 1"):
            read_partition(game, wrong)
    with pytest.raises(ConfigError, match="from 0 to 2"):
        read_partition(free, [ALONE, 0, 1])
    error, radio = FederatedError(samples=[1.0], noise=1.0), SharedRadio(airtime=[[np.inf]], rate=[0.0])
    with pytest.raises(ConfigError, match="must be a site that player 0 reaches"):
        read_partition(FederatedGame(error=error, radio=radio), [0])
    with pytest.raises(ConfigError, match="radio: 3 devices are not allowed; must be the 1 of error"):
        FederatedGame(error=error, radio=game.radio)
    for weights in ([[0.0, 1.0]], [[1.0]], [[0.0, np.inf], [0.0, 0.0]]):
        with pytest.raises(ConfigError, match="weights"):
            SeparableGame(weights)
    with pytest.raises(ConfigError, match="not symmetric"):
        SeparableGame([[0.0, 1.0], [2.0, 0.0]]).potential(np.array([0, 0]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"airtime": [[-1.0], [0.1]]}, "airtime: -1.0 is not allowed; must be at least 0"),
        ({"airtime": [[np.nan], [0.1]]}, "must be numbers of shape (any, any)"),
        ({"rate": [1.0]}, "rate: [1.0] is not allowed; must be finite numbers of shape (2)"),
        ({"duty": 0.0}, "duty: 0.0 is not allowed; must be above 0"),
        ({"duty": 1.5}, "must be at most 1"),
        ({"channels": 0}, "channels: 0 is not allowed; must be at least 1"),
        ({"channels": 1.5}, "must be a whole number"),
        ({"cell": [[0], [-1]]}, "cell: [[0], [-1]] is not allowed; must be whole numbers from 0 to 999"),
        ({"cell": [0, 1]}, "of shape (2, 1)"),
        ({"cell": [[0], [1, 2]]}, "of shape (2, 1)"),
        ({"airtime": [[0.1], []]}, "must be numbers of shape (any, any)"),
        ({"rate": ["a", 1]}, "must be finite numbers of shape (2)"),
    ],
)
def test_what_a_radio_refuses(wrong, said):
    with pytest.raises(ConfigError) as caught:
        SharedRadio(**{"airtime": [[0.1], [0.2]], "rate": [1.0, 1.0]} | wrong)
    assert said in str(caught.value)
