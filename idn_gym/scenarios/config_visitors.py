"""Users of unequal demand at nodes with different preferences for tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import bounded
from idn_gym.scenarios.families import PopularityProcess, register_process


@dataclass(frozen=True)
class Visitors(PopularityProcess):
    """The demand of each ingress node comes from a few users, who request one task each with different rates.

    Once per episode each node draws its preferences for tasks from a Dirichlet distribution around the shares
    of the tasks. A user who leaves is replaced by another one, with a task drawn from the node's preferences
    and a demand from a lognormal distribution.
    """

    users: int = bounded(4, least=1, most=1000)
    """number of users at a node"""
    length: float = bounded(15.0, least=1, most=1e6)
    """[slots] mean stay of a user; geometric"""
    uneven: float = bounded(1.0, least=0, most=10)
    """standard deviation of the logarithm of a user's demand; 0: all users have the same demand"""
    likeness: float = bounded(50.0, least=0.01, most=1e9)
    """concentration of the Dirichlet: a share p varies over nodes with variance p (1 - p) / (likeness + 1)"""
    by_node: ClassVar[bool] = True
    kind: Literal["visitors"] = "visitors"


register_process(Visitors, "idn_gym.scenarios.processes.visitors:draw_visitors")
