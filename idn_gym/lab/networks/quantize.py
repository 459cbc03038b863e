"""Few bits per value: an affine quantiser to train through, and codes packed into real bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idn_gym.config_reader import ConfigError

MOMENTUM = 0.1
"""how fast the range follows the batches in training"""


class Quantizer(nn.Module):
    """Rounds values to 2 ** bits evenly spaced levels between a minimum and a maximum.

    In training the range follows the smallest and the largest value of the batches, as a running mean; then
    it stays. So a receiver knows it beforehand, nothing but the codes is sent, and what becomes of a picture
    does not depend on the others in its batch. In training gradients pass
    as if nothing were rounded.
    """

    low: Tensor
    high: Tensor
    batches: Tensor

    def __init__(self, bits: int) -> None:
        """Args: bits: 1 to 8."""
        super().__init__()
        if not 1 <= bits <= 8:
            raise ConfigError("bits", f"{bits} is not allowed; must be 1 to 8")
        self.bits = bits
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.ones(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @property
    def step(self) -> Tensor:
        """Distance between two levels."""
        return ((self.high - self.low) / (2**self.bits - 1)).clamp_min(1e-12)

    def codes(self, values: Tensor) -> Tensor:
        """Numbers of the nearest levels, bytes of the shape of `values`."""
        return ((values - self.low) / self.step).round().clamp(0, 2**self.bits - 1).to(torch.uint8)

    def values(self, codes: Tensor) -> Tensor:
        """Values that codes represent."""
        return codes.float() * self.step + self.low

    def forward(self, values: Tensor) -> Tensor:
        values = values.float()  # 255 levels are finer than bfloat16
        if not self.training:
            return self.values(self.codes(values))
        self._follow(values.detach())
        inside = values.clamp(self.low, self.high)
        return inside + (self.values(self.codes(values)) - inside).detach()

    def _follow(self, values: Tensor) -> None:
        pace = MOMENTUM if self.batches else 1.0
        self.low.lerp_(values.min(), pace)
        self.high.lerp_(values.max(), pace)
        self.batches += 1


def payload_bytes(values: int, bits: int) -> int:
    """Bytes of that many codes when packed."""
    return math.ceil(values * bits / 8)


def pack(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Codes (S, ...) below 2 ** bits as bytes (S, payload), highest bit first.

    Raises:
        ConfigError: a code does not fit into `bits`.
    """
    if codes.size and int(codes.max()) >> bits:
        raise ConfigError(
            "codes", f"{int(codes.max())} is not allowed; must be below {2**bits} at {bits} bits"
        )
    flat = codes.reshape(len(codes), -1, 1)
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint8)
    return np.packbits((flat >> shifts & 1).reshape(len(codes), -1), axis=1)


def unpack(packed: NDArray[np.uint8], bits: int, shape: Sequence[int]) -> NDArray[np.uint8]:
    """The inverse of `pack`: bytes (S, payload) to codes (S, *shape)."""
    count = math.prod(shape)
    digits = np.unpackbits(packed, axis=1, count=count * bits).reshape(len(packed), count, bits)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(np.uint8)
    return (digits * weights).sum(axis=2, dtype=np.uint8).reshape(len(packed), *shape)
