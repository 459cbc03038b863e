"""Sizes of what a graph computes: for one input, and how they grow with the batch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import SymBool, SymFloat, SymInt
from torch.fx import Node

SYMBOLIC = (SymInt, SymFloat, SymBool)


class Side(NamedTuple):
    """A side of a tensor, of ``per_input * batch + fixed`` cells."""

    per_input: int
    fixed: int

    def __str__(self) -> str:
        grows = "batch" if self.per_input == 1 else f"{self.per_input} batch"
        return " + ".join([grows] * (self.per_input != 0) + [str(self.fixed)] * (self.fixed != 0)) or "0"


def is_number(node: Node) -> bool:
    """Return whether a node computes a number, such as the size of a batch, rather than a tensor."""
    return isinstance(node.meta.get("val"), (*SYMBOLIC, int, float))


def tensors_of(node: Node) -> tuple[torch.Tensor, ...]:
    """Outputs of a node, without values: none, one or several."""
    value = node.meta.get("val")
    several = value if isinstance(value, (tuple, list)) else (value,)
    return tuple(tensor for tensor in several if isinstance(tensor, torch.Tensor))


def sizes_of(node: Node) -> list[Any]:
    """All sides of the tensors that a node computes, or the number that it computes."""
    return [node.meta["val"]] if is_number(node) else [side for t in tensors_of(node) for side in t.shape]


def shape_of(value: Node | torch.Tensor) -> tuple[int, ...]:
    """Shape, for one input, of a tensor without values or of the one that a node computes."""
    tensor = value.meta["val"] if isinstance(value, Node) else value
    return tuple(_at(side, 1) for side in tensor.shape)


def side_of(size: Any) -> Side | None:
    """A size, or a number computed from sizes, as a line over the batch; None where it is none."""
    if not isinstance(size, SYMBOLIC):
        return Side(0, int(size)) if isinstance(size, int) else None
    expression = size.node.expr
    if not isinstance(size, SymInt) or len(expression.free_symbols) != 1:
        return None
    start, grows = 2 * _at(size, 1) - _at(size, 2), _at(size, 2) - _at(size, 1)
    line = grows * next(iter(expression.free_symbols)) + start
    return Side(grows, start) if (expression - line).expand() == 0 else None


def sides_of(node: Node) -> tuple[Side, ...]:
    """The sides of the tensor that a node computes, each a line over the batch."""
    sides = tuple(side for size in node.meta["val"].shape if (side := side_of(size)) is not None)
    assert len(sides) == node.meta["val"].ndim, "nothing else is exported for any batch"
    return sides


def batch_side(node: Node) -> tuple[int, Side] | None:
    """The first side of a node's tensor that grows with the batch, with its place; None where none does.

    Several tensors have no side.
    """
    if isinstance(node.meta["val"], (tuple, list)):
        return None
    return next(((i, side) for i, side in enumerate(sides_of(node)) if side.per_input), None)


def bytes_of(tensor: torch.Tensor) -> int:
    """[bytes] of a tensor, with or without values, for one input."""
    return math.prod(shape_of(tensor)) * tensor.element_size()


def symbols_of(node: Node) -> set[Any]:
    """Symbols of the sizes that are not known before the network runs, in what a node computes."""
    return {
        symbol
        for size in sizes_of(node)
        if isinstance(size, SYMBOLIC)
        for symbol in size.node.expr.free_symbols
    }


def _at(size: int | SymInt, batch: int) -> int:
    if not isinstance(size, SymInt):
        return int(size)
    expression = size.node.expr
    return int(expression.subs(dict.fromkeys(expression.free_symbols, batch)))
