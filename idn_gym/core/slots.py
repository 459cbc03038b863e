"""Rows and single slots cut out of an instance: what a learner may know of a slot that is over."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from idn_gym.core.arrays import Draw, Instance, Ints, Outcome, Residents, State
from idn_gym.core.places import place_of
from idn_gym.core.pricing import PRICE_FIELDS, option_prices

MOVING = (
    *("demand", "seconds", "memory", "rate", "refill", "uniforms"),
    *("charge_second", "charge_byte", "charge_drop", "charge_slot", "condition"),
)
"""Fields of `Draw` with an axis of slots."""

ESTIMATED = ("error_in_force", "price_list", "last_choice")
"""Fields that are rewritten where accuracies are estimated, beside prices of options."""


Record = TypeVar("Record", bound=tuple[Any, ...])


def copied(record: Record) -> Record:
    """A record of arrays with arrays of its own; those of an outcome lie in cells of its own, as before."""
    fields: Any = [field.copy() for field in record]
    if isinstance(record, Outcome):
        cells, start = fields[-1], _address(record.cells)
        fields = [
            field if field.dtype != cells.dtype else _view_at(cells, _address(old) - start, old)
            for field, old in zip(fields, record, strict=True)
        ]
    return type(record)(*fields)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _view_at(cells: Any, offset: int, like: Any) -> Any:
    return np.ndarray(like.shape, like.dtype, cells, offset, like.strides)


def put_fields(record: Any, fields: Any) -> None:
    """Copy fields to where those of a record are, which may be parts of one piece of memory."""
    for field, value in zip(record, fields, strict=True):
        field[:] = value


def one_slot(instance: Instance, slot: Ints) -> Instance:
    """The instance in which row b has only slot `slot[b]` (T = 1); the tables are shared.

    Conditions are left out: they are hidden. Prices are copied where they change with the slots.
    """
    rows = np.arange(len(slot))
    draw = instance.draw._asdict()
    t = place_of(slot, instance.draw.demand.shape[1])
    moving = {name: draw[name][rows, t][:, None] for name in MOVING}
    moving["condition"] = np.zeros((len(slot), 1, 0), np.int32)
    if instance.tables.answer_streams:
        moving |= {name: draw[name].copy() for name in ESTIMATED}
        moving |= option_prices(instance.tables, len(draw["option_cost"]))
        for name in PRICE_FIELDS[:3]:
            moving[name][:] = draw[name]
    return Instance(instance.tables, instance.draw._replace(**moving))


def placement_per_row(placement: Residents, b: int) -> Residents:
    """A placement (N, M) as kernels take it, (b + 1, N, M): that of row b and of those before it."""
    return np.repeat(placement[None].astype(np.int32), b + 1, axis=0)


def one_state(state: State, b: int) -> State:
    """Row b of the state alone."""
    return State(**{name: field[b : b + 1] for name, field in state._asdict().items()})


def one_row(instance: Instance, b: int) -> Instance:
    """Row b of the instance alone; tables are shared."""
    fields = instance.draw._asdict()
    return Instance(
        instance.tables,
        Draw(**{name: field[b : b + 1] if len(field) > 1 else field for name, field in fields.items()}),
    )
