"""Kinds of links."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.devices import MILLI
from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from idn_gym.catalog import LinkKind, LoRaFrames
from idn_gym.radio import lorawan
from idn_gym.radio.path_loss import GATEWAY_SENSITIVITY

BITS = 8
"""per byte"""
NANO, MICRO = 1e-9, 1e-6


def links() -> tuple[LinkKind, ...]:
    """One kind per row, at its default goodput; those that sleep, and LoRaWAN by spreading factor."""
    given, radios = facts("device_profiles.yaml"), facts("radios.yaml")
    named = {row["id"]: row for row in given["links"]}
    sleeping = [_asleep(row, named[row["like"]]) for row in radios["sleeping"]]
    rows = [*given["links"], *sleeping, *radios["whole"]]
    others = [_lorawan(factor, radios["lorawan"]) for factor in lorawan.FACTORS]
    return (*(_link(row, given["fixed_network"]) for row in rows), *others)


def _asleep(row: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    return {**base, **row, "sources": base["sources"] + row["sources"]}


def _link(row: dict[str, Any], fixed: dict[str, Any]) -> LinkKind:
    down = row.get("down_goodput_bps")
    sources = row["sources"] + (fixed["sources"] if "network_hops" in row else [])
    return LinkKind(
        name=row["id"],
        delay=digits((2 * row["one_way_latency_ms"] + row.get("wake_ms", 0)) * MILLI),
        rate=digits(row["goodput_bps"] / BITS),
        energy=digits(_energy(row, fixed)),
        marginal=digits(_energy(row, fixed) * fixed["marginal_share"]) if "network_hops" in row else None,
        down_rate=None if down is None else digits(down / BITS),
        wake_joules=digits(row.get("wake_mj", 0) * MILLI),
        provenance=provenance(sources),
    )


def _energy(row: dict[str, Any], fixed: dict[str, Any]) -> float:
    """Energy [J/byte] of the sender's radio or, on fixed networks, of the hops that the link stands for.

    A transfer through all hops of a typical path costs the figure of the whole network, once.
    """
    if "network_hops" in row:
        return float(fixed["uj_per_bit"] * MICRO * BITS * row["network_hops"] / fixed["hops"])
    return float(row["tx_nj_per_bit"] * NANO * BITS)


def _lorawan(factor: int, given: dict[str, Any]) -> LinkKind:
    """An uplink of one spreading factor, with an answer to each message.

    Rate and delay give the time of a message of one frame to a group of symbols (`lorawan.time_on_air`).
    """
    payload = lorawan.RATE_OF_FACTOR[factor].repeated_payload
    empty, full = lorawan.message_frames([0, payload], factor, payload).airtime
    radio = lorawan.Radio(transmit=lorawan.TRANSMIT_AMPS[given["transmit_dbm"]])
    answer = lorawan.answer_seconds(given["answer_bytes"], factor)
    idle = lorawan.frame_energy(0, factor, radio)
    return LinkKind(
        name=f"lora_sf{factor}_eu868",
        delay=digits(float(empty + answer)),
        rate=digits(float(payload / (full - empty))),
        energy=0,
        lorawan=LoRaFrames(
            factor=factor,
            payload=payload,
            duty=given["duty"],
            transmit_watts=digits(radio.volts * radio.transmit),
            frame_joules=digits(float(idle.total)),
            sensitivity=GATEWAY_SENSITIVITY[factor],
            answer_airtime=digits(float(answer) - lorawan.RECEIVE_DELAYS[0]),
        ),
        provenance=provenance(given["sources"]),
    )
