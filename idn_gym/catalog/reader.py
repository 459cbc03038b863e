"""Reads the shipped tables and a user's own files into one `Catalog`."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from idn_gym.catalog.schema import Catalog, Device, LinkKind, Model
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml

SHIPPED_TABLES = Path(__file__).parent / "data"
"""folder of the tables that come with the package"""

_Entry = TypeVar("_Entry", Model, Device, LinkKind)


@dataclass(frozen=True)
class CatalogTables:
    """Content of one file of the catalogue."""

    models: tuple[Model, ...] = ()
    devices: tuple[Device, ...] = ()
    links: tuple[LinkKind, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    """where the file comes from; a ``hash`` in it must be that of the content"""


def load_catalog(extra: tuple[str, ...] = ()) -> Catalog:
    """The shipped tables plus a user's own.

    Args:
        extra: files (YAML or JSON) or folders of such files, each with lists under ``models``,
            ``devices`` and ``links``.

    Raises:
        ConfigError: naming file and field of an entry that cannot be read, of a name that is
            taken, of a measured row for an unknown device, or of a hash that is not the content's.
    """
    tables = [*_shipped(), *(_read_file(path) for name in extra for path in _files(Path(name)))]
    catalog = Catalog(
        models=_by_name("models", [(path, t.models) for path, t in tables]),
        devices=_by_name("devices", [(path, t.devices) for path, t in tables]),
        links=_by_name("links", [(path, t.links) for path, t in tables]),
    )
    for path, table in tables:
        _check_devices(path, table, catalog)
    return catalog


@functools.cache
def _shipped() -> tuple[tuple[Path, CatalogTables], ...]:
    return tuple(_read_file(path) for path in _files(SHIPPED_TABLES))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
    if not found:
        raise ConfigError(str(path), "is a folder without .yaml, .yml or .json files")
    return found


def _read_file(path: Path) -> tuple[Path, CatalogTables]:
    plain = read_yaml(path)
    tables = from_plain(CatalogTables, plain, str(path))
    if "hash" in tables.about and tables.about["hash"] != content_hash(plain):
        raise ConfigError(
            f"{path}.about.hash", "does not match the content; build the file again, or remove the hash"
        )
    return path, tables


def content_hash(plain: Mapping[str, Any]) -> str:
    """SHA-256 of a file's content as plain mappings, but for the hash in its ``about``."""
    rest = {key: value for key, value in plain.get("about", {}).items() if key != "hash"}
    text = json.dumps({**plain, "about": rest}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_name(field: str, parts: Iterable[tuple[Path, tuple[_Entry, ...]]]) -> dict[str, _Entry]:
    found: dict[str, tuple[_Entry, Path]] = {}
    for path, entries in parts:
        for i, entry in enumerate(entries):
            if entry.name in found:
                taken = f"{entry.name!r} is taken by {found[entry.name][1]}; rename it"
                raise ConfigError(f"{path}.{field}.{i}.name", taken)
            found[entry.name] = (entry, path)
    return {name: entry for name, (entry, _) in found.items()}


def _check_devices(path: Path, table: CatalogTables, catalog: Catalog) -> None:
    for i, model in enumerate(table.models):
        for k, row in enumerate(model.seconds):
            if row.device not in catalog.devices:
                raise ConfigError(
                    f"{path}.models.{i}.seconds.{k}.device",
                    f"{row.device!r} is unknown; {closest(row.device, list(catalog.devices))}",
                )
