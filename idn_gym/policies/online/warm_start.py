"""Where the fractions of mirror ascent start: even, from a placement, or from what was learnt before.

The start is P(t w + (1 - t) e): e is the fraction b / S everywhere, w what is taken over, t `trust` and P the
projection of the mirror (`optimum/projection.py`). The even part keeps every fraction away from 0, from where
steps in the entropy geometry take long to come back. A bound of `oga` has the diameter in it, whatever the
start; those of the entropy geometry have the distance from an even one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Bools, Floats, Ints, Residents, Tables
from idn_gym.core.geometry import covers
from idn_gym.policies.online.learner import OnlineConfig

Start = Literal["even", "static-greedy", "last", "peers"]
EVEN: Start = "even"
GREEDY: Start = "static-greedy"
LAST: Start = "last"
OTHER_NODES: Start = "peers"


@dataclass(frozen=True)
class WarmStartConfig(OnlineConfig):
    """Where an episode starts."""

    start: Start = EVEN
    """fractions before the first slot; even: the same everywhere in a node; static-greedy: from the placement
    of that policy; last: from the end of the last episode that the row has played; peers: from the mean of
    the other nodes at that end, where these may hold the same segment"""
    trust: float = bounded(0.9, least=0, below=1)
    """weight of what is taken over; the rest is even"""


class Columns(NamedTuple):
    """What there are fractions of; the first fields of `Prefixes` and of `Pieces`."""

    node: Ints  # (I,)
    model: Ints  # (I,)
    segment: Ints  # (I,)


class WarmStart:
    """What rows of one mirror start from, before it is projected.

    Attributes:
        fractions: (B, I) the starts.
    """

    def __init__(
        self, rows: int, even: Floats, config: WarmStartConfig, columns: Columns, held: Floats
    ) -> None:
        """Every row starts even, or from a placement.

        Args:
            rows: B.
            even: (I,) the fractions that are alike in a node.
            config: what is taken over.
            columns: of which there are fractions.
            held: (I,) 1 for columns that the placement holds; read with "static-greedy" alone.
        """
        self._even, self._config = even, config
        self.fractions = np.repeat(even[None], rows, axis=0)
        self._peers = _peer_means(columns) if config.start == OTHER_NODES else None
        if config.start == GREEDY:
            self._take(np.ones(rows, np.bool_), np.repeat(held[None], rows, axis=0))

    def take_over(self, rows: Bools, learnt: Floats) -> None:
        """Set the marked rows from the fractions (B, I) that they have come to; only "last" and "peers" do.

        Args:
            rows: (B,) rows that have learnt anything and start again.
            learnt: (B, I) fractions at the end of their episode.
        """
        if self._config.start == LAST:
            self._take(rows, learnt)
        elif self._peers is not None:
            mean = learnt @ self._peers
            self._take(rows, np.where(self._peers.any(axis=0), mean, self._even))

    def _take(self, rows: Bools, learnt: Floats) -> None:
        trust = self._config.trust
        self.fractions[rows] = trust * learnt[rows] + (1.0 - trust) * self._even


def held_columns(tables: Tables, columns: Columns, placement: Residents) -> Floats:
    """(I,) 1 for the columns that a placement (N, M) holds, alone or as part of a longer segment."""
    own = placement[columns.node, columns.model].astype(np.int64)
    return np.asarray(covers(tables, own, columns.segment), np.float64)


def _peer_means(columns: Columns) -> Floats:
    """(I, I) weights; column i averages the columns of the same segment at other nodes, 0 without any."""
    alike = columns.segment[:, None] == columns.segment
    alike &= columns.node[:, None] != columns.node
    found: Floats = alike / np.maximum(1, alike.sum(axis=0))
    return found
