"""Shift dynamics: one player after another moves to a coalition in which it costs less.

Where no player gains by a move, the partition is Nash stable. Whether this is reached depends on the
game: with an exact potential always, in general not. So there is a cap on moves, and a history rule that ends
every game, in the spirit of Saad et al. (arXiv 1010.4499, of which we read the abstract): *no player joins a
composition of a coalition that it has joined before*, being alone excepted. There are finitely many
compositions to join, and a player is alone at most once between two of them. To bar compositions that a
player has left would not do: one that the others change is never left.

A move changes two coalitions, so only their two columns of `choice_costs` are computed again, unless the game
says that it touches more (`WiderGame`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np

from idn_gym.config_reader import read_value
from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.hedonic import (
    CoalitionGame,
    choice_costs,
    nearest_sites,
    read_partition,
    touched_sites,
)
from idn_gym.games.partitions import ALONE, coalition_of, first_names
from idn_gym.games.stability import LEAST_GAIN, Deviation
from idn_gym.messages import ConfigError, closest, show

Order = Literal["random", "fixed", "largest"]
Response = Literal["best", "better"]
Ending = Literal["stopped", "capped", "cycle"]

MOVES_PER_CHOICE = 20
"""Cap on moves per player and site, unless a caller says otherwise."""


class ShiftRun(NamedTuple):
    """Result of a run."""

    partition: Ints  # (P,) at its end
    ending: Ending
    """no player moves any more; the cap was reached; or the run is at an earlier state and would repeat for
    ever"""
    nash: bool
    """whether no player gains by a move at its end, without the history rule"""
    moves: list[Deviation]
    cost: Floats  # (moves + 1,) of all players together, before the first move and after each
    revisits: int
    """moves that led to a partition of the run that was there before"""


@dataclass(frozen=True, kw_only=True)
class ShiftRules:
    """Order and targets of moves.

    Raises:
        ConfigError: a rule that there is not, or a number below 0.
    """

    order: Order = "random"
    """of those who gain, a random one; the next one after the last mover; or who gains most"""
    response: Response = "best"
    """to where it gains most, or to a random site where it gains"""
    history: bool = False
    """whether players never join a composition again that they have joined before"""
    least_gain: float = LEAST_GAIN
    """what a move must gain more than, in the unit of costs"""
    most_moves: int | None = None
    """cap; None: `MOVES_PER_CHOICE` per player and site"""

    def __post_init__(self) -> None:
        for key, allowed in (("order", get_args(Order)), ("response", get_args(Response))):
            value = getattr(self, key)
            if value not in allowed:
                raise ConfigError(key, f"{show(value)} is not allowed; {closest(value, allowed)}")
        read_value(float, self.least_gain, "least_gain", {"least": 0.0})
        if self.most_moves is not None:
            read_value(int, self.most_moves, "most_moves", {"least": 0})


def play_shifts(
    game: CoalitionGame,
    start: Ints | None = None,
    rules: ShiftRules | None = None,
    rng: np.random.Generator | None = None,
) -> ShiftRun:
    """Move players until none moves, the run repeats itself, or the cap is reached.

    Args:
        game: that is played.
        start: (P,) first partition; None: that of `nearest_sites`.
        rules: None: random order, best response, no history.
        rng: what random orders and responses are drawn with; None: `default_rng(0)`.

    Raises:
        ConfigError: the start is no partition of the game.
    """
    rules = rules or ShiftRules()
    partition = nearest_sites(game) if start is None else read_partition(game, start)
    run = _Run(game, rules, rng or np.random.default_rng(0), partition)
    most = MOVES_PER_CHOICE * game.players * game.sites if rules.most_moves is None else rules.most_moves
    for _ in range(most):
        move = run.choose()
        if move is None:
            return run.ended("stopped")
        if run.repeats():
            return run.ended("cycle")
        run.make(move)
    return run.ended("stopped" if run.choose() is None else "capped")


@dataclass
class _Run:
    """A run under way."""

    game: CoalitionGame
    rules: ShiftRules
    rng: np.random.Generator
    partition: Ints
    moves: list[Deviation] = field(default_factory=list)
    revisits: int = 0

    def __post_init__(self) -> None:
        self.costs = choice_costs(self.game, self.partition)  # (P, K + 1)
        self.cost = [self._total()]
        self.alike = self.game.alone() is None
        self.been = {self._where()}
        self.turns: set[tuple[bytes, int]] = set()
        self.next = 0  # player whose turn it is in fixed order
        self.joined: list[set[bytes]] = []  # of each player, where the history rule holds
        if self.rules.history:
            self.joined = [set() for _ in range(self.game.players)]
        for player, compositions in enumerate(self.joined):
            compositions.add(self._composition(player, int(self.partition[player])))

    def ended(self, ending: Ending) -> ShiftRun:
        """Result of the run."""
        nash = not np.any(self.gains() > self.rules.least_gain)
        return ShiftRun(self.partition, ending, nash, self.moves, np.array(self.cost), self.revisits)

    def gains(self) -> Floats:
        """(P, K + 1) what each player would gain at each site, and outside."""
        return np.asarray(self._present()[:, None] - self.costs)

    def choose(self) -> Deviation | None:
        """The next move; None if no player moves."""
        gains = self.gains()
        for player in self._in_order(gains.max(axis=1)):
            for column in self._by_response(gains[player]):
                target = ALONE if column == self.game.sites else int(column)
                if not self.rules.history or self._open(player, target):
                    return Deviation(
                        player, int(self.partition[player]), target, float(gains[player, column])
                    )
        return None

    def repeats(self) -> bool:
        """Whether the complete state of the run has occurred before."""
        if self.rules.order == "random" or self.rules.response == "better" or self.rules.history:
            return False
        turn = self.partition.tobytes(), self.next if self.rules.order == "fixed" else 0
        known = turn in self.turns
        self.turns.add(turn)
        return known

    def make(self, move: Deviation) -> None:
        """Move the player."""
        self.partition[move.player] = move.target
        if self.rules.history:
            self.joined[move.player].add(self._composition(move.player, move.target))
        changed = touched_sites(self.game, move.source, move.target)
        self.costs[:, changed] = self.game.joined_costs(self.partition, changed)
        self.next = (move.player + 1) % self.game.players
        self.moves.append(move)
        self.cost.append(self._total())
        where = self._where()
        self.revisits += where in self.been
        self.been.add(where)

    def _in_order(self, best: Floats) -> Iterator[int]:
        """Players who gain, in the order in which they are asked."""
        willing = np.flatnonzero(best > self.rules.least_gain)
        if self.rules.order == "random":
            willing = self.rng.permutation(willing)
        elif self.rules.order == "fixed":
            willing = np.roll(willing, -int(np.searchsorted(willing, self.next)))
        else:
            willing = willing[np.argsort(-best[willing], kind="stable")]
        return map(int, willing)

    def _by_response(self, gains: Floats) -> Ints:
        """Columns where a player gains, in the order in which it wants them."""
        columns = np.flatnonzero(gains > self.rules.least_gain)
        if self.rules.response == "better":
            return self.rng.permutation(columns)
        return np.asarray(columns[np.argsort(-gains[columns], kind="stable")])

    def _open(self, player: int, target: int) -> bool:
        alone = target == ALONE or not np.any(self.partition == target)
        return alone or self._composition(player, target) not in self.joined[player]

    def _composition(self, player: int, site: int) -> bytes:
        """A key for the coalition at a site with the player in it."""
        place = b"" if self.alike else site.to_bytes(4, "little", signed=True)
        return _digest(place + coalition_of(self.partition, player, site))

    def _where(self) -> bytes:
        """A key for the partition; identical sites have no names."""
        return _digest((first_names(self.partition) if self.alike else self.partition).tobytes())

    def _present(self) -> Floats:
        return np.asarray(self.costs[np.arange(self.game.players), self.partition])

    def _total(self) -> float:
        return float(self._present().sum())


def _digest(key: bytes) -> bytes:
    """16 bytes for a key of any length: runs of many players remember thousands."""
    return hashlib.blake2b(key, digest_size=16).digest()
