"""Parts of a network that keep a time of their own."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Zone:
    """Nodes whose day begins earlier or later than that of the others."""

    nodes: tuple[str, ...]
    """names of nodes, or of tiers for all their nodes"""
    phase: float = bounded(0.0)
    """[1] turns of the day by which it is ahead; only where there are days"""

    def __post_init__(self) -> None:
        if not self.nodes:
            raise ConfigError("nodes", "() is not allowed; at least one node or tier must be named")
