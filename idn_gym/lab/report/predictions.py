"""What the laws of the catalogue predict for one network: seconds per device, and where to cut it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from idn_gym.catalog import Device, LinkKind, Model, block_seconds, fixed_seconds
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats


class DeviceSeconds(NamedTuple):
    """A network on one device, without waiting."""

    device: Device
    blocks: tuple[float, ...]
    """[s] per block"""
    whole: float
    """[s] until the last exit, fixed costs included"""
    fits: bool
    """whether its weights fit into the memory of the device"""


def seconds_by_device(model: Model, devices: Iterable[Device]) -> list[DeviceSeconds]:
    """Fastest first; devices that have no law for a model whose layers are not counted are left out."""
    found = []
    for device in devices:
        try:
            blocks, fixed = block_seconds(model, device), fixed_seconds(model, device)
        except ConfigError:
            continue
        fits = math.fsum(block.weights for block in model.blocks) <= device.memory
        found.append(DeviceSeconds(device, blocks, fixed + math.fsum(blocks), fits))
    return sorted(found, key=lambda row: row.whole)


def cut_seconds(model: Model, device: Device, server: Device, rate: float, delay: float) -> Floats:
    """Seconds [s] until the last exit for each cut (blocks + 1,), from all on the server to all near.

    Blocks before the cut run on the device, the others on the server; no waiting, and nobody leaves early.

    Args:
        model: whose ``input`` and ``blocks.output`` cross.
        device: where inputs come from.
        server: at the other end of the link.
        rate: [bytes/s] of the link.
        delay: [s] of its round trip.

    Raises:
        ConfigError: a device has no law for this model.
    """
    near, far = (np.array(block_seconds(model, place)) for place in (device, server))
    before = np.concatenate([[0.0], fixed_seconds(model, device) + np.cumsum(near)])
    after = np.concatenate([fixed_seconds(model, server) + np.cumsum(far[::-1])[::-1], [0.0]])
    sent = np.array([model.input, *(block.output for block in model.blocks[:-1])])
    return before + np.concatenate([sent / rate + delay, [0.0]]) + after


class LinkSplit(NamedTuple):
    """The best cut over one kind of link."""

    link: LinkKind
    cut: int
    """blocks that run on the device"""
    seconds: float
    remote: float
    """[s] with all on the server"""
    local: float
    """[s] with all on the device"""


def best_cuts(model: Model, device: Device, server: Device, links: Iterable[LinkKind]) -> list[LinkSplit]:
    """The cut of least seconds over each link, slowest link first; see `cut_seconds`."""
    found = []
    for link in sorted(links, key=lambda link: link.rate):
        seconds = cut_seconds(model, device, server, link.rate, link.delay)
        best = int(np.argmin(seconds))
        found.append(LinkSplit(link, best, float(seconds[best]), float(seconds[0]), float(seconds[-1])))
    return found
