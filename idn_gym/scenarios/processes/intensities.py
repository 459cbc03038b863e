"""What a kilowatt-hour costs and emits at each node in each slot, and what requests come to by it.

Energy on a link counts at the node that sends: it is the sender's radio where a link has one, and the only
end that is known to take part where it is a network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.objective_records import JOULES_PER_KWH, Charges
from idn_gym.scenarios.config_intensity import (
    CarbonFile,
    ConstantCarbon,
    ConstantPrice,
    DailyCarbon,
    DailyPrice,
    MeanCarbon,
    MeanPrice,
    PriceFile,
    Region,
)
from idn_gym.scenarios.families import run_process
from idn_gym.scenarios.processes.markov import ar1
from idn_gym.scenarios.processes.traces import draw_trace
from idn_gym.scenarios.spans import Span

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


class Places(NamedTuple):
    """What a process may know of the nodes."""

    nodes: tuple[str, ...]  # names
    tiers: tuple[str, ...]  # of each node
    slot_seconds: float  # [s] length of a slot


def price_charges(compiled: Compiled, span: Span) -> tuple[Charges, Any]:
    """What requests and idle power cost [EUR]."""
    return _charges(compiled, compiled.scenario.dynamics.energy_price, span)


def carbon_charges(compiled: Compiled, span: Span) -> tuple[Charges, Any]:
    """What requests and idle power emit [g CO2e]."""
    return _charges(compiled, compiled.scenario.dynamics.carbon, span)


def check_intensities(compiled: Compiled) -> None:
    """See that regions name nodes of the scenario and files can be played, whether or not an objective asks.

    Raises:
        ConfigError: a region names no node or tier, or a node is in two; or a file cannot be read, or has no
            series for a node.
    """
    for process in (compiled.scenario.dynamics.energy_price, compiled.scenario.dynamics.carbon):
        if isinstance(process, (MeanPrice, MeanCarbon)):
            _spread(process, _places(compiled))
        elif isinstance(process, (PriceFile, CarbonFile)):
            draw_file(
                process, _places(compiled), Span(0, 1, compiled.scenario.horizon, np.random.default_rng(0))
            )


def _places(compiled: Compiled) -> Places:
    return Places(compiled.names.nodes, compiled.names.tiers, compiled.tables.slot_seconds)


def _charges(compiled: Compiled, process: Any, span: Span) -> tuple[Charges, Any]:
    tables, places = compiled.tables, _places(compiled)
    drawn, state = run_process(process, places, len(places.nodes), span)
    per_joule: Floats = np.asarray(drawn, float) / JOULES_PER_KWH
    idle = tables.node_idle_watts * tables.slot_seconds
    charges = Charges(
        second=per_joule * tables.node_watts,
        byte=per_joule[:, compiled.link_ends[:, 0]] * tables.link_joules,
        slot=(per_joule * idle).sum(axis=1),
    )
    return charges, state


def draw_constant(process: ConstantPrice | ConstantCarbon, places: Places, span: Span) -> tuple[Floats, Any]:
    """The same per kWh (T, N) in every slot."""
    mean, _, _ = _spread(process, places)
    return np.repeat(mean[None], span.length, axis=0), None


def draw_days(process: DailyPrice | DailyCarbon, places: Places, span: Span) -> tuple[Floats, Any]:
    """Per kWh (T, N): a sine of the time of day, times noise of mean 1, which the nodes of a region share."""
    mean, phase, grid = _spread(process, places)
    x = ar1(span.rng.standard_normal(span.shape(len(places.nodes))), process.memory, span.state)
    turns = span.slots / process.period + phase
    wave = 1.0 + process.amplitude * np.sin(2.0 * np.pi * turns)
    noise: Floats = np.exp(process.sigma * x - process.sigma**2 / 2)[:, grid]
    return mean * wave * noise, x[-1].copy()


def draw_file(process: PriceFile | CarbonFile, places: Places, span: Span) -> tuple[Floats, Any]:
    """Per kWh (T, N), as the file says of a node, or else of its tier."""
    named = replace(
        span, names=tuple(zip(places.nodes, places.tiers, strict=True)), slot_seconds=places.slot_seconds
    )
    return draw_trace(process, _key(process), named, least=0.0)


def _key(process: Any) -> str:
    """The key of the configuration below which the process stands."""
    return str(process.kinds.key).removesuffix(".kind")


def _spread(process: Any, places: Places) -> tuple[Floats, Floats, Ints]:
    """Mean, phase and grid (N,) of each node; a grid is called after its first node."""
    count = len(places.nodes)
    mean, phase, region = np.full(count, float(process.mean)), np.zeros(count), np.full(count, -1)
    for i, named in enumerate(process.regions):
        mine = _members(named, places, f"{_key(process)}.regions.{i}.nodes")
        double = mine[region[mine] >= 0]
        if double.size:
            name = show(places.nodes[double[0]])
            raise ConfigError(f"{_key(process)}.regions.{i}.nodes", f"{name} is in a region above already")
        region[mine] = i
        phase[mine] = named.phase
        if named.mean is not None:
            mean[mine] = named.mean
    _, first, of_node = np.unique(region, return_index=True, return_inverse=True)
    return mean, phase, first[of_node]


def _members(region: Region, places: Places, key: str) -> Ints:
    """The nodes that a region names, by their own name or that of their tier."""
    known = sorted({*places.nodes, *places.tiers})
    for name in region.nodes:
        if name not in known:
            raise ConfigError(key, f"{show(name)} is no node or tier; {closest(name, known)}")
    pairs = zip(places.nodes, places.tiers, strict=True)
    return np.flatnonzero([node in region.nodes or tier in region.nodes for node, tier in pairs])
