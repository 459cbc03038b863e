"""Movement of users between ingress nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.families import MobilityProcess, register_process

_MOBILITY = "idn_gym.scenarios.processes.mobility"


@dataclass(frozen=True)
class Roaming(MobilityProcess):
    """Users move by Markov chains: at random times, each to a node drawn by the nodes' weights.

    With `nearest` they move between neighbouring nodes. On average, nodes have their shares of the demand.
    """

    users: int = bounded(200, least=1, most=100_000)
    """number of users in the network, all with the same demand"""
    move: float = bounded(0.05, least=0, most=1)
    """probability per slot that a user moves, or with `nearest` attempts to move"""
    nearest: int | None = bounded(None, least=1)
    """number of nearest ingress nodes, by delay, among which a user moves; null: all"""
    kind: Literal["markov"] = "markov"

    @property
    def by_delay(self) -> bool:
        return self.nearest is not None


@dataclass(frozen=True)
class Commute:
    """Every day people travel from some nodes to others and return."""

    homes: tuple[str, ...]
    """ingress nodes, or their tiers, that people leave"""
    works: tuple[str, ...]
    """ingress nodes, or their tiers, that they go to, in proportion to their weights"""
    share: float = bounded(0.5, above=0, most=1)
    """share of the homes' demand that is away at noon; it follows half a sine from `leave` to `back`"""
    leave: float = bounded(0.3, least=0, below=1)
    """share of the day at which the first people leave"""
    back: float = bounded(0.75, above=0, most=1)
    """share of the day at which the last people are back"""
    period: float = bounded(144.0, above=0)
    """[slots] length of a day"""

    def __post_init__(self) -> None:
        if self.back <= self.leave:
            raise ConfigError("back", f"{self.back:g} is not allowed; must be above leave, {self.leave:g}")


@dataclass(frozen=True)
class Commuting(Commute, MobilityProcess):
    """Every day a share of the demand moves from some nodes to others and returns."""

    by_name: ClassVar[bool] = True
    kind: Literal["commute"] = "commute"


register_process(Roaming, f"{_MOBILITY}:draw_roaming")
register_process(Commuting, f"{_MOBILITY}:draw_commuting")
