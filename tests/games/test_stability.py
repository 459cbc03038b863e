"""Kinds of stability, against their definitions."""

import numpy as np
import pytest
from hypothesis import given

from idn_gym.games.hedonic import SeparableGame, player_costs
from idn_gym.games.partitions import ALONE
from idn_gym.games.stability import is_stable
from tests.random_games import games, random_partition

KINDS = ("nash", "individual", "contractual")


def breaks(game, partition, player, target, kind):
    """Whether this move breaks the stability, as the definition says."""
    moved = partition.copy()
    moved[player] = target
    before, after = player_costs(game, partition), player_costs(game, moved)
    asked = {"nash": [], "individual": [target], "contractual": [target, partition[player]]}[kind]
    members = [
        i for i in range(game.players) if i != player and partition[i] in asked and partition[i] != ALONE
    ]
    return after[player] < before[player] - 1e-9 and all(after[i] <= before[i] + 1e-9 for i in members)


@given(games(most=5))
def test_kinds_are_as_defined_and_nest(drawn):
    game, rng = drawn
    partition = random_partition(game, rng)
    targets = range(0 if game.alone() is None else ALONE, game.sites)
    found = []
    for kind in KINDS:
        broken = any(
            breaks(game, partition, player, target, kind)
            for player in range(game.players)
            for target in targets
        )
        found.append(is_stable(game, partition, kind))
        assert found[-1] == (not broken)
    assert found == sorted(found)  # Nash implies individual implies contractual


@pytest.mark.parametrize(
    ("weights", "partition", "stable"),
    [
        # Both like to be together.
        ([[0, 1], [1, 0]], [0, 1], {"nash": False, "individual": False, "contractual": False}),
        # Player 0 would join player 1, whom that would harm.
        ([[0, 1], [-1, 0]], [0, 1], {"nash": False, "individual": True, "contractual": True}),
        # Player 1 would leave, which would harm player 0.
        ([[0, 1], [-1, 0]], [0, 0], {"nash": False, "individual": False, "contractual": True}),
        ([[0, 1], [1, 0]], [0, 0], {"nash": True, "individual": True, "contractual": True}),
    ],
)
def test_two_players_by_hand(weights, partition, stable):
    game = SeparableGame(weights)
    assert {kind: is_stable(game, np.array(partition), kind) for kind in KINDS} == stable
