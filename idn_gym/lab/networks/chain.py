"""Networks as chains of tiers, with heads that give logits after some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.timing import TIER_MARK


@dataclass(frozen=True)
class Size:
    """Size of a three-tier network."""

    widths: tuple[int, ...] = (16, 32, 64)
    """channels after each tier"""
    kernel: int = bounded(5, least=1)
    """side of the first convolution's kernel"""
    stride: int = bounded(2, least=1, most=2)
    """of the first convolution"""

    def __post_init__(self) -> None:
        if len(self.widths) != 3 or min(self.widths) < 1:
            raise ConfigError("widths", f"{self.widths!r} is not allowed; must be three numbers of channels")
        if self.kernel % 2 == 0:
            raise ConfigError("kernel", f"{self.kernel} is not allowed; must be odd")

    def sides(self, side: int) -> tuple[int, int, int]:
        """Pixels along one side of the maps after each tier, for pictures of `side` pixels."""
        first = side // self.stride
        return first, first // 2, first // 2


class Chain(nn.Module):
    """Tiers one after another; heads after some of them turn maps into logits.

    Every network of the lab is called the same way: pictures (B, 1, H, W) in [0, 1] in, logits (X, B, C) of
    all X heads out, in the order of the tiers.
    """

    def __init__(self, tiers: Sequence[nn.Module], heads: Mapping[int, nn.Module]) -> None:
        """Args: tiers; heads by the number of tiers done before each, the last after all tiers."""
        super().__init__()
        if not heads or max(heads) != len(tiers) or min(heads) < 1:
            raise ConfigError(
                "heads",
                f"after {sorted(heads)} is not allowed; must be 1 to {len(tiers)} tiers, and all of them",
            )
        for tier in tiers:
            vars(tier)[TIER_MARK] = True
        self.tiers = nn.ModuleList(tiers)
        self.heads = nn.ModuleDict({str(after): heads[after] for after in sorted(heads)})

    @property
    def after(self) -> tuple[int, ...]:
        """Number of tiers before each head, rising."""
        return tuple(int(name) for name in self.heads)

    def maps(self, images: Tensor) -> list[Tensor]:
        """The map after each tier, (B, channels, height, width) each."""
        found = []
        for tier in self.tiers:
            images = tier(images)
            found.append(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        maps = self.maps(images)
        return torch.stack([head(maps[int(after) - 1]) for after, head in self.heads.items()])


class _LastAnswer(nn.Module):
    """A chain whose last exit alone answers."""

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self.chain = chain

    def forward(self, inputs: Tensor) -> Tensor:
        return self.chain(inputs)[-1]


def plain_network(network: nn.Module) -> nn.Module:
    """What gives logits (B, C): a network as it is, of a chain its last exit."""
    return _LastAnswer(network) if isinstance(network, Chain) else network


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution without shrinking at the border, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def three_tier(size: Size, classes: int) -> Chain:
    """The lab's baseline: at its default size 1x28x28 -> 16x14x14 -> 32x7x7 -> 64x7x7, 7.30 million MACs."""
    a, b, c = size.widths
    tiers = [
        convolution(1, a, size.kernel, size.stride),
        nn.Sequential(convolution(a, b), convolution(b, b), nn.MaxPool2d(2)),
        nn.Sequential(convolution(b, c), convolution(c, c), convolution(c, c)),
    ]
    return Chain(tiers, {3: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))})


def macs_to_exits(chain: Chain, example: Tensor) -> list[int]:
    """MACs spent on one picture (1, 1, H, W) until each exit, the heads passed on the way included; (X,)."""
    spent, total, value = [], 0, example
    chain.eval()
    for done, tier in enumerate(chain.tiers, start=1):
        total += trace(tier, value).macs
        with torch.no_grad():
            value = tier(value)
        if str(done) in chain.heads:
            total += trace(chain.heads[str(done)], value).macs
            spent.append(total)
    return spent
