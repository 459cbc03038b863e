"""Kinds of links."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.devices import MILLI
from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from idn_gym.catalog import LinkKind

BITS = 8
"""per byte"""
NANO, MICRO = 1e-9, 1e-6


def links() -> tuple[LinkKind, ...]:
    """One kind per row, at its default goodput."""
    given = facts("device_profiles.yaml")
    return tuple(_link(row, given["fixed_network"]) for row in given["links"])


def _link(row: dict[str, Any], fixed: dict[str, Any]) -> LinkKind:
    down = row.get("down_goodput_bps")
    sources = row["sources"] + (fixed["sources"] if "network_hops" in row else [])
    return LinkKind(
        name=row["id"],
        delay=digits(2 * row["one_way_latency_ms"] * MILLI),
        rate=digits(row["goodput_bps"] / BITS),
        energy=digits(_energy(row, fixed)),
        marginal=digits(_energy(row, fixed) * fixed["marginal_share"]) if "network_hops" in row else None,
        down_rate=None if down is None else digits(down / BITS),
        provenance=provenance(sources),
    )


def _energy(row: dict[str, Any], fixed: dict[str, Any]) -> float:
    """Energy [J/byte] of the sender's radio or, on fixed networks, of the hops that the link stands for.

    A transfer through all hops of a typical path costs the figure of the whole network, once.
    """
    if "network_hops" in row:
        return float(fixed["uj_per_bit"] * MICRO * BITS * row["network_hops"] / fixed["hops"])
    return float(row["tx_nj_per_bit"] * NANO * BITS)
