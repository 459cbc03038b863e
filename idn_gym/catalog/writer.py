"""Writes entries into a file that the catalogue's reader takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from idn_gym.catalog.reader import CatalogTables, content_hash
from idn_gym.catalog.schema import Device, LinkKind, Model
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.files import write_text

FORMS = (".json", ".yaml", ".yml")


def write_catalog(
    path: str | Path,
    models: Iterable[Model] = (),
    devices: Iterable[Device] = (),
    links: Iterable[LinkKind] = (),
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write entries to a JSON or YAML file, whole or not at all; what was there is replaced.

    Args:
        path: file to write, in a folder that is there; its ending says which form.
        models: entries under ``models``.
        devices: entries under ``devices``.
        links: entries under ``links``.
        about: where the file comes from, as JSON can hold it; a hash of the whole content is added, which
            `load_catalog` compares.

    Raises:
        ConfigError: the ending is neither JSON nor YAML, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in FORMS:
        raise ConfigError("path", f"{str(path)!r} is not allowed; must end in {', '.join(FORMS)}")
    tables = to_plain(CatalogTables(tuple(models), tuple(devices), tuple(links)))
    present = {key: rows for key, rows in tables.items() if rows}
    if about:
        present = {"about": dict(about), **present}
        present["about"]["hash"] = content_hash(present)
    if path.suffix == ".json":
        text = json.dumps(present, indent=1) + "\n"
    else:
        text = yaml.safe_dump(present, sort_keys=False, allow_unicode=True)
    try:
        write_text(path, text)
    except OSError as error:
        raise ConfigError("path", f"{str(path)!r} cannot be written ({error.strerror})") from None
    return path
