"""Processes that move the resources of a scenario: link rates, compute, memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.config_intensity import ConstantCarbon, ConstantPrice
from idn_gym.scenarios.families import (
    BackgroundProcess,
    CarbonProcess,
    HarvestProcess,
    LinkOutageProcess,
    LinkProcess,
    MemoryProcess,
    OutageProcess,
    PriceProcess,
    register_process,
)

_RESOURCES = "idn_gym.scenarios.processes.resources"


@dataclass(frozen=True)
class ConstantRate(LinkProcess):
    """Links keep their nominal rate."""

    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True)
class GilbertElliott(LinkProcess):
    """Two-state links: good (nominal rate) and bad (`bad` x nominal)."""

    fail: float = bounded(0.02, above=0, most=1)
    """probability per slot of good to bad"""
    heal: float = bounded(0.1, above=0, most=1)
    """probability per slot of bad to good"""
    bad: float = bounded(0.1, least=0, most=1)
    """rate of a bad link over its nominal rate; 0: the link is down"""
    kind: Literal["gilbert_elliott"] = "gilbert_elliott"


@dataclass(frozen=True)
class Ar1(LinkProcess):
    """Log-rate follows a stationary AR(1) around the nominal rate, mean kept at nominal."""

    memory: float = bounded(0.95, least=0, below=1)
    """autocorrelation from slot to slot"""
    sigma: float = bounded(0.3, least=0, most=3)
    """stationary standard deviation of the log-rate; above 3, rates would be practically 0"""
    kind: Literal["ar1"] = "ar1"


@dataclass(frozen=True)
class Background(BackgroundProcess):
    """Other work takes a share of a node's compute: a stationary AR(1), clipped to [0, 0.95].

    `mean` and `sigma` are those before clipping. Repositories are not affected.
    """

    mean: float = bounded(0.2, least=0, below=1)
    """share of compute taken on average, before clipping"""
    sigma: float = bounded(0.1, least=0)
    """stationary standard deviation of that share, before clipping"""
    memory: float = bounded(0.9, least=0, below=1)
    """autocorrelation from slot to slot"""
    kind: Literal["ar1"] = "ar1"


@dataclass(frozen=True)
class Outages(OutageProcess):
    """Nodes stop computing at random times but keep their memory; repositories never do.

    Where such a node does not forward requests either, its links are down too.
    """

    mean_up: float = bounded(200.0, least=1)
    """[slots] from the end of an outage to the next one"""
    mean_down: float = bounded(10.0, least=1)
    """[slots] that an outage lasts"""
    forwards: bool = True
    """whether a node that is down still forwards requests; if not, those that enter at it are dropped"""
    kind: Literal["two_state"] = "two_state"


@dataclass(frozen=True)
class MemoryPressure(MemoryProcess):
    """Other work takes memory at random times, leaving `left` of it; repositories are not affected."""

    left: float = bounded(0.5, least=0, most=1)
    """share of the memory that is left during memory pressure"""
    mean_full: float = bounded(50.0, least=1)
    """[slots] mean time with the whole memory"""
    mean_shrunk: float = bounded(10.0, least=1)
    """[slots] mean time under memory pressure"""
    kind: Literal["two_state"] = "two_state"


register_process(ConstantRate, f"{_RESOURCES}:draw_steady")
register_process(GilbertElliott, f"{_RESOURCES}:draw_good_and_bad")
register_process(Ar1, f"{_RESOURCES}:draw_swings")
register_process(Background, f"{_RESOURCES}:draw_background")
register_process(Outages, f"{_RESOURCES}:draw_outages")
register_process(MemoryPressure, f"{_RESOURCES}:draw_memory_left")


@dataclass(frozen=True)
class Dynamics:
    """Changes of the resources; processes can be switched on alone or together."""

    link: LinkProcess = field(default_factory=ConstantRate)
    moving_links: tuple[str, ...] = ()
    """catalogue kinds of the links that the link process moves; empty: all"""
    link_outages: LinkOutageProcess | None = None
    """when links are down, independent of the link process"""
    background: BackgroundProcess | None = None
    outages: OutageProcess | None = None
    memory: MemoryProcess | None = None
    device_error: float = bounded(0.0, least=0, most=1)
    """standard deviation of the log of each node's speed error, median 1, drawn once per episode"""
    energy_price: PriceProcess = field(default_factory=ConstantPrice)
    """price of electricity at nodes; used only by the objective price"""
    carbon: CarbonProcess = field(default_factory=ConstantCarbon)
    """emissions of electricity at nodes; used only by the objective carbon"""
    harvest: HarvestProcess | None = None
    """energy that nodes harvest into their batteries; null: none"""
