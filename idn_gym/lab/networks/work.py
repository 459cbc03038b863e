"""What the parts of a network cost: operations, layers, weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from idn_gym.catalog import Block
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.profiling.graph import trace


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


def block_of(name: str, work: Work, output: float) -> Block:
    """A block of the catalogue that costs `work` and sends `output` [bytes]."""
    return Block(name, work.macs, work.layers, work.weights, output)
