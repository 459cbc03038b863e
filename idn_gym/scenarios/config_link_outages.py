"""Links that fail and return, whatever their rates do meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.families import LinkOutageProcess, register_process

_LAWS = "idn_gym.scenarios.processes.link_outages"


@dataclass(frozen=True)
class LinkOutages(LinkOutageProcess):
    """Links fail now and then: up and down times are geometric."""

    mean_up: float = bounded(200.0, least=1)
    """[slots] from the end of an outage to the next one"""
    mean_down: float = bounded(10.0, least=1)
    """[slots] that an outage lasts"""
    links: tuple[str, ...] = ()
    """those that fail, as ``source->target``, or by their sources or the tiers of these; none: all"""
    both: bool = False
    """whether a link and the one back fail together"""
    by_name: ClassVar[bool] = True
    kind: Literal["two_state"] = "two_state"


@dataclass(frozen=True)
class LinkFailure:
    """Slots in which a link is down."""

    link: str
    """as ``source->target``; or a node, or a tier, whose uplinks are all down"""
    first: int = bounded(least=0)
    """first slot"""
    last: int = bounded(least=0)
    """last slot"""
    both: bool = False
    """whether the links back are down, too"""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError("last", f"{self.last} is not allowed; must be at least first, {self.first}")


@dataclass(frozen=True)
class ScheduledLinkOutages(LinkOutageProcess):
    """Links are down in the slots that are listed, and in no others."""

    failures: tuple[LinkFailure, ...]
    """they may overlap"""
    by_name: ClassVar[bool] = True
    kind: Literal["scheduled"] = "scheduled"


@dataclass(frozen=True)
class LinkOutageFile(Trace, LinkOutageProcess):
    """A file says when links are down, by name as in `LinkFile`: 1 while they are, 0 while not.

    They are down in slots where the mean is at least a half; links without a series never are.
    """

    kind: Literal["file"] = "file"


register_process(LinkOutages, f"{_LAWS}:draw_link_outages")
register_process(ScheduledLinkOutages, f"{_LAWS}:draw_scheduled_links")
register_process(LinkOutageFile, f"{_LAWS}:draw_link_outages_of_file")
