"""Games of coalitions, by what a player costs in the coalition at each site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from idn_gym.config_reader import read_value
from idn_gym.core.arrays import Floats, Ints
from idn_gym.games.checked_arrays import checked_numbers
from idn_gym.games.federated_error import FederatedError
from idn_gym.games.partitions import ALONE, checked_partition
from idn_gym.games.shared_radio import SharedRadio
from idn_gym.messages import ConfigError


class CoalitionGame(Protocol):
    """Interface of a game for dynamics, stability and efficiency."""

    @property
    def players(self) -> int:
        """P."""

    @property
    def sites(self) -> int:
        """K."""

    def alone(self) -> Floats | None:
        """(P,) what each player costs outside all sites; it may always go there.

        None: there is no outside. Then sites are alike and as many as players, so that every player finds an
        empty one; partitions are coalitions without a place.
        """

    def joined_costs(self, partition: Ints, sites: Ints) -> Floats:
        """Cost of each player in the coalition at each of the sites, with the player included.

        It depends on the members of that coalition alone, and the same members give the same bits.

        Args:
            partition: (P,) site of each player, or `ALONE`.
            sites: (S,).

        Returns:
            (P, S); inf where a player cannot be.
        """


@runtime_checkable
class WiderGame(CoalitionGame, Protocol):
    """A game in which coalitions do harm each other: what a move changes is more than its two coalitions.

    `joined_costs` then depends on the whole partition, but for where a player cannot be.
    """

    def touched(self, source: int, target: int) -> Ints:
        """Sites whose columns of `choice_costs` may change when a player moves, itself or others counted in.

        Args:
            source: site that the player leaves, or `ALONE`.
            target: site that it goes to, or `ALONE`.
        """

    def present_costs(self, partition: Ints) -> Floats:
        """(P,) what each player costs, to the bit as in `choice_costs`; inf where it cannot be."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FederatedGame:
    """Devices that learn together where they meet: error, and the time that it takes to reach the others.

    A member costs its error plus `weight` times the seconds of `SharedRadio`; alone it costs its own error.
    Without a radio, coalitions have no place and cost nothing but error.

    Raises:
        ConfigError: error and radio are not of the same devices, or the weight is below 0.
    """

    error: FederatedError
    radio: SharedRadio | None = None
    weight: float = 1.0
    """error per second"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", read_value(float, self.weight, "weight", {"least": 0.0}))
        if self.radio is not None and len(self.radio.airtime) != self.players:
            raise ConfigError(
                "radio",
                f"{len(self.radio.airtime)} devices are not allowed; must be the {self.players} of error",
            )

    @property
    def players(self) -> int:
        """P, devices."""
        return len(self.error.samples)

    @property
    def sites(self) -> int:
        """K, gateways; P without a radio."""
        return self.players if self.radio is None else self.radio.airtime.shape[1]

    def alone(self) -> Floats | None:
        """(P,) own error; None without a radio."""
        return None if self.radio is None else self.error.alone()

    def joined_costs(self, partition: Ints, sites: Ints) -> Floats:
        """(P, S) error and weighted seconds; see `CoalitionGame`."""
        cost = self.error.together(partition, sites)
        if self.radio is None:
            return cost
        reached = np.isfinite(self.radio.airtime[:, sites])
        seconds = np.where(reached, self.radio.seconds(partition, sites), 0.0)
        return np.asarray(np.where(reached, cost + self.weight * seconds, np.inf))


@dataclass(frozen=True, eq=False)
class SeparableGame:
    """Additively separable: a player costs minus the sum of what the others of its coalition are worth to it.

    With symmetric weights `potential` changes by exactly what the mover gains, so moves that gain end.

    Raises:
        ConfigError: weights that are no finite square matrix with zeros on its diagonal.
    """

    weights: Floats
    """(P, P) what each player (row) gains from each other one (column)"""

    def __post_init__(self) -> None:
        weights = checked_numbers("weights", self.weights, (None, None))
        if weights.shape[0] != weights.shape[1] or np.any(np.diag(weights) != 0.0):
            raise ConfigError(
                "weights",
                f"shape {weights.shape} is not allowed; must be a square matrix with zeros on its diagonal",
            )
        object.__setattr__(self, "weights", weights)

    @property
    def players(self) -> int:
        """P."""
        return len(self.weights)

    @property
    def sites(self) -> int:
        """As many sites as players, all identical."""
        return len(self.weights)

    def alone(self) -> None:
        """There is no outside: an empty site is."""

    def joined_costs(self, partition: Ints, sites: Ints) -> Floats:
        """(P, S) minus the weights to members; see `CoalitionGame`."""
        columns = [-self.weights[:, partition == site].sum(axis=1) for site in sites]
        return np.stack(columns, axis=1) if columns else np.zeros((self.players, 0))

    def potential(self, partition: Ints) -> float:
        """Sum of weights over pairs that are together.

        Raises:
            ConfigError: weights are not symmetric, so there is no such potential.
        """
        if not np.array_equal(self.weights, self.weights.T):
            raise ConfigError("weights", "these are not symmetric; only symmetric ones have a potential")
        together = partition[:, None] == partition
        return float(np.where(together, self.weights, 0.0).sum() / 2.0)


def all_alone(game: CoalitionGame) -> Ints:
    """The partition with every player alone; if reaching a site has a cost, it is Nash stable."""
    return np.arange(game.players) if game.alone() is None else np.full(game.players, ALONE)


def nearest_sites(game: CoalitionGame) -> Ints:
    """The partition with every player where it would cost least if no other player were at any site.

    That is the nearest gateway, the first of several; alone is only who reaches none.
    """
    start = all_alone(game)
    if game.alone() is None:
        return start
    costs = game.joined_costs(start, np.arange(game.sites))
    return np.asarray(np.where(np.isfinite(costs).any(axis=1), np.argmin(costs, axis=1), ALONE))


def read_partition(game: CoalitionGame, partition: Ints) -> Ints:
    """A partition of this game, as an array of its own.

    Raises:
        ConfigError: it is not one site per player, or a player is at a site that is not allowed.
    """
    read = checked_partition(partition, game.players, game.sites, game.alone() is not None)
    lost = np.flatnonzero(~np.isfinite(player_costs(game, read)))
    if len(lost):
        raise ConfigError(
            "partition",
            f"{read[lost[0]]} is not allowed; must be a site that player {lost[0]} reaches",
        )
    return read


def choice_costs(game: CoalitionGame, partition: Ints) -> Floats:
    """Cost of each player, at present or if it alone moved, at every site and outside.

    Returns:
        (P, K + 1): the column of its own site holds its present cost, the last one (`ALONE`) what it costs
        alone; inf where it cannot be.
    """
    alone = game.alone()
    outside = np.full(game.players, np.inf) if alone is None else alone
    return np.column_stack([game.joined_costs(partition, np.arange(game.sites)), outside])


def touched_sites(game: CoalitionGame, source: int, target: int) -> Ints:
    """Sites whose columns of `choice_costs` a move changes: the two, unless the game says that more are."""
    if isinstance(game, WiderGame):
        return game.touched(source, target)
    return np.array([site for site in (source, target) if site != ALONE])


def player_costs(game: CoalitionGame, partition: Ints) -> Floats:
    """(P,) what each player costs."""
    if isinstance(game, WiderGame):
        return game.present_costs(partition)
    return np.asarray(choice_costs(game, partition)[np.arange(game.players), partition])


def total_cost(game: CoalitionGame, partition: Ints) -> float:
    """Sum of all players' costs: the partition's social cost."""
    return float(player_costs(game, partition).sum())
