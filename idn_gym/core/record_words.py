"""A record in words of 64 bits: of an array its address, shape and strides, of a number the number.

Code that numba generates, for `handover`. In stages a record is no more than the address of its words, of
which a field is read where it is asked for: kernels hand one number on to each other, where sixty arrays
would take numba four times as long to compile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, register_model
from numba.np import arrayobj

WORD = ir.IntType(64)


class RecordAt(types.Type):  # type: ignore[misc]  # numba carries no types
    """A record that is read from its words."""

    def __init__(self, kind: Any, leaders: Mapping[str, str]) -> None:
        """Type of a record of the named tuple `kind`; a class of records has one such type.

        `leaders` names, for each field that is woven with others, the one whose strides it has.
        """
        self.kind, self.leaders = kind, leaders
        super().__init__(f"RecordAt({kind.instance_class.__name__})")


@register_model(RecordAt)
class _AddressModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, WORD.as_pointer())


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]
    key = RecordAt

    def generic_resolve(self, record: Any, name: str) -> Any:
        names = record.kind.instance_class._fields
        return _field_type(record.kind.types[names.index(name)]) if name in names else None


def _field_type(kind: Any) -> Any:
    return RecordAt(kind, {}) if isinstance(kind, types.BaseNamedTuple) else kind


@lower_getattr_generic(RecordAt)
def _read_field(context: Any, builder: Any, record: Any, words: Any, name: str) -> Any:
    number = record.kind.instance_class._fields.index(name)
    place = sum(map(count_words, record.kind.types[:number]))
    kind = record.kind.types[number]
    if isinstance(kind, types.BaseNamedTuple):
        return cgutils.gep_inbounds(builder, words, place)
    if name in record.leaders:
        return _read_woven(context, builder, record, kind, words, place, record.leaders[name])
    return fetch_part(context, builder, kind, words, place)[0]


def _read_woven(
    context: Any, builder: Any, record: Any, kind: Any, words: Any, place: int, leader: str
) -> Any:
    """An array with the strides of its leader, so that a place in the group is computed once for all."""
    number = record.kind.instance_class._fields.index(leader)
    axes = int(record.kind.types[number].ndim)
    start = sum(map(count_words, record.kind.types[:number])) + 1 + axes
    load = [load_word(builder, cgutils.gep_inbounds(builder, words, start + i)) for i in range(axes)]
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    strides = [load[i] if i < axes else ir.Constant(WORD, size) for i in range(kind.ndim)]
    address, *shape = (
        load_word(builder, cgutils.gep_inbounds(builder, words, place + i)) for i in range(1 + kind.ndim)
    )
    return _make_array(context, builder, kind, address, shape, strides)


def written_type(kind: Any, woven: Sequence[str], name: str = "") -> Any:
    """The type with every array writable and of one layout, so that records of one class have one type."""
    if isinstance(kind, types.Array):
        if kind.layout != "C" and name not in woven:
            raise TypeError(f"{name}: {kind} is not contiguous")
        return types.Array(kind.dtype, kind.ndim, "A" if name in woven else "C")
    if isinstance(kind, types.BaseNamedTuple):
        names = kind.instance_class._fields
        parts = [written_type(part, woven, name) for name, part in zip(names, kind.types, strict=True)]
        return types.NamedTuple(parts, kind.instance_class)
    if isinstance(kind, types.BaseTuple):
        return types.Tuple([written_type(part, woven, name) for part in kind.types])
    return kind


def count_words(kind: Any) -> int:
    """Words of a record of this type."""
    if isinstance(kind, types.Array):
        return 1 + 2 * int(kind.ndim)
    if isinstance(kind, types.BaseTuple):
        return sum(map(count_words, kind.types))
    return 1


def stow_part(context: Any, builder: Any, kind: Any, value: Any, data: Any, place: int) -> int:
    """Write one part from `place` on; returns the place after it."""
    if isinstance(kind, types.BaseTuple):
        for i, part in enumerate(kind.types):
            place = stow_part(context, builder, part, builder.extract_value(value, i), data, place)
        return place
    if isinstance(kind, types.Array):
        array = arrayobj.make_array(kind)(context, builder, value)
        sizes = [cgutils.unpack_tuple(builder, part, kind.ndim) for part in (array.shape, array.strides)]
        words = [builder.ptrtoint(array.data, WORD), *sizes[0], *sizes[1]]
    elif isinstance(kind, types.Float):
        words = [builder.bitcast(value, WORD)]
    else:
        words = [context.cast(builder, value, kind, types.int64)]
    for word in words:
        builder.store(word, cgutils.gep_inbounds(builder, data, place))
        place += 1
    return place


def fetch_part(context: Any, builder: Any, kind: Any, data: Any, place: int) -> tuple[Any, int]:
    """Read one part from `place` on; returns it and the place after it."""
    if isinstance(kind, types.BaseTuple):
        parts = []
        for part in kind.types:
            value, place = fetch_part(context, builder, part, data, place)
            parts.append(value)
        return context.make_tuple(builder, kind, parts), place
    word = load_word(builder, cgutils.gep_inbounds(builder, data, place))
    if isinstance(kind, types.Array):
        end = place + 1 + 2 * kind.ndim
        sizes = [load_word(builder, cgutils.gep_inbounds(builder, data, i)) for i in range(place + 1, end)]
        return _make_array(context, builder, kind, word, sizes[: kind.ndim], sizes[kind.ndim :]), end
    if isinstance(kind, types.Float):
        return builder.bitcast(word, ir.DoubleType()), place + 1
    return context.cast(builder, word, types.int64, kind), place + 1


def load_word(builder: Any, pointer: Any) -> Any:
    """A word that nothing changes while stages run, so that the compiler may read it again or not at all."""
    word = builder.load(pointer)
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


def load_record(builder: Any, pointer: Any, kind: Any) -> Any:
    """Addresses of a record's words, all of which may be read in advance, before loops."""
    words = load_word(builder, builder.bitcast(pointer, WORD.as_pointer().as_pointer()))
    size = ir.Constant(WORD, 8 * count_words(kind))
    words.set_metadata("dereferenceable", builder.module.add_metadata([size]))
    words.set_metadata("align", builder.module.add_metadata([ir.Constant(WORD, 8)]))
    return words


def _make_array(
    context: Any, builder: Any, kind: Any, address: Any, shape: list[Any], strides: list[Any]
) -> Any:
    array = arrayobj.make_array(kind)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    arrayobj.populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=cgutils.pack_array(builder, shape) if shape else (),
        strides=cgutils.pack_array(builder, strides) if strides else (),
        itemsize=context.get_constant(types.intp, size),
        meminfo=None,
    )
    return array._getvalue()
