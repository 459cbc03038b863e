"""Types of records in numba: one type per class, independent of the number of classes, stores or rows.

An array with a single row counts as contiguous, also where it is woven with others and has a stride as soon
as there are two. Numba compiles a kernel again for each layout of each field, for up to a minute; so what is
woven is always taken for an array with strides, and tables for read-only, which no kernel writes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.extending import typeof_impl

from idn_gym.core.arrays import Draw, Outcome, Tables
from idn_gym.core.outcome_cells import OF_CLASS, OF_LINK, OF_NODE, OF_ROW, OF_STORE, OF_STREAM
from idn_gym.core.pricing import PRICE_FIELDS
from idn_gym.core.weaving import WOVEN
from idn_gym.core.workspace import ENTRY, KEPT, Scratch

GROUPS: dict[type, Sequence[Sequence[str]]] = {
    Outcome: (OF_CLASS, OF_NODE, OF_LINK, OF_STORE, OF_STREAM, OF_ROW),
    Tables: WOVEN,
    Draw: (PRICE_FIELDS[:3],),
    Scratch: (ENTRY.names or (), KEPT.names or ()),
}
"""Fields of records that are woven into one another, so that what is used together lies together.

The fields of a group have the strides of its first one; an axis that this has not is contiguous.
"""


def _record_type(record: Any, context: Any) -> Any:
    """The type of a record of one of the classes above."""
    plain = typeof_impl.dispatch(tuple)(record, context)
    if plain is None:
        return None
    woven = {name for names in GROUPS[type(record)] for name in names}
    fields = zip(record._fields, plain.types, strict=True)
    parts = [_settled(kind, name in woven, isinstance(record, Tables)) for name, kind in fields]
    return types.NamedTuple(parts, type(record))


def _settled(kind: Any, woven: bool, fixed: bool) -> Any:
    if not isinstance(kind, types.Array):
        return kind
    layout, read_only = "A" if woven else kind.layout, fixed or not kind.mutable
    return types.Array(kind.dtype, kind.ndim, layout, readonly=read_only)


for _record in GROUPS:
    typeof_impl.register(_record)(_record_type)
