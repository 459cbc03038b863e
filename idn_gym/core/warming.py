"""Asking for memory before it is needed, so that caches are waited for once and not class by class.

What a class reads lies far apart: its first entry, the record of that option, its parts and exit branches,
each known only once the one before has come. Of many classes all can be asked for together.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

from idn_gym.core.arrays import Ints, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.workspace import Scratch

TOGETHER = 16
"""Classes whose memory is requested together: their data fit into the smallest cache."""


@intrinsic
def _ask_for(typing: Any, array: Any, i: Any) -> Any:
    """Ask for the cell of a 1-d array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        box = arrayobj.make_array(array)(context, builder, arguments[0])
        stride = cgutils.unpack_tuple(builder, box.strides, 1)[0]
        index = context.cast(builder, arguments[1], i, types.int64)
        cell = cgutils.pointer_add(builder, box.data, builder.mul(stride, index), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cell.type, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [cell.type], kind)
        read_kept_data = (ir.Constant(number, n) for n in (0, 3, 1))
        builder.call(ask, [cell, *read_kept_data])
        return context.get_dummy_value()

    return types.void(array, i), generate


def _ignore(array: Any, i: int) -> None:
    """Replacement where compiling is switched off."""


ask_for: Any = _ignore if numba.config.DISABLE_JIT else _ask_for
"""In a kernel: ``ask_for(array, i)`` prefetches the memory of ``array[i]``, without waiting for it."""


@njit_inline
def warm_classes(tables: Tables, b: int, classes: Ints, first: int, last: int, scratch: Scratch) -> None:
    """Ask for what serving ``classes[first:last]`` reads, if they use the options of the slot before."""
    start = (b % len(scratch.change)) * len(tables.option_model)
    for k in range(first, last):
        ask_for(scratch.option, start + tables.option_start[classes[k]])
    for k in range(first, last):
        o = scratch.option[start + tables.option_start[classes[k]]]
        ask_for(tables.option_error, o)
        ask_for(tables.branch_start, o)
    for k in range(first, last):
        o = scratch.option[start + tables.option_start[classes[k]]]
        ask_for(tables.part_seconds, tables.part_start[o])
        ask_for(tables.part_position, tables.part_start[o])
        ask_for(tables.branch_share, tables.branch_start[o])
        ask_for(tables.branch_parts, tables.branch_start[o])
