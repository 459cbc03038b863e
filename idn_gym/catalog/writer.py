"""Writes entries into a file that the catalogue's reader takes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import yaml

from idn_gym.catalog.reader import Tables
from idn_gym.catalog.schema import Device, LinkKind, Model
from idn_gym.strict import ConfigError, write

FORMS = (".json", ".yaml", ".yml")


def write_catalog(
    path: str | Path,
    models: Iterable[Model] = (),
    devices: Iterable[Device] = (),
    links: Iterable[LinkKind] = (),
) -> Path:
    """Write entries to a JSON or YAML file, whole or not at all; what was there is replaced.

    Args:
        path: file to write, in a folder that is there; its ending says which form.
        models: entries under ``models``.
        devices: entries under ``devices``.
        links: entries under ``links``.

    Raises:
        ConfigError: the ending is neither JSON nor YAML, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in FORMS:
        raise ConfigError("path", f"{str(path)!r} is not allowed; must end in {', '.join(FORMS)}")
    tables = write(Tables(tuple(models), tuple(devices), tuple(links)))
    present = {key: rows for key, rows in tables.items() if rows}
    if path.suffix == ".json":
        text = json.dumps(present, indent=1) + "\n"
    else:
        text = yaml.safe_dump(present, sort_keys=False, allow_unicode=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ConfigError("path", f"{str(path)!r} cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path
