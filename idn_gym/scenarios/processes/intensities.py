"""Price and emissions of a kilowatt-hour at each node in each slot, and the resulting charges of requests.

Energy on a link counts at the node that sends: it is the sender's radio where a link has one, and the only
end that is known to take part where it is a network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.objective_records import JOULES_PER_KWH, Charges
from idn_gym.scenarios.config_intensity import (
    CarbonFile,
    ConstantCarbon,
    ConstantPrice,
    DailyCarbon,
    DailyPrice,
    PriceFile,
)
from idn_gym.scenarios.families import key_of, run_process
from idn_gym.scenarios.processes.markov import ar1
from idn_gym.scenarios.processes.named_things import spread_regions
from idn_gym.scenarios.processes.traces import draw_trace
from idn_gym.scenarios.spans import Span

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled


def price_charges(compiled: Compiled, span: Span) -> tuple[Charges, Any]:
    """Charges of requests and idle power [EUR]."""
    return _charges(compiled, compiled.scenario.dynamics.energy_price, span)


def carbon_charges(compiled: Compiled, span: Span) -> tuple[Charges, Any]:
    """Emissions of requests and idle power [g CO2e]."""
    return _charges(compiled, compiled.scenario.dynamics.carbon, span)


def _charges(compiled: Compiled, process: Any, span: Span) -> tuple[Charges, Any]:
    tables, nodes = compiled.tables, len(compiled.names.nodes)
    drawn, state = run_process(process, nodes, nodes, replace(span, names=compiled.names.of_nodes))
    per_joule: Floats = np.asarray(drawn, float) / JOULES_PER_KWH
    idle = (tables.node_idle_watts + tables.node_context_watts) * tables.slot_seconds
    charges = Charges(
        second=per_joule * tables.node_watts,
        byte=per_joule[:, compiled.link_ends[:, 0]] * tables.link_joules,
        slot=(per_joule * idle).sum(axis=1),
    )
    return charges, state


def draw_constant(process: ConstantPrice | ConstantCarbon, nodes: int, span: Span) -> tuple[Floats, Any]:
    """The same per kWh (T, N) in every slot."""
    mean, _, _ = spread_regions(process, "mean", span.names)
    return np.repeat(mean[None], span.length, axis=0), None


def draw_days(process: DailyPrice | DailyCarbon, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Per kWh (T, N): a sine of the time of day, times noise of mean 1, which the nodes of a region share."""
    mean, phase, grid = spread_regions(process, "mean", span.names)
    x = ar1(span.rng.standard_normal(span.shape(nodes)), process.memory, span.state)
    turns = span.slots / process.period + phase
    wave = 1.0 + process.amplitude * np.sin(2.0 * np.pi * turns)
    noise: Floats = np.exp(process.sigma * x - process.sigma**2 / 2)[:, grid]
    return mean * wave * noise, x[-1].copy()


def draw_file(process: PriceFile | CarbonFile, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Per kWh (T, N), as the file says of a node, or else of its tier."""
    return draw_trace(process, key_of(type(process)), span, least=0.0)
