"""Links, compute, memory and outages as a file or a list says."""

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
    """Rates of links come from a file, by link (as ``source->target``), or by its source or the tier of that.

    Links that it does not name keep their nominal rate.
    """

    values: Literal["rates", "shares"] = "rates"
    """what values are once multiplied by `factor`: rates in bytes/s, or shares of a link's nominal rate"""
    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class BackgroundFile(Trace, BackgroundProcess):
    """Shares of compute that other work takes come from a file, by node or tier; 0 for others."""

    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class MemoryFile(Trace, MemoryProcess):
    """Shares of memory that are left come from a file, by node or tier; 1 for others."""

    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class OutageFile(Trace, OutageProcess):
    """A file says when nodes are down, by node or tier: 1 while they are, 0 while not; others never are.

    A slot is down where the mean over it is at least a half.
    """

    forwards: bool = True
    """whether a node that is down still passes requests on; if not, those that enter at it are dropped"""
    kind: Literal["file"] = "file"


@dataclass(frozen=True)
class Failure:
    """Slots in which a node is down."""

    node: str
    """node, or a tier whose nodes are all down"""
    first: int = bounded(least=0)
    """first slot"""
    last: int = bounded(least=0)
    """last slot"""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError("last", f"{self.last} is not allowed; must be at least first, {self.first}")


@dataclass(frozen=True)
class ScheduledOutages(OutageProcess):
    """Nodes are down in the slots that are listed, and in no others; repositories never are."""

    failures: tuple[Failure, ...]
    """they may overlap"""
    forwards: bool = True
    """whether a node that is down still passes requests on; if not, those that enter at it are dropped"""
    by_name: ClassVar[bool] = True
    kind: Literal["scheduled"] = "scheduled"


register_process(LinkFile, f"{_FILES}:draw_rates_of_file")
register_process(BackgroundFile, f"{_FILES}:draw_background_of_file")
register_process(MemoryFile, f"{_FILES}:draw_memory_of_file")
register_process(OutageFile, f"{_FILES}:draw_outages_of_file")
register_process(ScheduledOutages, f"{_FILES}:draw_scheduled")
