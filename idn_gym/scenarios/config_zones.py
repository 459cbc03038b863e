"""Time zones of a network's nodes."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Zone:
    """Nodes whose day starts earlier or later than that of the others."""

    nodes: tuple[str, ...]
    """names of nodes, or of tiers for all their nodes"""
    phase: float = bounded(0.0)
    """[1] fraction of a day by which it is ahead; only for processes with days"""

    def __post_init__(self) -> None:
        if not self.nodes:
            raise ConfigError("nodes", "() is not allowed; at least one node or tier must be named")
