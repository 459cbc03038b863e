"""Delay of a link by its length, in networks of real places."""

from __future__ import annotations

from idn_gym.scenarios.config import RealTopology

KM_PER_SECOND = 2e5
"""Speed of light in fibre, about two thirds of that in vacuum."""


def round_trip(topology: RealTopology, km: float) -> float:
    """Round-trip delay [s] of a link between places `km` apart, whose cable takes a detour."""
    return 2 * topology.detour * km / KM_PER_SECOND + topology.hop_delay


def cable_delay(topology: RealTopology, km: float) -> float:
    """Round-trip delay [s] of a link whose cable is `km` long."""
    return 2 * km / KM_PER_SECOND + topology.hop_delay
