"""Walks a network row by row: operations, weights, and the tensors that are alive meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One operator that runs, and what is alive while it does."""

    shape: tuple[int, int, int]
    """height, width and channels of its output"""
    dense: int
    """[MAC] but for depthwise ones"""
    depthwise: int
    """[MAC] of a depthwise convolution"""
    kernels: int
    """stored numbers of its kernels"""
    biases: int
    """stored biases, normalisations folded in"""
    layers: int
    """1 if it has weights"""
    alive: int
    """elements of the tensors that are needed meanwhile: inputs, outputs, and what a shortcut waits for"""
    alone: bool
    """whether nothing but its output is needed afterwards"""


def walk(shape: list[int], rows: list[dict[str, Any]]) -> Iterator[Step]:
    """All steps of a network.

    Args:
        shape: height, width and channels of the input.
        rows: its layers, in the grammar of tinyml.yaml.
    """
    now = (shape[0], shape[1], shape[2])
    for row in rows:
        for _ in range(row.get("times", 1)):
            for step in _row(now, row):
                yield step
                now = step.shape


def elements(shape: tuple[int, int, int]) -> int:
    """Values of a tensor."""
    return math.prod(shape)


def _row(shape: tuple[int, int, int], row: dict[str, Any]) -> Iterator[Step]:
    stride, kernel = row.get("stride", 1), row.get("kernel", [1, 1])
    if "conv" in row:
        yield _convolution(shape, row["conv"], kernel, stride)
    elif "separable" in row:
        spread = _convolution(shape, shape[2], kernel, stride, depthwise=True)
        yield spread
        yield _convolution(spread.shape, row["separable"], [1, 1], 1)
    elif "residual" in row:
        yield from _residual(shape, row)
    elif "pool" in row:
        yield Step((1, 1, shape[2]), 0, 0, 0, 0, 0, elements(shape) + shape[2], True)
    else:
        yield _convolution((1, 1, elements(shape)), row["dense"], [1, 1], 1)


def _residual(shape: tuple[int, int, int], row: dict[str, Any]) -> Iterator[Step]:
    """Two convolutions beside a shortcut, which is alive until the second is through."""
    first = _convolution(shape, row["residual"], row["kernel"], row.get("stride", 1), alone=False)
    yield first
    changes = row.get("project", False) and first.shape != shape
    waiting = elements(shape)
    yield _convolution(first.shape, row["residual"], row["kernel"], 1, waiting, alone=not changes)
    if changes:
        shortcut = _convolution(shape, row["residual"], [1, 1], row.get("stride", 1))
        yield Step(**{**vars(shortcut), "alive": shortcut.alive + elements(first.shape)})


def _convolution(
    shape: tuple[int, int, int],
    outputs: int,
    kernel: list[int],
    stride: int,
    waiting: int = 0,
    depthwise: bool = False,
    alone: bool = True,
) -> Step:
    after = (math.ceil(shape[0] / stride), math.ceil(shape[1] / stride), outputs)
    weights = kernel[0] * kernel[1] * outputs * (1 if depthwise else shape[2])
    macs = weights * after[0] * after[1]
    alive = elements(shape) + elements(after) + waiting
    dense, deep = (0, macs) if depthwise else (macs, 0)
    return Step(after, dense, deep, weights, outputs, 1, alive, alone)
