"""Partitions of players into coalitions, as an array of sites: sums over coalitions, and all partitions."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.checked_arrays import checked_array
from idn_gym.messages import ConfigError, show

ALONE = -1
"""Site of a player that is in no coalition; as an index it means the last column."""

MOST_PARTITIONS = 2_000_000
"""Partitions that are enumerated at most."""


def joined_sums(values: Floats, partition: Ints, sites: Ints) -> Floats:
    """Sums over coalitions that a player is in or would join, itself counted in.

    The same members give the same bits, independent of the moves that led there.

    Args:
        values: (P,) of each player.
        partition: (P,) site of each player, or `ALONE`.
        sites: (S,).

    Returns:
        (P, S).
    """
    total = np.bincount(partition + 1, values, int(sites.max(initial=ALONE)) + 2)[sites + 1]
    return np.asarray(np.where(partition[:, None] == sites, 0.0, values[:, None]) + total)


def coalition_of(partition: Ints, player: int, site: int) -> bytes:
    """Members of a site including the player, as a key."""
    members = partition == site
    members[player] = True
    return np.packbits(members).tobytes()


def first_names(partition: Ints) -> Ints:
    """The same coalitions with sites numbered in the order of their first players.

    Args:
        partition: (P,) without `ALONE`.
    """
    _, first, inverse = np.unique(partition, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse])


def all_partitions(players: int, sites: int, alone: bool) -> Ints:
    """Every partition, one per row.

    Args:
        players: P.
        sites: K.
        alone: whether players may stay alone and sites differ, so that all assignments count; if not, sites
            are alike and as many as players, and each partition comes once (restricted growth strings).

    Returns:
        (n, P), int8 where that holds K; n is (K + 1)^P, or the Bell number of P.

    Raises:
        ConfigError: there are more than `MOST_PARTITIONS`.
    """
    small = np.int8 if sites < np.iinfo(np.int8).max else np.intp
    rows, highest = np.zeros((1, 0), small), np.full(1, -1, small)
    for _ in range(players):
        width = np.full(len(rows), sites + 1) if alone else highest.astype(int) + 2
        if int(width.sum()) > MOST_PARTITIONS:
            raise ConfigError(
                "players",
                f"{show(players)} with {show(sites)} sites is not allowed; must have at most "
                f"{MOST_PARTITIONS:,} partitions to enumerate",
            )
        last = np.arange(int(width.sum())) - np.repeat(np.cumsum(width) - width, width)
        last = (last + (ALONE if alone else 0)).astype(small)
        rows = np.column_stack([np.repeat(rows, width, axis=0), last])
        highest = np.maximum(np.repeat(highest, width), last)
    return rows


def checked_partition(partition: Any, players: int, sites: int, alone: bool) -> Ints:
    """The partition as an array of its own.

    Raises:
        ConfigError: it is not one site per player.
    """
    values, least = checked_array(partition), ALONE if alone else 0
    whole = values.ndim == 1 and len(values) == players and values.dtype.kind in "iu"
    if not whole or np.any(values < least) or np.any(values >= sites):
        raise ConfigError(
            "partition",
            f"{show(partition)} is not allowed; must be {players} whole numbers from {least} to {sites - 1}",
        )
    return values.astype(np.intp)
