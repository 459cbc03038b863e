"""Flash crowds at some places, at fixed or random times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.scenarios.families import FlashProcess, register_process


@dataclass(frozen=True)
class Crowd:
    """At one slot, demand for one task at some nodes jumps to `factor` times its value and decays back."""

    at: int | None = bounded(None, least=0)
    """slot of the jump; null: drawn, uniform over the episode"""
    task: str | None = None
    """name of the task; null: drawn, uniform"""
    nodes: tuple[str, ...] = ()
    """ingress nodes, or their tiers, that may be affected; empty: all"""
    spots: int | None = bounded(None, least=1)
    """number of these nodes that are affected, drawn; null: all of them"""
    factor: float = bounded(10.0, least=1)
    """demand at the jump over usual demand"""
    decay: float = bounded(10.0, above=0)
    """[slots] in which the excess over usual demand falls by a factor e"""


@dataclass(frozen=True)
class Crowds(FlashProcess):
    """Flash crowds, each with nodes, a task and a time; the factors of overlapping crowds multiply."""

    crowds: tuple[Crowd, ...]
    """at least one"""
    by_node: ClassVar[bool] = True
    by_name: ClassVar[bool] = True
    kind: Literal["crowds"] = "crowds"

    def __post_init__(self) -> None:
        if not self.crowds:
            raise ConfigError("crowds", "() is not allowed; at least one crowd is needed")

    @property
    def peak(self) -> tuple[str, float]:
        return "crowds", math.prod(float(crowd.factor) for crowd in self.crowds)


register_process(Crowds, "idn_gym.scenarios.processes.crowds:draw_crowds")
