"""Multiply-accumulates of ATen operators, from the shapes of what goes in and comes out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from torch._ops import HigherOrderOperator, OpOverload
from torch.fx import Node

from idn_gym.strict import ConfigError

Formula = Callable[[Node], int]
Shape = tuple[int, ...]

LIKE_A_PRODUCT = re.compile(
    r"conv(?!ert)|mm$|mv$|dot$|matmul|linear|attention|einsum|lstm|gru|rnn|[cp]dist|transformer"
    r"|inner$|kron$|matrix_(power|exp)$|fft[2n]?$|linalg_(?!(vector_|matrix_)?norm$|cross$|diagonal$)"
)
"""names of operators that multiply and accumulate; whoever matches without a formula is refused"""
INTERPOLATION = "upsample"
"""of which ``upsample_bilinear2d`` and its like have *linear* in their names"""


def count(node: Node) -> int:
    """MACs [MAC] of one call; additions of a bias and element-wise work count nothing, as is usual.

    Raises:
        ConfigError: the operator multiplies matrices and has no formula here, or hides a graph of its own.
    """
    target = node.target
    if isinstance(target, HigherOrderOperator):
        raise ConfigError(node.name, f"operator {target} holds a graph of its own; rewrite it without")
    if not isinstance(target, OpOverload):
        return 0
    name = target.overloadpacket.__name__
    if name in FORMULAS:
        return FORMULAS[name](node)
    if LIKE_A_PRODUCT.search(name) and not name.startswith(INTERPOLATION):
        raise ConfigError(
            node.name,
            f"operator {target} has no formula for its MACs; known are {', '.join(sorted(FORMULAS))}",
        )
    return 0


def shape_of(value: Any) -> Shape:
    """Shape of the tensor that a node computes."""
    return tuple(int(side) for side in value.meta["val"].shape)


def _convolution(node: Node) -> int:
    """Outputs x kernel cells x input channels per group; the weight is (out, in / groups, kernel...)."""
    return math.prod(shape_of(node)) * math.prod(shape_of(node.args[1])[1:])


def _transposed(node: Node) -> int:
    """Inputs x kernel cells x output channels per group; the weight is (in, out / groups, kernel...)."""
    return math.prod(shape_of(node.args[0])) * math.prod(shape_of(node.args[1])[1:])


def _any_convolution(node: Node) -> int:
    """`aten.convolution`, whose seventh argument says whether it is transposed."""
    return _transposed(node) if node.args[6] else _convolution(node)


def _product(left: int) -> Formula:
    """A matrix product whose left factor is argument `left`: outputs x length of the shared side."""

    def formula(node: Node) -> int:
        return math.prod(shape_of(node)) * shape_of(node.args[left])[-1]

    return formula


def _attention(node: Node) -> int:
    """Scores (L x S x E) and their weighted sum (L x S x V), per head and input."""
    query, key, value = (shape_of(argument) for argument in node.args[:3])
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _einsum(node: Node) -> int:
    """Product of all sides for two factors; ATen contracts more of them pair by pair."""
    equation, factors = node.args[:2]
    assert isinstance(equation, str) and isinstance(factors, (list, tuple))
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if len(factors) > 2 or "..." in equation:
        raise ConfigError(node.name, f"einsum {equation!r} is not counted; two factors without '...' are")
    shapes = [shape_of(factor) for factor in factors]
    sides = {
        letter: side
        for term, shape in zip(terms, shapes, strict=True)
        for letter, side in zip(term, shape, strict=True)
    }
    return math.prod(sides.values()) if len(factors) == 2 else 0


FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "convolution": _any_convolution,
    **dict.fromkeys(("linear", "mm", "bmm", "matmul", "mv", "dot"), _product(0)),
    **dict.fromkeys(("addmm", "baddbmm", "addbmm", "addmv"), _product(1)),
    "scaled_dot_product_attention": _attention,
    "einsum": _einsum,
}
