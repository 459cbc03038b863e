"""Named placements of a scenario, used by the codecs `library` and `residual`."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, twice


@dataclass(frozen=True)
class HeldSegments:
    """Segments that one node holds beside its pinned models."""

    node: str
    """name of the node"""
    segments: tuple[str, ...]
    """names of segments, such as resnet50 or resnet50[0:4], at most one of each model"""


@dataclass(frozen=True)
class NamedPlacement:
    """A placement, by names."""

    nodes: tuple[HeldSegments, ...] = ()
    """nodes that hold segments; empty: only repositories serve"""

    def __post_init__(self) -> None:
        name = twice(held.node for held in self.nodes)
        if name is not None:
            raise ConfigError("nodes", f"{name!r} is given twice; names must differ")
