"""What nodes harvest, slot by slot: a constant power, the sun on a panel, or what a file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.config_zones import Zone
from idn_gym.scenarios.families import HarvestProcess, register_process

_LAWS = "idn_gym.scenarios.processes.harvest"


@dataclass(frozen=True)
class Sky(Zone):
    """Nodes under a sky of their own, or with panels of their own."""

    watts: float | None = bounded(None, least=0)
    """[W] as that outside; null: the same"""


@dataclass(frozen=True)
class ConstantHarvest(HarvestProcess):
    """Nodes harvest the same at all times."""

    watts: float = bounded(0.01, least=0)
    """[W] that a node harvests"""
    regions: tuple[Sky, ...] = ()
    """nodes that harvest more or less"""
    by_name: ClassVar[bool] = True
    kind: Literal["constant"] = "constant"


@dataclass(frozen=True)
class SolarHarvest(HarvestProcess):
    """A horizontal panel under a clear sky by the time of day, times what passing clouds let through."""

    watts: float = bounded(0.5, least=0)
    """[W] peak of a node's panel: what it gives at 1,000 W/m2"""
    latitude: float = bounded(45.0, least=-90, most=90)
    """[degrees] north"""
    day: float = bounded(80.0, least=1, most=366)
    """of the year, all episode long: 80 is an equinox, 172 and 355 are the solstices"""
    period: float = bounded(144.0, above=0)
    """[slots] of a day"""
    phase: float = bounded(0.0)
    """[1] turns of the day that have passed at slot 0 since 6 in the morning, by the sun"""
    cover: float = bounded(0.5, least=0, most=1)
    """share of the sky that clouds cover, on average"""
    spread: float = bounded(1.5, least=0)
    """how far the cover swings: 0 not at all, 1 all covers are as likely where the mean is 0.5, above 1 it is
    mostly clear or overcast"""
    memory: float = bounded(0.98, least=0, below=1)
    """autocorrelation from slot to slot of the chain behind the cover"""
    clouds: Literal["network", "region", "node"] = "region"
    """who is under the same clouds: all nodes, those of a region, or each node alone"""
    regions: tuple[Sky, ...] = ()
    """nodes in other time zones, under other clouds, or with other panels"""
    by_name: ClassVar[bool] = True
    kind: Literal["solar"] = "solar"


@dataclass(frozen=True)
class HarvestFile(Trace, HarvestProcess):
    """Powers of nodes or tiers come from a file, in W once multiplied by `factor`; others harvest nothing."""

    kind: Literal["file"] = "file"


register_process(ConstantHarvest, f"{_LAWS}:draw_constant_harvest")
register_process(SolarHarvest, f"{_LAWS}:draw_sun")
register_process(HarvestFile, f"{_LAWS}:draw_harvest_of_file")
