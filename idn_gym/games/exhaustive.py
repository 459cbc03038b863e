"""Costs of every coalition for its members, and of every partition; for small games."""

from __future__ import annotations

import math

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.games.hedonic import CoalitionGame, WiderGame, all_alone, choice_costs
from idn_gym.games.partitions import ALONE, MOST_PARTITIONS
from idn_gym.messages import ConfigError, show

MOST_PLAYERS = 14
"""Players of whom all coalitions are listed."""

JUDGED_AT_ONCE = 20_000
"""Number of partitions that are evaluated at a time."""


def members_of(players: int) -> Bools:
    """(2^P, P) members of each coalition; bit i of its number says whether player i is one."""
    return np.asarray((np.arange(2**players)[:, None] >> np.arange(players)) & 1 == 1)


def coalition_costs(game: CoalitionGame) -> Floats:
    """Costs of all players in every coalition with them.

    Returns:
        (K, 2^P, P) by site, or (1, 2^P, P) where sites are alike; members as `members_of` numbers them.

    Raises:
        ConfigError: there are more than `MOST_PLAYERS` players.
    """
    if game.players > MOST_PLAYERS:
        raise ConfigError(
            "players",
            f"{show(game.players)} is not allowed; must be at most {MOST_PLAYERS} to list coalitions",
        )
    sites = 1 if game.alone() is None else game.sites
    costs = np.empty((sites, 2**game.players, game.players))
    for number, members in enumerate(members_of(game.players)):
        for site in range(sites):
            partition = np.where(members, site, ALONE)
            costs[site, number] = game.joined_costs(partition, np.array([site]))[:, 0]
    return costs


def judge_partitions(
    game: CoalitionGame, partitions: Ints, least_gain: float, listed: Floats | None = None
) -> tuple[Floats, Bools]:
    """Costs of partitions, and which are Nash stable.

    Args:
        game: that is played.
        partitions: (n, P).
        least_gain: what a deviation must gain more than.
        listed: what `coalition_costs` gives, where it is known.

    Returns:
        (n,) cost of all players together, inf where a player is at a site that is not allowed; (n,) whether
        it is Nash stable.
    """
    listed = coalition_costs(game) if listed is None else listed
    parts = [
        _judge(game, partitions[first : first + JUDGED_AT_ONCE], least_gain, listed)
        for first in range(0, len(partitions), JUDGED_AT_ONCE)
    ]
    return np.concatenate([cost for cost, _ in parts]), np.concatenate([stable for _, stable in parts])


def judge_wider(game: WiderGame, least_gain: float) -> tuple[Ints, Floats, Bools]:
    """The same of every partition of a game in which a cost depends on all coalitions.

    The costs of all players in every partition are computed first; a move looks up its cost there.

    Returns:
        (n, P) all partitions with every player at an allowed site, (n,) their costs, and (n,) which are Nash
        stable.

    Raises:
        ConfigError: there are more than `MOST_PARTITIONS`.
    """
    reach = [np.flatnonzero(np.isfinite(row)) for row in choice_costs(game, all_alone(game))]
    shape = [len(sites) for sites in reach]
    if math.prod(shape) > MOST_PARTITIONS:
        raise ConfigError(
            "players",
            f"{show(game.players)} with {math.prod(shape):,} partitions is not allowed; must have at most "
            f"{MOST_PARTITIONS:,} to enumerate",
        )
    choices = [np.where(sites == game.sites, ALONE, sites) for sites in reach]
    partitions = np.stack(np.meshgrid(*choices, indexing="ij"), axis=-1).reshape(-1, game.players)
    costs = np.array([game.present_costs(partition) for partition in partitions])
    table, stable = costs.reshape(*shape, game.players), np.ones(len(costs), np.bool_)
    for p in range(game.players):
        least = table[..., p].min(axis=p, keepdims=True) + least_gain
        stable &= (table[..., p] <= least).ravel()
    return partitions, costs.sum(axis=1), stable


def _judge(game: CoalitionGame, partitions: Ints, least_gain: float, listed: Floats) -> tuple[Floats, Bools]:
    players, outside, everyone = game.players, game.alone(), np.arange(game.players)
    bits = 1 << everyone
    alone = np.full(players, np.inf) if outside is None else outside
    present = np.broadcast_to(alone, partitions.shape).copy()
    least = present.copy()
    for site in range(game.sites):
        here = partitions == site
        number = (here * bits).sum(axis=1)  # (n,) the coalition at the site
        joined = listed[min(site, len(listed) - 1), number[:, None] | bits, everyone]  # (n, P)
        present[here] = joined[here]
        least = np.minimum(least, joined)
    cost = present.sum(axis=1)
    # present - least is nan where both are inf, which is no partition of the game anyway
    return cost, np.isfinite(cost) & ~np.any(present > least + least_gain, axis=1)
