"""Harvest of nodes in each slot, for batteries; the entry point is `draw_harvest`.

The power of a panel is its peak times the irradiance of a horizontal plane over 1,000 W/m2. Under a clear
sky that is the model of Haurwitz (Journal of Meteorology 2, 1945; coefficients as in pvlib),
1098 s exp(-0.059 / s) W/m2 with s the sine of the sun's elevation. A share n of the sky under clouds leaves
1 - 0.75 n^3.4 of it (Kasten, Czeplak. Solar Energy 24, 1980). Temperature, tilt and snow are left out.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.scenarios.config_harvest import ConstantHarvest, HarvestFile, SolarHarvest
from idn_gym.scenarios.families import HarvestProcess, draw_process
from idn_gym.scenarios.processes.markov import ar1
from idn_gym.scenarios.processes.named_things import ColumnNames, spread_regions
from idn_gym.scenarios.processes.traces import draw_trace
from idn_gym.scenarios.spans import Span, SpanDrawer

MOMENTS = 8
"""Times within a slot at which the sun is looked at."""

_erfc = np.frompyfunc(math.erfc, 1, 1)


def draw_harvest(
    process: HarvestProcess | None, nodes: int, drawer: SpanDrawer, names: ColumnNames = ()
) -> Floats:
    """Draw what every node harvests in the slots of a span.

    Args:
        process: of the scenario, or None where nothing is harvested.
        nodes: N.
        drawer: of the span.
        names: (N,) of the nodes.

    Returns:
        (T, N) [J].
    """
    if process is None:
        return np.zeros(drawer.shape(nodes))
    return draw_process(drawer, process, nodes, names)


def draw_constant_harvest(process: ConstantHarvest, nodes: int, span: Span) -> tuple[Floats, None]:
    """The same joules (T, N) in every slot."""
    watts, _, _ = spread_regions(process, "watts", span.names)
    return np.repeat(watts[None] * span.slot_seconds, span.length, axis=0), None


def draw_sun(process: SolarHarvest, nodes: int, span: Span) -> tuple[Floats, Floats]:
    """Joules (T, N) of panels, and the last values (N,) of the chains behind the clouds."""
    watts, phase, region = spread_regions(process, "watts", span.names)
    sky = {"network": np.zeros_like(region), "region": region, "node": np.arange(nodes)}[process.clouds]
    x = ar1(span.rng.standard_normal(span.shape(nodes)), process.memory, span.state)
    own, of_node = np.unique(sky, return_inverse=True)
    through = 1.0 - 0.75 * cloud_cover(x[:, own], process.cover, process.spread) ** 3.4
    phases, when = np.unique(phase, return_inverse=True)
    moments = span.slots + (np.arange(MOMENTS) + 0.5) / MOMENTS
    turns = moments[:, :, None] / process.period + process.phase + phases
    clear: Floats = clear_sky(turns, process.latitude, process.day).mean(axis=1)
    return watts * span.slot_seconds * clear[:, when] * through[:, of_node], x[-1].copy()


def draw_harvest_of_file(process: HarvestFile, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Joules (T, N), of powers that a file holds."""
    drawn, start = draw_trace(process, "dynamics.harvest", span, 0.0, np.zeros(nodes))
    return drawn * span.slot_seconds, start


def clear_sky(turns: Floats, latitude: float, day: float) -> Floats:
    """Irradiance of a horizontal plane under a clear sky, in 1,000 W/m2.

    The sun's declination is that of Cooper, 23.45 degrees x sin(2 pi (284 + day) / 365).

    Args:
        turns: time of day since 6 in the morning [1].
        latitude: [degrees] north.
        day: of the year.
    """
    north, tilt = math.radians(latitude), math.radians(23.45) * math.sin(math.tau * (284 + day) / 365)
    height = math.sin(north) * math.sin(tilt) + math.cos(north) * math.cos(tilt) * np.sin(math.tau * turns)
    up = np.maximum(height, 1e-9)
    return np.where(height > 0.0, 1.098 * up * np.exp(-0.059 / up), 0.0)


def cloud_cover(x: Floats, mean: float, spread: float) -> Floats:
    """Share of the sky under clouds, Phi(m + spread x), whose mean over standard normal x is `mean`."""
    if mean in (0.0, 1.0):
        return np.full(x.shape, mean)
    middle = math.sqrt(1.0 + spread**2) * NormalDist().inv_cdf(mean)
    return np.asarray(_erfc(-(middle + spread * x) / math.sqrt(2.0)), float) / 2.0
