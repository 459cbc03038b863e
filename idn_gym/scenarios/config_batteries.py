"""Batteries of nodes that are not connected to the mains."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Battery:
    """Energy with which a node computes, sends and idles.

    The default is about one lithium-ion cell of size 18650: 3.4 Ah at 3.6 V (assumed, as are the levels).
    """

    capacity: float = bounded(4.4e4, above=0)
    """[J] when full"""
    start: float = bounded(1.0, least=0, most=1)
    """share of the capacity before slot 0"""
    cutoff: float = bounded(0.1, least=0, below=1)
    """share at which the node switches off: it serves no requests and forwards none"""
    restart: float = bounded(0.3, least=0, most=1)
    """share at which the node switches on again"""

    def __post_init__(self) -> None:
        if self.restart < self.cutoff:
            raise ConfigError(
                "restart", f"{self.restart:g} is not allowed; must be at least cutoff, {self.cutoff:g}"
            )
