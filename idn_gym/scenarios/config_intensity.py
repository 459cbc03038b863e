"""Price and emissions of electricity at nodes, for the objectives ``price`` and ``carbon``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import bounded
from idn_gym.objective_records import EUR_PER_KWH, GRAMS_PER_KWH
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.config_zones import Zone
from idn_gym.scenarios.families import CarbonProcess, PriceProcess, register_process

_INTENSITIES = "idn_gym.scenarios.processes.intensities"


@dataclass(frozen=True)
class Region(Zone):
    """Nodes on a grid of their own; all other nodes share one more grid."""

    mean: float | None = bounded(None, least=0)
    """mean of this grid; null: the same as elsewhere"""


@dataclass(frozen=True)
class Days:
    """mean x (1 + amplitude sin(2 pi (t / period + phase))) x exp(sigma x - sigma^2 / 2).

    x is an AR(1) chain of its own per region, and the last factor has mean 1.
    """

    amplitude: float = bounded(0.3, least=0, most=1)
    """[1] amplitude of the sine around the mean"""
    period: float = bounded(144.0, above=0)
    """[slots] length of a day"""
    sigma: float = bounded(0.1, least=0, most=3)
    """stationary standard deviation of the logarithm around the daily course"""
    memory: float = bounded(0.95, least=0, below=1)
    """autocorrelation of that noise from slot to slot"""


@dataclass(frozen=True)
class MeanPrice(PriceProcess):
    """Mean price of electricity, by region."""

    mean: float = bounded(EUR_PER_KWH, least=0)
    """[EUR/kWh] mean"""
    regions: tuple[Region, ...] = ()
    """nodes on other grids, each grid with its own noise"""
    by_name: ClassVar[bool] = True


@dataclass(frozen=True)
class ConstantPrice(MeanPrice):
    """Electricity has a constant price."""

    kind: Literal["constant"] = "constant"


@dataclass(frozen=True)
class DailyPrice(Days, MeanPrice):
    """The price of electricity has a daily course, with noise around it."""

    kind: Literal["daily"] = "daily"


@dataclass(frozen=True)
class PriceFile(Trace, PriceProcess):
    """Prices of electricity from a file, in EUR/kWh after multiplication by `factor`."""

    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class MeanCarbon(CarbonProcess):
    """Mean emissions of electricity, by region."""

    mean: float = bounded(GRAMS_PER_KWH, least=0)
    """[g/kWh] mean, of CO2e"""
    regions: tuple[Region, ...] = ()
    """nodes on other grids, each grid with its own noise"""
    by_name: ClassVar[bool] = True


@dataclass(frozen=True)
class ConstantCarbon(MeanCarbon):
    """Electricity has constant emissions."""

    kind: Literal["constant"] = "constant"


@dataclass(frozen=True)
class DailyCarbon(Days, MeanCarbon):
    """Emissions of electricity have a daily course, with noise around it."""

    kind: Literal["daily"] = "daily"


@dataclass(frozen=True)
class CarbonFile(Trace, CarbonProcess):
    """Carbon intensities of electricity from a file, in g/kWh of CO2e after multiplication by `factor`."""

    kind: Literal["file"] = "file"


register_process(ConstantPrice, f"{_INTENSITIES}:draw_constant")
register_process(DailyPrice, f"{_INTENSITIES}:draw_days")
register_process(PriceFile, f"{_INTENSITIES}:draw_file")
register_process(ConstantCarbon, f"{_INTENSITIES}:draw_constant")
register_process(DailyCarbon, f"{_INTENSITIES}:draw_days")
register_process(CarbonFile, f"{_INTENSITIES}:draw_file")
