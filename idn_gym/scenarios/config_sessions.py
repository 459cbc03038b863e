"""Users who come with a task, stay for a while, and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.config_mobility import Commute
from idn_gym.scenarios.families import PopularityProcess, register_process


@dataclass(frozen=True)
class Sessions(PopularityProcess):
    """The demand of each ingress node is that of a few users, each of whom asks for one task while it stays.

    A user who goes is followed by another one, with a task by the node's own ranking: its places have the
    tasks' shares, and now and then two neighbours change places. With `move` or `commute` users take their
    tasks, and the demand for them, to other nodes; the total of the network stays as it is. With `move` nodes
    have their weights on average, with `commute` while everybody is at home.
    """

    users: int = bounded(6, least=1, most=100_000)
    """at a node at a time, all with the same demand; with `move` on average over the nodes"""
    length: float = bounded(12.0, least=1, most=1e6)
    """[slots] that a user stays on average; geometric"""
    swaps: float = bounded(0.05, least=0, most=1)
    """probability per slot that two neighbours of a node's ranking change places"""
    apart: float = bounded(1.0, least=0, most=1)
    """share of nodes that begin with a ranking of their own; the others begin with the tasks' order"""
    move: float = bounded(0.0, least=0, most=1)
    """probability per slot that a user who stays moves, to a node that is drawn by the nodes' weights; with
    `nearest` that it tries to"""
    nearest: int | None = bounded(None, least=1)
    """users move to one of so many nearest ingress nodes, by delay; null: to any"""
    commute: Commute | None = None
    """users of some nodes, each at its own times, are at a node of others by day, every day the same; with
    `move` it is their homes that move"""
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
