"""Changes of resources from a file or a list."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Bools, Floats
from idn_gym.scenarios.config_resource_files import (
    BackgroundFile,
    LinkFile,
    MemoryFile,
    OutageFile,
    ScheduledOutages,
)
from idn_gym.scenarios.processes.named_things import select
from idn_gym.scenarios.processes.traces import draw_shares, draw_trace
from idn_gym.scenarios.spans import Span


def draw_rates_of_file(process: LinkFile, nominal: Floats, span: Span) -> tuple[Floats, Any]:
    """Rates (T, E) [bytes/s]."""
    relative = process.values == "shares"
    unnamed = np.ones(nominal.size) if relative else nominal
    drawn, start = draw_trace(process, "dynamics.link", span, 0.0, unnamed)
    return drawn * nominal if relative else drawn, start


def draw_background_of_file(process: BackgroundFile, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Shares (T, N) of compute that other work takes."""
    return draw_shares(process, "dynamics.background", span, np.zeros(nodes))


def draw_memory_of_file(process: MemoryFile, nodes: int, span: Span) -> tuple[Floats, Any]:
    """Shares (T, N) of memory that are left."""
    return draw_shares(process, "dynamics.memory", span, np.ones(nodes))


def draw_outages_of_file(process: OutageFile, nodes: int, span: Span) -> tuple[Bools, Any]:
    """Nodes that are down, (T, N)."""
    drawn, start = draw_shares(process, "dynamics.outages", span, np.zeros(nodes))
    return drawn >= 0.5, start


def draw_scheduled(process: ScheduledOutages, nodes: int, span: Span) -> tuple[Bools, None]:
    """Nodes that are down, (T, N).

    Raises:
        ConfigError: a failure of no node or tier.
    """
    down = np.zeros(span.shape(nodes), np.bool_)
    for i, failure in enumerate(process.failures):
        mine = select((failure.node,), span.names, f"dynamics.outages.failures.{i}.node")
        during = (span.slots >= failure.first) & (span.slots <= failure.last)
        down |= during & mine
    return down, None
