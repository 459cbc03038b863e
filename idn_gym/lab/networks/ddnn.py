"""DDNN (Teerapittayanon et al., 2017): devices that each see a part, a local exit, and one in the cloud.

Four devices see a quadrant of the picture each. A gateway aggregates their class scores, which is the local
exit; the cloud aggregates their binary feature maps. Unlike in the authors' code, weights are not binary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.lab.networks.chain import convolution

VIEWS = 4
Aggregator = Literal["max", "average", "concat"]
"""max-pool, average pool and concatenation: MP, AP and CC of the paper"""


@dataclass(frozen=True)
class Devices:
    """Size of the part on each device, and the aggregation of the parts."""

    local: Aggregator = "max"
    """of class scores; after a concatenation comes a linear layer"""
    cloud: Aggregator = "concat"
    """of feature maps"""
    filters: int = bounded(4, least=1)
    """of each device"""
    blocks: int = bounded(1, least=1)
    """convolution and pooling on each device, one after another; each halves the map"""
    width: int = bounded(16, least=1)
    """channels of the two convolutions in the cloud"""

    def outputs(self, side: int) -> int:
        """Bits per filter that a device sends to the cloud, for whole pictures of `side` pixels."""
        rows = side // 2
        for _ in range(self.blocks):
            rows = -(-rows // 2)
        return rows * rows


def binary(values: Tensor) -> Tensor:
    """-1 or 1 by sign; gradients pass where values are within [-1, 1] (straight-through)."""
    inside = values.clamp(-1, 1)
    return inside + (torch.where(values >= 0, 1.0, -1.0) - inside).detach()


def quadrants(images: Tensor) -> tuple[Tensor, ...]:
    """The four quarters of pictures (B, 1, H, W), row by row: (B, 1, H / 2, W / 2) each."""
    height, width = images.shape[-2] // 2, images.shape[-1] // 2
    return tuple(
        images[..., top : top + height, left : left + width] for top in (0, height) for left in (0, width)
    )


class DDNN(nn.Module):
    """Devices, gateway and cloud in one; gives logits (2, B, C), of the local exit and of the cloud's."""

    def __init__(self, devices: Devices, side: int, classes: int) -> None:
        """Args: devices; side of the whole picture in pixels; number of classes."""
        super().__init__()
        rows = int(devices.outputs(side) ** 0.5)
        sent = devices.filters * rows * rows
        self.aggregators = devices.local, devices.cloud
        self.alive = (True,) * VIEWS
        """which devices answer; of the others nothing arrives"""
        self.devices = nn.ModuleList(_device(devices) for _ in range(VIEWS))
        self.scores = nn.ModuleList(nn.Linear(sent, classes) for _ in range(VIEWS))
        self.gateway = nn.Linear(VIEWS * classes, classes) if devices.local == "concat" else nn.Identity()
        inputs = devices.filters * (VIEWS if devices.cloud == "concat" else 1)
        self.cloud = nn.Sequential(
            convolution(inputs, devices.width),
            convolution(devices.width, devices.width),
            nn.Flatten(),
            nn.Linear(devices.width * rows * rows, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        maps, scores = [], []
        for view, device, head in zip(quadrants(images), self.devices, self.scores, strict=True):
            maps.append(binary(device(view)))
            scores.append(head(maps[-1].flatten(1)))
        local = self.gateway(aggregate(self.aggregators[0], scores, self.alive))
        return torch.stack([local, self.cloud(aggregate(self.aggregators[1], maps, self.alive))])


def aggregate(how: Aggregator, parts: Sequence[Tensor], alive: Sequence[bool]) -> Tensor:
    """Put the parts (B, K, ...) of all devices together.

    A device that does not answer is left out of a maximum or mean, and is zeros in a concatenation, along K.

    Raises:
        ConfigError: no device is alive.
    """
    if not any(alive):
        raise ConfigError("alive", f"{tuple(alive)} is not allowed; one device at least must answer")
    if how == "concat":
        return torch.cat([part if here else 0 * part for part, here in zip(parts, alive, strict=True)], dim=1)
    present = torch.stack([part for part, here in zip(parts, alive, strict=True) if here])
    return present.amax(dim=0) if how == "max" else present.mean(dim=0)


def communication_bytes(classes: int, local_share: float, filters: int, outputs: int) -> float:
    """Mean bytes that a device sends per picture: 4 |C| + (1 - l) f o / 8.

    The formula is from memory of the paper, and gives the authors' published 14, 16, 21 and 30 bytes.

    Args:
        classes: |C|, each with a score of four bytes, which is always sent.
        local_share: l, share of the pictures that leave at the local exit.
        filters: f, of the device's last convolution.
        outputs: o, bits per filter.
    """
    return 4 * classes + (1 - local_share) * filters * outputs / 8


def _device(devices: Devices) -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 1
    for block in range(devices.blocks):
        layers += [
            *([nn.ReLU()] if block else []),
            nn.Conv2d(inputs, devices.filters, 3, padding=1, bias=False),
        ]
        layers += [nn.MaxPool2d(3, 2, 1), nn.BatchNorm2d(devices.filters)]
        inputs = devices.filters
    return nn.Sequential(*layers)
