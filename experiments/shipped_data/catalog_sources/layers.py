"""Counts operations and bytes of convolutions and fully connected layers, from their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from idn_gym.catalog import Block, Exit, OperatingPoint

FP32 = 4
"""bytes of a weight"""
NORM = 4
"""numbers per channel of a batch normalisation: weight, bias, running mean, running variance"""


@dataclass(frozen=True)
class Layer:
    """A convolution; a fully connected layer is one with kernel 1 on a map of side 1."""

    kernel: int
    inputs: int
    """channels"""
    outputs: int
    """channels"""
    side: int
    """of the output map, in cells"""
    per_output: int = NORM
    """stored numbers per output channel beside the kernel: NORM, 1 for a bias, or 0"""

    @property
    def macs(self) -> int:
        """kernel^2 x inputs x outputs x side^2."""
        return self.kernel**2 * self.inputs * self.outputs * self.side**2

    @property
    def weights(self) -> int:
        """Stored numbers: the kernel, and the normalisation or bias per output channel."""
        return self.outputs * (self.kernel**2 * self.inputs + self.per_output)


def dense(inputs: int, outputs: int) -> Layer:
    """A fully connected layer with bias."""
    return Layer(1, inputs, outputs, 1, per_output=1)


def block(name: str, layers: Iterable[Layer], output: float, extra_weights: int = 0) -> Block:
    """A block of fp32 layers.

    Args:
        name: of the block.
        layers: its layers.
        output: [bytes] on the wire after it.
        extra_weights: stored numbers beside the layers, such as a normalisation of its own.
    """
    layers = tuple(layers)
    return Block(
        name=name,
        macs=float(sum(layer.macs for layer in layers)),
        layers=len(layers),
        weights=float(FP32 * (extra_weights + sum(layer.weights for layer in layers))),
        output=float(output),
    )


def full(blocks: Sequence[Block], accuracy: float) -> tuple[OperatingPoint]:
    """The one operating point of a model without early exits."""
    return (OperatingPoint("full", (Exit(len(blocks), 1.0, accuracy),)),)
