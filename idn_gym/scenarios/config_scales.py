"""Sizes of the objectives that weigh equally inside a preference."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import bounded


@dataclass(frozen=True)
class Scales:
    """Per-request sizes that make objectives comparable inside a preference."""

    error: float = bounded(1.0, above=0)
    """[1] share of wrong answers"""
    latency: float = bounded(1.0, above=0)
    """[s] per request"""
    energy: float = bounded(10.0, above=0)
    """[J] per request"""
    traffic: float = bounded(1e5, above=0)
    """[byte-hops] per request"""
    update: float = bounded(1.0, above=0)
    """[1] share of the nominal memory loaded in a slot"""
    price: float | None = bounded(None, above=0)
    """[EUR] per request; null: that of `energy` at 0.2 EUR/kWh"""
    carbon: float | None = bounded(None, above=0)
    """[g] of CO2e per request; null: that of `energy` at 250 g/kWh"""
    airtime: float = bounded(0.1, above=0)
    """[s] of airtime per request"""
