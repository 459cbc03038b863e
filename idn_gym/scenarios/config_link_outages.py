"""Outages of links, independent of the processes of their rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.families import LinkOutageProcess, register_process

_LAWS = "idn_gym.scenarios.processes.link_outages"


@dataclass(frozen=True)
class LinkOutages(LinkOutageProcess):
    """Links fail at random times: up and down times are geometric."""

    mean_up: float = bounded(200.0, least=1)
    """[slots] from the end of an outage to the next one"""
    mean_down: float = bounded(10.0, least=1)
    """[slots] that an outage lasts"""
    links: tuple[str, ...] = ()
    """links that fail, as ``source->target``, or by their source or its tier; empty: all"""
    both: bool = False
    """whether a link and its reverse link fail together"""
    by_name: ClassVar[bool] = True
    kind: Literal["two_state"] = "two_state"


@dataclass(frozen=True)
class LinkFailure:
    """Slots in which a link is down."""

    link: str
    """``source->target``; or a node or tier, whose uplinks are all down"""
    first: int = bounded(least=0)
    """first slot"""
    last: int = bounded(least=0)
    """last slot"""
    both: bool = False
    """whether the reverse links are down too"""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError("last", f"{self.last} is not allowed; must be at least first, {self.first}")


@dataclass(frozen=True)
class ScheduledLinkOutages(LinkOutageProcess):
    """Links are down in the listed slots only."""

    failures: tuple[LinkFailure, ...]
    """failures; they may overlap"""
    by_name: ClassVar[bool] = True
    kind: Literal["scheduled"] = "scheduled"


@dataclass(frozen=True)
class LinkOutageFile(Trace, LinkOutageProcess):
    """A file says when links are down, by name as in `LinkFile`: 1 while down, 0 otherwise.

    A link is down in slots where the mean is at least 0.5; links without a series are never down.
    """

    kind: Literal["file"] = "file"


register_process(LinkOutages, f"{_LAWS}:draw_link_outages")
register_process(ScheduledLinkOutages, f"{_LAWS}:draw_scheduled_links")
register_process(LinkOutageFile, f"{_LAWS}:draw_link_outages_of_file")
