"""Users of unequal demand who visit nodes of unequal taste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.families import PopularityProcess, register_process


@dataclass(frozen=True)
class Visitors(PopularityProcess):
    """The demand of each ingress node is that of a few users, who ask for one task and differ in how much.

    Once per episode each node draws a taste of its own, a Dirichlet law around the shares of the tasks. A
    user who goes is followed by another one, with a task by the node's taste and a demand from a lognormal
    law.
    """

    users: int = bounded(4, least=1, most=1000)
    """at a node at a time"""
    length: float = bounded(15.0, least=1, most=1e6)
    """[slots] that a user stays on average; geometric"""
    uneven: float = bounded(1.0, least=0, most=10)
    """standard deviation of the logarithm of a user's demand; 0: all have the same"""
    likeness: float = bounded(50.0, least=0.01, most=1e9)
    """concentration of tastes: a share p varies over the nodes with variance p (1 - p) / (likeness + 1)"""
    by_node: ClassVar[bool] = True
    kind: Literal["visitors"] = "visitors"


register_process(Visitors, "idn_gym.scenarios.processes.visitors:draw_visitors")
