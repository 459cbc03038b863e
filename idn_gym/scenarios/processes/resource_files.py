"""How resources move where a file or a list says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Bools, Floats
from idn_gym.scenarios.config_resource_files import (
    BackgroundFile,
    LinkFile,
    MemoryFile,
    OutageFile,
    ScheduledOutages,
)
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.processes.traces import draw_trace
from idn_gym.scenarios.spans import Span


def draw_rates_of_file(process: LinkFile, nominal: Floats, span: Span) -> tuple[Floats, Any]:
    """Rates (T, E) [bytes/s]."""
    relative = process.values == "shares"
    unnamed = np.ones(nominal.size) if relative else nominal
    drawn, start = draw_trace(process, "dynamics.link", span, 0.0, unnamed)
    return drawn * nominal if relative else drawn, start


def draw_background_of_file(process: BackgroundFile, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Shares (T, N) of compute that other work takes."""
    return _draw_shares(process, "dynamics.background", span, np.zeros(nodes))


def draw_memory_of_file(process: MemoryFile, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Shares (T, N) of memory that are left."""
    return _draw_shares(process, "dynamics.memory", span, np.ones(nodes))


def draw_outages_of_file(process: OutageFile, nodes: int, span: Span) -> tuple[Bools, Any]:
    """Which nodes are down, (T, N)."""
    drawn, start = _draw_shares(process, "dynamics.outages", span, np.zeros(nodes))
    return drawn >= 0.5, start


def _draw_shares(trace: Trace, key: str, span: Span, unnamed: Floats) -> tuple[Floats, Any]:
    """Values that may not be above 1, as those of a log in per cent would be.

    Raises:
        ConfigError: they are; or see `draw_trace`.
    """
    drawn, start = draw_trace(trace, key, span, 0.0, unnamed)
    if drawn.max(initial=0.0) > 1.0 + 1e-9:  # products round
        raise ConfigError(
            f"{key}.factor",
            f"{trace.factor:g} is not allowed; {show(trace.path)} comes to {drawn.max():g} with it, and "
            "shares must be at most 1; 0.01 makes shares of per cent",
        )
    return drawn, start


def draw_scheduled(process: ScheduledOutages, nodes: int, span: Span) -> tuple[Bools, None]:
    """Which nodes are down, (T, N).

    Raises:
        ConfigError: a failure of no node or tier.
    """
    known = sorted({name for names in span.names for name in names})
    down = np.zeros(span.shape(nodes), np.bool_)
    for i, failure in enumerate(process.failures):
        mine = np.array([failure.node in names for names in span.names])
        if not mine.any():
            key = f"dynamics.outages.failures.{i}.node"
            raise ConfigError(key, f"{show(failure.node)} is no node or tier; {closest(failure.node, known)}")
        during = (span.slots >= failure.first) & (span.slots <= failure.last)
        down |= during & mine
    return down, None
