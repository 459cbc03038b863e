"""What the parts of a network cost: operations, layers, weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from idn_gym.catalog import Block
from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.timing import PROTOCOL, Protocol, Timing, part_seconds


class Work(NamedTuple):
    """What a block costs."""

    macs: float  # [MAC] per input
    layers: int
    weights: float  # [bytes]
    activations: float = 0.0  # [bytes] at most held at once, as exported


def work_of(module: nn.Module, example: Tensor) -> Work:
    """What a module costs that takes one tensor, such as `example` (1, ...), and returns one."""
    graph = trace(module.eval(), example)
    layers = sum(row.mac_layers for row in graph.operators)
    held = max(row.live_bytes for row in graph.operators)
    return Work(float(graph.macs), layers, float(graph.param_bytes), float(held))


def add_work(works: Sequence[Work]) -> Work:
    """What all of them cost together, one after the other."""
    return Work(
        sum(work.macs for work in works),
        sum(work.layers for work in works),
        sum(work.weights for work in works),
        max(work.activations for work in works),
    )


def chain_work(network: Chain, example: Tensor) -> list[Work]:
    """What each tier costs for one input (1, ...), with the head after it."""
    found, value = [], example
    for done, tier in enumerate(network.tiers, start=1):
        work = work_of(tier, value)
        with torch.no_grad():
            value = tier(value)
        if done in network.after:
            work = add_work([work, work_of(network.heads[str(done)], value)])
        found.append(work)
    return found


class _TierAndHead(nn.Module):
    """What a block of an entry runs: a tier, and the head after it, if any; returns what crosses."""

    def __init__(self, tier: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.tier, self.head = tier, head

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.tier(x)
        self.head(value)
        return value


def chain_seconds(network: Chain, example: Tensor, protocol: Protocol = PROTOCOL) -> tuple[Timing, ...]:
    """Time each block of a chain on this machine: a tier with the head after it, without gradients.

    Medians are the ``blocks`` of a `Measured` for the `chain_entry` of the same chain.

    Args:
        network: such as `with_exits` and `insert_bottleneck` return; on return in evaluation mode.
        example: (1, ...) input.
        protocol: how.

    Returns:
        One timing per tier.

    Raises:
        ConfigError: the network is no chain.
    """
    if not isinstance(network, Chain):
        raise ConfigError(
            "network",
            f"{type(network).__name__} is not allowed; must be a chain: part_seconds times other networks",
        )
    network.eval()
    heads = {after: network.heads[str(after)] for after in network.after}
    blocks = (_TierAndHead(tier, heads.get(i, nn.Identity())) for i, tier in enumerate(network.tiers, 1))
    return part_seconds(tuple(blocks), example, protocol)


def block_of(name: str, work: Work, output: float) -> Block:
    """A block of the catalogue that costs `work` and sends `output` [bytes]."""
    return Block(name, work.macs, work.layers, work.weights, output)
