"""Save an `Instance` to one npz file and load it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Draw, Instance, Tables
from idn_gym.core.validate import InstanceError, check_instance, check_kinds, freeze_tables
from idn_gym.files import atomically, read_arrays

INSTANCE_FORMAT = 7


def save_instance(instance: Instance, path: str | Path) -> None:
    """Write tables and draw; the file appears whole or not at all."""
    path = Path(path)
    fields: dict[str, Any] = {f"tables.{name}": value for name, value in instance.tables._asdict().items()}
    fields |= {f"draw.{name}": value for name, value in instance.draw._asdict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    atomically(path, lambda file: np.savez_compressed(file, format=INSTANCE_FORMAT, **fields))


def load_instance(path: str | Path) -> Instance:
    """Read what `save_instance` wrote, and check it: kernels follow its indices without looking.

    Raises:
        InstanceError: the file is not an instance, is of another format, or is inconsistent.
    """
    try:
        fields = read_arrays(path, "an instance")
    except ConfigError as error:
        raise InstanceError(str(error)) from None
    form = fields.get("format")
    if form is None or form.ndim or form.dtype.kind not in "iu" or form.item() != INSTANCE_FORMAT:
        found = None if form is None else show(form.tolist())
        raise InstanceError(f"{path}: format {found} is not allowed; must be {INSTANCE_FORMAT}")
    try:
        tables = Tables(*(_field(fields, f"tables.{name}") for name in Tables._fields))
        draw = Draw(*(_field(fields, f"draw.{name}") for name in Draw._fields))
        check_kinds(tables, draw)  # first: freezing would make indices of anything
        plain = (_plain(value) for value in tables)
        drawn: Any = map(np.ascontiguousarray, draw)
        instance = Instance(freeze_tables(Tables._make(plain)), Draw(*drawn))
        check_instance(instance)
    except InstanceError as error:
        raise InstanceError(f"{path}: {error}") from None
    return instance


def _plain(value: Any) -> Any:
    """Scalars come back from npz as arrays without axes."""
    return value if value.ndim else value.item()


def _field(fields: dict[str, npt.NDArray[Any]], name: str) -> Any:
    if name not in fields:
        raise InstanceError(f"field {name!r} is missing")
    return fields[name]
