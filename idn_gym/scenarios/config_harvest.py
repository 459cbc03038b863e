"""Energy that nodes harvest, slot by slot: a constant power, a solar panel, or values from a file."""

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
    """Nodes under their own sky, or with other panels."""

    watts: float | None = bounded(None, least=0)
    """[W] of these nodes; null: the same as elsewhere"""


@dataclass(frozen=True)
class ConstantHarvest(HarvestProcess):
    """Nodes harvest a constant power."""

    watts: float = bounded(0.01, least=0)
    """[W] that a node harvests"""
    regions: tuple[Sky, ...] = ()
    """nodes with another power"""
    by_name: ClassVar[bool] = True
    kind: Literal["constant"] = "constant"


@dataclass(frozen=True)
class SolarHarvest(HarvestProcess):
    """A horizontal panel under a clear sky by the time of day, attenuated by passing clouds."""

    watts: float = bounded(0.5, least=0)
    """[W] peak power of a node's panel, at 1,000 W/m2"""
    latitude: float = bounded(45.0, least=-90, most=90)
    """[degrees] north"""
    day: float = bounded(80.0, least=1, most=366)
    """day of the year for the whole episode: 80 is an equinox, 172 and 355 are the solstices"""
    period: float = bounded(144.0, above=0)
    """[slots] length of a day"""
    phase: float = bounded(0.0)
    """[1] fraction of a day that has passed at slot 0 since 6 in the morning, solar time"""
    cover: float = bounded(0.5, least=0, most=1)
    """mean share of the sky that clouds cover"""
    spread: float = bounded(1.5, least=0)
    """how much the cover varies: 0 is constant; 1 makes all covers equally likely if the mean is 0.5; above 1
    the sky is mostly clear or overcast"""
    memory: float = bounded(0.98, least=0, below=1)
    """autocorrelation of the cover's chain from slot to slot"""
    clouds: Literal["network", "region", "node"] = "region"
    """nodes that share the same clouds: all nodes, those of a region, or each node alone"""
    regions: tuple[Sky, ...] = ()
    """nodes in other time zones, under other clouds, or with other panels"""
    by_name: ClassVar[bool] = True
    kind: Literal["solar"] = "solar"


@dataclass(frozen=True)
class HarvestFile(Trace, HarvestProcess):
    """Powers of nodes or tiers from a file, in W after multiplication by `factor`; others harvest nothing."""

    kind: Literal["file"] = "file"


register_process(ConstantHarvest, f"{_LAWS}:draw_constant_harvest")
register_process(SolarHarvest, f"{_LAWS}:draw_sun")
register_process(HarvestFile, f"{_LAWS}:draw_harvest_of_file")
