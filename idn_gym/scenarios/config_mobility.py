"""Users who move between ingress nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.families import MobilityProcess, register_process

_MOBILITY = "idn_gym.scenarios.processes.mobility"


@dataclass(frozen=True)
class Roaming(MobilityProcess):
    """Users move by Markov chains: now and then, each to a node that is drawn by the nodes' weights."""

    users: int = bounded(200, least=1, most=100_000)
    """in the network, all with the same demand"""
    move: float = bounded(0.05, least=0, most=1)
    """probability per slot that a user moves"""
    kind: Literal["markov"] = "markov"


@dataclass(frozen=True)
class Commuting(MobilityProcess):
    """Every day a share of the demand goes from some nodes to others and comes back."""

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
    by_name: ClassVar[bool] = True
    kind: Literal["commute"] = "commute"

    def __post_init__(self) -> None:
        if self.back <= self.leave:
            raise ConfigError("back", f"{self.back:g} is not allowed; must be above leave, {self.leave:g}")


register_process(Roaming, f"{_MOBILITY}:draw_roaming")
register_process(Commuting, f"{_MOBILITY}:draw_commuting")
