"""Radios, cells and messages of a scenario, for links whose messages travel in LoRaWAN frames.

A link's sender is heard by the link's target: each target is a gateway, whose frames share channels and
demodulators. A frame harms another as the isolation of their spreading factors and their received powers say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Ints
from idn_gym.core.row_starts import starts_of
from idn_gym.radio.collisions import ISOLATION_DB
from idn_gym.radio.lorawan import FACTORS, message_frames, window_seconds
from idn_gym.scenarios.compile.link_messages import list_messages
from idn_gym.scenarios.compile.routes import Network

MARGIN_DB = 10.0
"""[dB] above sensitivity at which a device is heard whose link does not say."""


def radio_tables(
    network: Network, options: Mapping[str, Any], paths: Mapping[str, Any], path: Ints
) -> dict[str, Any]:
    """The `radio_`, `cell_` and `message_` fields of `Tables`, and `demodulators`.

    Args:
        network: nodes, links and the radio of gateways.
        options: as for `list_messages`, as are the next two.
        paths: the `path_` fields.
        path: (R,) of each class.

    Raises:
        ConfigError: a device that its gateway does not hear.
    """
    link = np.flatnonzero([kind.lorawan is not None for kind in network.link_kinds])
    power = np.array([_power(network, e) for e in link.tolist()])
    factor = np.array([_frames(network, e).factor for e in link.tolist()], np.int64) - FACTORS[0]
    gateway = np.unique(network.ends[link, 1], return_inverse=True)[1].astype(np.int64)
    order = np.lexsort((-power, factor, gateway))
    link, power, factor, gateway = link[order], power[order], factor[order], gateway[order]
    cell = gateway * len(FACTORS) + factor
    cells = len(FACTORS) * (int(gateway.max()) + 1) if len(link) else 0
    return {
        "radio_channels": float(network.radio.channels),
        "demodulators": float(network.radio.demodulators),
        "cell_start": starts_of(np.bincount(cell, minlength=cells)),
        "radio_link": link.astype(np.int64),
        "radio_devices": network.count[network.ends[link, 0]],
        "radio_harm": _harm(power, factor, gateway),
        "radio_transmissions": np.array([_frames(network, e).transmissions for e in link.tolist()], float),
        **_messages(network, link, options, paths, path),
    }


def part_pauses(network: Network, options: Mapping[str, Any], paths: Mapping[str, Any], path: Ints) -> Floats:
    """[s] that further frames of the message that enters each part (Q,) take: receive windows, and heads.

    Args:
        network: nodes and links.
        options: as for `list_messages`, as are the next two.
        paths: the `path_` fields.
        path: (R,) of each class.
    """
    paused = np.zeros(len(options["part_node"]))
    framed = np.array([kind.lorawan is not None for kind in network.link_kinds], bool)
    sent = list_messages(options, paths, path, framed)
    for e in np.unique(sent.link).tolist():
        law, mine = _frames(network, e), sent.link == e
        frames, _ = message_frames(sent.size[mine], law.factor, law.payload)
        # Rate and delay of the link have the bytes, and the head of one frame.
        each = window_seconds() + float(message_frames(0.0, law.factor, law.payload).airtime)
        np.add.at(paused, sent.part[mine], np.maximum(frames - 1.0, 0.0) * each)
    return paused


def _frames(network: Network, e: int) -> Any:
    return network.link_kinds[e].lorawan


def _power(network: Network, e: int) -> float:
    """Received power of a link's frames [dBm]."""
    link, least = network.links[e], _frames(network, e).sensitivity
    if link.power is not None and link.power < least:
        key = f"topology.links.{link.source}->{link.target}.power"
        raise ConfigError(key, f"{link.power:g} is not allowed; {link.link} is heard from {least:g} dBm on")
    return float(least + MARGIN_DB if link.power is None else link.power)


def association_tables(network: Network) -> dict[str, Any]:
    """The `node_uplink` and `link_chooser` fields of `Tables`.

    Raises:
        ConfigError: a link leads to a node that has a choice of links.
    """
    uplink, chooser = np.full(len(network.nodes), EMPTY), np.full(len(network.links), EMPTY)
    for v, links in network.choices.items():
        into = np.flatnonzero(network.ends[:, 1] == v)
        if len(into):
            link = network.links[into[0]]
            key = f"topology.links.{link.source}->{link.target}"
            raise ConfigError(key, f"must not lead to {link.target!r}, which has several LoRaWAN links")
        uplink[v] = min(links, key=lambda e: network.delay[e])
        chooser[links] = v
    return {"node_uplink": uplink, "link_chooser": chooser}


def _harm(power: Floats, factor: Ints, gateway: Ints) -> Ints:
    """(r, f) how many radios of each cell of the gateway harm the frames of each, from the strongest on."""
    found = np.zeros((len(power), len(FACTORS)), np.int64)
    for g in np.unique(gateway):
        for f in range(len(FACTORS)):
            theirs = -power[(gateway == g) & (factor == f)]  # rising: the strongest comes first
            mine = np.flatnonzero(gateway == g)
            least = power[mine] - ISOLATION_DB[factor[mine], f]
            found[mine, f] = np.searchsorted(theirs, -least, side="left")
    return found


def _messages(
    network: Network, link: Ints, options: Mapping[str, Any], paths: Mapping[str, Any], path: Ints
) -> dict[str, Any]:
    """Messages of options over radios."""
    radio = np.full(len(network.links), -1)
    radio[link] = np.arange(len(link))
    sent = list_messages(options, paths, path, radio >= 0)
    frames, seconds = np.zeros((2, len(sent.link)))
    for e in np.unique(sent.link).tolist():
        mine, law = sent.link == e, _frames(network, e)
        frames[mine], seconds[mine] = message_frames(sent.size[mine], law.factor, law.payload)
    return {
        "message_start": starts_of(np.bincount(sent.option, minlength=len(options["option_model"]))),
        "message_radio": radio[sent.link],
        "message_reach": sent.reach,
        "message_frames": frames,
        "message_seconds": seconds,
    }
