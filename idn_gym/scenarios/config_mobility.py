"""Users who move between ingress nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.families import MobilityProcess, register_process

_MOBILITY = "idn_gym.scenarios.processes.mobility"


@dataclass(frozen=True)
class Roaming(MobilityProcess):
    """Users move by Markov chains: now and then, each to a node that is drawn by the nodes' weights.

    With `nearest` they move between nodes that are near each other. Nodes have their shares on average.
    """

    users: int = bounded(200, least=1, most=100_000)
    """in the network, all with the same demand"""
    move: float = bounded(0.05, least=0, most=1)
    """probability per slot that a user moves, or with `nearest` tries to"""
    nearest: int | None = bounded(None, least=1)
    """users move to one of so many nearest ingress nodes, by delay; null: to any"""
    kind: Literal["markov"] = "markov"

    @property
    def by_delay(self) -> bool:
        return self.nearest is not None


@dataclass(frozen=True)
class Commute:
    """Every day people go from some nodes to others and come back."""

    homes: tuple[str, ...]
    """ingress nodes, or their tiers, that people leave"""
    works: tuple[str, ...]
    """ingress nodes, or their tiers, that they go to, in proportion to their weights"""
    share: float = bounded(0.5, above=0, most=1)
    """of the homes' demand that is away at noon, by half a sine from `leave` to `back`"""
    leave: float = bounded(0.3, least=0, below=1)
    """share of the day at which the first ones go"""
    back: float = bounded(0.75, above=0, most=1)
    """share of the day at which the last ones are back"""
    period: float = bounded(144.0, above=0)
    """[slots] of a day"""

    def __post_init__(self) -> None:
        if self.back <= self.leave:
            raise ConfigError("back", f"{self.back:g} is not allowed; must be above leave, {self.leave:g}")


@dataclass(frozen=True)
class Commuting(Commute, MobilityProcess):
    """Every day a share of the demand goes from some nodes to others and comes back."""

    by_name: ClassVar[bool] = True
    kind: Literal["commute"] = "commute"


register_process(Roaming, f"{_MOBILITY}:draw_roaming")
register_process(Commuting, f"{_MOBILITY}:draw_commuting")
