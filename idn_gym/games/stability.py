"""Stability of partitions: Nash, individual and contractual stability.

A player *deviates* when it moves alone to another coalition or to be alone, and gains. A partition is *Nash
stable* if no player gains so; *individually stable* if each gaining player harms a member of the coalition it
joins; *contractually* (individually) stable if it harms a member of that one or of the one it leaves
(Bogomolnaia and Jackson 2002). The first implies the second, the second the third.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from idn_gym.core.arrays import Ints
from idn_gym.games.hedonic import CoalitionGame, choice_costs, read_partition
from idn_gym.games.partitions import ALONE

Stability = Literal["nash", "individual", "contractual"]

LEAST_GAIN = 1e-9
"""Default minimum gain of a move: above rounding errors of zero."""


class Deviation(NamedTuple):
    """A player that moves alone, and what it gains."""

    player: int
    source: int  # site, or ALONE
    target: int
    gain: float  # in the unit of costs


def find_deviation(
    game: CoalitionGame, partition: Ints, stability: Stability = "nash", least_gain: float = LEAST_GAIN
) -> Deviation | None:
    """The first deviation that breaks the stability, None if there is none.

    Args:
        game: that is played.
        partition: (P,) site of each player, or `ALONE`.
        stability: of which kind.
        least_gain: what a gain must exceed; a member counts as harmed that loses more.

    Raises:
        ConfigError: the partition is not one of the game.
    """
    partition = read_partition(game, partition)
    costs = choice_costs(game, partition)
    gains = costs[np.arange(game.players), partition][:, None] - costs
    for player, column in zip(*np.nonzero(gains > least_gain), strict=True):
        target = ALONE if column == game.sites else int(column)
        found = Deviation(int(player), int(partition[player]), target, float(gains[player, column]))
        if stability == "nash":
            return found
        asked = [target] if stability == "individual" else [target, found.source]
        if not any(_harmed(game, partition, found, site, least_gain) for site in asked):
            return found
    return None


def is_stable(
    game: CoalitionGame, partition: Ints, stability: Stability = "nash", least_gain: float = LEAST_GAIN
) -> bool:
    """Return whether there is no such deviation; see `find_deviation`."""
    return find_deviation(game, partition, stability, least_gain) is None


def _harmed(game: CoalitionGame, partition: Ints, move: Deviation, site: int, least: float) -> bool:
    """Return whether another member of the coalition at a site loses by the player's move."""
    if site == ALONE:
        return False
    others = partition == site
    others[move.player] = False
    moved = partition.copy()
    moved[move.player] = move.target
    before, after = (game.joined_costs(each, np.array([site]))[others, 0] for each in (partition, moved))
    return bool(np.any(after > before + least))
