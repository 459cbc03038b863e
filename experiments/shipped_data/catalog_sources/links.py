"""Kinds of links."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.devices import MILLI
from experiments.shipped_data.catalog_sources.facts import digits, facts
from idn_gym.catalog import LinkKind, Provenance

BITS = 8
"""per byte"""
NANO, MICRO = 1e-9, 1e-6


def links() -> tuple[LinkKind, ...]:
    """One kind per row, at its default goodput."""
    rows = {row["id"]: row for row in facts("device_profiles.yaml")["links"]}
    return tuple(_link(row, rows) for row in rows.values())


def _link(row: dict[str, Any], rows: dict[str, Any]) -> LinkKind:
    energy, note = _energy(row, rows)
    down = row.get("down_goodput_bps_default")  # none: half duplex, both directions share the medium
    return LinkKind(
        name=row["id"],
        delay=digits(2 * row["one_way_latency_ms"] * MILLI),
        rate=digits(row["goodput_bps_default"] / BITS),
        energy=digits(energy),
        down_rate=None if down is None else digits(down / BITS),
        provenance=(Provenance("delay, rate, energy", row["source"], row["status"]), *note),
    )


def _energy(row: dict[str, Any], rows: dict[str, Any]) -> tuple[float, tuple[Provenance, ...]]:
    """Energy [J/byte] of the sender's radio or, on fixed networks, allocated to the traffic.

    Where a rule gives another link's power times a ratio, the energy per byte follows from both
    rates: e = ratio x e_other x rate_other / rate.
    """
    if row.get("network_uj_per_bit") is not None:
        return row["network_uj_per_bit"] * MICRO * BITS, ()
    if row["tx_nj_per_bit_phy"] is not None:
        return row["tx_nj_per_bit_phy"] * NANO * BITS, ()
    rule = facts("device_rules.yaml")["links"][row["id"]]
    other = rows[rule["like"]]
    share = rule["power_ratio"] * other["goodput_bps_default"] / row["goodput_bps_default"]
    source = f"no source; {rule['power_ratio']} times the power of {rule['like']}, each at its own rate"
    return share * _energy(other, rows)[0], (Provenance("energy", source, rule["status"]),)
