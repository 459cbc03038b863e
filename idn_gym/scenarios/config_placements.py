"""Placements that a scenario names: what the codecs `library` and `residual` speak of."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, twice


@dataclass(frozen=True)
class HeldSegments:
    """What one node holds beside what it pins."""

    node: str
    """its name"""
    segments: tuple[str, ...]
    """their names, such as resnet50 or resnet50[0:4], at most one of each model"""


@dataclass(frozen=True)
class NamedPlacement:
    """A placement, by names."""

    nodes: tuple[HeldSegments, ...] = ()
    """that hold something; none: the repositories are alone"""

    def __post_init__(self) -> None:
        name = twice(held.node for held in self.nodes)
        if name is not None:
            raise ConfigError("nodes", f"{name!r} is given twice; names must differ")
