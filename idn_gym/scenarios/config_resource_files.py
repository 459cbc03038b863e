"""Links, compute, memory and outages from a file or a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.families import (
    BackgroundProcess,
    LinkProcess,
    MemoryProcess,
    OutageProcess,
    register_process,
)

_FILES = "idn_gym.scenarios.processes.resource_files"


@dataclass(frozen=True)
class LinkFile(Trace, LinkProcess):
    """Rates of links from a file, by link (``source->target``), by source, or by the source's tier.

    Links without a series keep their nominal rate.
    """

    values: Literal["rates", "shares"] = "rates"
    """meaning of values after multiplication by `factor`: rates in bytes/s, or shares of a link's nominal
    rate"""
    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class BackgroundFile(Trace, BackgroundProcess):
    """Shares of compute that other work takes, from a file, by node or tier; 0 for other nodes."""

    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class MemoryFile(Trace, MemoryProcess):
    """Shares of memory that are left, from a file, by node or tier; 1 for other nodes."""

    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class OutageFile(Trace, OutageProcess):
    """A file says when nodes are down, by node or tier: 1 while down, 0 otherwise; others never are.

    A node is down in slots where the mean is at least 0.5.
    """

    forwards: bool = True
    """whether a node that is down still forwards requests; if not, those that enter at it are dropped"""
    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class Failure:
    """Slots in which a node is down."""

    node: str
    """node, or tier whose nodes are all down"""
    first: int = bounded(least=0)
    """first slot"""
    last: int = bounded(least=0)
    """last slot"""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError("last", f"{self.last} is not allowed; must be at least first, {self.first}")


@dataclass(frozen=True)
class ScheduledOutages(OutageProcess):
    """Nodes are down in the listed slots only; repositories are never down."""

    failures: tuple[Failure, ...]
    """failures; they may overlap"""
    forwards: bool = True
    """whether a node that is down still forwards requests; if not, those that enter at it are dropped"""
    by_name: ClassVar[bool] = True
    kind: Literal["scheduled"] = "scheduled"


register_process(LinkFile, f"{_FILES}:draw_rates_of_file")
register_process(BackgroundFile, f"{_FILES}:draw_background_of_file")
register_process(MemoryFile, f"{_FILES}:draw_memory_of_file")
register_process(OutageFile, f"{_FILES}:draw_outages_of_file")
register_process(ScheduledOutages, f"{_FILES}:draw_scheduled")
