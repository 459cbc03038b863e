"""Users who arrive with a task, stay for a while, and leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_mobility import Commute
from idn_gym.scenarios.families import PopularityProcess, register_process


@dataclass(frozen=True)
class Sessions(PopularityProcess):
    """The demand of each ingress node comes from a few users, each of whom requests one task while it stays.

    A user who leaves is replaced by another one, with a task from the node's own ranking: ranks have the
    tasks' shares, and at random times two adjacent ranks are swapped. With `move` or `commute`, users take
    their tasks and the demand for them to other nodes; the total of the network does not change. Nodes have
    their weights on average with `move`, and while all users are at home with `commute`.
    """

    users: int = bounded(6, least=1, most=100_000)
    """number of users at a node, all with the same demand; with `move` on average over the nodes"""
    length: float = bounded(12.0, least=1, most=1e6)
    """[slots] mean stay of a user; geometric"""
    swaps: float = bounded(0.05, least=0, most=1)
    """probability per slot that two adjacent ranks of a node are swapped"""
    apart: float = bounded(1.0, least=0, most=1)
    """share of nodes that start with their own ranking; the others start with the tasks' order"""
    move: float = bounded(0.0, least=0, most=1)
    """probability per slot that a staying user moves to a node drawn by the nodes' weights; with `nearest`,
    probability of an attempt"""
    nearest: int | None = bounded(None, least=1)
    """number of nearest ingress nodes, by delay, among which a user moves; null: all"""
    commute: Commute | None = None
    """users of some nodes spend each day at a node of others, each with its own times, the same every day;
    with `move`, their homes move"""
    by_node: ClassVar[bool] = True
    kind: Literal["sessions"] = "sessions"

    def __post_init__(self) -> None:
        if self.nearest is not None and self.move == 0:
            raise ConfigError(
                "nearest", f"{self.nearest} is not allowed; must be null unless move is above 0"
            )

    @property
    def roams(self) -> bool:
        return self.move > 0 or self.commute is not None

    @property
    def by_name(self) -> bool:
        return self.commute is not None

    @property
    def by_delay(self) -> bool:
        return self.nearest is not None


register_process(Sessions, "idn_gym.scenarios.processes.sessions:draw_sessions")
