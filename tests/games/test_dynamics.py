"""Shift dynamics: every move gains, who moves is who should, and runs end as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.games.dynamics import ShiftRules, play_shifts
from idn_gym.games.hedonic import SeparableGame, choice_costs, player_costs, total_cost
from idn_gym.games.partitions import ALONE
from idn_gym.games.stability import find_deviation, is_stable
from idn_gym.messages import ConfigError
from tests.random_games import games, random_federated, random_partition, random_separable

RUNAWAY = SeparableGame([[0.0, 1.0], [-1.0, 0.0]])
"""Player 0 follows player 1, which leaves: no partition is stable."""

ORDERS, RESPONSES = ("random", "fixed", "largest"), ("best", "better")


def replayed(game, start, run):
    """The partition before each move, and the last one."""
    partitions = [np.array(start)]
    for move in run.moves:
        assert partitions[-1][move.player] == move.source
        partitions.append(partitions[-1].copy())
        partitions[-1][move.player] = move.target
    return partitions


@given(
    games(), st.sampled_from(ORDERS), st.sampled_from(RESPONSES), st.booleans(), st.sampled_from([1e-9, 0.05])
)
def test_every_move_gains_and_the_books_are_right(drawn, order, response, history, least_gain):
    game, rng = drawn
    start = random_partition(game, rng)
    rules = ShiftRules(order=order, response=response, history=history, least_gain=least_gain, most_moves=60)
    run = play_shifts(game, start, rules, rng)
    partitions = replayed(game, start, run)
    assert np.array_equal(partitions[-1], run.partition) and len(run.moves) <= 60
    for move, before, after in zip(run.moves, partitions, partitions[1:], strict=False):
        gain = player_costs(game, before)[move.player] - player_costs(game, after)[move.player]
        assert move.gain == pytest.approx(gain) and move.gain > least_gain
        if response == "best" and not history:
            gains = player_costs(game, before)[move.player] - choice_costs(game, before)[move.player]
            assert move.gain == gains.max()
    assert run.cost == pytest.approx([total_cost(game, partition) for partition in partitions])
    assert run.nash == is_stable(game, run.partition, least_gain=least_gain)
    if run.ending == "stopped" and not history:
        assert run.nash
    if run.ending == "capped":
        assert len(run.moves) == 60 and not run.nash


@given(games(kinds=("federated", "one-sided")), st.sampled_from(["fixed", "largest"]))
def test_whose_turn_it_is(drawn, order):
    game, rng = drawn
    start = random_partition(game, rng)
    run, turn = play_shifts(game, start, ShiftRules(order=order, most_moves=40)), 0
    for move, before in zip(run.moves, replayed(game, start, run), strict=False):
        costs = choice_costs(game, before)
        best = (costs[np.arange(game.players), before][:, None] - costs).max(axis=1)
        if order == "largest":
            assert move.player == np.argmax(best)
        else:
            ahead = [(turn + step) % game.players for step in range(game.players)]
            assert move.player == next(player for player in ahead if best[player] > 1e-9)
            turn = move.player + 1


@given(games(kinds=("symmetric",), most=9), st.sampled_from(ORDERS), st.sampled_from(RESPONSES))
def test_symmetric_separable_games_have_an_exact_potential(drawn, order, response):
    game, rng = drawn
    start = random_partition(game, rng)
    run = play_shifts(game, start, ShiftRules(order=order, response=response, most_moves=10_000), rng)
    risen = np.diff([game.potential(partition) for partition in replayed(game, start, run)])
    assert risen == pytest.approx([move.gain for move in run.moves], abs=1e-12)
    assert run.ending == "stopped" and run.nash and run.revisits == 0


def test_with_whole_weights_the_potential_is_exact_to_the_bit():
    rng = np.random.default_rng(7)
    for _ in range(20):
        game = random_separable(rng, 20, whole=True)
        start = np.arange(20)
        run = play_shifts(game, start, rng=rng)
        risen = np.diff([game.potential(partition) for partition in replayed(game, start, run)])
        assert risen.tolist() == [move.gain for move in run.moves]


@pytest.mark.parametrize("order", ["fixed", "largest"])
def test_what_repeats_itself_for_ever_is_called_a_cycle(order):
    run = play_shifts(RUNAWAY, rules=ShiftRules(order=order))
    assert run.ending == "cycle" and not run.nash and run.revisits >= 1 and len(run.moves) < 10


def test_random_orders_are_capped_instead_and_revisits_are_counted():
    run = play_shifts(RUNAWAY, rules=ShiftRules(most_moves=50))
    # Together or apart: two partitions, whatever the sites are called.
    assert run.ending == "capped" and len(run.moves) == 50 and run.revisits == 49


def test_a_cap_of_no_moves():
    assert play_shifts(RUNAWAY, rules=ShiftRules(most_moves=0)).ending == "capped"
    stable = play_shifts(SeparableGame([[0.0]]), rules=ShiftRules(most_moves=0))
    assert stable.ending == "stopped" and stable.moves == []


@given(games(kinds=("federated", "free", "one-sided")), st.sampled_from(ORDERS), st.sampled_from(RESPONSES))
@settings(max_examples=100)
def test_the_history_rule_ends_every_game(drawn, order, response):
    game, rng = drawn
    start = random_partition(game, rng)
    rules = ShiftRules(order=order, response=response, history=True, most_moves=100_000)
    run = play_shifts(game, start, rules, rng)
    assert run.ending == "stopped"
    joined = set()
    for move, after in zip(run.moves, replayed(game, start, run)[1:], strict=True):
        members = frozenset(np.flatnonzero(after == move.target))
        place = None if game.alone() is None else move.target
        if move.target != ALONE and len(members) > 1:
            assert (move.player, place, members) not in joined
            joined.add((move.player, place, members))


def test_the_history_rule_may_stop_where_somebody_would_still_gain():
    run = play_shifts(RUNAWAY, rules=ShiftRules(history=True))
    assert run.ending == "stopped" and not run.nash and find_deviation(RUNAWAY, run.partition) is not None


def test_the_same_generator_gives_the_same_run():
    game = random_federated(np.random.default_rng(3), 12, 3)
    runs = [play_shifts(game, rng=np.random.default_rng(5)) for _ in range(2)]
    assert runs[0].moves == runs[1].moves != play_shifts(game, rng=np.random.default_rng(6)).moves


def test_a_start_is_not_changed():
    game, start = random_federated(np.random.default_rng(3), 12, 3), np.zeros(12, int)
    assert play_shifts(game, start).moves and not start.any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"order": "rnadom"}, "order: 'rnadom' is not allowed; .*did you mean 'random'?"),
        ({"response": None}, "response: None is not allowed"),
        ({"least_gain": -1.0}, "least_gain: -1.0 is not allowed; must be at least 0"),
        ({"most_moves": -1}, "most_moves: -1 is not allowed"),
    ],
)
def test_what_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        ShiftRules(**wrong)
