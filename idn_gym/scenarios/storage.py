"""Save an `Instance` to one npz file and load it again."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from idn_gym.core.arrays import Draw, Instance, Tables
from idn_gym.core.validate import InstanceError, check_instance, freeze

FORMAT = 1


def save_instance(instance: Instance, path: str | Path) -> None:
    """Write tables and draw; the file appears whole or not at all."""
    path = Path(path)
    fields = {f"tables.{name}": value for name, value in instance.tables._asdict().items()}
    fields |= {f"draw.{name}": value for name, value in instance.draw._asdict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, format=FORMAT, **fields)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_instance(path: str | Path) -> Instance:
    """Read what `save_instance` wrote, and check it.

    Raises:
        InstanceError: the file is not an instance, is of another format, or is inconsistent.
    """
    try:
        # numpy.load alone would also take a single array, and read pickles from other than zip files.
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            fields = dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InstanceError(f"{path}: cannot be read as an instance ({error})") from None
    if int(fields.get("format", 0)) != FORMAT:
        raise InstanceError(f"{path}: format {fields.get('format')} is not allowed; must be {FORMAT}")
    missing = [name for name in _names() if name not in fields]
    if missing:
        raise InstanceError(f"{path}: field {missing[0]!r} is missing")
    tables = Tables._make(_plain(fields[f"tables.{name}"]) for name in Tables._fields)
    instance = Instance(freeze(tables), Draw(*(fields[f"draw.{name}"] for name in Draw._fields)))
    check_instance(instance)
    return instance


def _names() -> list[str]:
    return [f"tables.{name}" for name in Tables._fields] + [f"draw.{name}" for name in Draw._fields]


def _plain(value: np.ndarray) -> np.ndarray | float | int:
    """Scalars come back from npz as arrays without axes."""
    return value if value.ndim else value.item()
