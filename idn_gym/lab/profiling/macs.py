"""Multiply-accumulates of ATen operators, from the shapes of what goes in and comes out.

Half the FLOPs of `torch.utils.flop_counter`, which tests compare them with. That counter takes an operator it
does not know for free, and recurrences and attention for what the back end of the machine makes of them; so
each operator has a formula of its own here, and one that multiplies and has none is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from torch._ops import HigherOrderOperator, OpOverload
from torch.fx import Node

from idn_gym.config_reader import ConfigError
from idn_gym.lab.profiling.extents import shape_of

Operands = dict[str, Any]
"""by name in the operator's schema; what is not given is left out"""
Formula = Callable[[Node, Operands], int]

LIKE_A_PRODUCT = re.compile(
    r"conv(?!ert)|mm$|mv$|dot$|matmul|linear|attention|einsum|lstm|gru|rnn|[cp]dist|transformer|cov$|corrcoef$"
    r"|inner$|kron$|matrix_(power|exp)$|fft(?!freq|shift)|stft$|linalg_(?!(vector_|matrix_)?norm$|cross$|diagonal$)"
    r"|cholesky|inverse$|solve$|det$|svd$|qr$"
)
"""names of operators that multiply and accumulate; a match without a formula is refused"""
INTERPOLATION = "upsample"
"""of which ``upsample_bilinear2d`` and its like have *linear* in their names"""


def count_macs(node: Node) -> int:
    """MACs [MAC] of one call; additions of a bias and element-wise work count nothing, as is usual.

    Raises:
        ConfigError: the operator multiplies matrices and has no formula here, or hides a graph of its own.
    """
    target = node.target
    if isinstance(target, HigherOrderOperator):
        raise ConfigError(node.name, f"operator {target} holds a subgraph; rewrite the module without it")
    if not isinstance(target, OpOverload):
        return 0
    name = target.overloadpacket.__name__
    if name in FORMULAS:
        names = [argument.name for argument in target._schema.arguments]
        return FORMULAS[name](node, {**dict(zip(names, node.args, strict=False)), **node.kwargs})
    if hides_products(target):
        raise ConfigError(
            node.name,
            f"operator {target} has no formula for its MACs; known operators: {', '.join(sorted(FORMULAS))}",
        )
    return 0


def hides_products(target: OpOverload) -> bool:
    """Return whether an operator multiplies and accumulates, but has no formula here."""
    name = target.overloadpacket.__name__
    return bool(LIKE_A_PRODUCT.search(name)) and name not in FORMULAS and not name.startswith(INTERPOLATION)


def _cells(value: Any) -> int:
    return math.prod(shape_of(value))


def _convolution(node: Node, given: Operands) -> int:
    """Outputs x kernel cells x input channels per group; the weight is (out, in / groups, kernel...).

    Or outputs x pairs of inputs, of a bilinear layer, whose weight is (out, in, in).
    """
    return _cells(node) * math.prod(shape_of(given["weight"])[1:])


def _transposed(node: Node, given: Operands) -> int:
    """Inputs x kernel cells x output channels per group; the weight is (in, out / groups, kernel...)."""
    return _cells(given["input"]) * math.prod(shape_of(given["weight"])[1:])


def _any_convolution(node: Node, given: Operands) -> int:
    """`aten.convolution`, which says whether it is transposed."""
    return _transposed(node, given) if given["transposed"] else _convolution(node, given)


def _product(left: str) -> Formula:
    """Outputs x length of the side that is summed: the last one of factor `left`."""

    def formula(node: Node, given: Operands) -> int:
        return _cells(node) * shape_of(given[left])[-1]

    return formula


def _sum_of_products(node: Node, given: Operands) -> int:
    """`aten.addbmm`: all products (b, n, m) x (b, m, p), though their sum is but (n, p)."""
    return _cells(given["batch1"]) * shape_of(given["batch2"])[-1]


def _attention(node: Node, given: Operands) -> int:
    """Scores (L x S x E) and their weighted sum (L x S x V), per head and input of the answer (..., L, V)."""
    *rows, width = shape_of(node)
    return math.prod(rows) * shape_of(given["key"])[-2] * (shape_of(given["query"])[-1] + width)


def _recurrence(node: Node, given: Operands) -> int:
    """Every weight matrix of every layer and direction, once per step and input."""
    steps = math.prod(shape_of(given["input" if "input" in given else "data"])[:-1])
    weights = given["params"] if "params" in given else [given["w_ih"], given["w_hh"]]
    return steps * sum(_cells(weight) for weight in weights if len(shape_of(weight)) == 2)


FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "bilinear"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "convolution": _any_convolution,
    "linear": _product("input"),
    **dict.fromkeys(("mm", "bmm", "matmul", "mv", "dot"), _product("self")),
    "addmm": _product("mat1"),
    "baddbmm": _product("batch1"),
    "addbmm": _sum_of_products,
    "addmv": _product("mat"),
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrence),
    **dict.fromkeys(("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), _recurrence),
}
